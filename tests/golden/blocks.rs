//! Blocks and layers of the backbone against the reference's, in both modes, with all gradients.

use crate::Topic;
use crate::arrays::{PRECISIONS, Precision, read};
use crate::manifest::Json;
use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value};
use qgface_data::nn::{Architecture, Backbone, Block, Layers, Mode};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "blocks", cases, run };

/// Blocks of networks that are not built yet.
const LATER: [&str; 2] = ["bottleneck", "irse"];

fn built(manifest: &Json) -> impl Iterator<Item = (&String, &Json)> {
    let blocks = manifest["blocks"].as_object().unwrap().iter();
    blocks.filter(|(name, _)| !LATER.iter().any(|later| name.starts_with(later)))
}

fn cases(manifest: &Json) -> usize {
    let names = manifest["backbones"].as_object().unwrap();
    let backbones = names.keys().filter(|name| name.parse::<Architecture>().is_ok()).count();
    built(manifest).count() * PRECISIONS.len() + backbones
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, block) in built(manifest) {
        for precision in &PRECISIONS {
            block_case(&folder.join(name), name, block, precision);
            ran += 1;
        }
    }
    for (name, expected) in manifest["backbones"].as_object().unwrap() {
        if let Ok(architecture) = name.parse() {
            backbone(architecture, expected);
            ran += 1;
        }
    }
    let later = manifest["blocks"].as_object().unwrap().len() - built(manifest).count();
    println!("blocks: {later} blocks of bottleneck and SE networks wait until these are built");
    ran
}

/// Appends the block that the oracle calls `name`.
fn build(layers: &mut Layers<'_>, name: &str, block: &Json, x: Value) -> Value {
    let extents = |key: &str| -> Vec<usize> {
        block[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let (input, output) = (extents("input"), extents("output"));
    let mut net = Backbone::new(Architecture::Ir18, 1.0);
    net.dropout = 0.0;
    match name {
        "input_layer" => {
            net.stem = output[1];
            net.input_layer(layers, x)
        }
        "output_layer" => {
            net.embedding = output[1];
            net.output_layer(layers, x)
        }
        "output_layer_normalised" => {
            net.embedding = output[1] - 1;
            let raw = layers.within("output_layer", |layers| net.output_layer(layers, x));
            let g = &mut *layers.g;
            let squared = g.mul(raw, raw);
            let squares = g.reduce_sum_keep(squared, &[1]);
            let norm = g.sqrt(squares);
            let embedding = g.div(raw, norm);
            g.concat(&[embedding, norm], 1)
        }
        _ => {
            let stride = if input[2] == output[2] { 1 } else { 2 };
            Block { channels: output[1], stride }.build(layers, x)
        }
    }
}

fn block_graph(folder: &Path, name: &str, block: &Json, mode: Mode) -> (Graph, Vec<String>) {
    let shape = read(&folder.join("input.npy")).shape;
    let mut g = Builder::new();
    let x = g.input("input", Element::Float, &shape);
    let mut layers = Layers::new(&mut g, mode);
    let y = build(&mut layers, name, block, x);
    let Layers { params, next, values, .. } = layers;
    let names = params.parameters.iter().map(|p| p.name.clone());
    let names: Vec<String> = names.chain(params.buffers.iter().map(|b| b.name.clone())).collect();
    if mode == Mode::Evaluation {
        return (g.finish(vec![("eval_output".to_owned(), y)]), names);
    }
    let upstream = g.input("upstream", Element::Float, &g.shape(y));
    let product = g.mul(y, upstream);
    let axes: Vec<usize> = (0..g.shape(product).len()).collect();
    let loss = g.reduce_sum(product, &axes);
    let mut wrt = vec![x];
    wrt.extend(&values);
    let gradients = backward(&mut g, loss, &wrt);
    let mut outputs = vec![("train_output".to_owned(), y)];
    let parameters = params.parameters.iter().map(|p| format!("grad.{}", p.name));
    let what = std::iter::once("grad_input".to_owned()).chain(parameters);
    outputs.extend(what.zip(gradients.into_iter().map(Option::unwrap)));
    outputs.extend(next.into_iter().map(|(name, value)| (format!("after.{name}"), value)));
    (g.finish(outputs), names)
}

fn block_case(folder: &Path, name: &str, block: &Json, precision: &Precision) {
    let modes = [
        (Mode::Evaluation, "state", "", "eval_output"),
        (Mode::Training, "state", "", ""),
        (Mode::Evaluation, "state", "after.", "eval_output_after"),
    ];
    let own = folder.join(precision.name);
    for (mode, state, after, output) in modes {
        let (graph, names) = block_graph(folder, name, block, mode);
        let mut feeds: Vec<(&str, Tensor)> =
            vec![("input", precision.input(&folder.join("input.npy")))];
        if mode == Mode::Training {
            feeds.push(("upstream", precision.input(&folder.join("upstream.npy"))));
        }
        for name in &names {
            let moved = own.join(format!("{after}{name}.npy"));
            let moved = Some(moved).filter(|path| !after.is_empty() && path.is_file());
            let path = moved.unwrap_or_else(|| folder.join(state).join(format!("{name}.npy")));
            feeds.push((name, precision.input(&path)));
        }
        let feeds: Vec<(&str, Tensor)> = feeds
            .into_iter()
            .filter(|(name, _)| graph.inputs().iter().any(|(_, node)| node.name == *name))
            .collect();
        let expected = |what: &str, _: &Tensor| {
            let what = if mode == Mode::Evaluation { output } else { what };
            let path = own.join(format!("{what}.npy"));
            if path.is_file() {
                return Some(read(&path));
            }
            let absent = precision.name == "f32"
                && (what.starts_with("grad.") || what == "eval_output_after");
            assert!(absent, "{} is missing", path.display());
            None
        };
        precision.check_run(&graph, &feeds, expected, &format!("{name} {mode:?} {after}"));
    }
}

/// Counts, and where the manifest lists them the names and shapes, of a whole backbone's tensors.
fn backbone(architecture: Architecture, expected: &Json) {
    let mut g = Builder::new();
    let images = g.input("input", Element::Float, &[2, 3, 112, 112]);
    let mut layers = Layers::new(&mut g, Mode::Training);
    Backbone::new(architecture, 1.0).build(&mut layers, images);
    let params = layers.params;
    let count: usize = params.parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
    assert_eq!(count as u64, expected["parameters"].as_u64().unwrap(), "{architecture}");
    let Some(keys) = expected["keys"].as_array() else { return };
    let mut own: Vec<(String, Vec<u64>)> = Vec::new();
    let extents = |shape: &[usize]| shape.iter().map(|&extent| extent as u64).collect();
    own.extend(params.parameters.iter().map(|p| (p.name.clone(), extents(&p.shape))));
    own.extend(params.buffers.iter().map(|b| (b.name.clone(), extents(&b.shape))));
    let listed = keys.iter().map(|key| {
        let shape = key[1].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        (key[0].as_str().unwrap().to_owned(), shape)
    });
    // PyTorch counts batches in each normalisation; a run counts its steps once.
    let mut listed: Vec<(String, Vec<u64>)> =
        listed.filter(|(name, _)| !name.ends_with("num_batches_tracked")).collect();
    own.sort();
    listed.sort();
    assert_eq!(own, listed, "{architecture}");
}
