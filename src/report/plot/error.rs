//! Why there is no figure.

use super::unit::LIMIT;
use crate::{fs, image};
use plotters::drawing::DrawingAreaErrorKind;
use std::fmt::Display;
use std::path::PathBuf;

/// What a figure can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file's name does not say which format is wanted.
    #[error(
        "{path}: expected a name that ends in .svg (vectors) or .png (pixels); end it in one of them"
    )]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// A number that has no place on any axis.
    #[error(
        "{place}: expected finite numbers of at most {limit:e}, found {found}",
        limit = LIMIT
    )]
    Number {
        /// The panel, and what in it.
        place: String,
        /// The number or pair of numbers.
        found: String,
    },
    /// The ends of an axis are not in order or too close, or a log axis begins at or below zero.
    #[error(
        "{place}: expected a range from one {kind} to a clearly larger one, found {low:?} to {high:?}"
    )]
    Range {
        /// The panel and the axis.
        place: String,
        /// What the ends must be.
        kind: &'static str,
        /// First end.
        low: f64,
        /// Second end.
        high: f64,
    },
    /// A bitmap would have an edge beyond what is read again.
    #[error(
        "the figure's {panels} panels make {height} rows of pixels; at most {limit} are drawn; write \
         .svg or fewer panels",
        limit = image::MAX_EDGE_PX
    )]
    TooTall {
        /// Panels of the figure.
        panels: usize,
        /// Rows they need.
        height: u64,
    },
    /// One of the libraries that draw refused.
    #[error("cannot draw the figure: {message}")]
    Draw {
        /// What it said.
        message: String,
    },
    /// The bitmap could not be encoded.
    #[error("cannot encode the figure")]
    Png(#[source] image::Error),
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] fs::Error),
}

impl Error {
    pub(super) fn draw(error: impl Display) -> Error {
        Error::Draw { message: error.to_string() }
    }
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(error: DrawingAreaErrorKind<E>) -> Error {
        Error::draw(error)
    }
}
