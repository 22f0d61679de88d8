//! What an operator makes of the shapes and elements of its inputs.
//!
//! A wrong shape is a fault of the code that builds, so it panics, and the panic names that code's
//! line.

use super::op::Axes;
use super::{Element, Node, Op, Window};

/// Element and extents of what `op` makes of `inputs`.
#[track_caller]
pub(super) fn infer(op: &Op, inputs: &[&Node]) -> (Element, Vec<usize>) {
    let (made, shape) = made(op, inputs);
    let widens = made == Element::Float && inputs.iter().any(|own| own.element == Element::Half);
    assert!(!widens || matches!(op, Op::Cast(_)), "{} of half floats", op.name());
    (made, shape)
}

#[track_caller]
fn made(op: &Op, inputs: &[&Node]) -> (Element, Vec<usize>) {
    let shape = |at: usize| inputs[at].shape.clone();
    let element = |at: usize| inputs[at].element;
    let count = arity(op, inputs.len());
    assert!(inputs.len() == count, "{} of {} values, expected {count}", op.name(), inputs.len());
    match op {
        Op::Input => panic!("an input has no shape but its own"),
        Op::Constant(literal) => (literal.element(), vec![literal.count()]),
        Op::Neg
        | Op::Relu6
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Cos
        | Op::Sin
        | Op::Sigmoid
        | Op::Clip { .. } => (floats(op, inputs), shape(0)),
        Op::Detach => (element(0), shape(0)),
        Op::Cast(to) => (*to, shape(0)),
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Max | Op::Min => {
            (floats(op, inputs), broadcast(&inputs[0].shape, &inputs[1].shape))
        }
        Op::Equal | Op::Less | Op::LessOrEqual => {
            floats(op, inputs);
            (Element::Bool, broadcast(&inputs[0].shape, &inputs[1].shape))
        }
        Op::And | Op::Or => {
            let both = element(0) == Element::Bool && element(1) == Element::Bool;
            assert!(both, "{} of {:?} and {:?}", op.name(), element(0), element(1));
            (Element::Bool, broadcast(&inputs[0].shape, &inputs[1].shape))
        }
        Op::Where => {
            assert!(element(0) == Element::Bool, "Where by {:?}", element(0));
            let branches = broadcast(&inputs[1].shape, &inputs[2].shape);
            (floats(op, &inputs[1..]), broadcast(&inputs[0].shape, &branches))
        }
        Op::ReduceSum(axes) | Op::ReduceMean(axes) | Op::ReduceMax(axes) => {
            (floats(op, inputs), reduced(&inputs[0].shape, axes))
        }
        Op::Reshape(to) => {
            let (from, into) = (volume(&inputs[0].shape), volume(to));
            assert!(from == into, "Reshape of {:?} to {to:?}", inputs[0].shape);
            (element(0), to.clone())
        }
        Op::Flatten => (element(0), vec![shape(0)[0], volume(&inputs[0].shape[1..])]),
        Op::Transpose(permutation) => {
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            let rank = inputs[0].shape.len();
            assert!(sorted == (0..rank).collect::<Vec<_>>(), "Transpose by {permutation:?}");
            (element(0), permutation.iter().map(|&axis| inputs[0].shape[axis]).collect())
        }
        Op::Expand(to) => {
            let larger = broadcast(&inputs[0].shape, to);
            assert!(&larger == to, "Expand of {:?} to {to:?}", inputs[0].shape);
            (element(0), larger)
        }
        Op::Concat(axis) => (element(0), joined(inputs, *axis)),
        Op::Slice { axis, start, end } => {
            let mut extents = shape(0);
            let extent = extents[*axis];
            assert!(start <= end && *end <= extent, "Slice {start} to {end} of {extent}");
            extents[*axis] = end - start;
            (element(0), extents)
        }
        Op::Gemm { trans_a, trans_b } => {
            let ([m, k], [l, n]) = (matrix(inputs[0], *trans_a), matrix(inputs[1], *trans_b));
            assert!(k == l, "Gemm of [{m}, {k}] and [{l}, {n}]");
            (floats(op, inputs), vec![m, n])
        }
        Op::MatMul { trans_a, trans_b } => {
            let (a, b) = (matrices(inputs[0], *trans_a), matrices(inputs[1], *trans_b));
            let ([m, k], [l, n]) = (a.1, b.1);
            assert!(a.0 == b.0 && k == l, "MatMul of {:?} and {:?}", shape(0), shape(1));
            (floats(op, inputs), [a.0, &[m, n]].concat())
        }
        Op::LogSoftmax => (Element::Float, matrix(inputs[0], false).to_vec()),
        Op::Softmax => {
            assert!(!inputs[0].shape.is_empty(), "Softmax of a number");
            (Element::Float, shape(0))
        }
        Op::GatherColumns => {
            let numbers = numbers(inputs[1]);
            (Element::Float, vec![matrix(inputs[0], false)[0], numbers])
        }
        Op::ScatterColumns(width) => {
            let [rows, columns] = matrix(inputs[0], false);
            assert!(columns == numbers(inputs[1]), "ScatterColumns of {columns} columns");
            (Element::Float, vec![rows, *width])
        }
        Op::GatherElements => {
            let rows = matrix(inputs[0], false)[0];
            one_each(inputs[1], rows);
            (Element::Float, vec![rows, 1])
        }
        Op::ScatterElements => {
            let [rows, columns] = matrix(inputs[0], false);
            one_each(inputs[1], rows);
            assert!(inputs[2].shape == [rows, 1], "ScatterElements of {:?}", inputs[2].shape);
            (Element::Float, vec![rows, columns])
        }
        Op::Conv(window) => {
            let ([n, i, h, w], [o, j, kh, kw]) = (image(inputs[0]), image(inputs[1]));
            assert!(i == j && kh == kw && kh == window.kernel, "Conv of {i} by {:?}", shape(1));
            (floats(op, inputs), vec![n, o, window.positions(h), window.positions(w)])
        }
        Op::ConvInputGradient(window, [height, width]) => {
            let ([o, i, ..], [n, p, rows, columns]) = (image(inputs[0]), image(inputs[1]));
            let fits = window.positions(*height) == rows && window.positions(*width) == columns;
            assert!(o == p && fits, "ConvInputGradient of {:?} to {height}×{width}", shape(1));
            (floats(op, inputs), vec![n, i, *height, *width])
        }
        Op::ConvWeightGradient(window) => {
            let ([n, i, ..], [m, o, ..]) = (image(inputs[0]), image(inputs[1]));
            assert!(n == m, "ConvWeightGradient of {n} and {m} images");
            positions(window, inputs[0], inputs[1]);
            (floats(op, inputs), vec![o, i, window.kernel, window.kernel])
        }
        Op::GroupedConv(window, groups) => {
            let ([n, i, h, w], [o, part, kh, kw]) = (image(inputs[0]), image(inputs[1]));
            let fits = i == part * groups && o % groups == 0 && kh == kw && kh == window.kernel;
            assert!(fits, "GroupedConv of {i} in {groups} groups by {:?}", shape(1));
            (floats(op, inputs), vec![n, o, window.positions(h), window.positions(w)])
        }
        Op::GroupedConvInputGradient(window, groups, [height, width]) => {
            let ([o, part, ..], [n, p, rows, columns]) = (image(inputs[0]), image(inputs[1]));
            let fits = window.positions(*height) == rows && window.positions(*width) == columns;
            assert!(
                o == p && fits,
                "GroupedConvInputGradient of {:?} to {height}×{width}",
                shape(1)
            );
            (floats(op, inputs), vec![n, part * groups, *height, *width])
        }
        Op::GroupedConvWeightGradient(window, groups) => {
            let ([n, i, ..], [m, o, ..]) = (image(inputs[0]), image(inputs[1]));
            let fits = n == m && i % groups == 0 && o % groups == 0;
            assert!(fits, "GroupedConvWeightGradient of {:?} and {:?}", shape(0), shape(1));
            positions(window, inputs[0], inputs[1]);
            (floats(op, inputs), vec![o, i / groups, window.kernel, window.kernel])
        }
        Op::MaxPool(window) => {
            let [n, c, h, w] = image(inputs[0]);
            (floats(op, inputs), vec![n, c, window.positions(h), window.positions(w)])
        }
        Op::MaxPoolGradient(window) => {
            positions(window, inputs[0], inputs[1]);
            (floats(op, inputs), shape(0))
        }
        Op::BatchNormalization { .. }
        | Op::BatchNormTraining { .. }
        | Op::BatchNormSynchronised { .. } => {
            inputs[1..].iter().for_each(|input| by_channel(inputs[0], input));
            (Element::Float, shape(0))
        }
        Op::LayerNormalization { .. } => {
            let last = inputs[0].shape.last().copied();
            for own in &inputs[1..] {
                let fits = last.is_some_and(|last| own.shape == [last]);
                assert!(fits, "{:?} for the last axis of {:?}", own.shape, inputs[0].shape);
            }
            (Element::Float, shape(0))
        }
        Op::BatchVariance => (Element::Float, vec![shape(0)[1]]),
        Op::PRelu => {
            by_channel(inputs[0], inputs[1]);
            (floats(op, inputs), shape(0))
        }
        Op::PReluInputGradient => {
            by_channel(inputs[0], inputs[1]);
            assert!(shape(0) == shape(2), "PReluInputGradient of {:?}", shape(2));
            (floats(op, inputs), shape(0))
        }
        Op::PReluSlopeGradient => {
            assert!(shape(0) == shape(1), "PReluSlopeGradient of {:?}", shape(1));
            (floats(op, inputs), vec![shape(0)[1]])
        }
        Op::ChannelSum => {
            assert!(shape(0) == shape(1), "ChannelSum of {:?}", shape(1));
            inputs[2..].iter().for_each(|input| by_channel(inputs[0], input));
            (Element::Float, shape(0))
        }
        Op::ProductMean => {
            assert!(shape(0) == shape(1), "ProductMean of {:?}", shape(1));
            (Element::Float, vec![shape(0)[1]])
        }
        Op::AllReduce(world, _) | Op::Broadcast(world, _) => {
            world.check();
            (exchanged(op, inputs[0]), shape(0))
        }
        Op::AllGather(world) => {
            world.check();
            let mut extents = shape(0);
            assert!(!extents.is_empty(), "AllGather of a number, which has no axis");
            extents[0] *= world.ranks;
            (exchanged(op, inputs[0]), extents)
        }
        Op::ReduceScatter(world) => {
            world.check();
            let mut extents = shape(0);
            let parts = extents.first().is_some_and(|own| own.is_multiple_of(world.ranks));
            assert!(parts, "ReduceScatter of {extents:?} to {} ranks", world.ranks);
            extents[0] /= world.ranks;
            (exchanged(op, inputs[0]), extents)
        }
        Op::Announce(_) => {
            floats(op, inputs);
            (Element::Float, shape(0))
        }
    }
}

