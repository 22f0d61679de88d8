//! Convolution, batch normalisation, slopes, the linear layer and dropout.

use super::params::{Buffer, Decay, Initial, Parameter, Params};
use crate::graph::{Builder, Element, Op, Value, Window, World};

/// Keeps deviations above zero (PyTorch's default).
const EPSILON: f64 = 1e-5;

/// Weight of a batch in the running statistics (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// What PyTorch's slopes begin with.
const SLOPE: f32 = 0.25;

/// Which of its two faces a network shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Normalised by the batch, which the running statistics follow; with dropout.
    Training,
    /// Normalised by the running statistics.
    Evaluation,
}

/// Appends layers to a graph, and gathers what they need and what they replace.
#[derive(Debug)]
pub struct Layers<'g> {
    /// The graph.
    pub g: &'g mut Builder,
    /// What was declared.
    pub params: Params,
    /// New values of buffers, by name.
    pub next: Vec<(String, Value)>,
    /// The parameters' values, in the order of `params`.
    pub values: Vec<Value>,
    mode: Mode,
    /// The ranks that normalise together.
    normalised: World,
    path: Vec<String>,
}

impl<'g> Layers<'g> {
    /// No layers yet.
    pub fn new(g: &'g mut Builder, mode: Mode) -> Self {
        let (params, next, values) = (Params::default(), Vec::new(), Vec::new());
        let normalised = World::ALONE;
        Self { g, params, next, values, mode, normalised, path: Vec::new() }
    }

    /// Lets ranks normalise together, each with as many rows as the others.
    pub fn normalised_by(self, normalised: World) -> Self {
        Self { normalised, ..self }
    }

