//! Figures as vectors (`.svg`) or pixels (`.png`), the same bytes on every run.
//!
//! A [`Figure`] is data. `plotters` draws it as an SVG document, and the PNG is that document painted
//! by `resvg`, so that both show the same. Text is set in Noto Sans; a letter that font lacks is a box
//! in the bitmap.

mod axis;
mod curve;
mod figure;
mod legend;
mod page;
mod panel;
mod text;

pub use figure::{Axis, Colour, Figure, Kind, Mark, Panel, Scale, Series};

use crate::fs;
use crate::image::{self, encode};
use plotters::drawing::DrawingAreaErrorKind;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Units of a drawing in a pixel of the SVG. All lengths in this module are in them, unless they say
/// otherwise; sizes of text are in pixels.
const UNITS: i32 = 4;

/// The kinds of file a figure is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

impl Format {
    /// Returns the format that the name's ending, in any case, asks for.
    ///
    /// # Errors
    /// [`Error::Ending`] for any other ending.
    pub fn of(path: &Path) -> Result<Format, Error> {
        match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("svg") => Ok(Format::Svg),
            Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(Format::Png),
            _ => Err(Error::Ending { path: path.to_path_buf() }),
        }
    }
}

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
        limit = figure::LIMIT
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
    fn draw(error: impl Display) -> Error {
        Error::Draw { message: error.to_string() }
    }
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(error: DrawingAreaErrorKind<E>) -> Error {
        Error::draw(error)
    }
}

/// Writes the figure to `path` in the format of its ending, whole or not at all.
///
/// # Errors
/// As [`Format::of`], [`svg()`] and [`png`], and whatever the system refuses with.
pub fn write(figure: &Figure, path: &Path) -> Result<(), Error> {
    let bytes = match Format::of(path)? {
        Format::Svg => svg(figure)?.into_bytes(),
        Format::Png => png(figure)?,
    };
    Ok(fs::write_whole(path, &bytes)?)
}

/// Draws the figure as an SVG document.
///
/// # Errors
/// [`Error::Number`], [`Error::Range`] and [`Error::Draw`].
pub fn svg(figure: &Figure) -> Result<String, Error> {
    figure.check()?;
    page::document(figure, page::size(figure))
}

/// Draws a panel alone and small, to stand among others on a page that scales it.
///
/// # Errors
/// As [`svg()`].
pub fn panel_svg(panel: &Panel) -> Result<String, Error> {
    let figure = Figure { panels: vec![panel.clone()], ..Figure::default() };
    figure.check()?;
    page::document(&figure, page::BESIDE)
}

/// Draws the figure as a PNG of two pixels a unit of the SVG.
///
/// # Errors
/// As [`svg()`], [`Error::TooTall`] and [`Error::Png`].
pub fn png(figure: &Figure) -> Result<Vec<u8>, Error> {
    let pixels = page::pixels(&svg(figure)?, figure.panels.len())?;
    encode::png(&pixels).map_err(Error::Png)
}

#[cfg(test)]
mod tests;
