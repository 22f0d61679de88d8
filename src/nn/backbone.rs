//! The residual backbone of AdaFace and QGFace (`net.py`: Backbone, BasicBlockIR).

use super::layers::Layers;
use crate::graph::{Value, Window};
use std::str::FromStr;

/// The four depths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 18 layers.
    Ir18,
    /// 34 layers.
    Ir34,
    /// 50 layers.
    Ir50,
    /// 100 layers.
    Ir100,
}

/// Each depth with its name and the units of its four stages.
static ARCHITECTURES: [(Architecture, &str, [usize; 4]); 4] = [
    (Architecture::Ir18, "ir18", [2, 2, 2, 2]),
    (Architecture::Ir34, "ir34", [3, 4, 6, 3]),
    (Architecture::Ir50, "ir50", [3, 4, 14, 3]),
    (Architecture::Ir100, "ir100", [3, 13, 30, 3]),
];

/// Channels of the four stages at full width; the stem has those of the first.
const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// A text that names no architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an architecture, ir18, ir34, ir50 or ir100, found {found:?}")]
pub struct UnknownArchitecture {
    /// The text.
    pub found: String,
}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        let row = ARCHITECTURES.iter().find(|(_, name, _)| *name == text);
        row.map(|row| row.0).ok_or_else(|| UnknownArchitecture { found: text.to_owned() })
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.row().1)
    }
}

impl Architecture {
    /// The names of all of them.
    pub fn names() -> [&'static str; 4] {
        ARCHITECTURES.map(|(_, name, _)| name)
    }

    /// Its row, of which every architecture has one.
    fn row(self) -> &'static (Architecture, &'static str, [usize; 4]) {
        let [ir18, ir34, ir50, ir100] = &ARCHITECTURES;
        match self {
            Self::Ir18 => ir18,
            Self::Ir34 => ir34,
            Self::Ir50 => ir50,
            Self::Ir100 => ir100,
        }
    }
}

/// A residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Channels that it makes.
    pub channels: usize,
    /// 2 where it halves height and width, else 1.
    pub stride: usize,
}

/// A backbone: a stem, blocks, and a linear layer to the embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Backbone {
    /// Height and width of the images.
    pub image: [usize; 2],
    /// Channels of the stem.
    pub stem: usize,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Numbers of an embedding.
    pub embedding: usize,
    /// Probability with which dropout takes a number away before the linear layer.
    pub dropout: f64,
}

/// A kernel of 3×3 that keeps the extents at stride 1.
fn three(stride: usize) -> Window {
    Window { kernel: 3, stride, pad: 1 }
}

impl Backbone {
    /// The backbone of a depth for images of 112×112, with embeddings of 512 numbers and dropout
    /// 0.4; `width` is a factor on all channels.
    pub fn new(architecture: Architecture, width: f64) -> Self {
        let units = architecture.row().2;
        let channels = CHANNELS.map(|channels| ((channels as f64 * width).round() as usize).max(1));
        let stage = |(channels, units): (usize, usize)| {
            let stride = |unit| if unit == 0 { 2 } else { 1 };
            (0..units).map(move |unit| Block { channels, stride: stride(unit) })
        };
        let blocks = channels.into_iter().zip(units).flat_map(stage).collect();
        let stem = channels[0];
        Self { image: [112; 2], stem, blocks, embedding: 512, dropout: 0.4 }
    }

    /// Appends the backbone to images `[N, 3, H, W]`; returns `[N, embedding]`, not of unit length.
    /// In training with dropout it declares the input `dropout_mask`, of the shape before the
    /// linear layer.
    pub fn build(&self, layers: &mut Layers<'_>, images: Value) -> Value {
        let mut x = layers.within("input_layer", |layers| self.input_layer(layers, images));
        for (at, block) in self.blocks.iter().enumerate() {
            x = layers.within(&format!("body.{at}"), |layers| block.build(layers, x));
        }
        layers.within("output_layer", |layers| self.output_layer(layers, x))
    }

    /// Convolution, normalisation, slopes: `[N, stem, H, W]`.
    pub fn input_layer(&self, layers: &mut Layers<'_>, images: Value) -> Value {
        let x = layers.conv("0", images, self.stem, three(1));
        let x = layers.batch_norm("1", x);
        layers.prelu("2", x)
    }

    /// Normalisation, dropout, the linear layer, normalisation: `[N, embedding]`.
    pub fn output_layer(&self, layers: &mut Layers<'_>, x: Value) -> Value {
        let x = layers.batch_norm("0", x);
        let x = layers.dropout("dropout_mask", x, self.dropout);
        let x = layers.g.flatten(x);
        let x = layers.linear("3", x, self.embedding);
        layers.batch_norm_plain("4", x)
    }

    /// Channels, height and width before the linear layer: the shape of a dropout mask's row.
    pub fn last_extents(&self) -> [usize; 3] {
        let halved =
            |extent| self.blocks.iter().fold(extent, |e, block| three(block.stride).positions(e));
        let channels = self.blocks.last().map_or(self.stem, |block| block.channels);
        [channels, halved(self.image[0]), halved(self.image[1])]
    }
}

impl Block {
    /// Appends the block to x `[N, C, H, W]`: two convolutions between normalisations, plus x
    /// itself, of which every `stride`-th pixel is taken, or, where the channels differ, a
    /// convolution by one.
    pub fn build(self, layers: &mut Layers<'_>, x: Value) -> Value {
        let window = Window { kernel: 1, stride: self.stride, pad: 0 };
        let shortcut = if layers.g.shape(x)[1] == self.channels {
            match self.stride {
                1 => x,
                _ => layers.g.max_pool(x, window),
            }
        } else {
            layers.within("shortcut_layer", |layers| {
                let x = layers.conv("0", x, self.channels, window);
                layers.batch_norm("1", x)
            })
        };
        let residual = layers.within("res_layer", |layers| {
            let x = layers.batch_norm("0", x);
            let x = layers.conv("1", x, self.channels, three(1));
            let x = layers.batch_norm("2", x);
            let x = layers.prelu("3", x);
            let x = layers.conv("4", x, self.channels, three(self.stride));
            layers.batch_norm("5", x)
        });
        layers.g.add(residual, shortcut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Element};
    use crate::nn::Mode;

    fn parameters(backbone: &Backbone) -> usize {
        let mut g = Builder::new();
        let images = g.input("input", Element::Float, &[2, 3, 112, 112]);
        let mut layers = Layers::new(&mut g, Mode::Training);
        backbone.build(&mut layers, images);
        let counts = layers.params.parameters.iter().map(|p| p.shape.iter().product::<usize>());
        counts.sum()
    }

    /// Counts of the reference (its `net.py`).
    #[test]
    fn each_depth_has_the_parameters_of_the_reference() {
        for (architecture, count) in [
            (Architecture::Ir18, 24_020_352),
            (Architecture::Ir34, 34_134_080),
            (Architecture::Ir50, 43_585_600),
            (Architecture::Ir100, 65_150_912),
        ] {
            assert_eq!(parameters(&Backbone::new(architecture, 1.0)), count, "{architecture}");
        }
    }

    #[test]
    fn a_width_scales_every_stage() {
        let quarter = Backbone::new(Architecture::Ir18, 0.25);
        assert_eq!((quarter.stem, quarter.last_extents()), (16, [128, 7, 7]));
        assert!("ir-18".parse::<Architecture>().is_err());
        for (architecture, name, _) in ARCHITECTURES {
            assert_eq!(name.parse(), Ok(architecture));
            assert_eq!(architecture.to_string(), name);
        }
    }
}
