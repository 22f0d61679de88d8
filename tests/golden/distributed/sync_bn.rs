//! Normalisation by the rows of all ranks, which may have different numbers of them.

use super::Part;
use super::course::{compare, stacked};
use crate::arrays::PRECISIONS;
use crate::manifest::{Json, entries, number_array};
use crate::reference::{Tensor, evaluate_together};
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Op, Value, World};
use qgface_data::nn::synchronised;
use std::path::Path;

pub(super) const PART: Part = Part { cases, run };

const WORLDS: [usize; 2] = [2, 4];
const EXACT: (f64, f64) = (1e-9, 1e-12);

fn cases(manifest: &Json) -> usize {
    WORLDS.len() * entries(&manifest["sync_bn"], "cases").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let part = &manifest["sync_bn"];
    let constants = ["eps", "momentum"].map(|name| part[name].as_f64().unwrap());
    let all = entries(part, "cases").flat_map(|(name, own)| WORLDS.map(|world| (name, own, world)));
    all.map(|(name, own, world)| {
        let counts: Vec<usize> =
            number_array(own, "counts")[..world].iter().map(|&count| count as usize).collect();
        normalised(&folder.join("sync_bn").join(name), &counts, constants);
    })
    .count()
}

/// What a rank feeds and makes, its rows numbered `rows`.
fn normalised(folder: &Path, counts: &[usize], [epsilon, momentum]: [f64; 2]) {
    let input = |name: &str| {
        let path = folder.join(format!("{name}.npy"));
        path.is_file().then(|| PRECISIONS[0].input(&path))
    };
    let [x, upstream, mean, variance] =
        ["input", "upstream", "running_mean", "running_var"].map(|name| input(name).unwrap());
    let channels = x.shape[1];
    let constant = |number| Tensor { shape: vec![channels], data: vec![number; channels] };
    let gamma = input("weight").unwrap_or_else(|| constant(1.0));
    let beta = input("bias").unwrap_or_else(|| constant(0.0));
    let (mut graphs, mut feeds) = (Vec::new(), Vec::new());
    let mut first = 0;
    for rank in 0..counts.len() {
        let rows = first..first + counts[rank];
        first = rows.end;
        let [x, dy] = [&x, &upstream].map(|all| rows_of(all, rows.clone()));
        graphs.push(graph(&x, counts, World { ranks: counts.len(), rank }, epsilon, momentum));
        feeds.push(vec![
            ("x", x),
            ("dy", dy),
            ("gamma", gamma.clone()),
            ("beta", beta.clone()),
            ("mean", mean.clone()),
            ("variance", variance.clone()),
        ]);
    }
    let made = evaluate_together(&graphs.iter().collect::<Vec<_>>(), &feeds);
    let results = folder.join("f64");
    let world = counts.len();
    let of = |at: usize| made.iter().map(move |own| &own[at]);
    let behind = |at: usize| {
        let data: Vec<f64> = of(at).flat_map(|own| own.data.clone()).collect();
        Tensor { shape: vec![data.len()], data }
    };
    compare(&behind(0), &results, &format!("w{world}_output"), EXACT);
    compare(&behind(1), &results, &format!("w{world}_grad_input"), EXACT);
    for (at, what) in [(2, "grad_weight"), (3, "grad_bias")] {
        if !results.join(format!("w{world}_{what}.npy")).is_file() {
            continue;
        }
        compare(&stacked(of(at)), &results, &format!("w{world}_local_{what}"), EXACT);
        let mut sum = constant(0.0);
        of(at).for_each(|own| sum.data.iter_mut().zip(&own.data).for_each(|(sum, x)| *sum += x));
        compare(&sum, &results, &format!("w{world}_{what}"), EXACT);
    }
    for (at, what) in [(4, "running_mean"), (5, "running_var")] {
        of(at).for_each(|own| compare(own, &results, &format!("w{world}_{what}"), EXACT));
    }
}

fn rows_of(all: &Tensor, rows: std::ops::Range<usize>) -> Tensor {
    let width = all.data.len() / all.shape[0];
    let shape = [&[rows.len()], &all.shape[1..]].concat();
    Tensor { shape, data: all.data[rows.start * width..rows.end * width].to_vec() }
}

fn graph(x: &Tensor, counts: &[usize], world: World, epsilon: f64, momentum: f64) -> Graph {
    let mut g = Builder::new();
    let channels = [x.shape[1]];
    let [x, dy] = ["x", "dy"].map(|name| g.input(name, Element::Float, &x.shape));
    let [gamma, beta, mean, variance] =
        ["gamma", "beta", "mean", "variance"].map(|name| g.input(name, Element::Float, &channels));
    let shape = g.shape(x);
    let pixels: usize = shape[2..].iter().product();
    let counts: Vec<usize> = counts.iter().map(|rows| rows * pixels).collect();
    let count: usize = counts.iter().sum();
    let (own, own_variance) = (g.mean_by_channel(x), g.apply(Op::BatchVariance, &[x]));
    let (of_all, variance_of_all) = synchronised(&mut g, own, own_variance, &counts, world);
    let op = Op::BatchNormSynchronised { epsilon, count, world };
    let y = g.apply(op, &[x, gamma, beta, of_all, variance_of_all]);
    let product = g.mul(y, dy);
    let loss = g.reduce_sum(product, &(0..shape.len()).collect::<Vec<_>>());
    let gradients = backward(&mut g, loss, &[x, gamma, beta]);
    let unbiased = g.scale(variance_of_all, count as f64 / (count - 1) as f64);
    let moved = |g: &mut Builder, old: Value, new: Value| {
        let (kept, taken) = (g.scale(old, 1.0 - momentum), g.scale(new, momentum));
        g.add(kept, taken)
    };
    let (mean, variance) = (moved(&mut g, mean, of_all), moved(&mut g, variance, unbiased));
    let values = [Some(y)].into_iter().chain(gradients).chain([Some(mean), Some(variance)]);
    g.finish(values.enumerate().map(|(at, value)| (at.to_string(), value.unwrap())).collect())
}
