//! InsightFace's MobileFaceNet (Chen et al. 2018; arcface_torch's `backbones/mobilefacenet.py`).

use super::stages::{POINTWISE, centred, scaled};
use crate::graph::{Value, Window};
use crate::nn::layers::Layers;
use crate::nn::params::Initial;
use std::fmt;

/// A stem, four stages of depth-wise blocks, and a depth-wise convolution over all pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct MobileFaceNet {
    /// The number that all channels are multiples of, 64 at full width.
    pub unit: usize,
    /// How many units the stem has.
    pub scale: usize,
    /// Residual blocks of the stages. One in the first is a convolution in as many groups as a unit has.
    pub blocks: [usize; 4],
}

/// Channels of a unit at full width.
const UNIT: usize = 64;

/// Pixels an edge that the last convolution goes over.
const LAST: usize = 7;

pub(super) fn mbf(units: &[usize], width: f64) -> MobileFaceNet {
    scaled_by(units, width, 2)
}

pub(super) fn mbf_large(units: &[usize], width: f64) -> MobileFaceNet {
    scaled_by(units, width, 4)
}

fn scaled_by(units: &[usize], width: f64, scale: usize) -> MobileFaceNet {
    let blocks = std::array::from_fn(|stage| units[stage]);
    MobileFaceNet { unit: scaled(UNIT, width), scale, blocks }
}

/// A part between the stem and the last convolutions.
enum Part {
    /// A convolution in groups.
    Grouped(usize),
    /// A block of stride 2.
    Halving(Depthwise),
    /// So many blocks, each added to what it takes.
    Residual(usize, Depthwise),
}

/// A block: to so many channels within, depth-wise over 3×3, and to so many channels.
#[derive(Clone, Copy)]
struct Depthwise {
    within: usize,
    channels: usize,
}

impl MobileFaceNet {
    fn parts(&self) -> Vec<Part> {
        let Self { unit, scale, blocks: [first, second, third, fourth] } = *self;
        let [narrow, wide] = [1, 2].map(|times| times * scale * unit);
        let of = |units: usize, channels| Depthwise { within: units * unit, channels };
        vec![
            match first {
                1 => Part::Grouped(unit),
                _ => Part::Residual(first, of(2, narrow)),
            },
            Part::Halving(of(2, narrow)),
            Part::Residual(second, of(2, narrow)),
            Part::Halving(of(4, wide)),
            Part::Residual(third, of(4, wide)),
            Part::Halving(of(8, wide)),
            Part::Residual(fourth, of(4, wide)),
        ]
    }

    /// Appends the network to images.
    pub(super) fn build(&self, layers: &mut Layers<'_>, images: Value, embedding: usize) -> Value {
        let stem = self.scale * self.unit;
        let mut x =
            layers.within("layers.0", |layers| convolved(layers, images, stem, centred(3, 2)));
        for (at, part) in (1..).zip(self.parts()) {
            x = layers.within(&format!("layers.{at}"), |layers| part.build(layers, x));
        }
        let last = 8 * self.unit;
        let x = layers.within("conv_sep", |layers| convolved(layers, x, last, POINTWISE));
        layers.within("features.layers", |layers| {
            let whole = Window { kernel: LAST, stride: 1, pad: 0 };
            let x = layers.within("0.layers", |layers| {
                let x = layers.grouped_conv("0", x, last, whole, last);
                layers.batch_norm("1", x)
            });
            let x = layers.g.flatten(x);
            let x = layers.linear_from("2", x, embedding, Initial::KaimingFanOut);
            layers.batch_norm("3", x)
        })
    }

    pub(super) fn extents(&self) -> Vec<(&'static str, usize)> {
        vec![("channels", self.unit), ("channels", self.scale)]
    }
}

impl Part {
    fn build(&self, layers: &mut Layers<'_>, x: Value) -> Value {
        match *self {
            Self::Grouped(groups) => {
                let channels = layers.g.shape(x)[1];
                layers.within("layers", |layers| {
                    let x = layers.grouped_conv("0", x, channels, centred(3, 1), groups);
                    let x = layers.batch_norm("1", x);
                    layers.prelu("2", x)
                })
            }
            Self::Halving(block) => block.build(layers, x, 2),
            Self::Residual(count, block) => {
                let mut x = x;
                for at in 0..count {
                    let name = format!("layers.{at}");
                    let made = layers.within(&name, |layers| block.build(layers, x, 1));
                    x = layers.g.add(x, made);
                }
                x
            }
        }
    }
}

impl Depthwise {
    fn build(self, layers: &mut Layers<'_>, x: Value, stride: usize) -> Value {
        let Self { within, channels } = self;
        layers.within("layers", |layers| {
            let x = layers.within("0", |layers| convolved(layers, x, within, POINTWISE));
            let x = layers.within("1.layers", |layers| {
                let x = layers.grouped_conv("0", x, within, centred(3, stride), within);
                let x = layers.batch_norm("1", x);
                layers.prelu("2", x)
            });
            layers.within("2.layers", |layers| {
                let x = layers.conv("0", x, channels, POINTWISE);
                layers.batch_norm("1", x)
            })
        })
    }
}

/// Convolution, normalisation, slopes.
fn convolved(layers: &mut Layers<'_>, x: Value, channels: usize, window: Window) -> Value {
    layers.within("layers", |layers| {
        let x = layers.conv("0", x, channels, window);
        let x = layers.batch_norm("1", x);
        layers.prelu("2", x)
    })
}

impl fmt::Display for MobileFaceNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unit, scale, blocks: [first, second, third, fourth] } = self;
        write!(f, "mobilefacenet, {scale}*{unit}, blocks {first} {second} {third} {fourth}")
    }
}
