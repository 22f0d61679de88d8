//! The legend of a panel: rows of a sample and a name, above the plot.

use super::curve::{self, Area, Curve, LINE, MARK};
use super::error::Error;
use super::figure::{Colour, Kind, Panel, Series};
use super::text::{BASE_LINE, INK, SMALL, Weight, shorten, style, width};
use super::unit::UNITS;
use plotters::prelude::{Color, DrawingBackend, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

/// Height of a row.
pub(super) const ROW: i32 = 15 * UNITS;

/// Widths of a series' sample and of a mark's.
const SAMPLES: (i32, i32) = (16 * UNITS, 6 * UNITS);

/// Between a sample and its name, and between a name and the next sample.
const GAPS: (i32, i32) = (5 * UNITS, 16 * UNITS);

/// Half the height of a sample that is not a line.
const HALF: i32 = 5 * UNITS;

/// A named series or mark.
pub(super) struct Entry {
    name: String,
    /// None for a mark.
    kind: Option<Kind>,
    colour: Colour,
    dashed: bool,
    /// From the legend's left side, and from its top.
    x: i32,
    row: i32,
}

/// Sets what has a name into rows of `room`.
pub(super) fn entries(panel: &Panel, curves: &[Curve<'_>], room: i32) -> Vec<Entry> {
    let series = curves.iter().map(|curve| {
        let nothing = if curve.is_empty() { " (no data)" } else { "" };
        let Series { name, kind, colour, dashed, .. } = curve.series;
        (name, nothing, Some(*kind), *colour, *dashed)
    });
    let marks = panel.marks.iter().map(|mark| (&mark.label, "", None, mark.colour, mark.dashed));
    let named = series.chain(marks).filter(|entry| !entry.0.is_empty());
    let mut entries = Vec::new();
    let (mut x, mut row) = (0, 0);
    for (name, nothing, kind, colour, dashed) in named {
        let mut entry = Entry { name: format!("{name}{nothing}"), kind, colour, dashed, x, row };
        let before = entry.sample() + GAPS.0;
        entry.name = shorten(&entry.name, SMALL, Weight::Normal, f64::from(room - before));
        let width = before + width(&entry.name, SMALL, Weight::Normal).ceil() as i32;
        if x > 0 && x + width > room {
            (x, row) = (0, row + 1);
            (entry.x, entry.row) = (x, row);
        }
        x += width + GAPS.1;
        entries.push(entry);
    }
    entries
}

pub(super) fn rows(entries: &[Entry]) -> i32 {
    entries.last().map_or(0, |entry| entry.row + 1)
}

impl Entry {
    fn sample(&self) -> i32 {
        if self.kind.is_some() { SAMPLES.0 } else { SAMPLES.1 }
    }

    /// Draws the sample and the name of a legend that has its upper left corner at `(left, top)`.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        (left, top): (i32, i32),
        area: &Area<DB>,
    ) -> Result<(), Error> {
        let (x, y) = (left + self.x, top + self.row * ROW + ROW / 2);
        let colour = curve::colour(self.colour);
        let (right, middle) = (x + self.sample(), x + self.sample() / 2);
        match self.kind {
            Some(Kind::Bars) if !self.dashed => {
                let corners = [(middle - HALF, y - HALF), (middle + HALF, y + HALF)];
                area.draw(&Rectangle::new(corners, colour.filled()))?;
            }
            Some(_) => {
                let style = colour.stroke_width(LINE as u32 * 3 / 2);
                curve::draw(area, vec![(x, y), (right, y)], style, self.dashed)?;
            }
            None => {
                let line = vec![(middle, y - HALF), (middle, y + HALF)];
                curve::draw(area, line, colour.stroke_width(MARK as u32), self.dashed)?;
            }
        }
        let beside = style(SMALL, Weight::Normal, INK, (HPos::Left, VPos::Center));
        Ok(area.draw_text(&self.name, &beside, (right + GAPS.0, y + BASE_LINE))?)
    }
}
