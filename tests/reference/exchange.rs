//! What ranks exchange, by definition: the values of all ranks at hand.

use super::Tensor;
use qgface_data::graph::{Node, Op, Reduction, World};

/// What each rank gets, of what all of them have.
pub(super) fn exchanged(nodes: &[&Node], all: &[&Tensor]) -> Vec<Vec<f64>> {
    for (rank, node) in nodes.iter().enumerate() {
        let expected = World { ranks: nodes.len(), rank };
        assert!(node.op.world() == Some(expected), "{}: rank {rank}: {:?}", node.name, node.op);
    }
    let elements = || 0..all[0].data.len();
    let of_all = |at: usize| all.iter().map(move |own| own.data[at]);
    let same = |data: Vec<f64>| vec![data; all.len()];
    let sum = || elements().map(|at| of_all(at).sum()).collect::<Vec<f64>>();
    match nodes[0].op {
        Op::AllReduce(_, Reduction::Sum) => same(sum()),
        Op::AllReduce(_, Reduction::Max) => {
            same(elements().map(|at| of_all(at).fold(f64::NEG_INFINITY, f64::max)).collect())
        }
        Op::AllGather(_) => same(all.iter().flat_map(|own| own.data.clone()).collect()),
        Op::ReduceScatter(_) => {
            let sum = sum();
            sum.chunks(sum.len() / all.len()).map(<[f64]>::to_vec).collect()
        }
        Op::Broadcast(_, root) => same(all[root].data.clone()),
        _ => panic!("{} exchanges nothing", nodes[0].op.name()),
    }
}
