//! What holds for any input, hostile ones too, and the examples.

mod hostile;
mod properties;

#[allow(dead_code)]
#[path = "../../examples/differentiate_a_graph.rs"]
mod differentiate_a_graph;
#[allow(dead_code)]
#[path = "../../examples/read_a_pack.rs"]
mod read_a_pack;
#[allow(dead_code)]
#[path = "../../examples/score_features.rs"]
mod score_features;
