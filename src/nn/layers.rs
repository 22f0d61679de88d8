//! Convolutions, normalisations, slopes, linear layers and dropout.

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

    /// Which of its faces the network shows.
    pub fn mode(&self) -> Mode {
        self.mode
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
        self.conv_from(name, x, outputs, window, Initial::KaimingFanOut)
    }

    /// The same from other first values.
    pub fn conv_from(
        &mut self,
        name: &str,
        x: Value,
        outputs: usize,
        window: Window,
        initial: Initial,
    ) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let shape = [outputs, channels, window.kernel, window.kernel];
            let w = layers.parameter("weight", &shape, initial, Decay::Decayed);
            layers.g.conv(x, w, window)
        })
    }

    /// A convolution with bias, drawn as PyTorch's `nn.Conv2d` is.
    pub fn conv_as_pytorch(
        &mut self,
        name: &str,
        x: Value,
        outputs: usize,
        window: Window,
    ) -> Value {
        let inputs = self.g.shape(x)[1] * window.kernel * window.kernel;
        let y = self.conv_from(name, x, outputs, window, as_pytorch(inputs));
        self.layer(name, |layers| {
            let bias = layers.parameter("bias", &[outputs], as_pytorch(inputs), Decay::Decayed);
            let bias = layers.g.reshape(bias, &[outputs, 1, 1]);
            layers.g.add(y, bias)
        })
    }

    /// A convolution without bias of channels in groups that do not meet.
    pub fn grouped_conv(
        &mut self,
        name: &str,
        x: Value,
        outputs: usize,
        window: Window,
        groups: usize,
    ) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let shape = [outputs, channels / groups, window.kernel, window.kernel];
            let w = layers.parameter("weight", &shape, Initial::KaimingFanOut, Decay::Decayed);
            layers.g.grouped_conv(x, w, window, groups)
        })
    }

    /// Batch normalisation of x `[N, C, …]` with scale and shift by channel.
    pub fn batch_norm(&mut self, name: &str, x: Value) -> Value {
        self.batch_norm_with(name, x, EPSILON)
    }

    /// The same with another ε.
    pub fn batch_norm_with(&mut self, name: &str, x: Value, epsilon: f64) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let ones = Initial::Constant(1.0);
            let gamma = layers.parameter("weight", &[channels], ones, Decay::Free);
            let beta = layers.parameter("bias", &[channels], Initial::Constant(0.0), Decay::Free);
            layers.normalise(x, gamma, beta, epsilon)
        })
    }

    /// Batch normalisation with a shift that is learned, and a scale of ones that is not.
    pub fn batch_norm_shifted(&mut self, name: &str, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let gamma = layers.buffer("weight", &[channels], 1.0);
            if layers.mode == Mode::Training {
                layers.replace("weight", gamma);
            }
            let beta = layers.parameter("bias", &[channels], Initial::Constant(0.0), Decay::Free);
            layers.normalise(x, gamma, beta, EPSILON)
        })
    }

    /// Batch normalisation without scale and shift.
    pub fn batch_norm_plain(&mut self, name: &str, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let gamma = layers.g.constant(&[channels], vec![1.0; channels]);
            let beta = layers.g.constant(&[channels], vec![0.0; channels]);
            layers.normalise(x, gamma, beta, EPSILON)
        })
    }

    fn normalise(&mut self, x: Value, gamma: Value, beta: Value, epsilon: f64) -> Value {
        let shape = self.g.shape(x);
        let mean = self.buffer("running_mean", &shape[1..2], 0.0);
        let variance = self.buffer("running_var", &shape[1..2], 1.0);
        if self.mode == Mode::Evaluation {
            let op = Op::BatchNormalization { epsilon };
            return self.g.apply(op, &[x, gamma, beta, mean, variance]);
        }
        let count = shape.iter().product::<usize>() / shape[1] * self.normalised.ranks;
        let Normalised { y, mean: batch_mean, variance: batch_variance } =
            self.normalised(x, [gamma, beta], epsilon, count);
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
    fn normalised(
        &mut self,
        x: Value,
        [gamma, beta]: [Value; 2],
        epsilon: f64,
        count: usize,
    ) -> Normalised {
        let (g, world) = (&mut *self.g, self.normalised);
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

    /// Normalisation of x `[…, D]` along its last axis, with scale and shift by place.
    pub fn layer_norm(&mut self, name: &str, x: Value) -> Value {
        let shape = self.g.shape(x);
        let extents = &shape[shape.len() - 1..];
        self.layer(name, |layers| {
            let ones = Initial::Constant(1.0);
            let gamma = layers.parameter("weight", extents, ones, Decay::Free);
            let beta = layers.parameter("bias", extents, Initial::Constant(0.0), Decay::Free);
            layers.g.apply(Op::LayerNormalization { epsilon: EPSILON }, &[x, gamma, beta])
        })
    }

    /// x `[N, C, …]` where positive, else 0; no gradient passes at 0 itself.
    pub fn relu(&mut self, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        let slope = self.g.constant(&[channels], vec![0.0; channels]);
        self.g.prelu(x, slope)
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
        self.linear_biased_from(name, x, outputs, Initial::KaimingFanOut)
    }

    /// The same, drawn as PyTorch's `nn.Linear` is.
    pub fn linear_as_pytorch(&mut self, name: &str, x: Value, outputs: usize) -> Value {
        let initial = as_pytorch(self.g.shape(x)[1]);
        self.linear_with(name, x, outputs, initial, Some(initial))
    }

    /// The same from other first values, with a bias that begins with zeros.
    pub fn linear_biased_from(
        &mut self,
        name: &str,
        x: Value,
        outputs: usize,
        initial: Initial,
    ) -> Value {
        self.linear_with(name, x, outputs, initial, Some(Initial::Constant(0.0)))
    }

    /// x `[N, I]` times a matrix: `[N, outputs]`.
    pub fn linear_from(&mut self, name: &str, x: Value, outputs: usize, initial: Initial) -> Value {
        self.linear_with(name, x, outputs, initial, None)
    }

    fn linear_with(
        &mut self,
        name: &str,
        x: Value,
        outputs: usize,
        initial: Initial,
        of_bias: Option<Initial>,
    ) -> Value {
        let inputs = self.g.shape(x)[1];
        self.layer(name, |layers| {
            let w = layers.parameter("weight", &[outputs, inputs], initial, Decay::Decayed);
            let bias = of_bias.map(|own| layers.parameter("bias", &[outputs], own, Decay::Decayed));
            let product = layers.g.matmul_transposed(x, w);
            bias.map_or(product, |bias| layers.g.add(product, bias))
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

/// What PyTorch draws a kernel, a matrix and their biases from, by the inputs of an output
/// (`torch.nn.Linear`, `torch.nn.modules.conv._ConvNd`: reset_parameters).
fn as_pytorch(inputs: usize) -> Initial {
    Initial::Uniform(1.0 / (inputs as f64).sqrt())
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
