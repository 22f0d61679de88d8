//! Which values share a buffer, and when buffers are taken and given back.

use qgface_graph::onnx::{Graph, Node, Value};
use std::collections::{HashMap, HashSet};

/// What happens to a buffer, named after the first value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// So many bytes are taken for it.
    Takes(&'a str, u64),
    /// Nothing reads it any more.
    Gives(&'a str),
}

/// Operators whose output is the first input under another name.
const VIEWS: [&str; 3] = ["Reshape", "Flatten", "Identity"];

/// Operators that may write an output where an input lies that nothing reads later, with the inputs
/// that it may be, in the order they are tried in, for the first output.
const IN_PLACE: [(&str, &[usize]); 9] = [
    ("Relu", &[0]),
    ("Sigmoid", &[0]),
    ("Clip", &[0]),
    ("Cast", &[0]),
    ("ScatterElements", &[0]),
    ("ChannelAffine", &[0, 3]),
    ("ChannelPRelu", &[0]),
    ("ChannelCombine", &[1, 0]),
    ("ChannelPReluGradient", &[2, 0]),
];

/// What is known while the nodes are gone through.
struct Sharing<'a> {
    values: &'a HashMap<&'a str, Value>,
    /// The buffer that a value lies in.
    buffers: HashMap<&'a str, &'a str>,
    /// Reads of a buffer that are to come; one more for what lies outside.
    reads: HashMap<&'a str, usize>,
    /// Buffers that nothing reads any more, the last one last.
    free: Vec<&'a str>,
}

/// All that happens to buffers when nodes run in an order.
pub(super) fn events<'a>(
    graph: &'a Graph,
    order: &[usize],
    values: &'a HashMap<&'a str, Value>,
) -> Vec<Event<'a>> {
    let outside: Vec<&str> = [&graph.input, &graph.output]
        .into_iter()
        .flatten()
        .map(|info| info.name.as_str())
        .chain(graph.initializer.iter().map(|constant| constant.name.as_str()))
        .collect();
    let is_outside: HashSet<&str> = outside.iter().copied().collect();
    let mut reads: HashMap<&str, usize> = outside.iter().map(|&name| (name, 1)).collect();
    let read = graph.node.iter().flat_map(|node| node.input.iter());
    read.for_each(|name| *reads.entry(name).or_default() += 1);
    let buffers = outside.into_iter().map(|name| (name, name)).collect();
    let mut sharing = Sharing { values, buffers, reads, free: Vec::new() };
    // When a buffer is first needed, and last.
    let mut taken: Vec<Vec<&str>> = vec![Vec::new(); order.len()];
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (time, &at) in order.iter().enumerate() {
        let node = &graph.node[at];
        for (output, name) in node.output.iter().map(String::as_str).enumerate() {
            if !is_outside.contains(name) && sharing.place(node, output, name) == Placed::Anew {
                taken[time].push(name);
            }
        }
        for name in node.input.iter().map(String::as_str) {
            sharing.read(name);
        }
        for name in node.input.iter() {
            if let Some(&buffer) = sharing.buffers.get(name.as_str()) {
                last.insert(buffer, time);
            }
        }
    }
    let mut given: Vec<Vec<&str>> = vec![Vec::new(); order.len()];
    let anew = taken.iter().flatten();
    // What nothing reads is kept until the run ends.
    anew.for_each(|&name| {
        if let Some(&time) = last.get(name) {
            given[time].push(name);
        }
    });
    let both = taken.into_iter().zip(given);
    both.flat_map(|(taken, given)| {
        let takes = taken.into_iter().map(|name| Event::Takes(name, values[name].bytes()));
        takes.chain(given.into_iter().map(Event::Gives)).collect::<Vec<_>>()
    })
    .collect()
}

/// Where a value is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Shared,
    Anew,
}

