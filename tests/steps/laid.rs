//! Steps with images in another layout are the same steps.

use crate::installed::runtime;
use crate::trial::{HEADS, RATES, Trial, queue, small};
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{Architecture, Backbone, HeadKind};
use qgface_data::runtime::{Device, Precision, Processor};
use qgface_data::train::tuning::{Site, measure, with_cudnn};
use std::cell::RefCell;
use std::io::Write;
use std::num::NonZeroUsize;

/// Of the largest magnitude of a tensor: roundings of some hundred operators in a row.
const TOLERANCE: f32 = 1e-4;

/// The same where convolutions round their factors to the 8 bits of bfloat16: each of some ten in a row
/// is off by a part in 300, and gradients by as many more.
const ROUNDED: f32 = 0.1;

/// Whether convolutions can round on this processor; said where they cannot.
pub(crate) fn rounds() -> bool {
    let can = Precision::Bfloat16.on(Device::Cpu, &Processor::here());
    if let Err(no) = &can {
        // Past the harness, which keeps what a test that passes prints.
        let _ = writeln!(std::io::stderr(), "left out: {no}");
    }
    can.is_ok()
}

/// The layouts that can be had here beside the reference, with how near a step in them is.
fn layouts() -> Vec<(Layout, f32)> {
    let mut all = vec![(Layout::Pixels, TOLERANCE)];
    if rounds() {
        all.push((Layout::RoundedPixels, ROUNDED));
    }
    all
}

#[test]
fn a_step_leaves_the_same_state_in_every_layout() {
    for (kind, (layout, tolerance)) in
        HEADS.into_iter().flat_map(|kind| layouts().into_iter().map(move |own| (kind, own)))
    {
        let options = small(kind, queue(12));
        let [mut planes, mut own] =
            [Layout::Planes, layout].map(|layout| Trial::made(&runtime(), options.clone(), layout));
        let losses = [planes.step(&RATES), own.step(&RATES)].map(|stepped| stepped.scalars.loss);
        let what = format!("{kind:?} in {layout:?}");
        assert!((losses[0] - losses[1]).abs() <= tolerance * losses[0].abs(), "{what}: {losses:?}");
        let [expected, found] = [planes, own].map(|trial| trial.stepper.state().unwrap());
        let largest = |data: &[f32]| data.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let all = expected.tensors.values().map(|tensor| largest(&tensor.data));
        let all = all.fold(0.0, f32::max);
        for (name, expected) in &expected.tensors {
            // A gradient before a normalisation is zero but for rounding.
            let bound = tolerance * largest(&expected.data).max(1e-2 * all);
            let both = expected.data.iter().zip(&found.tensors[name].data);
            let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= bound, "{what}: {name}: {worst} where {bound} may be");
        }
    }
}

#[test]
fn a_step_learns_in_every_layout() {
    for (layout, _) in layouts() {
        let mut trial = Trial::made(&runtime(), small(HeadKind::AdaFace, queue(12)), layout);
        let first = trial.step(&RATES);
        let last = (0..40).map(|_| trial.step(&RATES)).last().unwrap();
        let (before, after) = (first.scalars.loss_cla, last.scalars.loss_cla);
        assert!(after < 0.5 * before, "{layout:?}: {before} to {after}");
    }
}

/// Bits follow from shapes, and not from who did which part.
#[test]
fn threads_change_no_bit_of_images_with_channels_last() {
    for (layout, _) in layouts() {
        let statistics = |threads| {
            let options = small(HeadKind::AdaFace, None);
            let mut trial = Trial::threaded(&runtime(), options, layout, threads);
            trial.step(&RATES);
            trial.numbers("backbone.body.1.res_layer.5.running_var")
        };
        let one = statistics(1);
        assert!(one == statistics(2) && one == statistics(3), "{layout:?}");
    }
}

#[test]
fn every_layout_is_measured_and_held_against_the_reference() {
    let site = Site::new(Backbone::new(Architecture::Ir18, 0.05), 4);
    let layouts = [Layout::Planes, Layout::Pixels].map(Into::into);
    let measured = measure(&runtime(), NonZeroUsize::MIN, &site, &layouts).unwrap();
    assert_eq!(measured.len(), 2);
    for own in &measured {
        assert!(own.seconds.is_ok() && own.difference < 1e-3, "{own:?}");
    }
    // Without the library one layout is left out, by the reason.
    let without = runtime().with_onednn(None);
    let measured = measure(&without, NonZeroUsize::MIN, &site, &layouts).unwrap();
    let reason = measured[1].seconds.as_ref().unwrap_err();
    assert!(measured[0].seconds.is_ok() && reason.contains("oneDNN"), "{reason}");
}

#[test]
fn where_cudnn_cannot_be_called_that_is_said_and_nothing_else_changes() {
    let said = RefCell::new(String::new());
    let own = with_cudnn(runtime(), &|text| said.borrow_mut().push_str(text));
    match own.cudnn() {
        Some(library) => assert!(said.borrow().is_empty() && library.version().starts_with("9.")),
        None => assert!(said.borrow().starts_with("without cuDNN: "), "{}", said.borrow()),
    }
    assert_eq!((own.device(), own.gpu()), (Device::Cpu, None));
    assert_eq!(own.onednn().is_some(), runtime().onednn().is_some());
}
