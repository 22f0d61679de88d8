//! The order in which nodes run: back from those that nothing reads, each after all that it reads.

use qgface_graph::onnx::Graph;
use std::collections::{BTreeSet, HashMap};

/// Positions of the graph's nodes in the order that the runtime runs them in on one stream
/// (`Graph::ReverseDFSFrom`): of those that are left the last is followed first.
pub(super) fn of(graph: &Graph) -> Vec<usize> {
    let makers: HashMap<&str, usize> = graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.output.iter().map(move |name| (name.as_str(), at)))
        .collect();
    let read: Vec<BTreeSet<usize>> = graph
        .node
        .iter()
        .map(|node| {
            node.input.iter().filter_map(|name| makers.get(name.as_str()).copied()).collect()
        })
        .collect();
    let mut is_read = vec![false; graph.node.len()];
    read.iter().flatten().for_each(|&at| is_read[at] = true);
    let leaves = (0..graph.node.len()).filter(|&at| !is_read[at]);
    let mut stack: Vec<(usize, bool)> = leaves.map(|at| (at, false)).collect();
    let (mut visited, mut order) = (vec![false; graph.node.len()], Vec::new());
    while let Some((at, leaves)) = stack.pop() {
        if leaves {
            order.push(at);
        } else if !std::mem::replace(&mut visited[at], true) {
            stack.push((at, true));
            stack.extend(read[at].iter().filter(|&&own| !visited[own]).map(|&own| (own, false)));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::testing::graph;
    use super::*;

    #[test]
    fn a_node_runs_after_all_that_it_reads_and_the_last_is_followed_first() {
        // The way to d is gone whole before c, which nothing needs sooner.
        let graph = graph(
            &[("Exp", "x", "a"), ("Exp", "a", "b"), ("Exp", "a", "c"), ("Exp", "b", "d")],
            &["c", "d"],
        );
        assert_eq!(of(&graph), [0, 1, 3, 2]);
    }
}
