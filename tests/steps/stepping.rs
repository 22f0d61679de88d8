//! That steps learn, what they keep, and what they copy.

use crate::trial::{HEADS, RATES, Trial, queue, small};
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{Architecture, Backbone, EmaStart, HeadKind};
use qgface_data::runtime::{Device, OnMissing, Runtime};
use qgface_data::train::tuning::with_library;
use qgface_data::train::{Batch, Rates, SCALARS, Scales, StepOptions};

/// With the contrast too: three of the reference's heads crash there.
#[test]
fn every_head_learns() {
    for kind in HEADS {
        for contrast in [None, queue(12)] {
            let mut trial = Trial::new(small(kind, contrast));
            let first = trial.step(&RATES);
            let last = (0..40).map(|_| trial.step(&RATES)).last().unwrap();
            assert!(first.applied && last.applied, "{kind:?}: {last:?}");
            let (before, after) = (first.scalars.loss_cla, last.scalars.loss_cla);
            assert!(after < 0.5 * before, "{kind:?}: {before} to {after}");
            assert_eq!(last.scalars.loss_con != 0.0, contrast.is_some(), "{kind:?}");
        }
    }
}

/// The last normalisation makes zeros of them; a division by their length would be no number.
#[test]
fn rows_of_equal_features_are_a_step() {
    let options = StepOptions { batch: 1, ..small(HeadKind::AdaFace, queue(6)) };
    let mut trial = Trial::new(options);
    let half = trial.images.len() / 2;
    trial.images.copy_within(..half, half);
    let mask = &mut trial.masks[0];
    let masked = mask.len() / 2;
    mask.copy_within(..masked, masked);
    let stepped = trial.step(&RATES);
    assert!(stepped.applied, "{stepped:?}");
}

/// One image in two views has a deviation.
#[test]
fn a_batch_of_one_image_in_two_views_is_a_step() {
    let options = StepOptions { batch: 1, ..small(HeadKind::AdaFace, queue(6)) };
    let mut trial = Trial::new(options);
    let stepped = trial.step(&RATES);
    assert!(stepped.applied, "{stepped:?}");
    assert_eq!(trial.numbers("queue.filled"), [2.0]);
}

#[test]
fn a_queue_shorter_than_the_batch_keeps_its_front() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(3)));
    trial.labels = vec![4, 2, 1, 0];
    assert!(trial.step(&RATES).applied && trial.step(&RATES).applied);
    assert_eq!(trial.numbers("queue.filled"), [3.0]);
    assert_eq!(trial.numbers("queue.labels"), [4.0, 2.0, 1.0]);
}

#[test]
fn a_queue_grows_and_then_forgets_the_oldest() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    trial.step(&RATES);
    assert_eq!(trial.numbers("queue.filled"), [8.0]);
    assert_eq!(trial.numbers("queue.labels")[8..], [0.0; 4]);
    let first = trial.numbers("queue.embeddings")[..4 * 16].to_vec();
    trial.step(&RATES);
    assert_eq!(trial.numbers("queue.filled"), [12.0]);
    assert_eq!(trial.numbers("queue.embeddings")[8 * 16..], first);
}

/// later_detach: the contrast counts for nothing, and goes on.
#[test]
fn without_weight_the_contrast_still_moves_its_state() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    let stepped = trial.step(&Rates { contrast_weight: 0.0, ..RATES });
    let scalars = stepped.scalars;
    assert_eq!(scalars.loss, scalars.loss_cla);
    assert!(scalars.loss_con > 0.0 && scalars.margin != 0.0, "{scalars:?}");
    assert_eq!(trial.numbers("queue.filled"), [8.0]);
}

/// later_aug: until the contrast begins, one view is trained, on the same parameters.
#[test]
fn a_state_of_one_view_goes_on_in_two() {
    let mut one = Trial::new(small(HeadKind::AdaFace, None));
    one.step(&RATES);
    let mut two = Trial::new(small(HeadKind::AdaFace, queue(12)));
    let learned = one.stepper.state().unwrap();
    assert!(two.stepper.load(&learned).is_err());
    let learned = learned.completed(two.stepper.graph()).unwrap();
    two.stepper.load(&learned).unwrap();
    assert_eq!(two.numbers("head.kernel"), one.numbers("head.kernel"));
    assert!(two.step(&RATES).applied);
    one.stepper.load(&two.stepper.state().unwrap()).unwrap();
    assert!(one.step(&RATES).applied);
}

/// warmup_scaler: b is fed, and 0 is none.
#[test]
fn scales_that_are_fed_are_those_that_are_fixed() {
    for b in [0.0, 0.3] {
        let scales = Scales::Fixed { head: b.into(), contrast: b.into() };
        let fixed = StepOptions { scales, ..small(HeadKind::ArcFace, queue(12)) };
        let fed = StepOptions { scales: Scales::Fed, ..fixed.clone() };
        let rates = Rates { head_scale: b, contrast_scale: b, ..RATES };
        let [fixed, fed] = [fixed, fed].map(|options| Trial::new(options).step(&rates).scalars);
        assert!((fixed.loss - fed.loss).abs() < 1e-5 * fixed.loss, "b {b}: {fixed:?} {fed:?}");
        assert!((fixed.loss_con - fed.loss_con).abs() < 1e-5, "b {b}: {fixed:?} {fed:?}");
    }
}

