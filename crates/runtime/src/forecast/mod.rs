//! How much memory ONNX Runtime takes for a run of a model, told without running it.
//!
//! The runtime decides ahead, too: in which order nodes run (`order`), which values share a buffer
//! (`sharing`), and from where buffers are cut (`arena`). The same is done here, from the model alone.

mod arena;
mod fusing;
mod order;
mod sharing;
#[cfg(test)]
mod testing;

use super::onednn;
use arena::Arena;
use qgface_graph::onnx::{Graph, Node, Unknown, Value};
use sharing::{Event, events};
use std::collections::HashMap;

/// Memory that a run of a model takes between its nodes, beside what its inputs and outputs lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Working {
    /// The most bytes that are in use at a time.
    pub in_use: u64,
    /// Bytes that the process holds for it from then on, pieces that came in between included.
    pub held: u64,
    /// Bytes that oneDNN works in, as far as they follow from the shapes.
    pub scratch: u64,
}

/// Memory that runs of a graph take, whose inputs and outputs are bound to buffers, on one stream.
///
/// # Errors
/// [`Unknown`]: an operator that the lowering does not write.
pub fn working_memory(graph: &Graph) -> Result<Working, Unknown> {
    let values = graph.values()?;
    let fused = fusing::fused(graph);
    let order = order::of(&fused);
    let mut arena = Arena::default();
    let mut places = HashMap::new();
    for event in events(&fused, &order, &values) {
        match event {
            Event::Takes(name, bytes) => _ = places.insert(name, arena.take(bytes)),
            Event::Gives(name) => {
                if let Some(place) = places.remove(name) {
                    arena.give(place);
                }
            }
        }
    }
    let scratch = graph.node.iter().filter_map(|node| scratch(node, &values)).max();
    Ok(Working {
        in_use: arena.most_in_use(),
        held: arena.touched(),
        scratch: scratch.unwrap_or(0),
    })
}

/// Bytes that oneDNN works in for a node.
fn scratch(node: &Node, values: &HashMap<&str, Value>) -> Option<u64> {
    let extents = |at: usize| {
        let value = values.get(node.input.get(at)?.as_str())?;
        <[usize; 4]>::try_from(&value.extents[..]).ok()
    };
    let get = |name: &str| node.attribute.iter().find(|own| own.name == name)?.i;
    onednn::scratch_bytes(&node.op_type, get, [extents(0)?, extents(1)?])
}
