//! What one rank exchanges with itself, and nodes that are of another group. Several ranks have the golden
//! tests.

use crate::{Element, Error, Program, Runtime};
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::graph::{Builder, Element as Kind, World, lower};
use qgface_graph::onnx::Model;
use qgface_group::Group;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// All exchanges one after the other, as ranks of a world have them.
fn model(ranks: usize) -> Model {
    let world = World { ranks, rank: 0 };
    let mut g = Builder::new();
    let x = g.input("x", Kind::Float, &[2, 3]);
    let sum = g.all_sum(x, world);
    let max = g.all_max(sum, world);
    let all = g.all_gather(max, world);
    let own = g.reduce_scatter(all, world);
    let told = g.broadcast(own, world, 0);
    lower(&g.finish(vec![("y".to_owned(), told)]), "exchanges")
}

/// The same with the number of ranks that nodes tell.
fn told(ranks: usize, told: i64) -> Model {
    let mut model = model(ranks);
    let graph = model.graph.as_mut().unwrap();
    for node in &mut graph.node {
        let ranks = node.attribute.iter_mut().filter(|own| own.name == "ranks");
        ranks.for_each(|own| own.i = Some(told));
    }
    model
}

fn alone() -> Option<Runtime> {
    Some(Runtime::installed()?.with_group(Arc::new(Group::alone())))
}

#[test]
fn one_rank_gets_what_it_gives() {
    let Some(runtime) = alone() else { return };
    let model = told(2, 1);
    let own = model.graph().node.iter().filter(|node| node.domain == DOMAIN).count();
    assert_eq!(own, 5, "all of them");
    let mut program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
    let [x, y] = [(); 2].map(|()| program.buffer(Element::Float, &[2, 3]).unwrap());
    let numbers = [1.0, -2.0, 3.5, 0.0, 1e30, -0.25];
    x.write_floats(&numbers).unwrap();
    let mut binding = program.bind(&[("x", &x)], &[("y", &y)]).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(y.read_floats().unwrap(), numbers);
}

#[test]
fn nodes_of_another_number_of_ranks_are_refused() {
    let Some(runtime) = alone() else { return };
    let error = Program::open(&runtime, &model(2), NonZeroUsize::MIN).unwrap_err();
    let said = qgface_fs::causes::chain(&error);
    assert!(said.contains("ranks: expected 1, found 2"), "{said}");
}

#[test]
fn without_a_group_nothing_is_exchanged() {
    let Some(runtime) = Runtime::installed() else { return };
    let error = Program::open(&runtime, &model(2), NonZeroUsize::MIN).unwrap_err();
    assert!(matches!(error, Error::NoGroup { ref operator, .. } if operator == "AllReduceSum"));
}
