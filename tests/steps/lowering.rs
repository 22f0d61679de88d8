//! Every operator and its gradient, lowered and run by ONNX Runtime on the processor, against the
//! reference evaluator on the same numbers.

use crate::cases::products::conv;
use crate::cases::{Case, Gradient, cases};
use crate::laid::rounds;
use crate::reference::{Tensor, evaluate};
use crate::run::{run, run_in};
use crate::trial::small;
use qgface_data::graph::lower::{Arrangement, DOMAIN, Layout, Problem, Rows, lower_with_rows};
use qgface_data::graph::{Builder, Element, Graph, Window};
use qgface_data::nn::HeadKind;
use qgface_data::onnx::Model;
use qgface_data::train::StepGraph;
use std::collections::{BTreeMap, BTreeSet};

/// Difference allowed, relative to the largest magnitude in the same output: a hundred roundings to
/// 24 bits.
const TOLERANCE: f64 = 100.0 / (1 << 24) as f64;

/// The same where factors are rounded to the 8 bits of bfloat16: twice a half of the last of them.
const ROUNDED: f64 = 1.0 / (1 << 7) as f64;

/// The same in half width, of 11 bits: what is one operator may be some, each of which rounds.
const HALF: f64 = 1.0 / (1 << 8) as f64;

/// What rows need that lose digits, by the beginning of their names.
const TOLERANCES: &[(&str, f64)] = &[
    // x·dy has the digits of the mean, which the gradient by γ takes off again.
    ("BatchNormTraining far from zero", 1e-4),
];

/// How a row's outputs differ, if they do.
fn faults(case: &Case) -> Vec<String> {
    let graph = match case.gradient {
        Gradient::Refused => case.forward(),
        Gradient::Smooth | Gradient::Defined => case.backward(),
    };
    let feeds = case.feeds();
    let expected = evaluate(&graph, &feeds);
    let own = TOLERANCES.iter().find(|(start, _)| case.name.starts_with(start));
    let tolerance = own.map_or(TOLERANCE, |(_, tolerance)| *tolerance);
    let mut layouts = vec![(Layout::Planes, tolerance), (Layout::Pixels, tolerance)];
    if rounds() {
        layouts.push((Layout::RoundedPixels, ROUNDED.max(tolerance)));
    }
    let faults = |(layout, tolerance)| {
        let all = arrangements(&graph, layout);
        let faults = all.map(|own| faults_in(&own, case, &graph, &expected, tolerance));
        faults.flatten().collect::<Vec<_>>()
    };
    layouts.into_iter().flat_map(faults).collect()
}

/// Arrangements in which every problem of a graph is solved by each of its formulations once at least.
fn arrangements(graph: &Graph, layout: Layout) -> impl Iterator<Item = Arrangement> {
    let problems = graph.nodes().iter().filter_map(|node| Problem::of(graph, node, layout));
    let solved: Vec<(String, Vec<&str>)> =
        problems.map(|problem| (problem.to_string(), problem.formulations())).collect();
    let most = solved.iter().map(|(_, names)| names.len()).max().unwrap_or(0);
    let chosen = move |at: usize| {
        let chosen = |(problem, names): &(String, Vec<&str>)| {
            (problem.clone(), names[at % names.len()].to_owned())
        };
        Arrangement { layout, formulations: solved.iter().map(chosen).collect() }
    };
    [layout.into()].into_iter().chain((0..most).map(chosen))
}

/// The same in half width, against the evaluator, which rounds what is half as wide, too.
fn faults_in_half(case: &Case) -> Vec<String> {
    let graph = case.narrowed();
    let expected = evaluate(&graph, &case.feeds());
    faults_in(&Arrangement::default(), case, &graph, &expected, HALF)
}

