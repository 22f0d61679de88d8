//! What a step refuses, and that nothing has changed then.

use crate::trial::{RATES, Trial, queue, small};
use qgface_data::nn::{Curve, HeadKind, Ir, Range, Trunk};
use qgface_data::train::{Batch, Error, Rates, Scales, StepGraph, StepOptions};

#[test]
fn a_step_with_a_nan_changes_nothing_and_says_so() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    trial.step(&RATES);
    let before = trial.stepper.state().unwrap();
    let good = std::mem::replace(&mut trial.images[7], f32::NAN);
    let stepped = trial.step(&RATES);
    assert!(!stepped.applied && !stepped.scalars.loss.is_finite(), "{stepped:?}");
    assert_eq!(trial.stepper.state().unwrap(), before);
    trial.images[7] = good;
    assert!(trial.step(&RATES).applied);
    assert_ne!(trial.stepper.state().unwrap(), before);
}

#[test]
fn a_batch_with_a_nan_amid_a_step_begins_the_step_anew() {
    let of_two = StepOptions { accumulate: 2, ..small(HeadKind::AdaFace, queue(12)) };
    let mut trial = Trial::new(of_two);
    assert!(trial.step(&RATES).applied);
    let good = std::mem::replace(&mut trial.images[7], f32::NAN);
    let stepped = trial.step(&RATES);
    assert!(!stepped.applied && stepped.step.is_none(), "{stepped:?}");
    assert_eq!(trial.stepper.batches(), 0);
    trial.images[7] = good;
    // What lies where gradients are summed is no number now.
    let (first, second) = (trial.step(&RATES), trial.step(&RATES));
    assert!(first.applied && first.step.is_none(), "{first:?}");
    let step = second.step.unwrap();
    assert_eq!(step.loss, (first.scalars.loss + second.scalars.loss) / 2.0);
    assert_eq!(step.gradient_norm, second.scalars.gradient_norm);
}

#[test]
fn a_step_that_has_begun_goes_on_in_a_step_of_as_many_batches_alone() {
    let of = |accumulate| StepOptions { accumulate, ..small(HeadKind::AdaFace, queue(12)) };
    let mut trial = Trial::new(of(3));
    trial.step(&RATES);
    trial.step(&RATES);
    let begun = trial.stepper.state().unwrap();
    for accumulate in [1, 2] {
        let error = Trial::new(of(accumulate)).stepper.load(&begun).unwrap_err();
        assert!(matches!(&error, Error::State { name, .. } if name == "step.batches"), "{error}");
    }
    let mut again = Trial::new(of(3));
    again.stepper.load(&begun).unwrap();
    assert_eq!(again.stepper.state().unwrap(), begun);
    assert_eq!((trial.step(&RATES), trial.stepper.batches()), (again.step(&RATES), 0));
}

#[test]
fn a_label_that_is_no_class_is_named() {
    for label in [5, -1] {
        let mut trial = Trial::new(small(HeadKind::AdaFace, None));
        trial.labels[2] = label;
        let batch = trial.batch();
        let error = trial.stepper.step(&batch, &RATES).unwrap_err();
        assert!(matches!(error, Error::Label { position: 2, classes: 5, .. }), "{error}");
        assert!(error.to_string().contains("from 0 to 4"), "{error}");
    }
}

fn residual(options: &mut StepOptions) -> &mut Ir {
    let Trunk::Ir(ir) = &mut options.backbone.trunk else { panic!("a residual network") };
    ir
}

#[test]
fn batches_of_another_size_are_refused() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let batch = trial.batch();
    let (images, labels) = (batch.images, batch.labels);
    for (images, labels, masks) in [
        (&images[1..], &labels[..], trial.masks.clone()),
        (&images[..], &labels[1..], trial.masks.clone()),
        (&images[..], &labels[..], vec![]),
        (&images[..], &labels[..], vec![vec![true]]),
    ] {
        let (images, labels) = (images.to_vec(), labels.to_vec());
        let batch = Batch { number: 0, images, labels, masks };
        let error = trial.stepper.step(&batch, &RATES).unwrap_err();
        assert!(matches!(error, Error::BatchSize { .. }), "{error}");
    }
}

