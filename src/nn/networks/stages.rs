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

/// Height and width behind blocks of 3×3 with these strides.
pub(super) fn halved(
    image: [usize; 2],
    strides: impl Iterator<Item = usize> + Clone,
) -> [usize; 2] {
    image.map(|extent| strides.clone().fold(extent, |e, stride| centred(3, stride).positions(e)))
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
