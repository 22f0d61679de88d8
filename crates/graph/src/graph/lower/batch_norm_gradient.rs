//! The gradient of a normalisation by the batch's own statistics, found in a graph that has it in
//! simpler operators: where a device's library has it whole, it takes their place.

use crate::graph::{Axes, Graph, Literal, Node, Op, Value};

/// A gradient, with every node of it as the rule of `BatchNormTraining` makes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BatchNormGradient {
    /// The normalisation.
    pub(super) forward: Value,
    pub(super) x: Value,
    pub(super) gamma: Value,
    pub(super) dy: Value,
    pub(super) epsilon: f64,
    pub(super) dx: Value,
    /// Nothing where nobody asks for it.
    pub(super) dgamma: Option<Value>,
    pub(super) dbeta: Option<Value>,
}

/// All gradients of normalised images in a graph.
pub(super) fn all(graph: &Graph) -> Vec<BatchNormGradient> {
    graph.values().filter_map(|(value, node)| found(graph, value, node)).collect()
}

/// With r = 1/√(variance + ε), s and p the means of dy and of x·dy, h = r(p − μs), k = rh and A = γr:
/// `dx = A·dy − Ak·x + A(kμ − s)`, `dγ = M·h`, `dβ = M·s`.
fn found(graph: &Graph, dx: Value, node: &Node) -> Option<BatchNormGradient> {
    let &[dy, x, scale, slope, constant] = inputs(node, &Op::ChannelSum)? else { return None };
    let [n, _, h, w] = <[usize; 4]>::try_from(&node.shape[..]).ok()?;
    let of = |value: Value, op: &Op| inputs(graph.node(value), op);
    let (gamma, inverse) = pair(of(scale, &Op::Mul)?)?;
    let (one, deviation) = pair(of(inverse, &Op::Div)?)?;
    let (variance, epsilon) = pair(of(*of(deviation, &Op::Sqrt)?.first()?, &Op::Add)?)?;
    let epsilon = number(graph, epsilon)?;
    let (own_scale, k) = pair(of(*of(slope, &Op::Neg)?.first()?, &Op::Mul)?)?;
    let (own_inverse, half) = pair(of(k, &Op::Mul)?)?;
    let (last_inverse, centred) = pair(of(half, &Op::Mul)?)?;
    let (product, shift) = pair(of(centred, &Op::Sub)?)?;
    let (mean, sum) = pair(of(shift, &Op::Mul)?)?;
    let (last_scale, rest) = pair(of(constant, &Op::Mul)?)?;
    let (moved, last_sum) = pair(of(rest, &Op::Sub)?)?;
    let by_channel = Op::ReduceMean(Axes { axes: vec![0, 2, 3], keep: false });
    let is_whole = number(graph, one) == Some(1.0)
        && of(variance, &Op::BatchVariance) == Some(&[x])
        && of(product, &Op::ProductMean) == Some(&[x, dy])
        && of(mean, &by_channel) == Some(&[x])
        && of(sum, &by_channel) == Some(&[dy])
        && of(moved, &Op::Mul) == Some(&[k, mean])
        && [own_scale, last_scale] == [scale; 2]
        && [own_inverse, last_inverse] == [inverse; 2]
        && last_sum == sum;
    let op = Op::BatchNormTraining { epsilon };
    let forward = graph
        .values()
        .find(|(_, node)| inputs(node, &op).is_some_and(|inputs| inputs.starts_with(&[x, gamma])));
    let times = |value: Value| {
        let is = |node: &Node| {
            inputs(node, &Op::Mul).and_then(pair).is_some_and(|(own, count)| {
                own == value && number(graph, count) == Some((n * h * w) as f64)
            })
        };
        graph.values().find(|(_, node)| is(node)).map(|(value, _)| value)
    };
    let (forward, _) = forward.filter(|_| is_whole)?;
    let (dgamma, dbeta) = (times(half), times(sum));
    Some(BatchNormGradient { forward, x, gamma, dy, epsilon, dx, dgamma, dbeta })
}

/// What a node reads, if it is of an operator.
fn inputs<'g>(node: &'g Node, op: &Op) -> Option<&'g [Value]> {
    (node.op == *op).then_some(&node.inputs[..])
}

fn pair(inputs: &[Value]) -> Option<(Value, Value)> {
    <[Value; 2]>::try_from(inputs).ok().map(|[a, b]| (a, b))
}

/// The number that a constant is.
fn number(graph: &Graph, value: Value) -> Option<f64> {
    match &graph.node(value).op {
        Op::Constant(Literal::Float(numbers)) if numbers.len() == 1 => Some(numbers[0]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::backward;
    use crate::graph::{Builder, Element};

    const OP: Op = Op::BatchNormTraining { epsilon: 0.1 };

    /// A normalisation of the square of an input, with all its gradients.
    fn graph(shape: &[usize]) -> Graph {
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, shape);
        let [gamma, beta] =
            ["gamma", "beta"].map(|name| g.input(name, Element::Float, &shape[1..2]));
        let square = g.mul(x, x);
        let y = g.apply(OP, &[square, gamma, beta]);
        let (square_of_y, axes) = (g.mul(y, y), (0..shape.len()).collect::<Vec<_>>());
        let loss = g.reduce_sum(square_of_y, &axes);
        let gradients = backward(&mut g, loss, &[x, gamma, beta]);
        let all = gradients.into_iter().flatten();
        g.finish(all.map(|value| (format!("{value:?}"), value)).collect())
    }

    #[test]
    fn a_gradient_of_images_is_found_with_all_its_parts() {
        let graph = graph(&[2, 3, 4, 5]);
        let all = all(&graph);
        let [own] = &all[..] else { panic!("{all:?}") };
        let parts = graph.outputs();
        assert_eq!((own.dgamma, own.dbeta), (Some(parts[1].1), Some(parts[2].1)));
        assert_eq!(own.epsilon, 0.1);
        assert_eq!(graph.node(own.forward).op, OP);
        assert_eq!(graph.node(own.dx).op, Op::ChannelSum);
        assert_eq!(graph.node(own.forward).inputs[..2], [own.x, own.gamma]);
    }

    #[test]
    fn what_is_not_of_images_or_not_the_whole_gradient_is_none() {
        assert_eq!(all(&graph(&[2, 3])), []);
        let whole = graph(&[2, 3, 4, 5]);
        let own = all(&whole)[0];
        // Every part of it exchanged for another of its shape.
        let inputs = whole.node(own.dx).inputs.clone();
        let (input, _) = whole.values().next().unwrap();
        for at in 0..inputs.len() {
            let mut broken = whole.clone();
            let other = if at < 2 { own.forward } else { own.gamma };
            broken.nodes[own.dx.index()].inputs[at] = other;
            assert_eq!(all(&broken), [], "input {at}");
        }
        let mut parts: Vec<Value> = inputs[2..].to_vec();
        while let Some(part) = parts.pop() {
            if part == own.dy || part.index() <= own.forward.index() {
                continue;
            }
            let node = whole.node(part).clone();
            for at in 0..node.inputs.len() {
                let mut broken = whole.clone();
                broken.nodes[part.index()].inputs[at] = input;
                assert_eq!(all(&broken), [], "{} {at}", node.name);
            }
            parts.extend(node.inputs);
        }
    }
}
