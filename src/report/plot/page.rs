//! A figure as an SVG document: the title, then the panels in rows, their axes in line; and that
//! document as pixels.

use super::error::Error;
use super::figure::Figure;
use super::legend;
use super::panel::{Content, Shape};
use super::text::{self, INK, Weight, shorten, style};
use super::unit::UNITS;
use crate::image::{ChannelOrder, MAX_EDGE_PX, Pixels};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, WHITE};
use resvg::tiny_skia::{Pixmap, Transform};

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

/// Pixels of a bitmap for each of the SVG: text and thin lines are smooth on a screen and in print.
const DENSITY: u32 = 2;

/// Of the panels of a figure that has a page of its own.
pub(super) fn size(figure: &Figure) -> Size {
    if figure.panels.len() > 1 { BESIDE } else { ALONE }
}

/// Draws the figure. Every number in it must have passed `Figure::check`.
pub(super) fn document(figure: &Figure, (width, plot_height): Size) -> Result<String, Error> {
    let columns = figure.panels.len().clamp(1, 2);
    let panels = figure.panels.iter().map(|panel| Content::new(panel, plot_height));
    let panels = panels.collect::<Result<Vec<Content<'_>>, Error>>()?;
    let indent = panels.iter().map(Content::indent).max().unwrap_or(0);
    let mut shape = Shape { width, indent, legend_rows: 0, plot_height };
    for panel in &panels {
        shape.legend_rows = shape.legend_rows.max(legend::rows(&panel.legend(width - indent)?));
    }
    let rows = panels.len().div_ceil(columns) as i32;
    let head = head(figure);
    let room = columns as i32 * (width + GAP) - GAP;
    let size = (room + 2 * MARGIN, head + rows * (shape.height() + GAP) - GAP + MARGIN);
    let size = (size.0 as u32, size.1 as u32);
    let mut document = String::new();
    let page = SVGBackend::with_string(&mut document, size).into_drawing_area();
    page.fill(&WHITE)?;
    let mut y = MARGIN;
    let lines = figure.subtitle.iter().map(|line| (line, SUBTITLE, Weight::Normal, FAINT));
    for (line, (size, row), weight, colour) in title(figure).chain(lines) {
        let line = shorten(line, size, weight, f64::from(room))?;
        page.draw_text(&line, &style(size, weight, colour, (HPos::Left, VPos::Top)), (MARGIN, y))?;
        y += row;
    }
    for (panel, i) in panels.iter().zip(0..) {
        let (row, column) = (i / columns as i32, i % columns as i32);
        let at = (MARGIN + column * (width + GAP), head + row * (shape.height() + GAP));
        panel.draw(&page.clone().shrink(at, (width, shape.height())), &shape)?;
    }
    page.present()?;
    drop(page);
    Ok(in_pixels(&document, size))
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

/// Paints the document.
///
/// # Errors
/// [`Error::TooTall`] and [`Error::Draw`].
pub(super) fn pixels(document: &str, panels: usize) -> Result<Pixels, Error> {
    let tree = text::parsed(document)?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width() * DENSITY, size.height() * DENSITY);
    let fits = width <= MAX_EDGE_PX && height <= MAX_EDGE_PX;
    let map = if fits { Pixmap::new(width, height) } else { None };
    let mut map = map.ok_or(Error::TooTall { panels, height: u64::from(height) })?;
    resvg::render(&tree, Transform::from_scale(DENSITY as f32, DENSITY as f32), &mut map.as_mut());
    let data = map.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    Ok(Pixels { width, height, order: ChannelOrder::Rgb, data })
}
