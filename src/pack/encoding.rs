//! How a pack's pictures are stored.

use crate::image::Format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done to the pictures' bytes. Colours are never exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The file's bytes, untouched.
    Origin,
    /// Decoded, and encoded as JPEG of this quality at 4:2:0.
    Jpeg(u8),
    /// Decoded, and encoded as PNG.
    Png,
}

impl Encoding {
    /// The ending of files of this encoding, without the dot; of original bytes JPEG's.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Origin | Self::Jpeg(_) => Format::Jpeg.ending(),
            Self::Png => Format::Png.ending(),
        }
    }

    /// The encoding of pictures that are drawn anew when `drawn`: PNG in place of bytes that do not
    /// exist.
    pub fn for_pictures(self, drawn: bool) -> Self {
        if drawn && self == Self::Origin { Self::Png } else { self }
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Origin => f.write_str("origin"),
            Self::Jpeg(quality) => write!(f, "jpeg:{quality}"),
            Self::Png => f.write_str("png"),
        }
    }
}

/// Quality of `jpeg` without a number.
const DEFAULT_QUALITY: u8 = 95;

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quality = |text: &str| text.parse().ok().filter(|quality| (1..=100).contains(quality));
        match text.split_once(':') {
            None if text == "origin" => Some(Self::Origin),
            None if text == "jpeg" => Some(Self::Jpeg(DEFAULT_QUALITY)),
            None if text == "png" => Some(Self::Png),
            Some(("jpeg", text)) => quality(text).map(Self::Jpeg),
            _ => None,
        }
        .ok_or_else(|| "expected origin, jpeg, jpeg:QUALITY (1 to 100) or png".to_owned())
    }
}
