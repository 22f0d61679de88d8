//! Images that convolutions read in bfloat16: rounded once, by what makes them where nothing else reads them.

use super::layout::DOMAIN;
use crate::onnx::Node;
use std::collections::{HashMap, HashSet};

/// The operator that rounds an image.
pub(super) const ROUND: &str = "ChannelRound";

/// What the name of an operator on images in bfloat16, or one that makes such, ends with.
pub(super) const ROUNDED: &str = "Rounded";

/// Operators whose output can be rounded as it is made.
const MAKERS: [&str; 3] = ["ChannelAffine", "ChannelPRelu", "ChannelCombine"];

/// Has what makes an image round it where nothing reads the image but a rounding, which goes.
pub(super) fn merge(nodes: &mut Vec<Node>) {
    let mut readers: HashMap<&str, usize> = HashMap::new();
    for input in nodes.iter().flat_map(|node| &node.input) {
        *readers.entry(input).or_default() += 1;
    }
    let makes = |node: &Node| node.domain == DOMAIN && MAKERS.contains(&node.op_type.as_str());
    let makers = nodes.iter().enumerate().filter(|(_, node)| makes(node));
    let makers: HashMap<&str, usize> =
        makers.map(|(at, node)| (node.output[0].as_str(), at)).collect();
    let rounds = nodes.iter().enumerate().filter(|(_, node)| node.op_type == ROUND);
    let merged: Vec<(usize, usize)> = rounds
        .filter(|(_, round)| readers[round.input[0].as_str()] == 1)
        .filter_map(|(at, round)| Some((at, *makers.get(round.input[0].as_str())?)))
        .collect();
    let mut gone = HashSet::new();
    for (round, maker) in merged {
        let rounded = nodes[round].output[0].clone();
        nodes[maker].op_type.push_str(ROUNDED);
        nodes[maker].output[0] = rounded;
        gone.insert(round);
    }
    let mut at = 0..;
    nodes.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &str, inputs: &[&str], output: &str) -> Node {
        Node {
            op_type: op.to_owned(),
            domain: DOMAIN.to_owned(),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            ..Node::default()
        }
    }

    #[test]
    fn an_image_is_rounded_as_it_is_made_where_nothing_else_reads_it() {
        let mut nodes = vec![
            node("ChannelAffine", &["x", "scale", "shift", "more"], "alone"),
            node(ROUND, &["alone"], "alone rounded"),
            node("DnnlConvRounded", &["alone rounded", "w"], "y"),
            node("DnnlConvWeightGradientRounded", &["alone rounded", "dy"], "dw"),
            node("ChannelPRelu", &["x", "slope"], "read"),
            node(ROUND, &["read"], "read rounded"),
            node("Add", &["read", "x"], "sum"),
            node(ROUND, &["sum"], "sum rounded"),
            node(ROUND, &["x"], "x rounded"),
        ];
        merge(&mut nodes);
        assert!(nodes[1..3].iter().all(|reader| reader.input[0] == nodes[0].output[0]));
        let left: Vec<_> =
            nodes.iter().map(|node| (node.op_type.as_str(), node.output[0].as_str())).collect();
        assert_eq!(
            left,
            [
                ("ChannelAffineRounded", "alone rounded"),
                ("DnnlConvRounded", "y"),
                ("DnnlConvWeightGradientRounded", "dw"),
                ("ChannelPRelu", "read"),
                (ROUND, "read rounded"),
                ("Add", "sum"),
                (ROUND, "sum rounded"),
                (ROUND, "x rounded"),
            ]
        );
    }
}