impl<'a> Sharing<'a> {
    /// Decides where an output of a node lies.
    fn place(&mut self, node: &'a Node, output: usize, name: &'a str) -> Placed {
        let own = match self.reads.get(name) {
            None => None,
            Some(_) => self.of_input(node, output, name).or_else(|| self.unused(name)),
        };
        let buffer = own.unwrap_or(name);
        self.buffers.insert(name, buffer);
        if buffer == name {
            return Placed::Anew;
        }
        *self.reads.entry(buffer).or_default() += self.reads.get(name).copied().unwrap_or(0);
        Placed::Shared
    }

    /// The buffer of an input, where the output lies in it.
    fn of_input(&self, node: &'a Node, output: usize, name: &str) -> Option<&'a str> {
        let operator = node.op_type.as_str();
        let buffer = |input: usize| self.buffers.get(node.input.get(input)?.as_str()).copied();
        if output > 0 {
            return None;
        }
        if VIEWS.contains(&operator) {
            return buffer(0);
        }
        let (_, inputs) = IN_PLACE.iter().find(|(own, _)| *own == operator)?;
        inputs.iter().find_map(|&input| {
            let own = buffer(input)?;
            let is_last = self.reads.get(own) == Some(&1);
            (is_last && self.alike(node.input.get(input)?, name)).then_some(own)
        })
    }

    /// The buffer of the same shape that was given back last.
    fn unused(&mut self, name: &str) -> Option<&'a str> {
        if self.values[name].extents.is_empty() {
            return None;
        }
        let at = self.free.iter().rposition(|own| self.alike(own, name))?;
        Some(self.free.remove(at))
    }

    fn alike(&self, one: &str, other: &str) -> bool {
        let width = |name: &str| {
            let own = &self.values[name];
            (own.extents.clone(), Value { extents: vec![1], element: own.element }.bytes())
        };
        width(one) == width(other)
    }

    fn read(&mut self, name: &'a str) {
        let Some(&buffer) = self.buffers.get(name) else { return };
        let left = self.reads.entry(buffer).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::graph;
    use super::*;

    fn told(nodes: &[(&str, &str, &str)], returned: &[&str]) -> Vec<String> {
        let graph = graph(nodes, returned);
        let values = graph.values().unwrap();
        let order: Vec<usize> = (0..graph.node.len()).collect();
        let events = events(&graph, &order, &values);
        let told = events.into_iter().map(|event| match event {
            Event::Takes(name, bytes) => format!("+{name} {bytes}"),
            Event::Gives(name) => format!("-{name}"),
        });
        told.collect()
    }

    #[test]
    fn a_buffer_is_given_back_after_its_last_reader_and_serves_the_next_of_its_shape() {
        let nodes = [("Exp", "x", "a"), ("Exp", "a", "b"), ("Exp", "b", "c"), ("Exp", "c", "d")];
        // c lies where a was; what is returned lies outside.
        assert_eq!(told(&nodes, &["d"]), ["+a 96", "+b 96", "-b", "-a"]);
    }

    #[test]
    fn an_operator_that_may_writes_where_it_reads_for_the_last_time() {
        let nodes = [("Exp", "x", "a"), ("Relu", "a", "b"), ("Exp", "b", "c")];
        assert_eq!(told(&nodes, &["c"]), ["+a 96", "-a"]);
        let read_later = [("Exp", "x", "a"), ("Relu", "a", "b"), ("Add", "a b", "c")];
        assert_eq!(told(&read_later, &["c"]), ["+a 96", "+b 96", "-a", "-b"]);
        // Nothing is written over what lies outside.
        assert_eq!(told(&[("Relu", "x", "a"), ("Exp", "a", "b")], &["b"]), ["+a 96", "-a"]);
    }

    #[test]
    fn what_nothing_reads_is_kept_to_the_end() {
        let nodes = [("Exp", "x", "a"), ("Exp", "x", "b"), ("Exp", "b", "c")];
        assert_eq!(told(&nodes, &["c"]), ["+a 96", "+b 96", "-b"]);
        // In a buffer of its own, though one of its shape is free.
        let nodes = [("Exp", "x", "a"), ("Exp", "a", "b"), ("Exp", "x", "u"), ("Exp", "b", "c")];
        assert_eq!(told(&nodes, &["c"]), ["+a 96", "+b 96", "-a", "+u 96", "-b"]);
    }
}