fn faults_in(
    arrangement: &Arrangement,
    case: &Case,
    graph: &Graph,
    expected: &[Tensor],
    tolerance: f64,
) -> Vec<String> {
    let found = run_in(arrangement, graph, &case.feeds());
    let mut faults = Vec::new();
    for (((output, _), expected), found) in graph.outputs().iter().zip(expected).zip(found) {
        let largest = expected.data.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let both = found.data.iter().zip(&expected.data);
        // What is no number is never close.
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance * largest;
        if let Some(element) = both.map(close).position(|close| !close) {
            let (found, expected) = (found.data[element], expected.data[element]);
            faults.push(format!(
                "{}: {arrangement:?}: {output}, element {element}: {found}, expected {expected}, of at most {largest}",
                case.name
            ));
        }
    }
    faults
}

/// Names in a table are a form: a formulation of another name is made anew by those who have tables.
#[test]
fn formulations_have_their_names() {
    let names = |case: Case, layout| {
        let graph = case.backward();
        let problems = graph.nodes().iter().filter_map(|node| Problem::of(&graph, node, layout));
        problems.flat_map(|problem| problem.formulations()).collect::<BTreeSet<_>>()
    };
    let conv = || conv(Window { kernel: 3, stride: 1, pad: 1 }, [5, 3], [14, 14]);
    let in_planes = names(conv(), Layout::Planes);
    let expected = [
        "columns",
        "columns by image",
        "gathered",
        "rows and columns",
        "taps",
        "taps by image",
        "transposed",
        "turned images",
        "turned kernels",
    ];
    assert!(in_planes.iter().eq(&expected), "{in_planes:?}");
    let rounded = names(conv(), Layout::RoundedPixels);
    assert!(rounded.iter().eq(&["bfloat16", "float32", "in planes"]), "{rounded:?}");
}

