//! Whole networks at full size, whose weights follow from their names: what they make in both modes, and
//! the gradients of all parameters.

use crate::Topic;
use crate::arrays::{largest, near, read};
use crate::blocks;
use crate::manifest::{Json, entries, number};
use crate::nudge::nudge_tensor;
use crate::reference::{Tensor, evaluate};
use crate::run::run_by;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value};
use qgface_data::nn::{Architecture, Backbone, Layers, Mode, Trunk, unit};
use std::num::NonZeroUsize;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "networks", cases, run };

/// What outputs are named by that are gradients of parameters.
const GRADIENT: &str = "gradient.";

/// Names and shapes, evaluation, and training with its gradients.
const CASES_OF_NETWORK: usize = 3;

/// Networks that the evaluator computes in 64 bits, too; the others would take minutes.
const EXACT: [Architecture; 2] = [Architecture::ArcfaceMbf, Architecture::ArcfaceVitTiny];

/// Of embeddings in 32 bits, in evaluation and in training, by the largest number: the reference's own differ
/// from its 64 bits by 2e-6. In training four rows are normalised by their own deviation, layer after layer,
/// which multiplies what rounding does.
const EMBEDDINGS: f64 = 1e-5;
const TRAINED: f64 = 1e-3;

/// Of a gradient in 32 bits, by its length: some pixels lie on the other side of a slope's kink, and of the
/// 333 tensors of the largest MobileFaceNet one of 128 numbers is 0.7 % apart.
const GRADIENTS: f64 = 5e-2;

/// Gradients before a normalisation are zero but for rounding; by the longest of all.
const ZERO: f64 = 1e-5;

/// The same in 64 bits.
const EXACT_NUMBERS: f64 = 1e-9;

fn cases(manifest: &Json) -> usize {
    CASES_OF_NETWORK * entries(manifest, "networks").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let rule = Rule { seed: number(manifest, "seed") };
    let rows = number(manifest, "batch") as usize;
    let mut ran = 0;
    for (name, expected) in entries(manifest, "networks") {
        let architecture = name.parse().unwrap();
        let folder = folder.join(name);
        blocks::backbone(architecture, expected);
        evaluation(&folder, architecture, rows, rule);
        training(&folder, architecture, rows, rule, expected);
        ran += CASES_OF_NETWORK;
    }
    ran
}

/// What numbers a tensor has by its name.
#[derive(Clone, Copy)]
struct Rule {
    seed: u64,
}

impl Rule {
    /// Evenly from 0 to 1: the top 53 bits of SplitMix64 (Steele et al. 2014) of the state
    /// `crc32(name)·2³² + i`.
    fn draws(self, name: &str, count: usize) -> impl Iterator<Item = f64> {
        let name =
            if self.seed == 1 { name.to_owned() } else { format!("seed{}/{name}", self.seed) };
        let state = u64::from(crc32fast::hash(name.as_bytes())) << 32;
        (0..count as u64).map(move |at| {
            let mut mixed = (state + at).wrapping_add(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        })
    }

    /// Evenly from −1 to 1.
    fn signed(self, name: &str, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let data = self.draws(name, count).map(|draw| f64::from((2.0 * draw - 1.0) as f32));
        Tensor::new(shape, data.collect())
    }

    /// A tensor of the state.
    fn tensor(self, name: &str, shape: &[usize]) -> Tensor {
        let last = name.rsplit('.').next().unwrap();
        let inputs: usize = shape.iter().skip(1).product();
        let number = |draw: f64| match (last, shape.len()) {
            ("running_var", _) => 0.5 + draw,
            ("running_mean", _) | ("bias", 1) => 0.2 * (draw - 0.5),
            (_, 1) => 0.25 + 0.5 * draw,
            (_, 3) => 0.1 * (2.0 * draw - 1.0),
            _ => (2.0 * draw - 1.0) * (4.5 / inputs as f64).sqrt(),
        };
        let count = shape.iter().product();
        let data = self.draws(name, count).map(|draw| f64::from(number(draw) as f32));
        Tensor::new(shape, data.collect())
    }

    fn feeds<'g>(self, graph: &'g Graph) -> Vec<(&'g str, Tensor)> {
        let feed = |name: &'g str, shape: &[usize]| match name {
            "input" | "upstream" => {
                let mut drawn = self.signed(name, shape);
                nudge_tensor(&mut drawn, true, name);
                (name, drawn)
            }
            _ => (name, self.tensor(name, shape)),
        };
        let inputs = graph.inputs().into_iter();
        inputs.map(|(_, node)| feed(&node.name, &node.shape)).collect()
    }
}

/// The network of a row of pictures, as its source has it: AdaFace's makes unit vectors, without dropout.
fn build(
    architecture: Architecture,
    layers: &mut Layers<'_>,
    images: Value,
) -> (Value, Option<Value>) {
    let backbone = Backbone { dropout: 0.0, ..Backbone::new(architecture, 1.0) };
    let features = backbone.build(layers, images);
    match backbone.trunk {
        Trunk::Ir(_) => {
            let (embedding, norm) = unit(layers.g, features);
            (embedding, Some(norm))
        }
        Trunk::IResNet(_) | Trunk::MobileFaceNet(_) | Trunk::Vit(_) => (features, None),
    }
}

fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn evaluation(folder: &Path, architecture: Architecture, rows: usize, rule: Rule) {
    let mut g = Builder::new();
    let images = g.input("input", Element::Float, &[rows, 3, 112, 112]);
    let mut layers = Layers::new(&mut g, Mode::Evaluation);
    let (output, norm) = build(architecture, &mut layers, images);
    let named = [("output", Some(output)), ("norm", norm)];
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let graph = g.finish(named.collect());
    let feeds = rule.feeds(&graph);
    let check = |made: &[Tensor], tolerance: f64| {
        for ((name, _), own) in graph.outputs().iter().zip(made) {
            let expected = read(&folder.join(format!("eval_{name}_f64.npy")));
            let what = format!("{architecture}: eval {name}");
            near(own, &expected, tolerance * largest(&expected), &what);
        }
    };
    check(&run_by(threads(), &graph, &feeds), EMBEDDINGS);
    if is_exact(architecture) {
        check(&evaluate(&graph, &feeds), EXACT_NUMBERS);
    }
}

/// Whether the evaluator computes a network, too: not of images that are moved within their last 32 bits,
/// which says nothing of 64.
fn is_exact(architecture: Architecture) -> bool {
    EXACT.contains(&architecture) && std::env::var_os("QGFACE_GOLDEN_NUDGE").is_none()
}

fn training(folder: &Path, architecture: Architecture, rows: usize, rule: Rule, expected: &Json) {
    let mut g = Builder::new();
    let images = g.input("input", Element::Float, &[rows, 3, 112, 112]);
    let mut layers = Layers::new(&mut g, Mode::Training);
    let (output, _) = build(architecture, &mut layers, images);
    let Layers { params, values, .. } = layers;
    let upstream = g.input("upstream", Element::Float, &g.shape(output));
    let product = g.mul(output, upstream);
    let loss = g.reduce_sum(product, &[0, 1]);
    let gradients = backward(&mut g, loss, &values);
    let mut outputs = vec![("output".to_owned(), output)];
    let names = params.parameters.iter().map(|own| own.name.clone());
    let names = names.map(|name| format!("{GRADIENT}{name}"));
    outputs.extend(names.zip(gradients).filter_map(|(name, own)| Some((name, own?))));
    let graph = g.finish(outputs);
    let feeds = rule.feeds(&graph);
    let check = |made: &[Tensor], of_output: f64, of_gradients: f64, zero: f64| {
        let output = read(&folder.join("train_output_f64.npy"));
        let what = format!("{architecture}: train output");
        near(&made[0], &output, of_output * largest(&output), &what);
        let names = graph.outputs()[1..].iter().map(|(name, _)| &name[GRADIENT.len()..]);
        let own = names.zip(&made[1..]);
        compare(architecture, own, expected, rule, of_gradients, zero);
    };
    check(&run_by(threads(), &graph, &feeds), TRAINED, GRADIENTS, ZERO);
    if is_exact(architecture) {
        check(&evaluate(&graph, &feeds), EXACT_NUMBERS, EXACT_NUMBERS, EXACT_NUMBERS);
    }
}

/// Lengths of all gradients, and their products with a probe.
fn compare<'g>(
    architecture: Architecture,
    own: impl Iterator<Item = (&'g str, &'g Tensor)>,
    expected: &Json,
    rule: Rule,
    tolerance: f64,
    zero: f64,
) {
    let listed: Vec<(&str, [f64; 2])> = entries(expected, "gradients")
        .map(|(name, pair)| (name, [0, 1].map(|at| pair[at].as_f64().unwrap())))
        .collect();
    let longest = listed.iter().map(|(_, [length, _])| *length).fold(0.0, f64::max);
    let mut seen = 0;
    let mut worst = (0.0, "");
    for (name, gradient) in own {
        let find = listed.iter().find(|(other, _)| *other == name);
        let (_, [length, product]) = find.unwrap_or_else(|| panic!("{architecture}: {name}"));
        let probe = rule.signed(&format!("{name}.probe"), &gradient.shape).data;
        let both = gradient.data.iter().zip(probe);
        let own_product: f64 = both.map(|(own, probe)| own * probe).sum();
        let own_length = gradient.data.iter().map(|own| own * own).sum::<f64>().sqrt();
        let bound = tolerance * length + zero * longest;
        for (what, own, expected) in
            [("length", own_length, *length), ("product", own_product, *product)]
        {
            let apart = (own - expected).abs();
            assert!(
                apart <= bound,
                "{architecture}: {what} of the gradient of {name}: {own} for {expected}, tolerance {bound}"
            );
            if apart / bound > worst.0 {
                worst = (apart / bound, name);
            }
        }
        seen += 1;
    }
    assert_eq!(seen, listed.len(), "{architecture}: gradients");
    println!("networks: {architecture}: at most {:.3} of the tolerance, {}", worst.0, worst.1);
}
