//! What ranks exchange, on several: values by their definition, and gradients against central
//! differences of the loss of all.

use crate::reference::{Tensor, evaluate_together};
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Op, Reduction, Value, World};
use qgface_data::nn::synchronised;
use qgface_data::seed::Seed;

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-7;

/// What a rank builds of its input.
type Build = fn(&mut Builder, Value, World) -> Value;

/// The graph of a rank: y, its share Σ c·y of the loss of all, and the gradient of that by x.
fn graph(build: Build, shape: &[usize], world: World) -> Graph {
    let mut g = Builder::new();
    let x = g.input("x", Element::Float, shape);
    let y = build(&mut g, x, world);
    let own = g.shape(y);
    let count = own.iter().product();
    let mut stream = Seed::new(1).stream(&format!("weights of rank {}", world.rank));
    let weights = g.constant(&own, (0..count).map(|_| stream.normal()).collect());
    let weighed = g.mul(y, weights);
    let loss = g.reduce_sum(weighed, &(0..own.len()).collect::<Vec<_>>());
    let gradient = backward(&mut g, loss, &[x])[0].unwrap();
    let outputs = [("y", y), ("loss", loss), ("gradient", gradient)];
    g.finish(outputs.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Numbers of each rank, no two of which are equal.
fn drawn(shape: &[usize], ranks: usize) -> Vec<Tensor> {
    let count: usize = shape.iter().product();
    let mut stream = Seed::new(1).stream("numbers");
    (0..ranks)
        .map(|_| Tensor::new(shape, (0..count).map(|_| stream.uniform(-1.0, 1.0)).collect()))
        .collect()
}

/// y, the loss and the gradient of each rank.
fn made(graphs: &[Graph], numbers: &[Tensor]) -> Vec<Vec<Tensor>> {
    let feeds: Vec<_> = numbers.iter().map(|own| vec![("x", own.clone())]).collect();
    evaluate_together(&graphs.iter().collect::<Vec<_>>(), &feeds)
}

/// The values, after gradients were held against differences.
fn held(build: Build, shape: &[usize], ranks: usize) -> (Vec<Tensor>, Vec<Tensor>) {
    let graphs: Vec<Graph> =
        (0..ranks).map(|rank| graph(build, shape, World { ranks, rank })).collect();
    let mut numbers = drawn(shape, ranks);
    let found = made(&graphs, &numbers);
    for rank in 0..ranks {
        for at in 0..numbers[rank].data.len() {
            let x = numbers[rank].data[at];
            let mut loss = |moved| {
                numbers[rank].data[at] = moved;
                made(&graphs, &numbers).iter().map(|own| own[1].data[0]).sum::<f64>()
            };
            let slope = (loss(x + STEP) - loss(x - STEP)) / (2.0 * STEP);
            numbers[rank].data[at] = x;
            let gradient = found[rank][2].data[at];
            assert!(
                (gradient - slope).abs() < TOLERANCE,
                "rank {rank} of {ranks}, element {at}: {gradient}, expected {slope}"
            );
        }
    }
    (numbers, found.into_iter().map(|mut own| own.swap_remove(0)).collect())
}

/// y of ranks as a function of the numbers of all.
fn is(build: Build, shape: &[usize], expected: impl Fn(usize, &[Tensor]) -> Vec<f64>) {
    for ranks in [1, 2, 3] {
        let (numbers, values) = held(build, shape, ranks);
        for (rank, own) in values.iter().enumerate() {
            assert_eq!(own.data, expected(rank, &numbers), "rank {rank} of {ranks}");
        }
    }
}

fn over_ranks(all: &[Tensor], f: fn(f64, f64) -> f64) -> Vec<f64> {
    let of = |at: usize| all.iter().map(|own| own.data[at]).reduce(f).unwrap();
    (0..all[0].data.len()).map(of).collect()
}

#[test]
fn a_sum_and_the_largest_are_of_all_ranks() {
    is(|g, x, world| g.all_sum(x, world), &[2, 3], |_, all| over_ranks(all, |a, b| a + b));
    is(|g, x, world| g.all_max(x, world), &[2, 3], |_, all| over_ranks(all, f64::max));
}

#[test]
fn rows_are_gathered_in_the_order_of_ranks_and_their_sums_scattered() {
    is(
        |g, x, world| g.all_gather(x, world),
        &[2, 3],
        |_, all| all.iter().flat_map(|own| own.data.clone()).collect(),
    );
    is(
        |g, x, world| g.reduce_scatter(x, world),
        &[6, 2],
        |rank, all| {
            let sum = over_ranks(all, |a, b| a + b);
            let each = sum.len() / all.len();
            sum[rank * each..][..each].to_vec()
        },
    );
}

#[test]
fn a_rank_tells_the_others() {
    is(|g, x, world| g.broadcast(x, world, 0), &[3], |_, all| all[0].data.clone());
    is(
        |g, x, world| g.broadcast(x, world, world.ranks - 1),
        &[3],
        |_, all| all[all.len() - 1].data.clone(),
    );
}

/// Functions of what was exchanged, so that gradients differ from rank to rank.
#[test]
fn gradients_go_through_several_exchanges() {
    let build: Build = |g, x, world| {
        let sum = g.all_sum(x, world);
        let product = g.mul(sum, x);
        let all = g.all_gather(product, world);
        let power = g.exp(all);
        let own = g.reduce_scatter(power, world);
        g.mul(own, x)
    };
    for ranks in [1, 2, 4] {
        held(build, &[2, 2], ranks);
    }
}

/// Ranks with equal elements share what the largest of them has.
#[test]
fn equal_ranks_share_the_gradient_of_the_largest() {
    let ranks = 4;
    let graphs: Vec<Graph> = (0..ranks)
        .map(|rank| graph(|g, x, world| g.all_max(x, world), &[1], World { ranks, rank }))
        .collect();
    let numbers = [2.0, 3.0, 3.0, 1.0].map(|x| Tensor::new(&[1], vec![x]));
    let found = made(&graphs, &numbers);
    // With x 3 and y 3 the loss of a rank is 3c.
    let weights: f64 = found.iter().map(|own| own[1].data[0] / 3.0).sum();
    let gradients: Vec<f64> = found.iter().map(|own| own[2].data[0]).collect();
    let expected = [0.0, weights / 2.0, weights / 2.0, 0.0];
    for (found, expected) in gradients.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{gradients:?}, expected {expected}");
    }
}

#[test]
fn ranks_that_normalise_together_are_one_process() {
    let build: Build = |g, x, world| {
        let (own, variance) = (g.mean_by_channel(x), g.apply(Op::BatchVariance, &[x]));
        let shape = g.shape(x);
        let own_count = shape.iter().product::<usize>() / shape[1];
        let counts = vec![own_count; world.ranks];
        let (mean, variance) = synchronised(g, own, variance, &counts, world);
        let gamma = g.constant(&[2], vec![1.5, -0.5]);
        let beta = g.constant(&[2], vec![0.25, 0.0]);
        let count = own_count * world.ranks;
        let op = Op::BatchNormSynchronised { epsilon: 0.01, count, world };
        let y = g.apply(op, &[x, gamma, beta, mean, variance]);
        g.exp(y)
    };
    for ranks in [1, 2, 3] {
        held(build, &[2, 2, 2, 1], ranks);
    }
}

#[test]
#[should_panic(expected = "rank 1")]
fn ranks_with_other_operators_are_refused() {
    let graphs = [0, 1].map(|rank| {
        let world = World { ranks: 2, rank };
        let op = if rank == 0 { Op::Exp } else { Op::Neg };
        let mut g = Builder::new();
        let x = g.input("x", Element::Float, &[1]);
        let y = g.apply(op, &[x]);
        let y = g.apply(Op::AllReduce(world, Reduction::Sum), &[y]);
        g.finish(vec![("y".to_owned(), y)])
    });
    made(&graphs, &[0.0, 1.0].map(|x| Tensor::new(&[1], vec![x])));
}