#[test]
fn every_row_gives_the_numbers_of_the_evaluator() {
    let faults: Vec<String> = cases().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_row_gives_the_numbers_of_the_evaluator_in_half_width() {
    let all = cases();
    let narrow = |case: &&Case| {
        let nodes = case.narrowed();
        nodes.nodes().iter().any(|node| node.element == Element::Half)
    };
    assert!(all.iter().filter(narrow).count() > 30);
    let convolutions = large_convolutions();
    let faults: Vec<String> = all.iter().chain(&convolutions).flat_map(faults_in_half).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_formulation_of_convolutions_gives_the_numbers_of_the_evaluator() {
    let faults: Vec<String> = large_convolutions().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Convolutions of the sizes at which the lowering goes from one formulation of their gradients to
/// another, with more channels and with fewer than another of its bounds. They are too large for
/// central differences.
fn large_convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |[kernel, stride, pad]: [usize; 3], channels, extents| {
        cases.push(conv(Window { kernel, stride, pad }, channels, extents));
    };
    for height in [56, 28, 14, 7, 5] {
        for width in [height, height + 3] {
            add([3, 1, 1], [5, 3], [height, width]);
        }
        add([3, 1, 1], [3, 4], [height, height]);
        add([5, 1, 2], [5, 2], [height, height]);
        add([1, 1, 0], [5, 3], [height, height]);
        // Windows that do not keep the extents.
        add([3, 1, 0], [5, 2], [height + 2, height + 2]);
        add([2, 1, 1], [5, 2], [height - 1, height - 1]);
    }
    // Kernels with more elements than the images.
    for height in [7, 5] {
        add([3, 1, 1], [40, 3], [height, height + 1]);
        add([5, 1, 2], [40, 3], [height, height]);
        add([1, 1, 0], [120, 3], [height, height]);
        add([3, 1, 0], [40, 3], [height + 2, height + 2]);
        add([2, 1, 1], [40, 3], [height - 1, height - 1]);
    }
    for height in [56, 55, 14, 13] {
        add([3, 2, 1], [5, 3], [height, height]);
        add([3, 2, 1], [3, 4], [height, height - 2]);
        add([1, 2, 0], [5, 3], [height, height]);
    }
    cases
}

/// In a network images are rounded as they are made, but for those that more than convolutions read.
#[test]
fn a_step_in_bfloat16_rounds_few_images_that_are_there() {
    let step = StepGraph::new(small(HeadKind::AdaFace, None)).unwrap();
    let arrangement = Layout::RoundedPixels.into();
    let model = lower_with_rows(&step.gradients, "step", &Rows::new(), &arrangement);
    let mut counts = BTreeMap::new();
    for name in own_operators(&model) {
        *counts.entry(name).or_insert(0) += 1;
    }
    let forms = ["Affine", "PRelu", "Combine"];
    let all = forms.iter().all(|name| counts.contains_key(&format!("Channel{name}Rounded")));
    assert!(all, "{counts:?}");
    // What is fed, what blocks add, and its gradients.
    assert!(counts["ChannelRound"] * 3 < counts["DnnlConvRounded"] * 2, "{counts:?}");
    assert!(!counts.contains_key("DnnlConv"), "{counts:?}");
}

fn own_operators(model: &Model) -> Vec<String> {
    let own = model.graph().node.iter().filter(|node| node.domain == DOMAIN);
    own.map(|node| node.op_type.clone()).collect()
}

/// Of the program's own operators there is none that no row is lowered to.
#[test]
fn rows_are_lowered_to_all_operators_of_images_with_channels_last() {
    let met = |layout: Layout| {
        let cases = cases();
        let cases = cases.iter().filter(|case| case.gradient != Gradient::Refused);
        let models = cases
            .map(|case| lower_with_rows(&case.backward(), "case", &Rows::new(), &layout.into()));
        models.flat_map(|model| own_operators(&model)).collect::<BTreeSet<_>>()
    };
    let channels = [
        "ChannelAffine",
        "ChannelCombine",
        "ChannelMoments",
        "ChannelPRelu",
        "ChannelPReluGradient",
        "ChannelProducts",
    ];
    let whole = ["DnnlConv", "DnnlConvInputGradient", "DnnlConvWeightGradient"];
    let pixels = met(Layout::Pixels);
    assert!(pixels.iter().eq(channels.iter().chain(&whole)), "{pixels:?}");
    let rounded = met(Layout::RoundedPixels);
    let convolutions = whole.map(|name| format!("{name}Rounded"));
    let expected = channels.iter().map(|&name| name.to_owned());
    let expected = expected.chain(["ChannelRound".to_owned()]).chain(convolutions);
    assert!(rounded.iter().eq(&expected.collect::<BTreeSet<_>>()), "{rounded:?}");
}

#[test]
fn inputs_constants_and_one_value_twice_may_be_returned() {
    let mut g = Builder::new();
    let x = g.input("x", Element::Float, &[2]);
    let detached = g.detach(x);
    let constant = g.constant(&[1, 2], vec![0.5, 0.25]);
    let integers = g.integers(vec![-3, 5]);
    let sum = g.add(x, constant);
    let twice = g.add(sum, sum);
    let outputs = [x, detached, constant, integers, sum, twice, sum];
    let name = |(at, value)| (format!("output {at}"), value);
    let graph = g.finish(outputs.into_iter().enumerate().map(name).collect());
    let feeds = [("x", Tensor::new(&[2], vec![1.0, 2.0]))];
    let found = run(&graph, &feeds);
    // All of them are exact in 32 bits.
    assert_eq!(found, evaluate(&graph, &feeds));
    assert_eq!(found[6].data, [1.5, 2.25]);
}

#[test]
fn inputs_that_no_output_depends_on_are_not_asked_for() {
    let mut g = Builder::new();
    let (x, unread) = (g.input("x", Element::Float, &[2]), g.input("unread", Element::Int64, &[]));
    let (y, _) = (g.neg(x), g.cast(unread, Element::Float));
    let graph = g.finish(vec![("y".into(), y)]);
    let feeds = [("x", Tensor::new(&[2], vec![1.0, 2.0]))];
    assert_eq!(run(&graph, &feeds), [Tensor::new(&[2], vec![-1.0, -2.0])]);
}