/// How many inputs an operator takes; a join and an announcement take what they are given.
fn arity(op: &Op, given: usize) -> usize {
    match op {
        Op::Input | Op::Constant(_) => 0,
        Op::Concat(_) => given.max(1),
        Op::Announce(_) => given.max(2),
        Op::Where
        | Op::ScatterElements
        | Op::BatchNormTraining { .. }
        | Op::LayerNormalization { .. }
        | Op::PReluInputGradient => 3,
        Op::BatchNormalization { .. } | Op::BatchNormSynchronised { .. } | Op::ChannelSum => 5,
        Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::Max
        | Op::Min
        | Op::Equal
        | Op::Less
        | Op::LessOrEqual
        | Op::And
        | Op::Or
        | Op::Gemm { .. }
        | Op::MatMul { .. }
        | Op::GatherColumns
        | Op::GatherElements
        | Op::ScatterColumns(_)
        | Op::Conv(_)
        | Op::ConvInputGradient(..)
        | Op::ConvWeightGradient(_)
        | Op::GroupedConv(..)
        | Op::GroupedConvInputGradient(..)
        | Op::GroupedConvWeightGradient(..)
        | Op::MaxPoolGradient(_)
        | Op::PRelu
        | Op::PReluSlopeGradient
        | Op::ProductMean => 2,
        Op::Detach
        | Op::Neg
        | Op::Relu6
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Cos
        | Op::Sin
        | Op::Sigmoid
        | Op::Clip { .. }
        | Op::Cast(_)
        | Op::ReduceSum(_)
        | Op::ReduceMean(_)
        | Op::ReduceMax(_)
        | Op::Reshape(_)
        | Op::Flatten
        | Op::Transpose(_)
        | Op::Expand(_)
        | Op::Slice { .. }
        | Op::LogSoftmax
        | Op::Softmax
        | Op::MaxPool(_)
        | Op::BatchVariance
        | Op::AllReduce(..)
        | Op::AllGather(_)
        | Op::ReduceScatter(_)
        | Op::Broadcast(..) => 1,
    }
}

