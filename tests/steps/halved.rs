//! Steps whose backbone computes in float16: near those in 32 bits, with a loss scale that finds its way.

use crate::installed::runtime;
use crate::trial::{HEADS, RATES, Trial, queue, small};
use qgface_data::graph::Width;
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{Architecture, Backbone, HeadKind};
use qgface_data::onnx::ElementType;
use qgface_data::runtime::{Device, OnMissing, Runtime};
use qgface_data::train::tuning::with_library;
use qgface_data::train::{StepGraph, StepOptions, Tensor, TrainState};

/// Of the largest magnitude of a tensor: 11 bits are rounded in some fifty operators in a row, which makes
/// a hundredth of a gradient, and where a slope reads a zero on the other side a pixel more.
const TOLERANCE: f32 = 0.1;

/// The same of a loss, of which the features alone are rounded.
const LOSS: f32 = 1e-2;

const SCALE: &str = "loss_scale.scale";

fn half(options: StepOptions) -> Trial {
    Trial::in_width(&runtime(), options, Width::Half)
}

/// A trial in half width whose next loss scale is `scale`.
fn scaled(options: StepOptions, scale: f32) -> Trial {
    let mut trial = half(options);
    let mut state = trial.stepper.state().unwrap();
    state.tensors[SCALE].data = vec![scale];
    trial.stepper.load(&state).unwrap();
    trial
}

/// All of a state but the loss scale.
fn learned(state: &TrainState) -> Vec<(&String, &Tensor)> {
    state.tensors.iter().filter(|(name, _)| !name.starts_with("loss_scale.")).collect()
}

#[test]
fn a_step_in_half_width_leaves_almost_the_same_state() {
    for (kind, accumulate) in HEADS.into_iter().map(|kind| (kind, 1)).chain([(HEADS[3], 3)]) {
        let options = StepOptions { accumulate, ..small(kind, queue(12)) };
        let [mut whole, mut half] = [Trial::new(options.clone()), scaled(options, 1024.0)];
        let mut reported = Vec::new();
        for trial in [&mut whole, &mut half] {
            let last = (0..accumulate).map(|_| trial.step(&RATES)).last().unwrap();
            reported.push(last.step.unwrap_or_else(|| panic!("{kind:?}: {last:?}")));
        }
        let near = |of: fn(&qgface_data::train::Scalars) -> f32, tolerance: f32| {
            let (expected, found) = (of(&reported[0]), of(&reported[1]));
            let what = format!("{kind:?}, {accumulate} batches: {reported:?}");
            assert!((expected - found).abs() <= tolerance * expected.abs(), "{what}");
        };
        near(|scalars| scalars.loss, LOSS);
        // The length is that of gradients that are divided by the scale again.
        near(|scalars| scalars.gradient_norm, TOLERANCE);
        let [expected, found] = [whole, half].map(|trial| trial.stepper.state().unwrap());
        let largest = |data: &[f32]| data.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let all = expected.tensors.values().map(|tensor| largest(&tensor.data));
        let all = all.fold(0.0, f32::max);
        for (name, expected) in &expected.tensors {
            // A gradient before a normalisation is zero but for rounding.
            let bound = TOLERANCE * largest(&expected.data).max(1e-2 * all);
            let both = expected.data.iter().zip(&found.tensors[name].data);
            let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= bound, "{kind:?}: {name}: {worst} where {bound} may be");
        }
    }
}

#[test]
fn a_step_in_half_width_learns() {
    let mut trial = half(small(HeadKind::AdaFace, queue(12)));
    let losses: Vec<f32> = (0..50)
        .map(|_| trial.step(&RATES))
        .filter(|stepped| stepped.applied)
        .map(|stepped| stepped.scalars.loss_cla)
        .collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(losses.len() > 40 && last < 0.5 * first, "{losses:?}");
}

#[test]
fn a_step_whose_gradients_overflow_is_skipped_and_the_scale_halved_until_they_do_not() {
    const FAR: f32 = 1_099_511_627_776.0;
    for accumulate in [1, 2] {
        let options = StepOptions { accumulate, ..small(HeadKind::AdaFace, queue(12)) };
        let mut trial = scaled(options.clone(), FAR);
        let before = trial.stepper.state().unwrap();
        let stepped = trial.step(&RATES);
        assert!(stepped.overflowed && !stepped.applied && stepped.step.is_none(), "{stepped:?}");
        assert!(stepped.scalars.loss.is_finite() && !stepped.scalars.gradient_norm.is_finite());
        let after = trial.stepper.state().unwrap();
        assert_eq!(learned(&after), learned(&before));
        assert_eq!(after.tensors[SCALE].data, [FAR / 2.0]);
        let stepped = (0..40).map(|_| trial.step(&RATES)).find(|stepped| stepped.applied).unwrap();
        assert!(!stepped.overflowed && stepped.scalars.gradient_norm.is_finite());
        let scale = trial.stepper.loss_scale().unwrap();
        assert_eq!(scale.scale() * 2.0_f32.powi(scale.skipped_steps() as i32), FAR);
        let saved = trial.stepper.state().unwrap();
        let mut resumed = half(options);
        resumed.stepper.load(&saved).unwrap();
        for _ in 0..2 * accumulate {
            assert_eq!(trial.step(&RATES), resumed.step(&RATES));
        }
        assert_eq!(trial.stepper.state().unwrap(), resumed.stepper.state().unwrap());
    }
}

