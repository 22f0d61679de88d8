//! Large parameters, which lie as rows on a processor, are what they are elsewhere.

use crate::installed::runtime;
use crate::trial::{RATES, Trial, small};
use qgface_data::graph::lower::{Layout, rows_of};
use qgface_data::nn::HeadKind;
use qgface_data::onnx::{Extent, Model, TypeKind, ValueInfo};
use qgface_data::runtime::{Buffer, Device, Element, Program};
use qgface_data::seed::Seed;
use qgface_data::train::{StepGraph, StepOptions};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Of so many classes the kernel has more elements than a row.
fn large() -> StepOptions {
    StepOptions { classes: 20_000, ..small(HeadKind::AdaFace, None) }
}

#[test]
fn rows_come_out_even() {
    assert_eq!(rows_of(&[512, 25_088]), Some([49, 262_144]));
    assert_eq!(rows_of(&[512, 10_572]), Some([24, 225_536]));
    assert_eq!(rows_of(&[1 << 18]), None);
    // A prime.
    assert_eq!(rows_of(&[1_000_003]), None);
}

#[test]
fn rows_are_updated_as_whole_parameters_are() {
    let graph = StepGraph::new(large()).unwrap();
    let [by_row, whole] =
        [Device::Cpu, Device::Cuda(0)].map(|device| graph.lowered(device, &Layout::Planes.into()));
    assert!(by_row.rows.contains_key("head.kernel"), "{:?}", by_row.rows);
    assert!(whole.rows.is_empty());
    let (by_row, whole) = (updated(&by_row.update), updated(&whole.update));
    assert_eq!(by_row.len(), 2 * graph.params.parameters.len());
    assert!(by_row == whole);
    let in_one_pass = graph.lowered(Device::Cpu, &Layout::Pixels.into());
    assert!(in_one_pass.rows.is_empty());
    assert!(updated(&in_one_pass.update) == whole);
}

#[test]
fn a_state_keeps_the_shapes_of_its_tensors() {
    let mut trial = Trial::new(large());
    let first = trial.stepper.state().unwrap();
    assert_eq!(first.tensors["head.kernel"].shape, [16, 20_000]);
    trial.stepper.load(&first).unwrap();
    assert_eq!(trial.stepper.state().unwrap(), first);
    assert!(trial.step(&RATES).applied);
    let kernel = trial.numbers("head.kernel");
    // Here and there the gradient and the decay cancel.
    let both = kernel.iter().zip(&first.tensors["head.kernel"].data);
    let moved = both.filter(|(new, old)| new != old).count();
    assert!(moved > kernel.len() / 1000 * 999, "{moved} of {}", kernel.len());
}

/// What an update makes, in place, of inputs that are drawn by their names.
fn updated(model: &Model) -> BTreeMap<String, Vec<u32>> {
    let mut program = Program::open(&runtime(), model, NonZeroUsize::MIN).unwrap();
    let mut inputs = Vec::new();
    for info in &model.graph().input {
        let buffer = program.buffer(Element::Float, &shape(info)).unwrap();
        let mut draws = Seed::new(3).stream(&info.name);
        let count: usize = buffer.shape().iter().product();
        let numbers: Vec<f32> = (0..count).map(|_| draws.normal() as f32).collect();
        buffer.write_floats(&numbers).unwrap();
        inputs.push((info.name.clone(), buffer));
    }
    let replaced = |name: &str| {
        let own = inputs.iter().find(|(own, _)| Some(own.as_str()) == name.strip_prefix("next."));
        own.unwrap_or_else(|| panic!("{name} replaces nothing")).1.clone()
    };
    let outputs = model.graph().output.iter();
    let outputs: Vec<(String, Buffer)> =
        outputs.map(|info| (info.name.clone(), replaced(&info.name))).collect();
    let mut binding = program.bind(&borrowed(&inputs), &borrowed(&outputs)).unwrap();
    program.run(&mut binding).unwrap();
    let bits =
        |buffer: &Buffer| buffer.read_floats().unwrap().iter().map(|x| x.to_bits()).collect();
    outputs.iter().map(|(name, buffer)| (name.clone(), bits(buffer))).collect()
}

fn borrowed(list: &[(String, Buffer)]) -> Vec<(&str, &Buffer)> {
    list.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect()
}

fn shape(info: &ValueInfo) -> Vec<usize> {
    let Some(TypeKind::Tensor(tensor)) = &info.r#type.as_ref().unwrap().value else {
        panic!("no tensor: {info:?}")
    };
    let extents = tensor.shape.as_ref().unwrap().dim.iter();
    let fixed = extents.map(|dimension| match dimension.value {
        Some(Extent::Fixed(extent)) => extent as usize,
        _ => panic!("an open extent: {info:?}"),
    });
    fixed.collect()
}
