//! Blocks and layers of the backbone against the reference's, in both modes, with all gradients.

use crate::Topic;
use crate::arrays::{PRECISIONS, Precision, read};
use crate::manifest::Json;
use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value};
use qgface_data::nn::{Architecture, Backbone, Block, Ir, Layers, Mode, Unit};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "blocks", cases, run };

fn cases(manifest: &Json) -> usize {
    let count = |what: &str| manifest[what].as_object().unwrap().len();
    count("blocks") * PRECISIONS.len() + count("backbones")
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, block) in manifest["blocks"].as_object().unwrap() {
        for precision in &PRECISIONS {
            block_case(&folder.join(name), name, block, precision);
            ran += 1;
        }
    }
    for (name, expected) in manifest["backbones"].as_object().unwrap() {
        backbone(name.parse().unwrap(), expected);
        ran += 1;
    }
    ran
}

/// Appends the block that the oracle calls `name`.
fn build(layers: &mut Layers<'_>, name: &str, block: &Json, x: Value) -> Value {
    let extents = |key: &str| -> Vec<usize> {
        block[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let (input, output) = (extents("input"), extents("output"));
    let net = Ir {
        unit: if name.starts_with("bottleneck") { Unit::Bottleneck } else { Unit::Basic },
        squeezed: name.starts_with("irse") || name.starts_with("bottleneck_se"),
        ..Ir::plain(output[1], vec![])
    };
    match name {
        "input_layer" => net.input_layer(layers, x),
        "output_layer" => Ir::output_layer(layers, x, output[1], 0.0),
        "output_layer_normalised" => {
            let end = |layers: &mut Layers<'_>| Ir::output_layer(layers, x, output[1] - 1, 0.0);
            let raw = layers.within("output_layer", end);
            let g = &mut *layers.g;
            let squared = g.mul(raw, raw);
            let squares = g.reduce_sum_keep(squared, &[1]);
            let norm = g.sqrt(squares);
            let embedding = g.div(raw, norm);
            g.concat(&[embedding, norm], 1)
        }
        _ => {
            let stride = if input[2] == output[2] { 1 } else { 2 };
            net.block(layers, x, Block { channels: output[1], stride })
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

/// Counts, and where the manifest lists them the names and shapes, of a whole network's tensors.
pub(crate) fn backbone(architecture: Architecture, expected: &Json) {
    let mut g = Builder::new();
    let images = g.input("input", Element::Float, &[2, 3, 112, 112]);
    let mut layers = Layers::new(&mut g, Mode::Training);
    Backbone::new(architecture, 1.0).build(&mut layers, images);
    let params = layers.params;
    let learned: usize = params.parameters.iter().map(|own| own.count()).sum();
    // A scale that PyTorch counts, and does not train.
    let held = params.buffers.iter().filter(|own| own.name.ends_with(".weight"));
    let held: usize = held.map(|own| own.shape.iter().product::<usize>()).sum();
    let count = (learned + held) as u64;
    assert_eq!(count, expected["parameters"].as_u64().unwrap(), "{architecture}");
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
