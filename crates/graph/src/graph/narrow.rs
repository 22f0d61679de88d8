//! Mixed precision, from graph to graph: floats of half width where nodes allow them and operators
//! bear them, and casts between.
//!
//! What a graph is fed and returns keeps its elements, so only what lies between grows narrow. A value
//! is cast once to each width, where it is first read in it.

use super::{Element, Graph, Node, Op, Value, Width, shape};

/// In what width an operator of a node that allows half computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// In half: images, kernels, matrices and slopes are rounded, and so is what is made of them.
    Half,
    /// As wide as the narrowest that it reads: what moves elements, and sums and products of a few.
    AsRead,
    /// Whole, and what is made is rounded where it is read in half: statistics applied to images.
    Rounded,
    /// Whole: sums of many elements, and functions that are steep.
    Whole,
}

/// The table.
fn row(op: &Op) -> Row {
    match op {
        Op::Conv(_)
        | Op::ConvInputGradient(..)
        | Op::ConvWeightGradient(_)
        | Op::GroupedConv(..)
        | Op::GroupedConvInputGradient(..)
        | Op::GroupedConvWeightGradient(..)
        | Op::Gemm { .. }
        | Op::MatMul { .. }
        | Op::PRelu
        | Op::PReluInputGradient
        | Op::MaxPool(_)
        | Op::MaxPoolGradient(_) => Row::Half,
        Op::Detach
        | Op::Neg
        | Op::Relu6
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Reshape(_)
        | Op::Flatten
        | Op::Transpose(_)
        | Op::Expand(_)
        | Op::Concat(_)
        | Op::Slice { .. } => Row::AsRead,
        Op::BatchNormalization { .. }
        | Op::BatchNormTraining { .. }
        | Op::BatchNormSynchronised { .. }
        | Op::LayerNormalization { .. }
        | Op::ChannelSum => Row::Rounded,
        Op::Input
        | Op::Constant(_)
        | Op::Cast(_)
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Cos
        | Op::Sin
        | Op::Sigmoid
        | Op::Clip { .. }
        | Op::Div
        | Op::Max
        | Op::Min
        | Op::Equal
        | Op::Less
        | Op::LessOrEqual
        | Op::And
        | Op::Or
        | Op::Where
        | Op::ReduceSum(_)
        | Op::ReduceMean(_)
        | Op::ReduceMax(_)
        | Op::LogSoftmax
        | Op::Softmax
        | Op::GatherColumns
        | Op::GatherElements
        | Op::ScatterElements
        | Op::ScatterColumns(_)
        | Op::BatchVariance
        | Op::PReluSlopeGradient
        | Op::ProductMean
        | Op::AllReduce(..)
        | Op::AllGather(_)
        | Op::ReduceScatter(_)
        | Op::Broadcast(..)
        | Op::Announce(_) => Row::Whole,
    }
}

/// The graph in which the nodes that allow [`Width::Half`] compute in it, by operator: convolutions,
/// matrix products, slopes and poolings with their gradients, and the sums and products between them;
/// moments, other sums over images and what normalises by them stay whole. What no output depends on is
/// left out; a graph in which no node allows it is otherwise the same.
///
/// ```
/// # use qgface_graph::graph::{Builder, Element, Op, Width, narrowed};
/// let mut g = Builder::new();
/// let [x, w] = ["x", "w"].map(|name| g.input(name, Element::Float, &[3, 3]));
/// g.allow(Width::Half);
/// let y = g.matmul(x, w);
/// g.allow(Width::Whole);
/// let y = g.exp(y);
/// let graph = narrowed(&g.finish(vec![("y".to_owned(), y)]));
/// let ops: Vec<&str> = graph.nodes().iter().map(|node| node.op.name()).collect();
/// assert_eq!(ops, ["Input", "Input", "Cast", "Cast", "Gemm", "Cast", "Exp"]);
/// assert_eq!(graph.nodes()[4].element, Element::Half);
/// ```
pub fn narrowed(graph: &Graph) -> Graph {
    let live = graph.live();
    let mut pass = Pass { made: Graph::default(), forms: Vec::with_capacity(live.len()) };
    for (value, node) in graph.values() {
        let forms = if live[value.index()] { pass.node(node) } else { Forms::default() };
        pass.forms.push(forms);
    }
    for (name, value) in graph.outputs() {
        let own = pass.form(*value, Width::Whole);
        pass.made.outputs.push((name.clone(), own));
    }
    pass.made
}