#[test]
fn options_without_a_step_are_refused() {
    let usual = || small(HeadKind::AdaFace, None);
    let with = |change: fn(&mut StepOptions)| {
        let mut options = small(HeadKind::AdaFace, queue(4));
        change(&mut options);
        options
    };
    let line = with(|options| {
        let Some((contrast, _)) = &mut options.joint.contrast else { panic!("a contrast") };
        (contrast.curve, contrast.range) = (Curve::Linear, Range::Whole);
        options.scales = Scales::Fixed { head: 0.0, contrast: 0.999 };
    });
    for (option, options) in [
        ("classes", StepOptions { classes: 1, ..usual() }),
        ("classes", StepOptions { classes: (1 << 24) + 1, ..usual() }),
        ("batch", StepOptions { batch: 1, ..usual() }),
        ("batch", StepOptions { batch: 0, ..usual() }),
        ("batch", StepOptions { batch: usize::MAX, ..usual() }),
        ("views", StepOptions { views: 3, ..usual() }),
        ("accumulate", StepOptions { accumulate: 0, ..usual() }),
        ("views", with(|options| options.views = 1)),
        ("queue", small(HeadKind::AdaFace, queue(0))),
        ("queue", small(HeadKind::AdaFace, queue(usize::MAX))),
        ("stride", with(|options| residual(options).blocks[0].stride = 0)),
        ("channels", with(|options| options.backbone.embedding = 0)),
        ("image", with(|options| options.backbone.image = [0, 16])),
        ("dropout", with(|options| options.backbone.dropout = 1.0)),
        ("margin of the head", with(|options| options.joint.head.m = 3.2)),
        ("scale of the head", with(|options| options.joint.head.s = f64::NAN)),
        ("t_alpha of the head", with(|options| options.joint.head.t_alpha = 2.0)),
        ("momentum", with(|options| options.sgd.momentum = f64::NAN)),
        (
            "quality scale of the head",
            with(|options| {
                options.scales = Scales::Fixed { head: 1.5, contrast: 0.0 };
            }),
        ),
        ("quality scale of the contrast", line),
    ] {
        let error = StepGraph::new(options).unwrap_err();
        assert!(matches!(error, Error::Option { option: own, .. } if own == option), "{error}");
    }
}

#[test]
fn rates_that_would_spoil_the_state_are_refused() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    let batch = trial.batch();
    for rates in [
        Rates { learning: f32::NAN, ..RATES },
        Rates { contrast_weight: f32::INFINITY, ..RATES },
        Rates { head_scale: -0.1, ..RATES },
        Rates { contrast_scale: f32::NAN, ..RATES },
    ] {
        let error = trial.stepper.step(&batch, &rates).unwrap_err();
        assert!(matches!(error, Error::Option { .. }), "{error}");
    }
    assert_eq!(trial.stepper.state().unwrap(), before);
}

/// Its loss is finite, and the running variance would not be.
#[test]
fn an_image_that_overflows_the_statistics_changes_nothing() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    trial.images[7] = 1e25;
    assert!(!trial.step(&RATES).applied);
    assert_eq!(trial.stepper.state().unwrap(), before);
}

#[test]
fn a_state_of_another_network_is_refused_and_nothing_changes() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    let mut other = before.clone();
    other.tensors["backbone.input_layer.0.weight"].data.fill(9.0);
    other.tensors["head.kernel"].shape = vec![16, 6];
    let error = trial.stepper.load(&other).unwrap_err();
    assert!(error.to_string().contains("head.kernel"), "{error}");
    other.tensors.shift_remove("head.kernel");
    assert!(matches!(trial.stepper.load(&other), Err(Error::State { .. })));
    assert_eq!(trial.stepper.state().unwrap(), before);
}