/// The mean after two batches of means a and b is a, then 0.01·b + 0.99·a; from zero 0.01·a.
#[test]
fn averages_begin_at_zero_or_with_the_first_batch() {
    let means = |ema_start| {
        let mut options = small(HeadKind::AdaFace, None);
        options.joint.head.ema_start = ema_start;
        let mut trial = Trial::new(options);
        let still = Rates { learning: 0.0, ..RATES };
        trial.step(&still);
        let first = trial.numbers("head.batch_mean")[0];
        trial.images.iter_mut().for_each(|x| *x = x.abs());
        trial.step(&still);
        (first, trial.numbers("head.batch_mean")[0])
    };
    let (zero_first, zero_second) = means(EmaStart::Zero);
    let (first, second) = means(EmaStart::FirstBatch);
    assert!(first > 0.5 && (zero_first - 0.01 * first).abs() < 1e-6, "{zero_first}, {first}");
    let batch = (zero_second - 0.99 * zero_first) / 0.01;
    assert!((batch - first).abs() > 1e-3, "the batches are alike");
    assert!((second - (0.01 * batch + 0.99 * first)).abs() < 1e-4, "{second}, {batch}, {first}");
}

#[test]
fn a_state_that_was_saved_goes_on_to_the_bit() {
    let mut whole = Trial::new(small(HeadKind::AdaFace, queue(12)));
    (0..3).for_each(|_| _ = whole.step(&RATES));
    let saved = whole.stepper.state().unwrap();
    let mut resumed = Trial::new(small(HeadKind::AdaFace, queue(12)));
    resumed.stepper.load(&saved).unwrap();
    for _ in 0..3 {
        assert_eq!(whole.step(&RATES), resumed.step(&RATES));
    }
    assert_eq!(whole.stepper.state().unwrap(), resumed.stepper.state().unwrap());
}

#[test]
fn a_batch_is_copied_while_another_is_learned_from() {
    const STEPS: usize = 6;
    let [mut alone, mut ahead] = [(); 2].map(|()| Trial::new(small(HeadKind::AdaFace, queue(12))));
    let drawn: Vec<Vec<f32>> = (0..=STEPS)
        .map(|step| alone.images.iter().map(|pixel| pixel + step as f32 / 10.0).collect())
        .collect();
    let expected: Vec<_> = drawn[..STEPS]
        .iter()
        .map(|images| {
            alone.images.clone_from(images);
            alone.step(&RATES)
        })
        .collect();
    let feeds = ahead.stepper.feeds().to_vec();
    let (labels, masks) = (ahead.labels.clone(), ahead.masks.clone());
    let write = |step: usize| {
        let images = drawn[step].clone();
        let (labels, masks) = (labels.clone(), masks.clone());
        let batch = Batch { number: 0, images, labels, masks };
        feeds[step % feeds.len()].write(&batch).unwrap();
    };
    write(0);
    for (step, expected) in expected.iter().enumerate() {
        let stepped = std::thread::scope(|scope| {
            scope.spawn(|| write(step + 1));
            ahead.stepper.learn(step % feeds.len(), &RATES).unwrap()
        });
        assert_eq!(stepped, *expected, "step {step}");
    }
}

/// Images, labels, the mask and the rates that have changed go there; the scalars come back.
#[test]
fn a_step_copies_the_batch_and_the_numbers_that_changed() {
    for (scales, numbers) in [(Scales::Fixed { head: 0.3, contrast: 0.3 }, 2), (Scales::Fed, 4)] {
        let options = StepOptions { scales, ..small(HeadKind::AdaFace, queue(12)) };
        let mut trial = Trial::new(options);
        let batch = (4 * trial.images.len() + 8 * trial.labels.len() + trial.masks[0].len()) as u64;
        trial.step(&RATES);
        let mut copied = |rates: &Rates| {
            let before = trial.stepper.traffic();
            trial.step(rates);
            let after = trial.stepper.traffic();
            (after.to_device - before.to_device, after.to_host - before.to_host)
        };
        let scalars = 4 * SCALARS.len() as u64;
        assert_eq!(copied(&RATES), (batch, scalars));
        let others =
            Rates { learning: 0.01, contrast_weight: 0.5, head_scale: 0.1, contrast_scale: 0.1 };
        assert_eq!(copied(&others), (batch + 4 * numbers, scalars));
    }
}

/// A whole step of an IR-18 on CUDA, in ONNX's operators and by cuDNN, beside the same on the processor;
/// what is made twice is the same to the bit. Runs where there is a CUDA device: `cargo test-cuda`.
#[test]
#[ignore = "needs a CUDA device"]
fn cuda_steps_are_those_of_the_processor() {
    let options = StepOptions {
        backbone: Backbone::new(Architecture::Ir18, 1.0),
        classes: 100,
        ..small(HeadKind::AdaFace, queue(64))
    };
    let mut losses = Vec::new();
    // CUDA first: its build of ONNX Runtime serves both.
    for (device, layout) in [
        (Device::Cuda(0), Layout::Planes),
        (Device::Cuda(0), Layout::VendorPlanes),
        (Device::Cuda(0), Layout::VendorPlanes),
        (Device::Cpu, Layout::Planes),
    ] {
        let runtime = Runtime::start(device, OnMissing::Refuse, &|_| ()).unwrap();
        let runtime = match layout {
            Layout::Planes => runtime,
            _ => with_library(runtime, &|said| panic!("{said}")).unwrap(),
        };
        let mut trial = Trial::made(&runtime, options.clone(), layout);
        losses.push((0..5).map(|_| trial.step(&RATES).scalars.loss).collect::<Vec<_>>());
    }
    assert_eq!(losses[1], losses[2]);
    let (cpu, cuda) = losses.split_last().unwrap();
    for (cuda, cpu) in cuda.iter().flat_map(|own| own.iter().zip(cpu)) {
        assert!((cuda - cpu).abs() < 1e-2 * cpu.abs(), "{losses:?}");
    }
}
