//! What is told ahead of a model against what ONNX Runtime says of it: the extents of its values, and the
//! memory of a run.

use crate::cases::{Gradient, cases};
use crate::installed::runtime;
use crate::trial::{RATES, Trial, small};
use qgface_data::graph::Graph;
use qgface_data::graph::lower::{Arrangement, Layout, Problem, Rows, lower_with_rows};
use qgface_data::nn::{Architecture, Backbone, HeadKind};
use qgface_data::onnx::{Extent, TypeKind, ValueInfo};
use qgface_data::runtime::{Device, working_memory};
use qgface_data::train::{Making, StepGraph, StepOptions, Stepper};
use serde_json::Value;
use std::num::NonZeroUsize;

/// What an output says of itself.
fn declared(output: &ValueInfo) -> (Vec<usize>, i32) {
    let Some(TypeKind::Tensor(tensor)) = output.r#type.as_ref().and_then(|own| own.value.as_ref())
    else {
        panic!("{} is no tensor", output.name)
    };
    let extent = |extent: &Option<Extent>| match extent {
        Some(Extent::Fixed(extent)) => *extent as usize,
        other => panic!("{}: {other:?}", output.name),
    };
    let shape = tensor.shape.iter().flat_map(|shape| &shape.dim);
    (shape.map(|dimension| extent(&dimension.value)).collect(), tensor.elem_type)
}

fn check(name: &str, graph: &Graph, arrangement: &Arrangement) {
    let model = lower_with_rows(graph, "case", &Rows::new(), arrangement);
    let values = model.graph().values().unwrap_or_else(|unknown| panic!("{name}: {unknown}"));
    for output in &model.graph().output {
        let found = &values[output.name.as_str()];
        let told = (found.extents.clone(), found.element as i32);
        assert_eq!(told, declared(output), "{name}: {} in {arrangement:?}", output.name);
    }
    working_memory(model.graph()).unwrap();
}

#[test]
fn every_operator_makes_what_is_told_in_every_formulation() {
    for case in cases() {
        let graph = match case.gradient {
            Gradient::Refused => case.forward(),
            Gradient::Smooth | Gradient::Defined => case.backward(),
        };
        check(&case.name, &case.narrowed(), &Arrangement::default());
        for layout in [Layout::Planes, Layout::Pixels, Layout::RoundedPixels, Layout::VendorPlanes]
        {
            check(&case.name, &graph, &layout.into());
            let problems =
                graph.nodes().iter().filter_map(|node| Problem::of(&graph, node, layout));
            for problem in problems {
                for name in problem.formulations() {
                    let formulations = [(problem.to_string(), name.to_owned())].into();
                    check(&case.name, &graph, &Arrangement { layout, formulations });
                }
            }
        }
    }
}

/// The most bytes of its arena that the runtime had in use while a step ran, as its profile says.
fn in_use(options: StepOptions, layout: Layout) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::made(&runtime(), options.clone(), layout);
    let (arrangement, profile) = (layout.into(), folder.path().join("step"));
    let making = Making { profile: Some(&profile), ..Making::new(NonZeroUsize::MIN, &arrangement) };
    let graph = StepGraph::new(options).unwrap();
    let mut stepper = Stepper::made(&runtime(), graph, &making).unwrap();
    stepper.load(&trial.stepper.state().unwrap()).unwrap();
    stepper.step(&trial.batch(), &RATES).unwrap();
    let profile = std::fs::read(stepper.end_profiling().unwrap()).unwrap();
    let events: Vec<Value> = serde_json::from_slice(&profile).unwrap();
    let peaks = events.iter().filter_map(|event| event["args"]["mem_in_use_peak"].as_str());
    peaks.map(|bytes| bytes.parse().unwrap()).max().expect("nodes with their memory")
}

/// Not to the byte: some nodes are fused or left out, and some work in memory of their own.
const NEAR: f64 = 0.08;

#[test]
fn the_memory_of_a_step_is_told_as_the_runtime_takes_it() {
    for layout in [Layout::Planes, Layout::Pixels] {
        for (width, batch) in [(0.1, 8), (0.2, 3)] {
            let backbone = Backbone::new(Architecture::Ir18, width);
            let options = StepOptions { backbone, batch, ..small(HeadKind::AdaFace, None) };
            let graph = StepGraph::new(options.clone()).unwrap();
            let model = graph.lowered(Device::Cpu, &layout.into()).gradients;
            let told = working_memory(model.graph()).unwrap().in_use as f64;
            let found = in_use(options, layout) as f64;
            assert!(
                (told / found - 1.0).abs() < NEAR,
                "{layout:?}, width {width}, batch {batch}: told {told}, found {found}"
            );
        }
    }
}
