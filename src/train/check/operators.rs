//! The operators of a step, each alone: on the device, in every layout and formulation, against the
//! simplest formulation on the processor.

use super::report::Check;
use crate::causes::chain;
use crate::graph::lower::{Arrangement, Formulations, Layout, Problem, Rows, lower_with_rows};
use crate::graph::{Builder, Element, Graph, Literal, Node, Op, Value, Width};
use crate::runtime::{self, Buffer, Program, Runtime};
use crate::seed::{Seed, Stream};
use crate::train::Error;
use crate::train::tuning::{apart, bounds, name};
use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;

/// An operator on tensors of given extents.
struct Alone {
    operator: &'static str,
    graph: Graph,
    /// The same in 32 bits, of inputs that are rounded as its are.
    reference: Graph,
    /// How wide it is.
    width: Width,
}

/// The operators of graphs, each once for the extents that it is at work on.
fn alone<'g>(graphs: impl IntoIterator<Item = &'g Graph>) -> Vec<Alone> {
    let mut met = HashSet::new();
    let mut all = Vec::new();
    for graph in graphs {
        let live = graph.live();
        for (_, node) in graph.values().filter(|(value, _)| live[value.index()]) {
            let extents = |input: &Value| (&graph.node(*input).shape, graph.node(*input).element);
            let inputs: Vec<_> = node.inputs.iter().map(extents).collect();
            let computes = !matches!(node.op, Op::Input | Op::Constant(_) | Op::Detach);
            if computes && met.insert(format!("{:?} {inputs:?}", node.op)) {
                let elements = node.inputs.iter().map(|&input| graph.node(input).element);
                let is_half = elements.chain([node.element]).any(|own| own == Element::Half);
                let width = if is_half { Width::Half } else { Width::Whole };
                all.push(Alone {
                    operator: node.op.name(),
                    graph: graph_of(graph, node, Element::Half),
                    reference: graph_of(graph, node, Element::Float),
                    width,
                });
            }
        }
    }
    all
}

/// A node as a graph of its own, in which what is half as wide is computed in `half`. Floats are fed and
/// returned in 32 bits, and truth values are returned as numbers.
fn graph_of(graph: &Graph, node: &Node, half: Element) -> Graph {
    let mut g = Builder::new();
    let mut read = Vec::new();
    for (at, &input) in node.inputs.iter().enumerate() {
        let given = graph.node(input);
        read.push(match &given.op {
            Op::Constant(Literal::Float(numbers)) => g.constant(&given.shape, numbers.clone()),
            Op::Constant(Literal::Int64(numbers)) => g.integers(numbers.clone()),
            _ if given.element == Element::Half => {
                let fed = g.input(&format!("input {at}"), Element::Float, &given.shape);
                let rounded = g.cast(fed, Element::Half);
                if half == Element::Half { rounded } else { g.cast(rounded, half) }
            }
            _ => g.input(&format!("input {at}"), given.element, &given.shape),
        });
    }
    let op = match node.op {
        Op::Cast(Element::Half) => Op::Cast(half),
        _ => node.op.clone(),
    };
    let made = g.apply(op, &read);
    let made = match g.graph().node(made).element {
        Element::Bool | Element::Half => g.cast(made, Element::Float),
        Element::Float | Element::Int64 => made,
    };
    g.finish(vec![("output".to_owned(), made)])
}

/// The arrangements of a graph of one operator in a layout: one for each of its formulations.
fn arrangements(graph: &Graph, layout: Layout) -> Vec<Arrangement> {
    let problem = graph.nodes().iter().find_map(|node| Problem::of(graph, node, layout));
    let Some(problem) = problem else { return vec![layout.into()] };
    let formulated = |name: &&str| {
        let formulations = Formulations::from([(problem.to_string(), (*name).to_owned())]);
        Arrangement { layout, formulations }
    };
    problem.formulations().iter().map(formulated).collect()
}

/// The simplest arrangement.
fn simplest(graph: &Graph) -> Arrangement {
    arrangements(graph, Layout::Planes).remove(0)
}

/// What an arrangement is called.
fn told(arrangement: &Arrangement) -> String {
    let formulation = arrangement.formulations.values().next();
    let formulation = formulation.map_or(String::new(), |own| format!(", {own}"));
    format!("{}{formulation}", name(arrangement.layout))
}

/// How the formulations of an operator did.
#[derive(Default)]
struct Found {
    compared: usize,
    worst: f64,
    /// What is wrong: extents, arrangement and reason.
    faults: Vec<String>,
}