/// Product of extents.
pub(super) fn volume(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The common shape of two values, aligned at their last axes, where an extent of one repeats.
#[track_caller]
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    let mut common = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (a_extent, b_extent) = (extent(a, axis), extent(b, axis));
        let fits = a_extent == b_extent || a_extent == 1 || b_extent == 1;
        assert!(fits, "{a:?} and {b:?} do not broadcast");
        common.push(if a_extent == 1 { b_extent } else { a_extent });
    }
    common
}

/// What all inputs have as elements: floats of one width.
#[track_caller]
fn floats(op: &Op, inputs: &[&Node]) -> Element {
    let element = inputs[0].element;
    for input in inputs {
        let fits = input.element.is_float() && input.element == element;
        assert!(fits, "{} of {element:?} and {:?}", op.name(), input.element);
    }
    element
}

/// What ranks exchange: floats of the lowering's width.
#[track_caller]
fn exchanged(op: &Op, node: &Node) -> Element {
    assert!(node.element == Element::Float, "{} of {:?}", op.name(), node.element);
    node.element
}

#[track_caller]
fn reduced(shape: &[usize], axes: &Axes) -> Vec<usize> {
    let inside = axes.axes.iter().all(|&axis| axis < shape.len());
    assert!(inside && axes.axes.is_sorted(), "a reduction of {shape:?} over {:?}", axes.axes);
    let mut kept = Vec::new();
    for (axis, &extent) in shape.iter().enumerate() {
        match (axes.axes.contains(&axis), axes.keep) {
            (true, true) => kept.push(1),
            (true, false) => {}
            (false, _) => kept.push(extent),
        }
    }
    kept
}

