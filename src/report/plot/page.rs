//! A figure on a page: the title, then the panels in rows, their axes in line; as an SVG document or as
//! pixels.

use super::bitmap::{self, Bitmap};
use super::curve::Area;
use super::error::Error;
use super::figure::Figure;
use super::legend;
use super::panel::{Content, Shape};
use super::text::{INK, Weight, shorten, style};
use super::unit::UNITS;
use crate::image::{ChannelOrder, MAX_EDGE_PX, Pixels};
use plotters::prelude::{DrawingBackend, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, WHITE};

/// Around everything, and between panels.
const MARGIN: i32 = 16 * UNITS;
const GAP: i32 = 20 * UNITS;

/// Sizes of the title and of the lines below it, and their rows.
const TITLE: (f64, i32) = (15.0, 22 * UNITS);
const SUBTITLE: (f64, i32) = (10.0, 14 * UNITS);
const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);

/// A panel alone on its figure, and one of two in a row: its width and the height of its plot.
const ALONE: Size = (640 * UNITS, 300 * UNITS);
pub(super) const BESIDE: Size = (440 * UNITS, 200 * UNITS);

/// Width of a panel and height of its plot.
pub(super) type Size = (i32, i32);

/// A figure of which all places are known.
pub(super) struct Page<'a> {
    figure: &'a Figure,
    panels: Vec<Content<'a>>,
    shape: Shape,
}

/// Of the panels of a figure that has a page of its own.
pub(super) fn size(figure: &Figure) -> Size {
    if figure.panels.len() > 1 { BESIDE } else { ALONE }
}

impl<'a> Page<'a> {
    /// Lays the figure out. Every number in it must have passed `Figure::check`.
    pub(super) fn new(figure: &'a Figure, (width, plot_height): Size) -> Page<'a> {
        let panels = figure.panels.iter().map(|panel| Content::new(panel, plot_height));
        let panels: Vec<Content<'_>> = panels.collect();
        let indent = panels.iter().map(Content::indent).max().unwrap_or(0);
        let rows = panels.iter().map(|panel| legend::rows(&panel.legend(width - indent)));
        let legend_rows = rows.max().unwrap_or(0);
        Page { figure, panels, shape: Shape { width, indent, legend_rows, plot_height } }
    }

    /// Draws the figure as an SVG document.
    pub(super) fn svg(&self) -> Result<String, Error> {
        let mut document = String::new();
        self.draw(&SVGBackend::with_string(&mut document, self.size()).into_drawing_area())?;
        Ok(in_pixels(&document, self.size()))
    }

    /// Draws the figure on pixels, no more than [`MAX_EDGE_PX`] along an edge, in four bytes a pixel.
    ///
    /// # Errors
    /// [`Error::TooTall`] and [`Error::Draw`].
    pub(super) fn pixels(&self) -> Result<Pixels, Error> {
        let (width, height) = bitmap::size(self.size());
        if width.max(height) > MAX_EDGE_PX {
            return Err(Error::TooTall { panels: self.panels.len(), height: height.into() });
        }
        let data = vec![0; 3 * width as usize * height as usize];
        let mut pixels = Pixels { width, height, order: ChannelOrder::Rgb, data };
        self.draw(&Bitmap::on(&mut pixels).into_drawing_area())?;
        Ok(pixels)
    }

    fn columns(&self) -> i32 {
        self.panels.len().clamp(1, 2) as i32
    }

    /// Width of all panels in a row.
    fn room(&self) -> i32 {
        self.columns() * (self.shape.width + GAP) - GAP
    }

    fn size(&self) -> (u32, u32) {
        let rows = self.panels.len().div_ceil(self.columns() as usize) as i32;
        let height = head(self.figure) + rows * (self.shape.height() + GAP) - GAP + MARGIN;
        ((self.room() + 2 * MARGIN) as u32, height as u32)
    }

    fn draw<DB: DrawingBackend>(&self, page: &Area<DB>) -> Result<(), Error> {
        page.fill(&WHITE)?;
        let mut y = MARGIN;
        let lines = self.figure.subtitle.iter().map(|line| (line, SUBTITLE, Weight::Normal, FAINT));
        for (line, (size, row), weight, colour) in title(self.figure).chain(lines) {
            let line = shorten(line, size, weight, f64::from(self.room()));
            let hanging = style(size, weight, colour, (HPos::Left, VPos::Top));
            page.draw_text(&line, &hanging, (MARGIN, y))?;
            y += row;
        }
        let (width, height) = (self.shape.width, self.shape.height());
        for (panel, i) in self.panels.iter().zip(0..) {
            let (row, column) = (i / self.columns(), i % self.columns());
            let at = (MARGIN + column * (width + GAP), head(self.figure) + row * (height + GAP));
            panel.draw(&page.clone().shrink(at, (width, height)), &self.shape)?;
        }
        Ok(page.present()?)
    }
}

type Line<'a> = (&'a String, (f64, i32), Weight, RGBColor);

fn title(figure: &Figure) -> impl Iterator<Item = Line<'_>> {
    Some((&figure.title, TITLE, Weight::Bold, INK)).filter(|line| !line.0.is_empty()).into_iter()
}

/// Where the panels begin.
fn head(figure: &Figure) -> i32 {
    let title = title(figure).map(|line| line.1.1).sum::<i32>();
    MARGIN + title + figure.subtitle.len() as i32 * SUBTITLE.1 + GAP / 2
}

/// Says in the document's root that its units are fractions of a pixel. Coordinates of plotters are
/// whole numbers, also in an SVG, so that curves drawn in pixels would be stairs.
fn in_pixels(document: &str, (width, height): (u32, u32)) -> String {
    let size = |width: u32, height: u32| format!("<svg width=\"{width}\" height=\"{height}\"");
    let units = UNITS as u32;
    document.replacen(&size(width, height), &size(width / units, height / units), 1)
}
