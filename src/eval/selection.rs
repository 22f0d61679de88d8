//! Which images of a set are embedded.

use super::error::{Error, ImageError};
use super::images::Images;
use super::sets::FACE_PX;
use crate::image::Pixels;
use crate::image::resize::{Filter, pillow};
use serde::{Deserialize, Serialize};

/// Which images are embedded, and what is done to them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Selection {
    /// All as they are.
    All,
    /// The first of each pair, reduced to this many pixels an edge and enlarged again (Pillow's bilinear
    /// filter, antialiased).
    ReducedFirsts(u32),
}

impl Selection {
    /// What the cache's entries call it.
    pub(super) fn name(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::ReducedFirsts(edge_px) => format!("the first of each pair at {edge_px} px"),
        }
    }

    /// How many images of `all`.
    pub(super) fn len(self, all: usize) -> usize {
        match self {
            Self::All => all,
            Self::ReducedFirsts(_) => all.div_ceil(2),
        }
    }

    pub(super) fn position(self, at: usize) -> usize {
        match self {
            Self::All => at,
            Self::ReducedFirsts(_) => 2 * at,
        }
    }

    /// The face that is fed for item `at`.
    pub(super) fn face(self, images: &Images, at: usize) -> Result<Pixels, Error> {
        let position = self.position(at);
        let face = images.face(position)?;
        match self {
            Self::All => Ok(face),
            Self::ReducedFirsts(px) => pillow(&face, px, px, Filter::Bilinear)
                .and_then(|small| pillow(&small, FACE_PX, FACE_PX, Filter::Bilinear))
                .map_err(|source| images.refused(position, ImageError::Resize(source)).into()),
        }
    }
}
