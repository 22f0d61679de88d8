//! The residual networks of InsightFace (arcface_torch's `backbones/iresnet.py`: IResNet, IBasicBlock).

use super::stages::{self, Block, CHANNELS, DROPOUT_MASK, centred, scaled, stages, told};
use crate::graph::{Value, Window};
use crate::nn::layers::Layers;
use crate::nn::params::Initial;
use std::fmt;

/// A stem, blocks, and a linear layer whose outputs are normalised and shifted.
#[derive(Debug, Clone, PartialEq)]
pub struct IResNet {
    /// Channels of the stem.
    pub stem: usize,
    /// The blocks of the four stages.
    pub stages: [Vec<Block>; 4],
}

/// Deviation of the normal draws that convolutions begin with.
const DEVIATION: Initial = Initial::Normal(0.1);

pub(super) fn iresnet(units: &[usize], width: f64) -> IResNet {
    let channels = CHANNELS.map(|channels| scaled(channels, width));
    let mut blocks = stages(units, channels).into_iter();
    let stages = std::array::from_fn(|stage| blocks.by_ref().take(units[stage]).collect());
    IResNet { stem: channels[0], stages }
}

impl IResNet {
    /// Appends the network to images; in training with dropout it declares the input `dropout_mask`, of the
    /// shape before the linear layer.
    pub(super) fn build(
        &self,
        layers: &mut Layers<'_>,
        images: Value,
        embedding: usize,
        dropout: f64,
    ) -> Value {
        let x = conv(layers, "conv1", images, self.stem, centred(3, 1));
        let x = layers.batch_norm("bn1", x);
        let mut x = layers.prelu("prelu", x);
        for (stage, blocks) in (1..).zip(&self.stages) {
            for (at, block) in blocks.iter().enumerate() {
                let name = format!("layer{stage}.{at}");
                x = layers.within(&name, |layers| self::block(layers, x, *block));
            }
        }
        let x = layers.batch_norm("bn2", x);
        let x = layers.dropout(DROPOUT_MASK, x, dropout);
        let x = layers.g.flatten(x);
        let x = layers.linear_as_pytorch("fc", x, embedding);
        layers.batch_norm_shifted("features", x)
    }

    /// Channels, height and width before the linear layer.
    pub(super) fn last_extents(&self, image: [usize; 2]) -> [usize; 3] {
        stages::last_extents(image, self.stem, self.stages.iter().flatten())
    }

    pub(super) fn extents(&self) -> Vec<(&'static str, usize)> {
        stages::extents(self.stem, self.stages.iter().flatten())
    }
}

fn conv(layers: &mut Layers<'_>, name: &str, x: Value, outputs: usize, window: Window) -> Value {
    layers.conv_from(name, x, outputs, window, DEVIATION)
}

/// Two convolutions between normalisations, plus x itself, or, where channels or extents differ, a convolution
/// of it by one.
fn block(layers: &mut Layers<'_>, x: Value, Block { channels, stride }: Block) -> Value {
    let residual = layers.batch_norm("bn1", x);
    let residual = conv(layers, "conv1", residual, channels, centred(3, 1));
    let residual = layers.batch_norm("bn2", residual);
    let residual = layers.prelu("prelu", residual);
    let residual = conv(layers, "conv2", residual, channels, centred(3, stride));
    let residual = layers.batch_norm("bn3", residual);
    let shortcut = if stride == 1 && layers.g.shape(x)[1] == channels {
        x
    } else {
        layers.within("downsample", |layers| {
            let x = conv(layers, "0", x, channels, centred(1, stride));
            layers.batch_norm("1", x)
        })
    };
    layers.g.add(residual, shortcut)
}

impl fmt::Display for IResNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "iresnet, stem {}, blocks", self.stem)?;
        told(f, &self.stages.concat())
    }
}