/// A value of the graph before in the one that is made.
#[derive(Debug, Clone, Copy, Default)]
struct Forms {
    /// As a float of the lowering's width, or as an integer or truth value.
    whole: Option<Value>,
    /// As a float of half width.
    half: Option<Value>,
    /// What operators take that follow what they read.
    width: Width,
}

struct Pass {
    made: Graph,
    /// By the values of the graph before.
    forms: Vec<Forms>,
}

impl Pass {
    fn node(&mut self, node: &Node) -> Forms {
        let row = match node.width {
            Width::Whole => Row::Whole,
            Width::Half => row(&node.op),
        };
        let narrow = |input: &Value| self.forms[input.index()].width == Width::Half;
        let width = match row {
            Row::Half => Width::Half,
            Row::AsRead if node.inputs.iter().any(narrow) => Width::Half,
            Row::AsRead | Row::Rounded | Row::Whole => Width::Whole,
        };
        let inputs = node.inputs.iter().map(|&input| self.form(input, width)).collect();
        let made = self.append(Node { inputs, ..node.clone() });
        match (width, row) {
            (Width::Half, _) => Forms { whole: None, half: Some(made), width },
            (_, Row::Rounded) => Forms { whole: Some(made), half: None, width: Width::Half },
            _ => Forms { whole: Some(made), half: None, width },
        }
    }

    /// A value in a width; integers and truth values have but one form.
    fn form(&mut self, value: Value, width: Width) -> Value {
        let Forms { whole, half, .. } = self.forms[value.index()];
        let (own, other, element) = match width {
            Width::Whole => (whole, half, Element::Float),
            Width::Half => (half, whole, Element::Half),
        };
        if let Some(own) = own {
            return own;
        }
        let mut from = other.expect("what is read was made before");
        let node = self.made.node(from);
        if !node.element.is_float() {
            return from;
        }
        let (shape, name, width) = (node.shape.clone(), format!("{}/Cast", node.name), node.width);
        // A float that was an integer or truth value, as a mask, is cast from that.
        if let Op::Cast(_) = node.op {
            from = node.inputs[0];
        }
        let (op, inputs) = (Op::Cast(element), vec![from]);
        let cast = self.append(Node { op, inputs, shape, element, name, width });
        let forms = &mut self.forms[value.index()];
        match element {
            Element::Half => forms.half = Some(cast),
            _ => forms.whole = Some(cast),
        }
        cast
    }

