//! What a figure shows: titles, panels, axes, series. Data alone.

use super::error::Error;
use super::unit::{LIMIT, NO_SPAN};

/// A title and panels, two beside each other, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    /// Stands above all panels; shortened in the middle where it is too long.
    pub title: String,
    /// Small lines below the title: what was measured, where, by which version.
    pub subtitle: Vec<String>,
    /// The plots.
    pub panels: Vec<Panel>,
}

/// One plot: two axes and what is drawn between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Stands above the plot.
    pub title: String,
    /// The axis below.
    pub x: Axis,
    /// The axis at the left.
    pub y: Axis,
    /// Drawn in order, later ones over earlier ones.
    pub series: Vec<Series>,
    /// Vertical lines over the series.
    pub marks: Vec<Mark>,
}

/// What an axis is called and covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// How numbers are spread along it.
    pub scale: Scale,
    /// First and last number; none to cover what is drawn.
    pub range: Option<(f64, f64)>,
    /// Numbers that are marked; none to choose round ones.
    pub ticks: Vec<f64>,
}

/// How numbers are spread along an axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences, equal lengths.
    #[default]
    Linear,
    /// Equal ratios, equal lengths. Numbers at or below zero are left out.
    Log,
}

/// How points are drawn. The bins of [`Kind::Steps`] and [`Kind::Bars`] reach half way to their
/// neighbours along the axis, so an empty bin between full ones must be given, with a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A histogram's outline, lightly filled unless dashed.
    Steps,
    /// A bar a point, an empty one if dashed.
    Bars,
    /// Straight lines from point to point.
    Line,
}

/// Points of one meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Stands in the legend, unless empty.
    pub name: String,
    /// Of line and filling.
    pub colour: Colour,
    /// Whether the line is broken, as for a reference to compare with.
    pub dashed: bool,
    /// How the points are drawn.
    pub kind: Kind,
    /// Middle and height of a bin, or a point of the line.
    pub points: Vec<(f64, f64)>,
}

/// A vertical line, for instance at a mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Where it crosses the lower axis.
    pub at: f64,
    /// Stands in the legend, unless empty.
    pub label: String,
    /// Of the line.
    pub colour: Colour,
    /// Whether the line is broken.
    pub dashed: bool,
}

/// Muted colours that differ in brightness too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Red, for instance the channel.
    Red,
    /// Green, for instance the channel.
    Green,
    /// Blue, for instance the channel.
    Blue,
    /// Nearly black.
    Ink,
    /// Middle grey.
    Grey,
    /// A light orange.
    Amber,
    /// A dark violet.
    Violet,
}

impl Figure {
    /// Errs at the first number that no axis can hold.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.panels.iter().try_for_each(Panel::check)
    }
}

impl Panel {
    fn check(&self) -> Result<(), Error> {
        let place = |what: String| format!("panel {:?}, {what}", self.title);
        for series in &self.series {
            for (i, (x, y)) in series.points.iter().enumerate() {
                let place = || place(format!("series {:?}, point {i}", series.name));
                numbers(&[*x, *y], place)?;
            }
        }
        for mark in &self.marks {
            numbers(&[mark.at], || place(format!("mark {:?}", mark.label)))?;
        }
        self.x.check(|| place("x axis".to_owned()))?;
        self.y.check(|| place("y axis".to_owned()))
    }
}

impl Axis {
    fn check(&self, place: impl Fn() -> String) -> Result<(), Error> {
        numbers(&self.ticks, &place)?;
        let Some((low, high)) = self.range else { return Ok(()) };
        numbers(&[low, high], &place)?;
        let (kind, least) = match self.scale {
            Scale::Linear => ("number", f64::NEG_INFINITY),
            Scale::Log => ("positive number", 1.0 / LIMIT),
        };
        let fits = least <= low && has_span(low, high);
        if fits { Ok(()) } else { Err(Error::Range { place: place(), kind, low, high }) }
    }
}

/// Whether an axis from `low` to `high` has steps that arithmetic can tell apart.
pub(super) fn has_span(low: f64, high: f64) -> bool {
    high - low > NO_SPAN * low.abs().max(high.abs()).max(1.0 / LIMIT)
}

fn numbers(found: &[f64], place: impl Fn() -> String) -> Result<(), Error> {
    if found.iter().all(|number| number.abs() <= LIMIT) {
        return Ok(());
    }
    let found: Vec<String> = found.iter().map(|number| format!("{number:?}")).collect();
    Err(Error::Number { place: place(), found: found.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<(f64, f64)>) -> Panel {
        let (name, colour) = ("green".to_owned(), Colour::Green);
        let series = Series { name, colour, dashed: false, kind: Kind::Line, points };
        Panel { title: "values".to_owned(), series: vec![series], ..Panel::default() }
    }

    #[test]
    fn a_number_that_is_none_names_its_series_and_point() {
        for (bad, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-1e101, "-1e101")] {
            let figure =
                Figure { panels: vec![panel(vec![(0.0, 1.0), (1.0, bad)])], ..Figure::default() };
            let error = figure.check().unwrap_err().to_string();
            let expected = "panel \"values\", series \"green\", point 1: expected finite numbers of at \
                            most 1e100, found 1.0, ";
            assert!(error.starts_with(&format!("{expected}{text}")), "{error}");
        }
    }

    #[test]
    fn a_range_runs_upwards_and_on_a_log_axis_above_zero() {
        let with = |scale, range| Axis { scale, range: Some(range), ..Axis::default() };
        assert!(with(Scale::Linear, (-1.0, 1.0)).check(String::new).is_ok());
        assert!(with(Scale::Log, (1e-6, 1.0)).check(String::new).is_ok());
        for axis in [with(Scale::Linear, (1.0, 1.0)), with(Scale::Log, (0.0, 1.0))] {
            assert!(matches!(axis.check(String::new), Err(Error::Range { .. })));
        }
    }
}
