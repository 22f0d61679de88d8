//! Pooling, batch normalisation and slopes. The second axis is the channel.

use super::Tensor;
use super::layout::volume;
use qgface_data::graph::Window;

/// The largest pixel of each window; of a window on nothing but padding, −∞.
pub(super) fn max_pool(x: &Tensor, window: Window, shape: &[usize]) -> Vec<f64> {
    let mut y = Vec::with_capacity(volume(shape));
    for_each_window(&x.shape, shape, |plane, r, c| {
        let first = first_of_largest(x, window, plane, r, c);
        y.push(first.map_or(f64::NEG_INFINITY, |at| x.data[at]));
    });
    y
}

/// dy added to the first of the largest pixels of each window.
pub(super) fn max_pool_gradient(x: &Tensor, dy: &Tensor, window: Window) -> Vec<f64> {
    let mut dx = vec![0.0; x.data.len()];
    let mut dy_left = dy.data.iter();
    for_each_window(&x.shape, &dy.shape, |plane, r, c| {
        let dy = dy_left.next().unwrap();
        if let Some(at) = first_of_largest(x, window, plane, r, c) {
            dx[at] += dy;
        }
    });
    dx
}

/// Calls `visit` with the plane, row and column of each position, in row-major order.
fn for_each_window(x: &[usize], y: &[usize], mut visit: impl FnMut(usize, usize, usize)) {
    for plane in 0..x[0] * x[1] {
        for r in 0..y[2] {
            for c in 0..y[3] {
                visit(plane, r, c);
            }
        }
    }
}

/// Where, of the window at row r and column c, the first of the largest pixels is, in row-major
/// order.
fn first_of_largest(x: &Tensor, window: Window, plane: usize, r: usize, c: usize) -> Option<usize> {
    let Window { kernel, stride, pad } = window;
    let (height, width) = (x.shape[2], x.shape[3]);
    let mut first: Option<usize> = None;
    for a in 0..kernel {
        for b in 0..kernel {
            let row = (r * stride + a).checked_sub(pad).filter(|&row| row < height);
            let column = (c * stride + b).checked_sub(pad).filter(|&column| column < width);
            let (Some(row), Some(column)) = (row, column) else { continue };
            let at = (plane * height + row) * width + column;
            if first.is_none_or(|first| x.data[at] > x.data[first]) {
                first = Some(at);
            }
        }
    }
    first
}

/// From the position of an element to its channel.
fn channel_of(shape: &[usize]) -> impl Fn(usize) -> usize + use<> {
    let (channels, inner) = (shape[1], volume(&shape[2..]));
    move |at| at / inner % channels
}

/// Mean and biased variance of each channel.
pub(super) fn moments(x: &Tensor) -> (Tensor, Tensor) {
    let (channel, channels) = (channel_of(&x.shape), x.shape[1]);
    let count = (x.data.len() / channels) as f64;
    let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
    for (at, x) in x.data.iter().enumerate() {
        mean[channel(at)] += x / count;
    }
    for (at, x) in x.data.iter().enumerate() {
        variance[channel(at)] += (x - mean[channel(at)]).powi(2) / count;
    }
    (Tensor::new(&[channels], mean), Tensor::new(&[channels], variance))
}

/// `γ(x − μ)/√(v + ε) + β`, of x, γ, β, μ, v.
pub(super) fn batch_normalization(inputs: &[&Tensor], epsilon: f64) -> Vec<f64> {
    let [x, gamma, beta, mean, variance] = inputs else { panic!("{} inputs", inputs.len()) };
    let channel = channel_of(&x.shape);
    let normalise = |(at, x): (usize, &f64)| {
        let c = channel(at);
        let deviation = (variance.data[c] + epsilon).sqrt();
        gamma.data[c] * (x - mean.data[c]) / deviation + beta.data[c]
    };
    x.data.iter().enumerate().map(normalise).collect()
}

/// The same with the moments of x.
pub(super) fn batch_norm_training(inputs: &[&Tensor], epsilon: f64) -> Vec<f64> {
    let (mean, variance) = moments(inputs[0]);
    batch_normalization(&[inputs[0], inputs[1], inputs[2], &mean, &variance], epsilon)
}

/// `y = x` where `x > 0`, else `a·x`.
pub(super) fn prelu(x: &Tensor, slope: &Tensor) -> Vec<f64> {
    let channel = channel_of(&x.shape);
    let bend = |(at, &x): (usize, &f64)| if x > 0.0 { x } else { slope.data[channel(at)] * x };
    x.data.iter().enumerate().map(bend).collect()
}

/// `dx = dy` where `x > 0`, else `a·dy`.
pub(super) fn prelu_input(x: &Tensor, slope: &Tensor, dy: &Tensor) -> Vec<f64> {
    let channel = channel_of(&x.shape);
    let both = x.data.iter().zip(&dy.data).enumerate();
    both.map(|(at, (&x, dy))| if x > 0.0 { *dy } else { slope.data[channel(at)] * dy }).collect()
}

/// `da = Σ x·dy` over the `x ≤ 0` of each channel.
pub(super) fn prelu_slope(x: &Tensor, dy: &Tensor) -> Vec<f64> {
    let channel = channel_of(&x.shape);
    let mut da = vec![0.0; x.shape[1]];
    for (at, (&x, dy)) in x.data.iter().zip(&dy.data).enumerate() {
        if x <= 0.0 {
            da[channel(at)] += x * dy;
        }
    }
    da
}

pub(super) fn product_mean(x: &Tensor, y: &Tensor) -> Vec<f64> {
    let channel = channel_of(&x.shape);
    let mut means = vec![0.0; x.shape[1]];
    let share = means.len() as f64 / x.data.len() as f64;
    for (at, (x, y)) in x.data.iter().zip(&y.data).enumerate() {
        means[channel(at)] += share * x * y;
    }
    means
}

pub(super) fn channel_sum(inputs: &[&Tensor]) -> Vec<f64> {
    let [x, y, a, b, c] = inputs else { panic!("five inputs") };
    let channel = channel_of(&x.shape);
    let at = |i: usize| {
        let own = channel(i);
        a.data[own] * x.data[i] + b.data[own] * y.data[i] + c.data[own]
    };
    (0..x.data.len()).map(at).collect()
}