#[track_caller]
fn joined(inputs: &[&Node], axis: usize) -> Vec<usize> {
    let mut extents = inputs[0].shape.clone();
    extents[axis] = 0;
    for input in inputs {
        let mut others = input.shape.clone();
        extents[axis] += std::mem::take(&mut others[axis]);
        let fits = (0..extents.len()).all(|other| other == axis || extents[other] == others[other]);
        assert!(fits, "Concat of {:?} and {:?}", inputs[0].shape, input.shape);
    }
    extents
}

#[track_caller]
fn matrix(node: &Node, transposed: bool) -> [usize; 2] {
    let [rows, columns] = node.shape[..] else { panic!("no matrix: {:?}", node.shape) };
    if transposed { [columns, rows] } else { [rows, columns] }
}

/// The first axes, and rows and columns of the matrices that the last two are.
#[track_caller]
fn matrices(node: &Node, transposed: bool) -> (&[usize], [usize; 2]) {
    let [first @ .., rows, columns] = &node.shape[..] else {
        panic!("no matrices: {:?}", node.shape)
    };
    (first, if transposed { [*columns, *rows] } else { [*rows, *columns] })
}

#[track_caller]
fn image(node: &Node) -> [usize; 4] {
    let [n, c, h, w] = node.shape[..] else { panic!("no images: {:?}", node.shape) };
    [n, c, h, w]
}

#[track_caller]
fn numbers(node: &Node) -> usize {
    let [count] = node.shape[..] else { panic!("no list of numbers: {:?}", node.shape) };
    assert!(node.element == Element::Int64, "numbered by {:?}", node.element);
    count
}

#[track_caller]
fn one_each(node: &Node, rows: usize) {
    let fits = node.shape == [rows, 1] && node.element == Element::Int64;
    assert!(fits, "{rows} rows numbered by {:?} {:?}", node.element, node.shape);
}

#[track_caller]
fn by_channel(x: &Node, node: &Node) {
    assert!(node.shape == [x.shape[1]], "{:?} for the channels of {:?}", node.shape, x.shape);
}

#[track_caller]
fn positions(window: &Window, x: &Node, dy: &Node) {
    let ([_, _, h, w], [_, _, rows, columns]) = (image(x), image(dy));
    let fits = window.positions(h) == rows && window.positions(w) == columns;
    assert!(fits, "{:?} positions of {window:?} on {:?}", dy.shape, x.shape);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Width;

    #[test]
    fn shapes_align_at_their_last_axes() {
        assert_eq!(broadcast(&[4, 1, 3], &[5, 1]), [4, 5, 3]);
        assert_eq!(broadcast(&[], &[2]), [2]);
    }

    fn node(element: Element, shape: &[usize]) -> Node {
        let (op, inputs, shape, name) = (Op::Input, vec![], shape.to_vec(), String::new());
        Node { op, inputs, shape, element, name, width: Width::Whole }
    }

    #[test]
    fn floats_of_half_width_make_such() {
        let (half, whole) = (node(Element::Half, &[2]), node(Element::Float, &[2]));
        assert_eq!(infer(&Op::Add, &[&half, &half]).0, Element::Half);
        assert_eq!(infer(&Op::Less, &[&half, &half]).0, Element::Bool);
        assert_eq!(infer(&Op::Cast(Element::Float), &[&half]).0, Element::Float);
        let refused =
            |op: Op, inputs: &[&Node]| std::panic::catch_unwind(|| infer(&op, inputs)).is_err();
        assert!(refused(Op::Add, &[&half, &whole]));
        assert!(refused(Op::BatchVariance, &[&node(Element::Half, &[2, 3])]));
    }

    #[test]
    #[should_panic(expected = "do not broadcast")]
    fn unlike_extents_do_not_broadcast() {
        broadcast(&[2], &[3]);
    }
}
