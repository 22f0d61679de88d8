//! Steps with images in another layout are the same steps.

use crate::installed::runtime;
use crate::trial::{HEADS, RATES, Trial, queue, small};
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{Architecture, Backbone, HeadKind};
use qgface_data::train::StepOptions;
use qgface_data::train::tuning::{Site, measure};
use std::num::NonZeroUsize;

/// Of the largest magnitude of a tensor: roundings of some hundred operators in a row.
const TOLERANCE: f32 = 1e-4;

fn both(options: &StepOptions) -> [Trial; 2] {
    [Layout::Planes, Layout::Pixels].map(|layout| Trial::made(&runtime(), options.clone(), layout))
}

#[test]
fn a_step_leaves_the_same_state_in_every_layout() {
    for kind in HEADS {
        let [mut planes, mut pixels] = both(&small(kind, queue(12)));
        let (expected, found) = (planes.step(&RATES), pixels.step(&RATES));
        let losses = (expected.scalars.loss, found.scalars.loss);
        assert!((losses.0 - losses.1).abs() <= TOLERANCE * losses.0.abs(), "{kind:?}: {losses:?}");
        let (expected, found) = (planes.stepper.state().unwrap(), pixels.stepper.state().unwrap());
        let largest = |data: &[f32]| data.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let all = expected.tensors.values().map(|tensor| largest(&tensor.data));
        let all = all.fold(0.0, f32::max);
        for (name, expected) in &expected.tensors {
            let largest = largest(&expected.data);
            let both = expected.data.iter().zip(&found.tensors[name].data);
            let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // A gradient before a normalisation is zero but for rounding.
            assert!(
                worst <= TOLERANCE * largest.max(1e-2 * all),
                "{kind:?}: {name}: {worst} of {largest}"
            );
        }
    }
}

#[test]
fn a_step_learns_with_channels_last() {
    let [_, mut trial] = both(&small(HeadKind::AdaFace, queue(12)));
    let first = trial.step(&RATES);
    let last = (0..40).map(|_| trial.step(&RATES)).last().unwrap();
    assert!(last.scalars.loss_cla < 0.5 * first.scalars.loss_cla, "{first:?} to {last:?}");
}

/// Bits follow from shapes, and not from who did which part.
#[test]
fn threads_change_no_bit_of_images_with_channels_last() {
    let mut states = Vec::new();
    for threads in [1, 2, 3] {
        let site = StepOptions { classes: 5, ..small(HeadKind::AdaFace, None) };
        let mut trial = Trial::threaded(&runtime(), site, Layout::Pixels, threads);
        trial.step(&RATES);
        let norm = trial.numbers("backbone.input_layer.1.running_var");
        states.push(norm);
    }
    assert!(states[0] == states[1] && states[1] == states[2]);
}

#[test]
fn every_layout_is_measured_and_held_against_the_reference() {
    let site = Site::new(Backbone::new(Architecture::Ir18, 0.05), 4);
    let measured = measure(&runtime(), NonZeroUsize::MIN, &site).unwrap();
    assert_eq!(measured.len(), 2);
    for own in &measured {
        assert!(own.seconds.is_ok() && own.difference < 1e-3, "{own:?}");
    }
    // Without the library one layout is left out, by the reason.
    let without = runtime().with_onednn(None);
    let measured = measure(&without, NonZeroUsize::MIN, &site).unwrap();
    let reason = measured[1].seconds.as_ref().unwrap_err();
    assert!(measured[0].seconds.is_ok() && reason.contains("oneDNN"), "{reason}");
}
