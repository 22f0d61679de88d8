//! Each operator's time beside the stock nodes that it replaces, which lie in `[n, c, h, w]`, and
//! beside copying as many bytes. Asked for with `-- --ignored --nocapture measured`.

use super::testing::{float, model, numbers, program};
use crate::{Binding, Element, Program, Runtime};
use qgface_graph::graph::Element::Float;
use qgface_graph::graph::lower::{ByRow, lower_by_row, rows_of};
use qgface_graph::graph::{Builder, Op, Value, lower};
use qgface_graph::onnx::{Attribute, Extent, Model, TypeKind, ValueInfo};
use std::io::Write;
use std::time::Instant;

const THREADS: usize = 2;
const ROUNDS: usize = 25;

/// An operator: its name, its attributes, its inputs and outputs by letter (`i`mage, `c`hannels,
/// `n`umber), and what it replaces.
struct Row {
    operator: &'static str,
    attributes: fn() -> Vec<Attribute>,
    inputs: &'static str,
    outputs: &'static str,
    stock: fn([usize; 4]) -> Model,
}

const ROWS: [Row; 8] = [
    row("ChannelMoments", "i", "cc", moments),
    row("ChannelAffine", "icc", "i", affine),
    row("ChannelPRelu", "ic", "i", prelu),
    row("ChannelPReluGradient", "ici", "ic", prelu_gradient),
    row("ChannelProducts", "iic", "cc", products),
    row("ChannelCombine", "iiccc", "i", combine),
    row("ChannelCombine", "iiccci", "i", combine_more),
    Row { attributes: sgd, ..row("MomentumUpdate", "iiin", "ii", update) },
];

const fn row(
    operator: &'static str,
    inputs: &'static str,
    outputs: &'static str,
    stock: fn([usize; 4]) -> Model,
) -> Row {
    Row { operator, attributes: Vec::new, inputs, outputs, stock }
}

fn sgd() -> Vec<Attribute> {
    vec![float("momentum", 0.9), float("weight_decay", 5e-4)]
}

/// A graph of images and numbers by channel, as the step has them.
fn graph(
    images: usize,
    shape: [usize; 4],
    build: impl Fn(&mut Builder, &[Value]) -> Vec<Value>,
) -> Model {
    let [n, h, w, c] = shape;
    let mut g = Builder::new();
    let mut values: Vec<Value> =
        (0..images).map(|at| g.input(&format!("image{at}"), Float, &[n, c, h, w])).collect();
    values.extend((0..5).map(|at| g.input(&format!("channels{at}"), Float, &[c])));
    let made = build(&mut g, &values);
    let named = made.into_iter().enumerate().map(|(at, value)| (format!("out{at}"), value));
    let graph = g.finish(named.collect());
    lower(&graph, "stock")
}

fn moments(shape: [usize; 4]) -> Model {
    graph(1, shape, |g, v| vec![g.apply(Op::BatchVariance, &v[..1])])
}

fn normalised(g: &mut Builder, v: &[Value]) -> Value {
    g.apply(Op::BatchNormalization { epsilon: 1e-5 }, &v[..5])
}

fn affine(shape: [usize; 4]) -> Model {
    graph(1, shape, |g, v| vec![normalised(g, v)])
}

fn inclined(g: &mut Builder, x: Value, slope: Value) -> Value {
    let zero = g.scalar(0.0);
    let (positive, slope) = (g.max(x, zero), by_channel(g, slope));
    let negative = g.sub(x, positive);
    let inclined = g.mul(negative, slope);
    g.add(positive, inclined)
}

fn by_channel(g: &mut Builder, value: Value) -> Value {
    let channels = g.shape(value)[0];
    g.reshape(value, &[channels, 1, 1])
}

fn prelu(shape: [usize; 4]) -> Model {
    graph(1, shape, |g, v| vec![inclined(g, v[0], v[1])])
}

fn prelu_gradient(shape: [usize; 4]) -> Model {
    graph(2, shape, |g, v| {
        let dx = g.apply(Op::PReluInputGradient, &[v[0], v[2], v[1]]);
        vec![dx, g.apply(Op::PReluSlopeGradient, &v[..2])]
    })
}

fn products(shape: [usize; 4]) -> Model {
    graph(2, shape, |g, v| {
        let sum = g.reduce_sum(v[0], &[0, 2, 3]);
        vec![sum, g.apply(Op::ProductMean, &v[..2])]
    })
}

/// As the rule of batch normalisation has it: q·x + r is a normalisation.
fn combined(g: &mut Builder, v: &[Value], parameters: &[Value]) -> Value {
    let [p, q, r] = [0, 1, 2].map(|at| parameters[at]);
    let p = by_channel(g, p);
    let scaled = g.mul(v[1], p);
    let channels = g.shape(q);
    let zeros = g.constant(&channels, vec![0.0; channels[0]]);
    let ones = g.constant(&channels, vec![1.0; channels[0]]);
    let line = g.apply(Op::BatchNormalization { epsilon: 0.0 }, &[v[0], q, r, zeros, ones]);
    g.add(scaled, line)
}

fn combine(shape: [usize; 4]) -> Model {
    graph(2, shape, |g, v| vec![combined(g, v, &v[2..])])
}

