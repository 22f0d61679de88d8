//! What ranks exchange, on several: values by their definition, and gradients against central
//! differences of the loss of all.

use crate::reference::{Tensor, evaluate_together};
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Op, Reduction, Value, World};
use qgface_data::nn::{
    Averages, Columns, ContrastOptions, HeadKind, HeadOptions, HeadShare, HeadState, JointInput,
    JointOptions, JointState, Margin, QualityScale, Queue, QueueKind, QueueOptions, QueueShare,
    Sharing, joint, synchronised,
};
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

/// Pairs of a rank, numbers of a row, classes, entries of the queue.
const B: usize = 2;
const D: usize = 4;
const C: usize = 5;
const Q: usize = 12;

/// The joint loss of a rank with a margin that follows the rows, and what the margin becomes.
fn joint_of(world: World, pairs: usize) -> Graph {
    let mut g = Builder::new();
    let sharing = Sharing {
        world,
        head: HeadShare::Sharded,
        queue: QueueShare::Shared,
        ..Sharing::default()
    };
    let part = world.part(C);
    let features = g.input("features", Element::Float, &[2 * pairs, D]);
    let labels = g.input("labels", Element::Int64, &[2 * pairs]);
    let kernel = g.input("kernel", Element::Float, &[D, part.len()]);
    let columns = if world.is_alone() {
        Columns::whole(kernel)
    } else {
        Columns { kernel, first: part.start, world, sample: None }
    };
    let contrast =
        ContrastOptions { margin: Margin::Dynamic, t_alpha: 0.5, s: 8.0, ..Default::default() };
    let head = HeadOptions { s: 8.0, ..HeadOptions::new(HeadKind::AdaFace) };
    let queue = QueueOptions { kind: QueueKind::Proxy, size: Q };
    let options = JointOptions { head, contrast: Some((contrast, queue)) };
    let (weight, mean, std, average, filled) =
        (g.scalar(1.0), g.scalar(2.0), g.scalar(0.5), g.scalar(0.1), g.scalar(0.0));
    let zeros =
        |g: &mut Builder, shape: &[usize]| g.constant(shape, vec![0.0; shape.iter().product()]);
    let held = Queue {
        embeddings: zeros(&mut g, &[Q, D]),
        labels: zeros(&mut g, &[Q]),
        proxies: Some(zeros(&mut g, &[Q, D])),
        filled,
    };
    let state = JointState {
        head: HeadState { averages: Averages { mean, std }, t: None, started: None },
        contrast: Some((held, average)),
    };
    let scale = QualityScale::Fixed(0.0);
    let input = JointInput {
        features,
        labels,
        columns,
        weight,
        head_scale: scale,
        contrast_scale: scale,
        sharing,
    };
    let made = joint(&mut g, &options, input, state);
    let margin = made.state.contrast.unwrap().1;
    g.finish(vec![("loss".to_owned(), made.loss), ("margin".to_owned(), margin)])
}

#[test]
fn a_margin_that_follows_the_rows_follows_those_of_all_ranks() {
    let ranks = 2;
    let mut stream = Seed::new(1).stream("joint");
    let mut draw = |shape: &[usize]| {
        let count = shape.iter().product();
        Tensor::new(shape, (0..count).map(|_| stream.normal()).collect())
    };
    let kernel = draw(&[D, C]);
    // High-quality and low-quality rows of each rank.
    let views: Vec<[Tensor; 2]> = (0..ranks).map(|_| [draw(&[B, D]), draw(&[B, D])]).collect();
    let labels = [[0.0, 3.0], [4.0, 1.0]];
    let feed = |rows: Vec<f64>, labels: Vec<f64>, part: std::ops::Range<usize>| {
        let count = labels.len();
        let columns = kernel.data.chunks(C).flat_map(|row| row[part.clone()].to_vec()).collect();
        vec![
            ("features", Tensor::new(&[count, D], rows)),
            ("labels", Tensor::new(&[count], labels)),
            ("kernel", Tensor::new(&[D, part.len()], columns)),
        ]
    };
    let of_view = |view: usize| views.iter().flat_map(move |own| own[view].data.clone());
    let joined = feed(
        of_view(0).chain(of_view(1)).collect(),
        [labels.concat(), labels.concat()].concat(),
        0..C,
    );
    let one = evaluate_together(&[&joint_of(World::ALONE, ranks * B)], &[joined]).swap_remove(0);
    let graphs: Vec<Graph> = (0..ranks).map(|rank| joint_of(World { ranks, rank }, B)).collect();
    let feeds: Vec<_> = (0..ranks)
        .map(|rank| {
            let rows = views[rank].iter().flat_map(|view| view.data.clone()).collect();
            let labels = [labels[rank], labels[rank]].concat();
            feed(rows, labels, World { ranks, rank }.part(C))
        })
        .collect();
    let all = evaluate_together(&graphs.iter().collect::<Vec<_>>(), &feeds);
    let mean = |at: usize| all.iter().map(|own| own[at].data[0]).sum::<f64>() / ranks as f64;
    for (at, what) in ["loss", "margin"].into_iter().enumerate() {
        let (own, expected) = (mean(at), one[at].data[0]);
        assert!((own - expected).abs() < 1e-12, "{what}: {own}, expected {expected}");
    }
    assert!((one[1].data[0] - 0.1).abs() > 1e-3, "a margin that stays shows nothing");
}
