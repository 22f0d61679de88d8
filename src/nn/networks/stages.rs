//! What residual networks of both sources have in common: stages of blocks.

use crate::graph::Window;
use std::fmt;

/// The input that dropout is fed.
pub(super) const DROPOUT_MASK: &str = "dropout_mask";

/// Channels of the four stages of residual networks at full width; the stem has those of the first.
pub(super) const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// A number of channels times a width.
pub(super) fn scaled(channels: usize, width: f64) -> usize {
    ((channels as f64 * width).round() as usize).max(1)
}

/// A window of an odd edge that keeps the extents at stride 1.
pub(super) fn centred(kernel: usize, stride: usize) -> Window {
    Window { kernel, stride, pad: kernel / 2 }
}

/// A window of single pixels.
pub(super) const POINTWISE: Window = Window { kernel: 1, stride: 1, pad: 0 };

/// Channels, height and width behind a stem and blocks.
pub(super) fn last_extents<'b>(
    image: [usize; 2],
    stem: usize,
    blocks: impl Iterator<Item = &'b Block> + Clone,
) -> [usize; 3] {
    let halved = |extent, block: &Block| centred(3, block.stride).positions(extent);
    let [height, width] = image.map(|extent| blocks.clone().fold(extent, halved));
    [blocks.last().map_or(stem, |block| block.channels), height, width]
}

/// Extents of a stem and blocks that must be 1 at least, with a word for each.
pub(super) fn extents<'b>(
    stem: usize,
    blocks: impl Iterator<Item = &'b Block>,
) -> Vec<(&'static str, usize)> {
    let of_blocks =
        blocks.flat_map(|block| [("channels", block.channels), ("stride", block.stride)]);
    [("channels", stem)].into_iter().chain(of_blocks).collect()
}

/// A residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Channels that it makes.
    pub channels: usize,
    /// 2 where it halves height and width, else 1.
    pub stride: usize,
}

/// Stages of so many blocks and channels, each of which begins with a stride of 2.
pub(super) fn stages(units: &[usize], channels: [usize; 4]) -> Vec<Block> {
    let stage = |(channels, &units): (usize, &usize)| {
        let stride = |unit| if unit == 0 { 2 } else { 1 };
        (0..units).map(move |unit| Block { channels, stride: stride(unit) })
    };
    channels.into_iter().zip(units).flat_map(stage).collect()
}

/// Blocks, of which those that follow each other alike are told once.
pub(super) fn told(f: &mut fmt::Formatter<'_>, blocks: &[Block]) -> fmt::Result {
    let mut blocks = blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        let mut times = 1;
        while blocks.next_if_eq(&block).is_some() {
            times += 1;
        }
        let stride = if block.stride == 1 { "" } else { "/2" };
        let times = if times == 1 { String::new() } else { format!("*{times}") };
        write!(f, " {}{stride}{times}", block.channels)?;
    }
    Ok(())
}
