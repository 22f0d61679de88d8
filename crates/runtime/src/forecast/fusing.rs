//! What the runtime makes of a graph before it runs it, as far as that changes what lies in memory.

use super::order;
use qgface_graph::onnx::{AttributeType, Graph, Node};
use std::collections::{HashMap, HashSet};

/// The graph with its products of transposed matrices in one node each, as the runtime fuses them
/// (`MatmulTransposeFusion`): a transposition that products alone read is left out, and the products
/// count as the last nodes.
pub(super) fn fused(graph: &Graph) -> Graph {
    let mut readers: HashMap<&str, Vec<&Node>> = HashMap::new();
    for node in &graph.node {
        node.input.iter().for_each(|name| readers.entry(name).or_default().push(node));
    }
    let returned: HashSet<&str> = graph.output.iter().map(|own| own.name.as_str()).collect();
    let is_fused = |node: &&Node| {
        let made = node.output[0].as_str();
        let mut read = readers.get(made).into_iter().flatten();
        turns_matrices(node) && !returned.contains(made) && read.all(|own| own.op_type == "MatMul")
    };
    let turned: HashMap<String, String> = graph
        .node
        .iter()
        .filter(is_fused)
        .map(|node| (node.output[0].clone(), node.input[0].clone()))
        .collect();
    let (mut kept, mut products) = (Vec::new(), Vec::new());
    let mut own = graph.clone();
    let in_order = order::of(graph);
    let mut rank = vec![0; in_order.len()];
    in_order.iter().enumerate().for_each(|(time, &at)| rank[at] = time);
    for (mut node, rank) in std::mem::take(&mut own.node).into_iter().zip(rank) {
        if node.output.first().is_some_and(|made| turned.contains_key(made)) {
            continue;
        }
        let reads = node.input.iter_mut().filter_map(|name| Some((turned.get(name)?, name)));
        let mut reads = reads.peekable();
        let list = if reads.peek().is_some() { &mut products } else { &mut kept };
        reads.for_each(|(before, name)| name.clone_from(before));
        list.push((rank, node));
    }
    products.sort_by_key(|(rank, _)| *rank);
    own.node = kept.into_iter().chain(products).map(|(_, node)| node).collect();
    own
}

/// Whether a node exchanges the last two axes and no others.
fn turns_matrices(node: &Node) -> bool {
    let permutation = node.attribute.iter().find(|own| own.kind == AttributeType::Ints as i32);
    let Some(axes) = permutation.map(|own| &own.ints).filter(|_| node.op_type == "Transpose")
    else {
        return false;
    };
    let count = axes.len() as i64;
    let swapped = |axis: i64| match count - axis {
        2 => axis + 1,
        1 => axis - 1,
        _ => axis,
    };
    count >= 2 && axes.iter().zip(0..).all(|(&own, axis)| own == swapped(axis))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{graph, with};
    use super::*;

    fn nodes(graph: &Graph) -> Vec<(&str, &[String])> {
        graph.node.iter().map(|node| (node.op_type.as_str(), &node.input[..])).collect()
    }

    #[test]
    fn a_product_reads_what_was_transposed_for_it_alone() {
        let all = [("Transpose", "x", "t"), ("MatMul", "y t", "p"), ("Exp", "x", "e")];
        let turning = |axes: &[i64]| with(graph(&all, &["p", "e"]), 0, "perm", axes);
        let names = |names: [&str; 2]| names.map(str::to_owned);
        let (one, product) = ([String::from("x")], names(["y", "x"]));
        assert_eq!(
            nodes(&fused(&turning(&[0, 2, 1]))),
            [("Exp", &one[..]), ("MatMul", &product[..])]
        );
        assert_eq!(fused(&turning(&[1, 0, 2])).node.len(), 3);
        let mut read = turning(&[0, 2, 1]);
        read.node[2].input = vec!["t".to_owned()];
        assert_eq!(fused(&read).node.len(), 3);
    }
}