/// What is no number before any gradient is no matter of the scale.
#[test]
fn a_loss_that_is_no_number_leaves_the_scale() {
    let mut trial = half(small(HeadKind::AdaFace, None));
    let scale = trial.stepper.loss_scale();
    trial.images[7] = f32::NAN;
    let stepped = trial.step(&RATES);
    assert!(!stepped.applied && !stepped.overflowed, "{stepped:?}");
    assert_eq!(trial.stepper.loss_scale(), scale);
}

#[test]
fn a_run_may_change_its_width() {
    let mut whole = Trial::new(small(HeadKind::AdaFace, queue(12)));
    whole.step(&RATES);
    let mut half = half(small(HeadKind::AdaFace, queue(12)));
    half.stepper.load(&whole.stepper.state().unwrap()).unwrap();
    assert_eq!(half.stepper.loss_scale().unwrap().scale(), 65_536.0);
    half.step(&RATES);
    let state = half.stepper.state().unwrap();
    whole.stepper.load(&state).unwrap();
    assert_eq!(learned(&whole.stepper.state().unwrap()), learned(&state));
    assert!(whole.stepper.state().unwrap().tensors.get(SCALE).is_none());
}

#[test]
fn a_damaged_scale_is_refused_and_nothing_changes() {
    let mut trial = half(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    let mut damaged = before.clone();
    damaged.tensors[SCALE].data = vec![0.25];
    let refused = trial.stepper.load(&damaged).unwrap_err();
    assert!(refused.to_string().contains("loss_scale.scale"), "{refused}");
    assert_eq!(trial.stepper.state().unwrap(), before);
}

/// Nothing of float16 is in a step of 32 bits, nor at the border of one that has it.
#[test]
fn half_width_is_within_a_step_and_where_it_was_asked_for_alone() {
    let options = small(HeadKind::AdaFace, queue(12));
    let whole = StepGraph::new(options.clone()).unwrap();
    let half = StepGraph::in_width(options, Width::Half).unwrap();
    let casts = |step: &StepGraph| {
        let model = step.lowered(Device::Cpu, &Layout::Planes.into()).gradients;
        let graph = model.graph();
        let inputs = graph.input.iter().map(|input| input.name.clone()).collect::<Vec<_>>();
        let narrow = ElementType::Float16 as i64;
        let to = |node: &&qgface_data::onnx::Node| {
            node.op_type == "Cast" && node.attribute[0].i == Some(narrow)
        };
        (inputs, graph.node.iter().filter(to).count())
    };
    let (of_whole, of_half) = (casts(&whole), casts(&half));
    assert_eq!(of_whole.1, 0);
    assert!(of_half.1 > 20, "{}", of_half.1);
    let beside: Vec<_> = of_half.0.iter().filter(|name| !of_whole.0.contains(name)).collect();
    assert_eq!(beside, ["loss_scale"]);
    for (name, value) in half.gradients.outputs() {
        assert!(
            half.gradients.node(*value).element == qgface_data::graph::Element::Float,
            "{name}"
        );
    }
}

/// A whole step of an IR-18 on CUDA, in ONNX's operators and by cuDNN, beside the same in 32 bits on the
/// processor. Runs where there is a CUDA device: `cargo test-cuda`.
#[test]
#[ignore = "needs a CUDA device"]
fn cuda_steps_in_half_width_are_near_those_of_the_processor() {
    let options = StepOptions {
        backbone: Backbone::new(Architecture::Ir18, 1.0),
        classes: 100,
        ..small(HeadKind::AdaFace, queue(64))
    };
    let mut losses = Vec::new();
    // CUDA first: its build of ONNX Runtime serves both.
    for (device, width, layout) in [
        (Device::Cuda(0), Width::Half, Layout::Planes),
        (Device::Cuda(0), Width::Half, Layout::VendorPlanes),
        (Device::Cpu, Width::Whole, Layout::Planes),
    ] {
        let runtime = Runtime::start(device, OnMissing::Refuse, &|_| ()).unwrap();
        let runtime = match layout {
            Layout::Planes => runtime,
            _ => with_library(runtime, &|said| panic!("{said}")).unwrap(),
        };
        let graph = StepGraph::in_width(options.clone(), width).unwrap();
        let mut trial = Trial::of(&runtime, graph, &layout.into(), 1);
        let stepped = (0..20).map(|_| trial.step(&RATES)).find(|stepped| stepped.applied).unwrap();
        losses.push(stepped.scalars.loss);
    }
    let (cpu, cuda) = losses.split_last().unwrap();
    assert!(cuda.iter().all(|own| (own - cpu).abs() < LOSS * cpu.abs()), "{losses:?}");
}