/// Checks every operator of graphs in the layouts of a device; a check for each operator.
///
/// # Errors
/// [`Error::Runtime`]: the processor refuses a reference.
pub(super) fn check<'g>(
    device: &Runtime,
    processor: &Runtime,
    threads: NonZeroUsize,
    layouts: &[Layout],
    graphs: impl IntoIterator<Item = &'g Graph>,
) -> Result<Vec<Check>, Error> {
    let mut found: BTreeMap<&str, Found> = BTreeMap::new();
    for Alone { operator, graph, reference, width } in alone(graphs) {
        let fed = fed(&graph);
        let expected = run(processor, &reference, &simplest(&reference), threads, &fed)?;
        for &layout in layouts.iter().filter(|layout| layout.has(width)) {
            let own = found.entry(operator).or_default();
            for arrangement in arrangements(&graph, layout) {
                own.compared += 1;
                let difference = run(device, &graph, &arrangement, threads, &fed)
                    .map(|found| apart(&expected, &found));
                let bound = bounds(device.device(), layout, width).operator;
                let fault = match difference {
                    Ok(difference) if difference <= bound => {
                        own.worst = own.worst.max(difference);
                        continue;
                    }
                    Ok(difference) => {
                        format!("differs by {difference:.1e}, expected {bound:.0e} at most")
                    }
                    Err(error) => chain(&error),
                };
                own.faults.push(format!("{} {}: {fault}", extents(&graph), told(&arrangement)));
            }
        }
    }
    Ok(found.into_iter().map(|(operator, found)| told_of(operator, found)).collect())
}

fn told_of(operator: &str, Found { compared, worst, faults }: Found) -> Check {
    let what = format!("operator {operator}");
    match faults.first() {
        None => Check::passed(&what, format!("{compared} compared, {worst:.0e} apart at most")),
        Some(first) => {
            let count = faults.len();
            Check::failed(&what, format!("{count} of {compared} wrong, the first: {first}"))
        }
    }
}

/// Extents of what is fed.
fn extents(graph: &Graph) -> String {
    let extents = |node: &Node| {
        let extents: Vec<String> = node.shape.iter().map(usize::to_string).collect();
        extents.join("x")
    };
    let all: Vec<String> = graph.inputs().iter().map(|(_, node)| extents(node)).collect();
    all.join(", ")
}

/// What an input is fed with.
enum Fed {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Bools(Vec<bool>),
}

/// Numbers for all inputs, such as the operator takes.
fn fed(graph: &Graph) -> Vec<(String, Fed)> {
    let mut draws = Seed::new(0).stream("check");
    let least = least(graph);
    let inputs = graph.inputs().into_iter();
    inputs.map(|(_, node)| (node.name.clone(), drawn(node, least, &mut draws))).collect()
}

/// The least number that all operators of a graph take: those of logarithms, roots and divisors are
/// positive, and so is a variance.
fn least(graph: &Graph) -> f64 {
    let positive = |node: &Node| {
        matches!(node.op, Op::Log | Op::Sqrt | Op::Div | Op::BatchNormalization { .. })
    };
    if graph.nodes().iter().any(positive) { 0.1 } else { -1.0 }
}

fn drawn(node: &Node, least: f64, draws: &mut Stream) -> Fed {
    let count: usize = node.shape.iter().product();
    match node.element {
        Element::Float | Element::Half => {
            Fed::Floats((0..count).map(|_| draws.uniform(least, 1.0) as f32).collect())
        }
        // Positions: what is numbered has two at least.
        Element::Int64 => Fed::Ints((0..count).map(|_| draws.below(2) as i64).collect()),
        Element::Bool => Fed::Bools((0..count).map(|_| draws.below(2) == 1).collect()),
    }
}

fn run(
    runtime: &Runtime,
    graph: &Graph,
    arrangement: &Arrangement,
    threads: NonZeroUsize,
    fed: &[(String, Fed)],
) -> Result<Vec<f64>, Error> {
    let model = lower_with_rows(graph, "operator", &Rows::new(), arrangement);
    let mut program = Program::open(runtime, &model, threads)?;
    let [inputs, outputs] = program.buffers()?;
    for (name, buffer) in &inputs {
        let own = fed.iter().find(|(own, _)| own == name);
        match &own.expect("all inputs are fed").1 {
            Fed::Floats(numbers) => buffer.write_floats(numbers)?,
            Fed::Ints(numbers) => buffer.write_ints(numbers)?,
            Fed::Bools(numbers) => buffer.write_bools(numbers)?,
        }
    }
    let inputs: Vec<(&str, &Buffer)> = inputs.iter().map(|(name, own)| (&**name, own)).collect();
    let bound: Vec<(&str, &Buffer)> = outputs.iter().map(|(name, own)| (&**name, own)).collect();
    let mut binding = program.bind(&inputs, &bound)?;
    program.run(&mut binding)?;
    let (_, output) = &outputs[0];
    Ok(match output.element() {
        runtime::Element::Int64 => {
            output.read_ints()?.iter().map(|&number| number as f64).collect()
        }
        _ => output.read_floats()?.into_iter().map(f64::from).collect(),
    })
}
