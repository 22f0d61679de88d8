//! Figures as vectors (`.svg`) or pixels (`.png`), the same bytes on every run.
//!
//! A [`Figure`] is data. `plotters` draws it once as an SVG document and once on pixels, which `zeno`
//! fills, so that both show the same. Text is set in Noto Sans; a letter that font lacks is a box in the
//! bitmap.

mod axis;
mod bitmap;
mod curve;
mod error;
mod figure;
mod font;
mod legend;
mod page;
mod panel;
mod text;
mod unit;

pub use error::Error;
pub use figure::{Axis, Colour, Figure, Kind, Mark, Panel, Scale, Series};

use crate::fs;
use crate::image::encode;
use page::Page;
use std::path::Path;

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
    Page::new(figure, page::size(figure)).svg()
}

/// Draws a panel alone and small, to stand among others on a page that scales it.
///
/// # Errors
/// As [`svg()`].
pub fn panel_svg(panel: &Panel) -> Result<String, Error> {
    let figure = Figure { panels: vec![panel.clone()], ..Figure::default() };
    figure.check()?;
    Page::new(&figure, page::BESIDE).svg()
}

/// Draws the figure as a PNG of two pixels a unit of the SVG.
///
/// # Errors
/// As [`svg()`], [`Error::TooTall`] and [`Error::Png`].
pub fn png(figure: &Figure) -> Result<Vec<u8>, Error> {
    figure.check()?;
    let pixels = Page::new(figure, page::size(figure)).pixels()?;
    encode::png(&pixels).map_err(Error::Png)
}

#[cfg(test)]
mod tests;
