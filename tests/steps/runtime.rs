//! The runtime on a real model and on small ones written here: what it runs, and what it refuses by
//! name.

use crate::installed::runtime;
use qgface_data::onnx;
use qgface_data::runtime::{Device, Error, OnMissing, Runtime, Session};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/onnx/MobileFaceNet.onnx");

fn open(path: &Path) -> Result<Session, Error> {
    runtime().open(path, NonZeroUsize::MIN)
}

#[test]
fn a_second_start_gives_the_same_library_and_cuda_is_then_refused() {
    let (first, second) = (runtime(), runtime());
    assert_eq!(first.library(), second.library());
    let refused = Runtime::start(Device::Cuda(0), OnMissing::Refuse, &|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Running { .. } | Error::Cuda { .. }), "{refused}");
}

#[test]
fn a_model_cut_short_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.onnx");
    let whole = std::fs::read(MODEL).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, Error::Model(onnx::Error::Truncated { .. })), "{error}");
    assert!(error.to_string().contains("short.onnx"), "{error}");
}

#[test]
fn shapes_that_the_model_does_not_take_are_refused() {
    let mut session = open(Path::new(MODEL)).unwrap();
    for shape in [&[1, 3, 224, 224][..], &[2, 3, 112, 112], &[3, 112, 112], &[1, 3, 112, 113]] {
        let numbers = vec![0.0; shape.iter().product()];
        let error = session.run(&numbers, shape).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    assert!(session.run(&[0.0; 5], &[1, 3, 112, 112]).is_err());
}

/// `op(inputs…) -> y`, with inputs of `element`.
fn model(folder: &Path, op: &str, inputs: &[&str], element: onnx::ElementType) -> PathBuf {
    let info = |name: &str| onnx::ValueInfo {
        name: name.into(),
        r#type: Some(onnx::Type {
            value: Some(onnx::TypeKind::Tensor(onnx::TensorType {
                elem_type: element as i32,
                shape: Some(onnx::Shape {
                    dim: vec![
                        onnx::Dimension {
                            value: Some(onnx::Extent::Symbol("N".into())),
                            ..Default::default()
                        },
                        onnx::Dimension {
                            value: Some(onnx::Extent::Fixed(2)),
                            ..Default::default()
                        },
                    ],
                }),
            })),
            ..Default::default()
        }),
        ..Default::default()
    };
    let node = onnx::Node {
        op_type: op.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec!["y".into()],
        ..Default::default()
    };
    let graph = onnx::Graph {
        name: "g".into(),
        node: vec![node],
        input: inputs.iter().map(|name| info(name)).collect(),
        output: vec![info("y")],
        ..Default::default()
    };
    let model = onnx::Model {
        ir_version: 10,
        graph: Some(graph),
        opset_import: vec![onnx::OperatorSet { domain: String::new(), version: 20 }],
        ..Default::default()
    };
    let path = folder.join(format!("{op}.onnx"));
    model.save(&path).unwrap();
    path
}

#[test]
fn a_model_with_two_inputs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        open(&model(folder.path(), "Add", &["a", "b"], onnx::ElementType::Float)).unwrap_err();
    assert!(matches!(&error, Error::Inputs { found, .. } if found == &["a", "b"]), "{error}");
}

#[test]
fn written_models_of_half_floats_run_and_of_integers_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path(), "Neg", &["x"], onnx::ElementType::Float16);
    let y = open(&path).unwrap().run(&[1.0, 2.5, -3.0, 0.0], &[2, 2]).unwrap().remove(0);
    assert_eq!((y.shape, y.data), (vec![2, 2], vec![-1.0, -2.5, 3.0, 0.0]));
    let error = open(&model(folder.path(), "Neg", &["x"], onnx::ElementType::Int64)).unwrap_err();
    assert!(matches!(error, Error::Element { .. }), "{error}");
}

#[test]
fn a_model_that_the_runtime_refuses_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&model(folder.path(), "Nope", &["x"], onnx::ElementType::Float)).unwrap_err();
    assert!(matches!(error, Error::Prepare { .. }), "{error}");
}

/// A model of one node, whose graph `change` makes another.
fn changed(folder: &Path, op: &str, change: impl FnOnce(&mut onnx::Graph)) -> PathBuf {
    let path = model(folder, op, &["x"], onnx::ElementType::Float);
    let mut model = onnx::Model::open(&path).unwrap();
    change(model.graph.as_mut().unwrap());
    let path = folder.join("changed.onnx");
    model.save(&path).unwrap();
    path
}