fn combine_more(shape: [usize; 4]) -> Model {
    graph(3, shape, |g, v| {
        let made = combined(g, v, &v[3..]);
        vec![g.add(made, v[2])]
    })
}

fn update(shape: [usize; 4]) -> Model {
    let [count, elements] = rows_of(&shape).expect("more than a row");
    let mut g = Builder::new();
    let [p, m, d] = ["p", "m", "d"].map(|name| g.input(name, Float, &[elements]));
    let rate = g.input("rate", Float, &[]);
    let pull = g.scale(p, 5e-4);
    let pulled = g.add(d, pull);
    let kept = g.scale(m, 0.9);
    let momentum = g.add(kept, pulled);
    let way = g.mul(momentum, rate);
    let parameter = g.sub(p, way);
    let body = g.finish(vec![("p'".to_owned(), parameter), ("m'".to_owned(), momentum)]);
    let mut around = Builder::new();
    let rate = around.input("rate", Float, &[]);
    // An input that nothing around the rows reads would be left out.
    let read = around.scale(rate, 2.0);
    let around = around.finish(vec![("read".to_owned(), read)]);
    lower_by_row(&around, "update", &[ByRow { body, count, whole: vec![] }])
}

fn extents(info: &ValueInfo) -> Vec<usize> {
    let Some(TypeKind::Tensor(tensor)) = info.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        panic!("{info:?}")
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let extent = |extent: &Option<Extent>| match extent {
        Some(Extent::Fixed(extent)) => *extent as usize,
        other => panic!("{other:?}"),
    };
    dims.map(|dim| extent(&dim.value)).collect()
}

/// A program with buffers of its own; what an update makes lies where it was.
fn ready(runtime: &Runtime, model: &Model) -> (Program, Binding) {
    let program = program(runtime, model, THREADS).unwrap();
    let graph = model.graph();
    let buffer = |info: &ValueInfo| {
        let shape = extents(info);
        let buffer = program.buffer(Element::Float, &shape).unwrap();
        buffer.write_floats(&numbers(1, shape.iter().product(), 0.1, 1.0)).unwrap();
        buffer
    };
    let inputs: Vec<_> = graph.input.iter().map(|info| (&info.name[..], buffer(info))).collect();
    let place = |output: &str| match (output, &graph.name[..]) {
        ("p'", "update") => Some("p"),
        ("m'", "update") => Some("m"),
        ("o0", "MomentumUpdate") => Some("i0"),
        ("o1", "MomentumUpdate") => Some("i1"),
        _ => None,
    };
    let output = |info: &ValueInfo| match place(&info.name) {
        Some(place) => inputs.iter().find(|(name, _)| *name == place).unwrap().1.clone(),
        None => buffer(info),
    };
    let outputs: Vec<_> = graph.output.iter().map(|info| (&info.name[..], output(info))).collect();
    let given: Vec<_> = inputs.iter().map(|(name, buffer)| (*name, buffer)).collect();
    let made: Vec<_> = outputs.iter().map(|(name, buffer)| (*name, buffer)).collect();
    let binding = program.bind(&given, &made).unwrap();
    (program, binding)
}

/// The operator's model, and how many floats it reads and writes.
fn own(row: &Row, shape: [usize; 4]) -> (Model, usize) {
    let extents = |letter| match letter {
        'i' => &shape[..],
        'c' => &shape[3..],
        _ => &[],
    };
    let [inputs, outputs] =
        [row.inputs, row.outputs].map(|letters| letters.chars().map(extents).collect::<Vec<_>>());
    let all = inputs.iter().chain(&outputs);
    let floats = all.map(|shape| shape.iter().product::<usize>()).sum();
    (model(row.operator, (row.attributes)(), &inputs, &outputs), floats)
}

/// Copies as many floats as are there, on the threads.
fn copy(from: &[f32], to: &mut [f32]) {
    let half = from.len() / THREADS;
    std::thread::scope(|scope| {
        for (from, to) in from.chunks(half).zip(to.chunks_mut(half)) {
            scope.spawn(|| to.copy_from_slice(from));
        }
    });
}

fn milliseconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

/// The time that nothing else on the machine has lengthened.
fn least(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "measures"]
fn measured() {
    let Some(runtime) = Runtime::installed() else { return };
    for shape in [[16, 112, 112, 64], [16, 14, 14, 512], [16, 7, 7, 512]] {
        for row in &ROWS {
            let (model, floats) = own(row, shape);
            let (mut program, mut binding) = ready(&runtime, &model);
            let (mut stock, mut stock_binding) = ready(&runtime, &(row.stock)(shape));
            let (from, mut to) = (vec![1.0; floats / 2], vec![0.0; floats / 2]);
            let [mut own, mut beside, mut copies] = [vec![], vec![], vec![]];
            for _ in 0..ROUNDS {
                own.push(milliseconds(|| program.run(&mut binding).unwrap()));
                beside.push(milliseconds(|| stock.run(&mut stock_binding).unwrap()));
                copies.push(milliseconds(|| copy(&from, &mut to)));
            }
            let [own, beside, copies] = [own, beside, copies].map(|times| least(&times));
            let name = format!("{} {}", row.operator, row.inputs);
            // Past the harness.
            _ = writeln!(
                std::io::stderr(),
                "{shape:?} {name:30} {own:8.3} ms, stock {beside:8.3}, copying {copies:8.3}"
            );
        }
    }
}
