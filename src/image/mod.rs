//! Pixels with a declared channel order, and the codecs that make and take them.
//!
//! JPEG is decoded and encoded by libjpeg-turbo's code (through `mozjpeg`), because the published
//! numbers were made with it and other decoders differ from it by a value here and there. An
//! orientation in a file's EXIF data is never applied, as mxnet and PIL do not: it is reported.

pub mod align;
pub mod colour;
pub mod crop;
pub mod decode;
pub mod encode;
mod jpeg;
pub mod probe;
pub mod resize;
pub mod rotate;

use serde::{Deserialize, Serialize};

/// Which colour stands first in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

impl ChannelOrder {
    /// The name users type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        }
    }
}

/// A text that names no order of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rgb or bgr")]
pub struct UnknownOrder;

impl std::str::FromStr for ChannelOrder {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        let orders = [Self::Rgb, Self::Bgr];
        let found = orders.into_iter().find(|order| order.name().eq_ignore_ascii_case(text));
        found.ok_or(UnknownOrder)
    }
}

/// An 8-bit picture of three interleaved channels, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Which colour stands first.
    pub order: ChannelOrder,
    /// `3 · width · height` bytes.
    pub data: Vec<u8>,
}

impl Pixels {
    /// Refuses a picture without pixels, and one whose bytes are not those of its edges.
    fn check(&self) -> Result<(), Error> {
        let expected = u64::from(self.width) * u64::from(self.height) * 3;
        match self.data.len() as u64 == expected && expected > 0 {
            true => Ok(()),
            false => Err(self.bad_buffer()),
        }
    }

    /// The error of edges that do not fit the bytes.
    fn bad_buffer(&self) -> Error {
        let Self { width, height, .. } = *self;
        let expected = u64::from(width) * u64::from(height) * 3;
        Error::BadBuffer { width, height, expected, found: self.data.len() as u64 }
    }

    /// Returns the same picture with red and blue exchanged in memory and in name.
    pub fn into_order(mut self, order: ChannelOrder) -> Self {
        if self.order != order {
            self.data.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            self.order = order;
        }
        self
    }
}

/// The kinds of picture file that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// Portable Network Graphics.
    Png,
}

impl Format {
    /// The ending of its files, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// The largest width or height that is decoded: a hostile header must not cause a huge allocation.
pub const MAX_EDGE_PX: u32 = 16_384;

/// What can be wrong with a picture's bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file holds nothing.
    #[error("the file is empty (0 bytes); expected a JPEG or PNG picture")]
    Empty,
    /// The first bytes are of no known format.
    #[error("expected a JPEG or PNG picture, found a file that begins with {found}")]
    UnknownFormat {
        /// The first bytes, as text where they are text.
        found: String,
    },
    /// The picture's bytes end, or are damaged, before the picture does.
    #[error("byte {offset}: {what}; the picture is truncated or damaged")]
    Damaged {
        /// Where the damage was noticed.
        offset: u64,
        /// What was expected and found.
        what: String,
    },
    /// The decoder refused the data or warned of it.
    #[error("the decoder says: {message}")]
    Decoder {
        /// The library's message.
        message: String,
    },
    /// The picture is larger than [`MAX_EDGE_PX`].
    #[error("the picture is {width}x{height}; at most {MAX_EDGE_PX} pixels an edge are read")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The picture has more pixels than [`crate::limits::Limits`] allows.
    #[error(
        "the picture is {width}x{height}, {} pixels; at most {limit} are decoded, the setting {} changes \
         that", u64::from(*width) * u64::from(*height), crate::limits::PIXELS
    )]
    TooManyPixels {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The budget.
        limit: u64,
    },
    /// A JPEG has more scans than [`crate::limits::Limits`] allows.
    #[error(
        "byte {offset}: scan {} of a JPEG; at most {limit} are decoded, the setting {} changes that",
        limit + 1, crate::limits::SCANS
    )]
    TooManyScans {
        /// Where the first one too many begins.
        offset: u64,
        /// The budget.
        limit: u64,
    },
    /// A buffer does not have three bytes a pixel, or an edge is zero.
    #[error("expected {expected} bytes for {width}x{height} pixels, found {found}")]
    BadBuffer {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes three channels take.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The encoder refused.
    #[error("the encoder says: {message}")]
    Encoder {
        /// The library's message.
        message: String,
    },
}