/// `x` expanded to extents `[1, -3]`: where they are constant, the bindings panic as the model is opened.
fn below_zero(folder: &Path, are_constant: bool) -> PathBuf {
    changed(folder, "Expand", |graph| {
        let node = |op: &str, input: &[&str], output: &str| onnx::Node {
            op_type: op.into(),
            input: input.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..Default::default()
        };
        let extents = if are_constant { "factors" } else { "extents" };
        graph.node = vec![
            node("Shape", &["x"], "shape"),
            node("Mul", &["shape", "factors"], "extents"),
            node("Expand", &["x", extents], "y"),
        ];
        graph.initializer.push(onnx::Tensor {
            name: "factors".into(),
            dims: vec![2],
            data_type: onnx::ElementType::Int64 as i32,
            int64_data: vec![1, -3],
            ..Default::default()
        });
        graph.input[0].r#type = two_open_extents();
        graph.output[0].r#type = two_open_extents();
    })
}

#[test]
fn extents_below_zero_are_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&below_zero(folder.path(), true)).unwrap_err();
    assert!(matches!(error, Error::Bindings { .. } | Error::Prepare { .. }), "{error}");
    let mut session = open(&below_zero(folder.path(), false)).unwrap();
    let error = session.run(&[1.0], &[1, 1]).unwrap_err();
    assert!(matches!(error, Error::Extents { .. } | Error::Run { .. }), "{error}");
}

/// The type of tensors of two open extents.
fn two_open_extents() -> Option<onnx::Type> {
    let open = |name: &str| onnx::Dimension {
        value: Some(onnx::Extent::Symbol(name.into())),
        ..Default::default()
    };
    let shape = Some(onnx::Shape { dim: vec![open("N"), open("M")] });
    let elem_type = onnx::ElementType::Float as i32;
    let value = Some(onnx::TypeKind::Tensor(onnx::TensorType { elem_type, shape }));
    Some(onnx::Type { value, ..Default::default() })
}

#[test]
fn weights_in_a_file_beside_the_model_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path(), "Mul", &["x", "w"], onnx::ElementType::Float);
    let mut model = onnx::Model::open(&path).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.input.pop();
    let entry = |key: &str, value: &str| onnx::Entry { key: key.into(), value: value.into() };
    graph.initializer.push(onnx::Tensor {
        name: "w".into(),
        dims: vec![2],
        data_type: onnx::ElementType::Float as i32,
        data_location: onnx::Location::External as i32,
        external_data: vec![entry("location", "w.bin"), entry("offset", "0"), entry("length", "8")],
        ..Default::default()
    });
    model.save(&path).unwrap();
    std::fs::write(
        folder.path().join("w.bin"),
        [3.0_f32.to_le_bytes(), 4.0_f32.to_le_bytes()].concat(),
    )
    .unwrap();
    let y = open(&path).unwrap().run(&[1.0, 1.0], &[1, 2]).unwrap().remove(0);
    assert_eq!(y.data, [3.0, 4.0]);
    std::fs::remove_file(folder.path().join("w.bin")).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, Error::Model(onnx::Error::External { .. })), "{error}");
    assert!(error.to_string().contains("w.bin"), "{error}");
}

#[test]
fn the_real_model_says_what_it_is() {
    let summary = onnx::Model::open(Path::new(MODEL)).unwrap().summary();
    assert_eq!(summary.inputs.len(), 1);
    assert_eq!(summary.inputs[0].extents.as_ref().unwrap().to_string(), "[1, 3, 112, 112]");
    assert_eq!(summary.outputs[0].extents.as_ref().unwrap().to_string(), "[1, 128]");
    assert_eq!(summary.opset, 18);
    assert!(!summary.normalises_inside);
}

/// Weights beyond a bound lie beside the model, and go when it is replaced.
#[test]
fn a_model_with_its_weights_beside_it_runs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, split) = (folder.path().join("whole.onnx"), folder.path().join("split.onnx"));
    let model = onnx::Model::open(Path::new(MODEL)).unwrap();
    model.save(&whole).unwrap();
    model.save_within(&split, 1 << 20).unwrap();
    let beside = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".data")).count()
    };
    assert!(split.metadata().unwrap().len() < 1 << 20 && beside() == 1);
    let numbers: Vec<f32> = (0..3 * 112 * 112).map(|at| (at % 255) as f32 / 255.0).collect();
    let run = |path: &Path| open(path).unwrap().run(&numbers, &[1, 3, 112, 112]).unwrap();
    assert_eq!(run(&whole)[0].data, run(&split)[0].data);
    model.save(&split).unwrap();
    assert_eq!((beside(), run(&split)[0].data.len()), (0, 128));
}
