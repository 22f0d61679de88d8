//! A series or mark between its axes: bins with edges or a line of points, and how each is drawn.

use super::axis::Ruler;
use super::error::Error;
use super::figure::{Colour, Kind, Mark, Scale, Series};
use super::unit::{LIMIT, UNITS};
use line_clipping::{LineSegment, Point, Window, cohen_sutherland};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::{CoordTranslate, Shift};
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Circle, Color, DrawingArea, DrawingBackend, PathElement, Polygon, Rectangle,
};
use plotters::style::{RGBColor, ShapeStyle};

/// Widths of a series' line and of a mark's.
pub(super) const LINE: i32 = UNITS * 5 / 4;
pub(super) const MARK: i32 = UNITS;

/// Lengths of a dash and of the gap after it.
const DASH: (i32, i32) = (4 * UNITS, 5 * UNITS / 2);

/// Opacities of a histogram's inside and of bars, so that those below them are seen.
const STEPS_FILL: f64 = 0.10;
const BARS_FILL: f64 = 0.75;

/// Share of its bin that a bar takes, and the least share of the axis, at which it is still seen.
const BAR: (f64, f64) = (0.85, 0.002);

/// Radius of what stands for a line of one point.
const DOT: i32 = 2 * UNITS;

/// On a log axis a bar begins this much below the least height, so that the least is seen too.
const BELOW_LEAST: f64 = 0.1;

type At = (f64, f64);

/// A part of the page, in units from its upper left corner.
pub(super) type Area<DB> = DrawingArea<DB, Shift>;

/// The rectangle between a panel's axes.
pub(super) type Plot<DB> = DrawingArea<DB, Cartesian2d<Ruler, Ruler>>;

/// The numbers that a plot shows.
pub(super) struct Frame {
    pub(super) x: Ruler,
    pub(super) y: Ruler,
}

/// A series in even numbers, without what its axes cannot hold.
pub(super) struct Curve<'a> {
    pub(super) series: &'a Series,
    /// Its points, the outline of its bins, or one closed outline a bar; bins stand on the ground.
    lines: Vec<Vec<At>>,
    ground: f64,
}

struct Bin {
    left: f64,
    right: f64,
    top: f64,
}

pub(super) fn colour(colour: Colour) -> RGBColor {
    match colour {
        Colour::Red => RGBColor(0xc8, 0x45, 0x3b),
        Colour::Green => RGBColor(0x4f, 0xa2, 0x5f),
        Colour::Blue => RGBColor(0x2f, 0x5f, 0xa8),
        Colour::Ink => RGBColor(0x33, 0x33, 0x33),
        Colour::Grey => RGBColor(0x99, 0x99, 0x99),
        Colour::Amber => RGBColor(0xe3, 0xac, 0x4b),
        Colour::Violet => RGBColor(0x5b, 0x3a, 0x82),
    }
}

impl<'a> Curve<'a> {
    pub(super) fn new(series: &'a Series, x: Scale, y: Scale) -> Curve<'a> {
        let ground = match y {
            Scale::Linear => 0.0,
            // Below all that a log axis holds.
            Scale::Log => -libm::log10(LIMIT) - 1.0,
        };
        let points = series.points.iter();
        let bins = || {
            let middle = |point: &At| Some((x.even(point.0)?, y.even(point.1).unwrap_or(ground)));
            bins(points.clone().filter_map(middle).collect(), x.half_bin())
        };
        let lines = match series.kind {
            Kind::Steps => vec![steps(&bins(), ground)],
            Kind::Bars => bins().iter().map(|bin| bar(bin, ground)).collect(),
            Kind::Line => {
                vec![points.filter_map(|point| x.even(point.0).zip(y.even(point.1))).collect()]
            }
        };
        Curve { series, lines, ground }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(Vec::is_empty)
    }

    pub(super) fn has_bins(&self) -> bool {
        self.series.kind != Kind::Line
    }

    /// The even numbers that the lower axis must cover.
    pub(super) fn across(&self) -> impl Iterator<Item = f64> {
        self.lines.iter().flatten().map(|point| point.0)
    }

    /// The even numbers that the left axis must cover.
    pub(super) fn upwards(&self) -> impl Iterator<Item = f64> {
        let below = if self.has_bins() && self.ground < 0.0 { BELOW_LEAST } else { 0.0 };
        let seen =
            self.lines.iter().flatten().filter(|(_, y)| *y > self.ground || self.ground == 0.0);
        seen.flat_map(move |(_, y)| [*y, y - below])
    }

    /// Draws the fill of the series, which lines of others must not hide behind.
    pub(super) fn fill<DB: DrawingBackend>(
        &self,
        plot: &Plot<DB>,
        frame: &Frame,
    ) -> Result<(), Error> {
        let colour = colour(self.series.colour);
        for line in self.lines.iter().filter(|_| !self.series.dashed) {
            let mut line: Vec<At> = line.iter().map(|point| frame.nearest(*point)).collect();
            match self.series.kind {
                Kind::Steps => plot.draw(&Polygon::new(line, colour.mix(STEPS_FILL)))?,
                Kind::Bars if line[0].1 != line[2].1 => {
                    let least = (frame.x.high - frame.x.low) * BAR.1;
                    line[2].0 = line[2].0.max(line[0].0 + least);
                    let bar = Rectangle::new([line[0], line[2]], colour.mix(BARS_FILL).filled());
                    plot.draw(&bar)?;
                }
                Kind::Bars | Kind::Line => (),
            }
        }
        Ok(())
    }

    /// Draws the line of the series.
    pub(super) fn line<DB: DrawingBackend>(
        &self,
        plot: &Plot<DB>,
        frame: &Frame,
    ) -> Result<(), Error> {
        let Series { kind, dashed, .. } = self.series;
        let colour = colour(self.series.colour);
        for line in self.lines.iter().filter(|_| *kind != Kind::Bars || *dashed) {
            for part in frame.within(line) {
                draw(plot, part, colour.stroke_width(LINE as u32), *dashed)?;
            }
            if let [point] = line[..]
                && frame.nearest(point) == point
            {
                plot.draw(&Circle::new(point, DOT, colour.filled()))?;
            }
        }
        Ok(())
    }
}

impl Frame {
    /// Draws the mark, if the lower axis holds it.
    pub(super) fn mark<DB: DrawingBackend>(
        &self,
        mark: &Mark,
        x: Scale,
        plot: &Plot<DB>,
    ) -> Result<(), Error> {
        let Some(at) = x.even(mark.at).filter(|at| self.x.holds(*at)) else { return Ok(()) };
        let line = vec![(at, self.y.low), (at, self.y.high)];
        draw(plot, line, colour(mark.colour).stroke_width(MARK as u32), mark.dashed)
    }

