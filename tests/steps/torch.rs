//! What PyTorch and ONNX's checker say of whole networks, where they are installed (`QGFACE_PYTHON`
//! names their Python).

use crate::installed::runtime;
use qgface_data::graph::lower::{Layout, lower};
use qgface_data::nn::{Architecture, Backbone, HeadKind, HeadOptions, JointOptions, Sharing};
use qgface_data::optim::Sgd;
use qgface_data::runtime::{Buffer, Device, Element, Program};
use qgface_data::seed::Seed;
use qgface_data::train::{Feeding, Scales, StepGraph, StepOptions, TrainState, export_backbone};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

const IMAGES: usize = 4;
const CLASSES: usize = 50;

/// Which of two sums in another order is nearer is chance within a tenth.
const AS_NEAR: f64 = 1.1;

/// A Python that can import `packages`; says so where there is none.
fn python(packages: &str) -> Option<OsString> {
    let python = std::env::var_os("QGFACE_PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", &format!("import {packages}")]).output();
    let has = has.is_ok_and(|output| output.status.success());
    if !has {
        println!("skipped: no Python with {packages}; QGFACE_PYTHON may name one");
    }
    has.then_some(python)
}

/// Runs a script of `tests/interop`; what it says.
fn script(python: &OsString, name: &str, arguments: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name);
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn steps_and_exports_pass_the_checker_of_onnx() {
    let Some(python) = python("onnx") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let graph = step_graph(Architecture::Ir18);
    let lowered = graph.lowered(Device::Cpu, &Layout::Planes.into());
    lowered.gradients.save(&path("gradients.onnx")).unwrap();
    lowered.update.save(&path("update.onnx")).unwrap();
    let state = TrainState::initial(&graph, Seed::new(1));
    let backbone = &graph.options.backbone;
    let export = export_backbone(backbone, &state, &Feeding::default()).unwrap();
    export.save(&path("model.onnx")).unwrap();
    export.save_within(&path("beside.onnx"), 1 << 20).unwrap();
    let models = ["gradients.onnx", "update.onnx", "model.onnx", "beside.onnx"].map(path);
    let mut models: Vec<PathBuf> = models.into();
    for architecture in Architecture::all() {
        let options = step_options(Backbone::new(architecture, 0.125));
        let state = TrainState::initial(&StepGraph::new(options.clone()).unwrap(), Seed::new(1));
        let export = export_backbone(&options.backbone, &state, &Feeding::default()).unwrap();
        models.push(path(&format!("{architecture}.onnx")));
        export.save(&models[models.len() - 1]).unwrap();
    }
    let said =
        script(&python, "check_onnx.py", &models.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert_eq!(said.lines().count(), models.len(), "{said}");
}

#[test]
fn gradients_of_each_family_are_as_near_to_f64_as_those_of_pytorch() {
    let Some(python) = python("torch, numpy") else { return };
    for architecture in [
        Architecture::Ir18,
        Architecture::Ir50,
        Architecture::IrSe50,
        Architecture::ArcfaceMbf,
        Architecture::ArcfaceVitTiny,
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_step(architecture, folder.path());
        let name = architecture.to_string();
        let arguments = [folder.path(), Path::new(&name)];
        let said = script(&python, "gradients_with_torch.py", &arguments);
        println!("{architecture}: {}", said.trim());
        let errors: serde_json::Value = serde_json::from_str(&said).unwrap();
        let number = |key: &str| errors[key].as_f64().unwrap();
        assert!(number("ours") <= AS_NEAR * number("torch_f32"), "{said}");
        assert!(number("largest_of_zero") < 1e-4, "{said}");
    }
}

fn step_graph(architecture: Architecture) -> StepGraph {
    StepGraph::new(step_options(Backbone::new(architecture, 1.0))).unwrap()
}

fn step_options(backbone: Backbone) -> StepOptions {
    StepOptions {
        backbone,
        joint: JointOptions { head: HeadOptions::new(HeadKind::AdaFace), contrast: None },
        classes: CLASSES,
        batch: IMAGES,
        accumulate: 1,
        views: 1,
        scales: Scales::Fixed { head: 0.0, contrast: 0.0 },
        sgd: Sgd::default(),
        sharing: Sharing::default(),
        sample: None,
    }
}

fn named(list: &[(String, Buffer)]) -> Vec<(&str, &Buffer)> {
    list.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect()
}

/// Runs the gradients of a random batch, and writes them with all that they came from.
fn write_step(architecture: Architecture, folder: &Path) {
    let graph = step_graph(architecture);
    let state = TrainState::initial(&graph, Seed::new(1));
    let runtime = runtime();
    let model = lower(&graph.gradients, "gradients");
    let mut program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
    let mut draws = Seed::new(2).stream("batch");
    let mut shapes = BTreeMap::new();
    let mut write = |name: &str, shape: &[usize], numbers: &[f32]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        std::fs::write(folder.join(format!("{name}.f32")), bytes).unwrap();
        shapes.insert(name.to_owned(), shape.to_vec());
    };
    let mut inputs: Vec<(String, Buffer)> = Vec::new();
    for (_, node) in graph.gradients.inputs() {
        let (name, shape) = (node.name.as_str(), &node.shape[..]);
        let count: usize = shape.iter().product();
        let element = match name {
            "labels" => Element::Int64,
            "dropout_mask" => Element::Bool,
            _ => Element::Float,
        };
        let buffer = program.buffer(element, shape).unwrap();
        let numbers: Vec<f32> = match name {
            "images" => (0..count).map(|_| draws.normal() as f32).collect(),
            "labels" => (0..count).map(|_| draws.below(CLASSES as u64) as f32).collect(),
            "dropout_mask" => {
                (0..count).map(|_| f32::from(u8::from(draws.uniform(0.0, 1.0) >= 0.4))).collect()
            }
            "contrast_weight" => vec![0.0],
            _ => state.tensors[name].data.clone(),
        };
        match element {
            Element::Float => buffer.write_floats(&numbers),
            Element::Int64 => {
                buffer.write_ints(&numbers.iter().map(|&x| x as i64).collect::<Vec<_>>())
            }
            Element::Bool => {
                buffer.write_bools(&numbers.iter().map(|&x| x != 0.0).collect::<Vec<_>>())
            }
        }
        .unwrap();
        write(name, shape, &numbers);
        inputs.push((name.to_owned(), buffer));
    }
    let outputs: Vec<(String, Buffer)> = graph
        .gradients
        .outputs()
        .iter()
        .map(|(name, value)| {
            let shape = &graph.gradients.node(*value).shape;
            (name.clone(), program.buffer(Element::Float, shape).unwrap())
        })
        .collect();
    let mut binding = program.bind(&named(&inputs), &named(&outputs)).unwrap();
    program.run(&mut binding).unwrap();
    for (name, buffer) in outputs.iter().filter(|(name, _)| name.starts_with("gradient.")) {
        write(name, buffer.shape(), &buffer.read_floats().unwrap());
    }
    std::fs::write(folder.join("tensors.json"), serde_json::to_vec(&shapes).unwrap()).unwrap();
}

/// The page's way from a `.ckpt` of AdaFace to weights that `--init` takes.
#[test]
fn the_conversion_that_the_page_shows_runs() {
    let Some(python) = python("torch, safetensors") else { return };
    let page = std::fs::read_to_string(root().join("docs/training.md")).unwrap();
    let block = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().unwrap();
    let save = "import torch; torch.save({'state_dict': {'model.a': torch.ones(2, 3).T}}, \
                'adaface_ir18.ckpt')";
    for program in [save, block.unwrap()] {
        let ran = Command::new(&python).args(["-c", program]).current_dir(&folder).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let written = std::fs::read(folder.path().join("adaface_ir18.safetensors")).unwrap();
    let text = String::from_utf8_lossy(&written);
    assert!(text.contains("model.a"), "{text}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
