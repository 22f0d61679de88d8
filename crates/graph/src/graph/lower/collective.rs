//! What ranks exchange, as operators of the program's own: the runtime has none.
//!
//! All ranks must exchange in one order. A runtime may run operators that do not depend on each other in
//! any, and may change that with the processor; so each exchange reads what the one before it made.

use super::emitter::integer;
use super::layout::DOMAIN;
use super::lowering::Lowering;
use crate::graph::{Node, Op, Reduction, World};

impl Lowering<'_> {
    /// A rank that is alone exchanges nothing.
    pub(super) fn exchange(&mut self, node: &Node, world: World) -> String {
        let x = self.name(node.inputs[0]);
        if world.is_alone() {
            return x;
        }
        let ranks = integer("ranks", world.ranks as i64);
        let (operator, attributes) = match &node.op {
            Op::AllReduce(_, Reduction::Sum) => ("AllReduceSum", vec![]),
            Op::AllReduce(_, Reduction::Max) => ("AllReduceMax", vec![]),
            Op::AllGather(_) => ("AllGather", vec![ranks]),
            Op::ReduceScatter(_) => ("ReduceScatter", vec![ranks]),
            Op::Broadcast(_, root) => ("Broadcast", vec![integer("root", *root as i64)]),
            op => panic!("{} exchanges nothing", op.name()),
        };
        let inputs: Vec<&str> = [x.as_str()].into_iter().chain(self.exchanged.as_deref()).collect();
        let [made] = self.emitter.outputs_of(DOMAIN, operator, &inputs, attributes);
        self.exchanged = Some(made.clone());
        made
    }
}