    /// Appends a node; what it makes follows from what it reads.
    fn append(&mut self, mut node: Node) -> Value {
        if !node.inputs.is_empty() {
            let read: Vec<&Node> = node.inputs.iter().map(|&own| self.made.node(own)).collect();
            (node.element, node.shape) = shape::infer(&node.op, &read);
        }
        self.made.nodes.push(node);
        Value(self.made.nodes.len() as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::backward;
    use crate::graph::{Axes, Builder, Window, lower};

    const WINDOW: Window = Window { kernel: 3, stride: 1, pad: 1 };

    /// A convolution, a normalisation, slopes, the sum with what was before, and a loss.
    fn network(width: Width) -> Graph {
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, &[2, 4, 5, 5]);
        let w = g.input("w", Element::Float, &[4, 4, 3, 3]);
        let by_channel = ["gamma", "beta", "slope"].map(|name| g.input(name, Element::Float, &[4]));
        let mask = g.input("mask", Element::Bool, &[2, 4, 5, 5]);
        let [gamma, beta, slope] = by_channel;
        g.allow(width);
        let y = g.conv(x, w, WINDOW);
        let y = g.apply(Op::BatchNormTraining { epsilon: 1e-5 }, &[y, gamma, beta]);
        let y = g.prelu(y, slope);
        let kept = g.cast(mask, Element::Float);
        let y = g.mul(y, kept);
        let y = g.add(y, x);
        g.allow(Width::Whole);
        let powers = g.exp(y);
        let loss = g.reduce_sum(powers, &[0, 1, 2, 3]);
        let gradients = backward(&mut g, loss, &[w, gamma, beta, slope]);
        let names = ["loss", "w", "gamma", "beta", "slope"].map(str::to_owned);
        let values = [Some(loss)].into_iter().chain(gradients).flatten();
        g.finish(names.into_iter().zip(values).map(|(name, value)| (name + "'", value)).collect())
    }

    fn elements(graph: &Graph, is: impl Fn(&Op) -> bool) -> Vec<Element> {
        let nodes = graph.nodes().iter().filter(|node| is(&node.op));
        nodes.map(|node| node.element).collect()
    }

    #[test]
    fn where_no_node_allows_half_the_model_is_the_same_to_the_byte() {
        let graph = network(Width::Whole);
        assert_eq!(lower(&narrowed(&graph), "a"), lower(&graph, "a"));
        assert_ne!(lower(&narrowed(&network(Width::Half)), "a"), lower(&graph, "a"));
        // What nodes allow is nothing to the lowering.
        assert_eq!(lower(&network(Width::Half), "a"), lower(&graph, "a"));
    }

    #[test]
    fn operators_compute_in_the_width_of_their_row() {
        let graph = narrowed(&network(Width::Half));
        for (op, expected) in [
            ("Conv", Element::Half),
            ("ConvWeightGradient", Element::Half),
            ("PRelu", Element::Half),
            ("PReluInputGradient", Element::Half),
            ("Add", Element::Half),
            ("BatchNormTraining", Element::Float),
            ("ChannelSum", Element::Float),
            ("BatchVariance", Element::Float),
            ("ProductMean", Element::Float),
            ("PReluSlopeGradient", Element::Float),
            ("ReduceSum", Element::Float),
        ] {
            // Sums by channel are of statistics.
            let is = |own: &Node| own.op.name() == op && (op != "Add" || own.shape.len() == 4);
            let found: Vec<&Node> = graph.nodes().iter().filter(|node| is(node)).collect();
            let found: Vec<Element> = found.iter().map(|node| node.element).collect();
            assert!(
                !found.is_empty() && found.iter().all(|own| *own == expected),
                "{op}: {found:?}"
            );
        }
        let mut returned = graph.outputs().iter().map(|(_, value)| graph.node(*value).element);
        assert!(returned.all(|element| element == Element::Float));
        assert!(elements(&graph, |op| *op == Op::Input).iter().all(|own| *own != Element::Half));
    }

    #[test]
    fn no_value_is_cast_twice_or_back() {
        let graph = narrowed(&network(Width::Half));
        let mut seen = Vec::new();
        for node in graph.nodes() {
            let Op::Cast(to) = node.op else { continue };
            let from = graph.node(node.inputs[0]);
            assert!(!matches!(from.op, Op::Cast(_)), "{} of {}", node.name, from.name);
            assert!(from.element != to, "{}", node.name);
            assert!(!seen.contains(&(node.inputs[0], to)), "{}", node.name);
            seen.push((node.inputs[0], to));
        }
        assert!(seen.len() > 5);
        let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
        assert!(names.iter().all(|name| names.iter().filter(|own| own == &name).count() == 1));
    }

    /// A sum of many elements has no place in eleven bits.
    #[test]
    fn sums_over_images_are_whole_whatever_they_read() {
        let mut g = Builder::new();
        let [x, w] = ["x", "w"].map(|name| g.input(name, Element::Float, &[3, 3]));
        g.allow(Width::Half);
        let y = g.matmul(x, w);
        let sum = g.apply(Op::ReduceSum(Axes { axes: vec![0], keep: false }), &[y]);
        let graph = narrowed(&g.finish(vec![("sum".to_owned(), sum)]));
        assert_eq!(elements(&graph, |op| matches!(op, Op::ReduceSum(_))), [Element::Float]);
    }
}
