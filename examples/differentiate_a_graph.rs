//! Builds a loss, appends its gradients, and writes both as a model that any ONNX Runtime runs:
//! `cargo run --release --example differentiate_a_graph -- regression.onnx`.

use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, lower};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let graph = regression();
    for (name, value) in graph.outputs() {
        println!("{name} {:?}", graph.node(*value).shape);
    }
    if let Some(path) = std::env::args().nth(1) {
        lower(&graph, "regression").save(Path::new(&path))?;
    }
    Ok(())
}

/// `mean((x·w − y)²)` of eight rows, and its gradient by w.
fn regression() -> Graph {
    let mut g = Builder::new();
    let x = g.input("x", Element::Float, &[8, 3]);
    let w = g.input("w", Element::Float, &[3, 1]);
    let y = g.input("y", Element::Float, &[8, 1]);
    let predicted = g.matmul(x, w);
    let difference = g.sub(predicted, y);
    let squares = g.mul(difference, difference);
    let loss = g.mean(squares);
    let gradients = backward(&mut g, loss, &[w]);
    let gradient = gradients[0].expect("the loss depends on w");
    g.finish(vec![("loss".to_owned(), loss), ("gradient.w".to_owned(), gradient)])
}

#[test]
fn the_gradient_has_the_shape_of_what_it_is_by() {
    let graph = regression();
    let shapes: Vec<_> = graph.outputs().iter().map(|(_, v)| &graph.node(*v).shape[..]).collect();
    assert_eq!(shapes, [&[][..], &[3, 1]]);
}