    fn nearest(&self, (x, y): At) -> At {
        (x.clamp(self.x.low, self.x.high), y.clamp(self.y.low, self.y.high))
    }

    /// The parts of a line that lie in the plot; plotters itself draws what lies beyond it too.
    fn within(&self, line: &[At]) -> Vec<Vec<At>> {
        let window = Window::new(self.x.low, self.x.high, self.y.low, self.y.high);
        let point = |(x, y): At| Point::new(x, y);
        let mut parts: Vec<Vec<At>> = Vec::new();
        for pair in line.windows(2) {
            let segment = LineSegment::new(point(pair[0]), point(pair[1]));
            let Some(seen) = cohen_sutherland::clip_line(segment, window) else { continue };
            let (from, to) = ((seen.p1.x, seen.p1.y), (seen.p2.x, seen.p2.y));
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }
}

/// Draws a line on a plot or any other area.
pub(super) fn draw<DB: DrawingBackend, T: CoordTranslate>(
    area: &DrawingArea<DB, T>,
    line: Vec<T::From>,
    style: ShapeStyle,
    dashed: bool,
) -> Result<(), Error>
where
    T::From: Clone + 'static,
{
    if dashed {
        area.draw(&DashedPathElement::new(line, DASH.0, DASH.1, style))?;
    } else {
        area.draw(&PathElement::new(line, style))?;
    }
    Ok(())
}

/// Bins around their middles, each reaching half way to the next; the outer ones as far outwards.
fn bins(mut middles: Vec<At>, half_bin: f64) -> Vec<Bin> {
    middles.sort_by(|a, b| a.0.total_cmp(&b.0));
    let halves: Vec<f64> = middles.windows(2).map(|pair| (pair[1].0 - pair[0].0) / 2.0).collect();
    let (first, last) = (halves.first().unwrap_or(&half_bin), halves.last().unwrap_or(&half_bin));
    let before = std::iter::once(first).chain(&halves);
    let after = halves.iter().chain([last]);
    let bin = |(((x, top), before), after): ((&At, &f64), &f64)| Bin {
        left: x - before,
        right: x + after,
        top: *top,
    };
    middles.iter().zip(before).zip(after).map(bin).collect()
}

/// The outline of a histogram, from the ground and back to it.
fn steps(bins: &[Bin], ground: f64) -> Vec<At> {
    let first = bins.first().map(|bin| (bin.left, ground));
    let tops = bins.iter().flat_map(|bin| [(bin.left, bin.top), (bin.right, bin.top)]);
    first.into_iter().chain(tops).chain(bins.last().map(|bin| (bin.right, ground))).collect()
}

fn bar(bin: &Bin, ground: f64) -> Vec<At> {
    let half = (bin.right - bin.left) * BAR.0 / 2.0;
    let middle = bin.left.midpoint(bin.right);
    let (left, right) = (middle - half, middle + half);
    let start = (left, ground);
    vec![start, (left, bin.top), (right, bin.top), (right, ground), start]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_reaches_half_way_to_its_neighbours() {
        let edges = |middles: &[f64]| -> Vec<At> {
            let middles = middles.iter().map(|x| (*x, 1.0)).collect();
            bins(middles, 0.5).iter().map(|bin| (bin.left, bin.right)).collect()
        };
        assert_eq!(edges(&[2.0, 0.0, 6.0]), [(-1.0, 1.0), (1.0, 4.0), (4.0, 8.0)]);
        assert_eq!(edges(&[7.0]), [(6.5, 7.5)]);
        assert_eq!(edges(&[]), []);
    }

    #[test]
    fn a_line_is_drawn_where_the_plot_holds_it() {
        let ruler = |high| Ruler { low: 0.0, high, ticks: Vec::new(), minor: Vec::new() };
        let frame = Frame { x: ruler(4.0), y: ruler(1.0) };
        let line = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 0.0), (5.0, 0.0)];
        let parts = vec![vec![(0.0, 0.0), (1.0, 1.0)], vec![(2.5, 1.0), (3.0, 0.0), (4.0, 0.0)]];
        let mut found = frame.within(&line);
        found.iter_mut().for_each(Vec::dedup);
        assert_eq!(found, parts);
    }
}
