//! Rows of pooling, normalisation and slopes.

use super::{Case, Draw, Gradient, distinct, given, normal, positive, ties};
use qgface_data::graph::{Builder, Op, Value, Window, World};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = pools();
    cases.extend(normalisations());
    cases.extend(slopes());
    cases.push(excited());
    cases
}

fn pools() -> Vec<Case> {
    let mut cases = Vec::new();
    for [kernel, stride, pad] in [[1, 2, 0], [2, 2, 0], [3, 2, 1], [3, 1, 1], [2, 3, 0]] {
        let window = Window { kernel, stride, pad };
        for [height, width] in [[7, 5], [6, 4]] {
            let name =
                format!("MaxPool by {kernel}, stride {stride}, padding {pad} at {height}×{width}");
            let shape = [2, 3, height, width];
            let build = move |g: &mut Builder, x: &[Value]| g.max_pool(x[0], window);
            let at_ties = Case::new(format!("{name} at ties"), [ties(&shape)], build);
            cases.push(at_ties.gradient(Gradient::Defined));
            cases.push(Case::new(name, [distinct(&shape)], build));
        }
    }
    cases
}

/// ε, larger than a layer's, so that a forgotten one shows.
const EPSILON: f64 = 0.05;

fn normalisations() -> Vec<Case> {
    let mut cases = Vec::new();
    let shapes: [&[usize]; 5] =
        [&[2, 3, 4, 5], &[2, 3, 8, 8], &[3, 2, 1, 3], &[4, 3, 1, 1], &[6, 5]];
    for shape in shapes {
        let c = [shape[1]];
        let five = [normal(shape), normal(&c), normal(&c), normal(&c), positive(&c)];
        cases.push(Case::new(format!("BatchNormalization of {shape:?}"), five, |g, x| {
            g.apply(Op::BatchNormalization { epsilon: EPSILON }, x)
        }));
        let own = [normal(shape), normal(&c), normal(&c)];
        cases.push(Case::new(format!("BatchNormTraining of {shape:?}"), own.clone(), |g, x| {
            g.apply(Op::BatchNormTraining { epsilon: EPSILON }, x)
        }));
        let name = format!("BatchNormSynchronised of {shape:?}");
        cases.push(Case::new(name, own.clone(), |g, x| {
            let (mean, variance) = (g.mean_by_channel(x[0]), g.apply(Op::BatchVariance, &x[..1]));
            let shape = g.shape(x[0]);
            let count = shape.iter().product::<usize>() / shape[1];
            let op = Op::BatchNormSynchronised { epsilon: EPSILON, count, world: World::ALONE };
            g.apply(op, &[x[0], x[1], x[2], mean, variance])
        }));
        let name = format!("BatchNormTraining of {shape:?} times its mean");
        cases.push(Case::new(name, own, times_its_mean));
        let variance = Case::new(format!("BatchVariance of {shape:?}"), [normal(shape)], |g, x| {
            g.apply(Op::BatchVariance, x)
        });
        cases.push(variance.gradient(Gradient::Refused));
        cases.push(product(shape));
        let by_channel = || normal(&shape[1..2]);
        let five = [normal(shape), normal(shape), by_channel(), by_channel(), by_channel()];
        let sum =
            Case::new(format!("ChannelSum of {shape:?}"), five, |g, x| g.apply(Op::ChannelSum, x));
        cases.push(sum.gradient(Gradient::Refused));
    }
    for shape in [&[6][..], &[3, 5], &[2, 3, 4], &[2, 3, 2, 4]] {
        let last = shape[shape.len() - 1];
        let own = [normal(shape), normal(&[last]), normal(&[last])];
        cases.push(Case::new(format!("LayerNormalization of {shape:?}"), own, |g, x| {
            g.apply(Op::LayerNormalization { epsilon: EPSILON }, x)
        }));
    }
    // Planes so large that the lowering multiplies matrices.
    cases.push(product(&[2, 3, 40, 60]));
    // The mean is far larger than the deviation.
    let far = |g: &mut Builder, x: &[Value]| {
        let moved = g.offset(x[0], 8.0);
        g.apply(Op::BatchNormTraining { epsilon: EPSILON }, &[moved, x[1], x[2]])
    };
    let own = [normal(&[2, 3, 4, 4]), normal(&[3]), normal(&[3])];
    cases.push(Case::new("BatchNormTraining far from zero", own, far));
    cases
}

fn product(shape: &[usize]) -> Case {
    let two = [normal(shape), normal(shape)];
    let product =
        Case::new(format!("ProductMean of {shape:?}"), two, |g, x| g.apply(Op::ProductMean, x));
    product.gradient(Gradient::Refused)
}

/// The lowering computes the moments once for both.
fn times_its_mean(g: &mut Builder, x: &[Value]) -> Value {
    let shape = g.shape(x[0]);
    let axes: Vec<usize> = (0..shape.len()).filter(|&axis| axis != 1).collect();
    let y = g.apply(Op::BatchNormTraining { epsilon: EPSILON }, x);
    let mean = g.reduce_mean(x[0], &axes);
    let extents: Vec<usize> =
        (0..shape.len()).map(|axis| if axis == 1 { shape[1] } else { 1 }).collect();
    let mean = g.reshape(mean, &extents);
    g.mul(y, mean)
}

/// An image times a factor by channel that follows from the means of all its channels.
fn excited() -> Case {
    let window = Window { kernel: 3, stride: 1, pad: 1 };
    let inputs = [normal(&[2, 3, 4, 5]), normal(&[4, 3, 3, 3]), normal(&[4, 4, 1, 1])];
    Case::new("an image times a sigmoid of its means", inputs, move |g, x| {
        let y = g.conv(x[0], x[1], window);
        let means = g.reduce_mean_keep(y, &[2, 3]);
        let factors = g.conv(means, x[2], Window { kernel: 1, stride: 1, pad: 0 });
        let factors = g.sigmoid(factors);
        g.mul(y, factors)
    })
}

fn slopes() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [&[2, 3, 4, 5][..], &[4, 3]] {
        let slope = || normal(&shape[1..2]);
        let apart = [given(shape, Draw::Tenths(0.25)), slope()];
        cases.push(Case::new(format!("PRelu of {shape:?}"), apart, |g, x| g.prelu(x[0], x[1])));
        let at_zero = [ties(shape), slope()];
        let name = format!("PRelu of {shape:?} at zero");
        let case = Case::new(name, at_zero, |g, x| g.prelu(x[0], x[1]));
        cases.push(case.gradient(Gradient::Defined));
    }
    cases
}
