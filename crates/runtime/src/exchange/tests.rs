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

/// A model that announces two values, the second under the lower number, as x and y announce them.
fn announcing() -> Model {
    let mut g = Builder::new();
    let x = g.input("x", Kind::Float, &[3]);
    let one = g.exp(x);
    let two = g.cos(x);
    let sums = [(one, 1), (two, 0)].map(|(value, number)| {
        let sum = g.reduce_sum(value, &[0]);
        let sum = g.reshape(sum, &[1]);
        g.announce(sum, number, &[value])
    });
    let told = g.concat(&sums, 0);
    let outputs = [("one", one), ("two", two), ("told", told)];
    lower(&g.finish(outputs.map(|(name, value)| (name.to_owned(), value)).into()), "announcing")
}

#[test]
fn what_is_announced_where_it_lies_is_summed_ahead() {
    let Some(runtime) = Runtime::installed() else { return };
    let (group, model) = (Group::alone(), announcing());
    let mut program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
    let buffer = |count| program.buffer(Element::Float, &[count]).unwrap();
    let ([x, one, two], told, other) = ([(); 3].map(|()| buffer(3)), buffer(2), buffer(3));
    x.write_floats(&[0.0; 3]).unwrap();
    let outputs = [("one", &one), ("two", &two), ("told", &told)];
    let mut binding = program.bind(&[("x", &x)], &outputs).unwrap();
    let mut run = |buckets: &[Vec<crate::Buffer>], ahead| {
        let sums = crate::Sums { group: &group, buckets, ahead };
        program.run_and_sum(&mut binding, &sums).unwrap().ahead
    };
    let own = [vec![two.clone()], vec![one.clone()]];
    assert_eq!((run(&own, true), run(&own, false)), (2, 0));
    assert_eq!(told.read_floats().unwrap(), [3.0; 2]);
    assert_eq!(two.read_floats().unwrap(), [1.0; 3]);
    // What is announced does not lie there.
    assert_eq!(run(&[vec![two.clone()], vec![x.clone()]], true), 1);
    // The first is not announced, so nothing behind it may begin.
    assert_eq!(run(&[vec![x.clone()], vec![one.clone()]], true), 0);
    for refused in [[vec![other]], [vec![one.clone(), one.clone()]]] {
        let refused = std::panic::AssertUnwindSafe(|| run(&refused, true));
        assert!(std::panic::catch_unwind(refused).is_err());
    }
}
