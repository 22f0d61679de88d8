//! What ranks exchange, as operators of the program's own: the runtime has none.
//!
//! All ranks must exchange in one order. A runtime may run operators that do not depend on each other in
//! any, and may change that with the processor; so each exchange reads what the one before it made.

use super::emitter::integer;
use super::layout::DOMAIN;
use super::lowering::Lowering;
use crate::graph::{Graph, Node, Op, Reduction, World};

/// Nodes that announce what is made.
pub const ANNOUNCE: &str = "Announce";

impl Lowering<'_> {
    /// A rank that is alone exchanges nothing.
    ///
    /// # Panics
    /// Behind an announcement: whoever hears it may exchange something at the same time.
    pub(super) fn exchange(&mut self, node: &Node, world: World) -> String {
        let x = self.name(node.inputs[0]);
        if world.is_alone() {
            return x;
        }
        assert!(!self.has_announced, "{}: an exchange behind an announcement", node.name);
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

    /// Whoever hears it may exchange what is made, where it lies: behind the exchanges so far.
    ///
    /// # Panics
    /// Where anything reads what is made that may run after the announcement.
    pub(super) fn announce(&mut self, node: &Node, number: usize) -> String {
        let is_read = is_read_before(self.graph, node, &self.live());
        assert!(is_read, "{}: what is made is read later", node.name);
        self.has_announced = true;
        let inputs: Vec<String> = node.inputs.iter().map(|&input| self.name(input)).collect();
        let inputs = inputs.iter().map(String::as_str).chain(self.exchanged.as_deref());
        let inputs: Vec<&str> = inputs.collect();
        let attributes =
            vec![integer("number", number as i64), integer("made", node.inputs.len() as i64 - 1)];
        let [x] = self.emitter.outputs_of(DOMAIN, ANNOUNCE, &inputs, attributes);
        x
    }
}

/// Whether all that reads what a node announces, or shares its memory, is behind what the node returns or behind
/// an exchange; `live` says what is computed at all.
fn is_read_before(graph: &Graph, announcement: &Node, live: &[bool]) -> bool {
    let (x, made) = announcement.inputs.split_first().expect("an announcement of something");
    let mut is_behind = vec![false; live.len()];
    let mut open = vec![*x];
    let is_exchange = |node: &Node| node.op.world().is_some_and(|world| !world.is_alone());
    open.extend(graph.values().filter(|(_, node)| is_exchange(node)).map(|(value, _)| value));
    while let Some(value) = open.pop() {
        if !std::mem::replace(&mut is_behind[value.index()], true) {
            open.extend(&graph.node(value).inputs);
        }
    }
    let mut is_made = vec![false; live.len()];
    made.iter().for_each(|value| is_made[value.index()] = true);
    graph.values().filter(|(value, _)| live[value.index()]).all(|(value, node)| {
        let reads = node.inputs.iter().any(|input| is_made[input.index()]);
        is_made[value.index()] |=
            reads && matches!(node.op, Op::Reshape(_) | Op::Flatten | Op::Detach);
        !reads || is_behind[value.index()] || std::ptr::eq(node, announcement)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Element, lower};

    const TWO: World = World { ranks: 2, rank: 0 };

    #[test]
    fn what_an_exchange_reads_is_read_before() {
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, &[4]);
        let [made, sum] = [g.exp(x), g.reduce_sum(x, &[0])];
        let joined = g.concat(&[made, made], 0);
        let all = g.all_sum(joined, TWO);
        let number = g.reshape(sum, &[1]);
        let told = g.announce(number, 0, &[made]);
        let outputs = [("all", all), ("told", told), ("made", made)];
        let outputs = outputs.map(|(name, value)| (name.to_owned(), value));
        let model = lower(&g.finish(outputs.into()), "announced");
        let node = model.graph().node.iter().find(|node| node.op_type == ANNOUNCE).unwrap();
        assert_eq!(node.input.len(), 3, "x, what is made and the exchange: {:?}", node.input);
    }

    #[test]
    #[should_panic(expected = "an exchange behind an announcement")]
    fn nothing_is_exchanged_behind_an_announcement() {
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, &[1]);
        let made = g.exp(x);
        let told = g.announce(x, 0, &[made]);
        let all = g.all_sum(told, TWO);
        lower(&g.finish(vec![("all".to_owned(), all)]), "announced");
    }

    /// A graph in which the square of x is announced, and something reads x `elsewhere`.
    fn announced(elsewhere: bool) -> crate::onnx::Model {
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, &[4]);
        let made = g.exp(x);
        let row = g.reshape(made, &[1, 4]);
        let square = g.matmul_transposed(row, row);
        let told = g.announce(square, 3, &[made]);
        let mut outputs = vec![("told".to_owned(), told), ("made".to_owned(), made)];
        if elsewhere {
            let late = g.neg(row);
            outputs.push(("late".to_owned(), late));
        }
        lower(&g.finish(outputs), "announced")
    }

    #[test]
    fn what_is_announced_is_named_with_its_number() {
        let model = announced(false);
        let node = model.graph().node.iter().find(|node| node.op_type == ANNOUNCE).unwrap();
        assert_eq!(node.input[1..], ["made"]);
        let numbers: Vec<_> = node.attribute.iter().map(|own| (&*own.name, own.i)).collect();
        assert_eq!(numbers, [("number", Some(3)), ("made", Some(1))]);
    }

    #[test]
    #[should_panic(expected = "what is made is read later")]
    fn what_is_read_after_its_announcement_is_not_lowered() {
        announced(true);
    }
}