    /// Lets names of tensors and nodes that `build` makes begin with `name` and a dot.
    pub fn within<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(name.to_owned());
        let built = build(self);
        self.path.pop();
        built
    }

    fn path(&self, name: &str) -> String {
        let mut path = self.path.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path + name
    }

    /// Declares a parameter.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: &[usize],
        initial: Initial,
        decay: Decay,
    ) -> Value {
        let name = self.path(name);
        let value = self.g.input(&name, Element::Float, shape);
        self.params.parameters.push(Parameter { name, shape: shape.to_vec(), initial, decay });
        self.values.push(value);
        value
    }

    /// Declares a buffer.
    pub fn buffer(&mut self, name: &str, shape: &[usize], initial: f32) -> Value {
        let name = self.path(name);
        let value = self.g.input(&name, Element::Float, shape);
        self.params.buffers.push(Buffer { name, shape: shape.to_vec(), initial });
        value
    }

    /// Says what a buffer becomes.
    pub fn replace(&mut self, name: &str, value: Value) {
        let name = self.path(name);
        self.next.push((name, value));
    }

    /// Appends nodes in the name of a layer.
    fn layer<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        let path = self.path(name);
        // The builder's scope cannot be a closure here, since the closure needs all of `self`.
        self.g.enter(&path);
        let built = self.within(name, build);
        self.g.leave();
        built
    }

    /// A convolution without bias of x `[N, I, H, W]` to `outputs` channels.
    pub fn conv(&mut self, name: &str, x: Value, outputs: usize, window: Window) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let shape = [outputs, channels, window.kernel, window.kernel];
            let w = layers.parameter("weight", &shape, Initial::KaimingFanOut, Decay::Decayed);
            layers.g.conv(x, w, window)
        })
    }

    /// Batch normalisation of x `[N, C, …]` with scale and shift by channel.
    pub fn batch_norm(&mut self, name: &str, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let ones = Initial::Constant(1.0);
            let gamma = layers.parameter("weight", &[channels], ones, Decay::Free);
            let beta = layers.parameter("bias", &[channels], Initial::Constant(0.0), Decay::Free);
            layers.normalise(x, gamma, beta)
        })
    }

    /// Batch normalisation without scale and shift.
    pub fn batch_norm_plain(&mut self, name: &str, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let gamma = layers.g.constant(&[channels], vec![1.0; channels]);
            let beta = layers.g.constant(&[channels], vec![0.0; channels]);
            layers.normalise(x, gamma, beta)
        })
    }

    fn normalise(&mut self, x: Value, gamma: Value, beta: Value) -> Value {
        let shape = self.g.shape(x);
        let mean = self.buffer("running_mean", &shape[1..2], 0.0);
        let variance = self.buffer("running_var", &shape[1..2], 1.0);
        if self.mode == Mode::Evaluation {
            let op = Op::BatchNormalization { epsilon: EPSILON };
            return self.g.apply(op, &[x, gamma, beta, mean, variance]);
        }
        let count = shape.iter().product::<usize>() / shape[1] * self.normalised.ranks;
        let Normalised { y, mean: batch_mean, variance: batch_variance } =
            self.normalised(x, gamma, beta, count);
        // The running variance takes the unbiased one, as PyTorch's does.
        let unbiased = self.g.scale(batch_variance, count as f64 / (count - 1) as f64);
        for (name, old, new) in
            [("running_mean", mean, batch_mean), ("running_var", variance, unbiased)]
        {
            let (kept, taken) = (self.g.scale(old, 1.0 - MOMENTUM), self.g.scale(new, MOMENTUM));
            let next = self.g.add(kept, taken);
            self.replace(name, next);
        }
        y
    }

    /// Normalises by mean and variance of this rank's rows, or of all that normalise together, which have
    /// `count` elements a channel.
    fn normalised(&mut self, x: Value, gamma: Value, beta: Value, count: usize) -> Normalised {
        let (g, world, epsilon) = (&mut *self.g, self.normalised, EPSILON);
        if world.is_alone() {
            let y = g.apply(Op::BatchNormTraining { epsilon }, &[x, gamma, beta]);
            let mean = g.mean_by_channel(x);
            return Normalised { y, mean, variance: g.apply(Op::BatchVariance, &[x]) };
        }
        let own = g.mean_by_channel(x);
        let own_variance = g.apply(Op::BatchVariance, &[x]);
        let counts = vec![count / world.ranks; world.ranks];
        let (mean, variance) = synchronised(g, own, own_variance, &counts, world);
        let op = Op::BatchNormSynchronised { epsilon, count, world };
        let y = g.apply(op, &[x, gamma, beta, mean, variance]);
        Normalised { y, mean, variance }
    }

    /// x where positive, else x times a slope of its channel.
    pub fn prelu(&mut self, name: &str, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let initial = Initial::Constant(SLOPE);
            let slope = layers.parameter("weight", &[channels], initial, Decay::Decayed);
            layers.g.prelu(x, slope)
        })
    }

    /// x `[N, I]` times a matrix, plus a bias: `[N, outputs]`.
    pub fn linear(&mut self, name: &str, x: Value, outputs: usize) -> Value {
        let inputs = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let shape = [outputs, inputs];
            let w = layers.parameter("weight", &shape, Initial::KaimingFanOut, Decay::Decayed);
            let zeros = Initial::Constant(0.0);
            let bias = layers.parameter("bias", &[outputs], zeros, Decay::Decayed);
            let product = layers.g.matmul_transposed(x, w);
            layers.g.add(product, bias)
        })
    }

    /// In training x·mask/(1 − p), with a mask of x's shape fed as `mask`, true with probability 1
    /// − p. The mask is fed since a random operator's state could not be saved.
    pub fn dropout(&mut self, mask: &str, x: Value, p: f64) -> Value {
        if self.mode == Mode::Evaluation || p == 0.0 {
            return x;
        }
        let shape = self.g.shape(x);
        let mask = self.g.input(mask, Element::Bool, &shape);
        let mask = self.g.cast(mask, Element::Float);
        let kept = self.g.mul(x, mask);
        self.g.scale(kept, 1.0 / (1.0 - p))
    }
}

/// What a normalisation makes, and what it normalised by `[C]`.
struct Normalised {
    y: Value,
    mean: Value,
    /// Biased.
    variance: Value,
}

/// Mean and biased variance by channel `[C]` of the rows of all ranks, of which each has `counts` elements
/// a channel, from those of the rank's own: with N = Σn, `mean = Σ n·m/N` and
/// `variance = Σ n·(v + (m − mean)²)/N` (`torch.nn.modules._functions.SyncBatchNorm`). No gradient.
pub fn synchronised(
    g: &mut Builder,
    mean: Value,
    variance: Value,
    counts: &[usize],
    world: World,
) -> (Value, Value) {
    let channels = g.shape(mean)[0];
    let (mean, variance) = (g.detach(mean), g.detach(variance));
    let own = g.concat(&[mean, variance], 0);
    let own = g.reshape(own, &[1, 2 * channels]);
    let all = g.all_gather(own, world);
    let (means, variances) =
        (g.slice(all, 1, 0, channels), g.slice(all, 1, channels, 2 * channels));
    let total = counts.iter().sum::<usize>() as f64;
    let shares = counts.iter().map(|&count| count as f64 / total).collect();
    let shares = g.constant(&[world.ranks, 1], shares);
    let weighed = g.mul(means, shares);
    let mean = g.reduce_sum(weighed, &[0]);
    let apart = g.sub(means, mean);
    let apart = g.mul(apart, apart);
    let sum = g.add(variances, apart);
    let weighed = g.mul(sum, shares);
    (mean, g.reduce_sum(weighed, &[0]))
}
