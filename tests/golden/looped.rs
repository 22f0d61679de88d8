//! A graph run step after step on its own state: in f64 by the evaluator, in f32 by ONNX Runtime
//! with the state in two sets of bound buffers, as training does it.

use crate::installed;
use crate::reference::{Tensor, evaluate};
use crate::run::{buffer, read, write};
use qgface_data::graph::{Graph, lower};
use qgface_data::runtime::{Binding, Buffer, Program};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Values by name.
pub(crate) type Named = BTreeMap<String, Tensor>;

/// A graph with a state. What it calls `next.X` becomes X of the next step.
pub(crate) struct Looped<'g> {
    graph: &'g Graph,
    state: Named,
    bound: Option<Bound>,
}

struct Bound {
    program: Program,
    bindings: [Binding; 2],
    feeds: BTreeMap<String, Buffer>,
    sets: [BTreeMap<String, Buffer>; 2],
    outputs: BTreeMap<String, Buffer>,
    current: usize,
}

impl<'g> Looped<'g> {
    pub(crate) fn new(graph: &'g Graph, precision: &str, state: Named) -> Self {
        let bound = (precision == "f32").then(|| Bound::new(graph, &state));
        Self { graph, state, bound }
    }

    /// What the next step starts from.
    pub(crate) fn state(&self) -> &Named {
        &self.state
    }

    /// Runs one step; returns all outputs by name.
    pub(crate) fn step(&mut self, feeds: &[(&str, Tensor)]) -> Named {
        let made = match &mut self.bound {
            Some(bound) => bound.step(feeds),
            None => {
                let inputs = self.graph.inputs();
                let wanted = |name: &str| inputs.iter().any(|(_, node)| node.name == name);
                let state = self.state.iter().map(|(name, tensor)| (name.as_str(), tensor.clone()));
                let all: Vec<(&str, Tensor)> =
                    feeds.iter().cloned().chain(state).filter(|(name, _)| wanted(name)).collect();
                let values = evaluate(self.graph, &all);
                let names = self.graph.outputs().iter().map(|(name, _)| name.clone());
                names.zip(values).collect()
            }
        };
        for (name, tensor) in &made {
            if let Some(own) = name.strip_prefix("next.") {
                self.state.insert(own.to_owned(), tensor.clone());
            }
        }
        made
    }
}

impl Bound {
    fn new(graph: &Graph, state: &Named) -> Self {
        let runtime = installed::runtime();
        let program = Program::open(&runtime, &lower(graph, "looped"), NonZeroUsize::MIN).unwrap();
        let buffer = |node| buffer(&program, node);
        let (mut feeds, mut first, mut second) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (_, node) in graph.inputs() {
            let own = buffer(node);
            match state.get(&node.name) {
                Some(tensor) => {
                    write(&own, tensor);
                    first.insert(node.name.clone(), own);
                    second.insert(node.name.clone(), buffer(node));
                }
                None => _ = feeds.insert(node.name.clone(), own),
            }
        }
        let mut outputs = BTreeMap::new();
        for (name, value) in graph.outputs() {
            let node = graph.node(*value);
            match name.strip_prefix("next.").filter(|own| first.contains_key(*own)) {
                Some(_) => {}
                // A state that nothing reads is written all the same.
                None => _ = outputs.insert(name.clone(), buffer(node)),
            }
        }
        let sets = [first, second];
        let bind = |from: usize| {
            let mut inputs: Vec<(&str, &Buffer)> = Vec::new();
            for (name, buffer) in feeds.iter().chain(&sets[from]) {
                inputs.push((name, buffer));
            }
            let next: Vec<(String, &Buffer)> =
                sets[1 - from].iter().map(|(name, b)| (format!("next.{name}"), b)).collect();
            let mut all: Vec<(&str, &Buffer)> =
                outputs.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect();
            all.extend(next.iter().map(|(name, buffer)| (name.as_str(), *buffer)));
            all.retain(|(name, _)| graph.outputs().iter().any(|(own, _)| own == name));
            program.bind(&inputs, &all).unwrap()
        };
        let bindings = [bind(0), bind(1)];
        Self { program, bindings, feeds, sets, outputs, current: 0 }
    }

    fn step(&mut self, feeds: &[(&str, Tensor)]) -> Named {
        for (name, tensor) in feeds {
            if let Some(buffer) = self.feeds.get(*name) {
                write(buffer, tensor);
            }
        }
        self.program.run(&mut self.bindings[self.current]).unwrap();
        self.current = 1 - self.current;
        let outputs = self.outputs.iter().map(|(name, buffer)| (name.clone(), read(buffer)));
        let state = self.sets[self.current].iter();
        outputs.chain(state.map(|(name, buffer)| (format!("next.{name}"), read(buffer)))).collect()
    }
}
