//! An axis with its ends and ticks fixed. Its numbers are even ones: those of [`Scale::even`], whose
//! differences are lengths.

use super::figure::{Axis, Scale, has_span};
use super::text::{SMALL, Weight, width};
use super::unit::{LIMIT, NO_SPAN, UNITS};
use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::data::float::pretty_print_float;
use std::ops::Range;

/// Least distance of two tick labels, and the height of one.
const LABEL_GAP: f64 = (12 * UNITS) as f64;
const LABEL_HEIGHT: f64 = (16 * UNITS) as f64;

/// Most ticks of an axis below and of one at the left.
const MOST_TICKS: (usize, usize) = (9, 7);

/// Prefixes of large numbers, from the first number that is too long to write out. Beyond them, and
/// for small ones, the power of ten is written.
const PREFIXES: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
const LONG: Range<f64> = 1e4..1e15;

/// Decades up to which the numbers between powers of ten are marked too.
const FEW_DECADES: f64 = 7.0;

/// Where an axis lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Below,
    Left,
}

/// The numbers that an axis shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// The least and the largest, as even numbers.
    pub(super) extent: Option<(f64, f64)>,
    /// Share of their span that the axis goes on beyond them, except beyond a zero.
    pub(super) beyond: f64,
    /// Whether all are whole; then nothing is marked between whole numbers.
    pub(super) whole: bool,
}

/// A marked number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) even: f64,
    pub(super) label: String,
    /// Of the label.
    pub(super) width: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Ruler {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<Tick>,
    /// Marked without a label.
    pub(super) minor: Vec<f64>,
}

impl Scale {
    /// The number whose differences are lengths on the axis; none for what the axis cannot hold.
    pub(super) fn even(self, value: f64) -> Option<f64> {
        match self {
            Scale::Linear => Some(value),
            Scale::Log => (value >= 1.0 / LIMIT).then(|| libm::log10(value)),
        }
    }

    /// Half the width of the only bin of a histogram: half a unit, or the root of two.
    pub(super) fn half_bin(self) -> f64 {
        match self {
            Scale::Linear => 0.5,
            Scale::Log => libm::log10(2.0) / 2.0,
        }
    }
}

impl Ruler {
    /// Covers the numbers along `length`.
    pub(super) fn new(axis: &Axis, numbers: Numbers, side: Side, length: f64) -> Ruler {
        let given =
            axis.range.and_then(|(low, high)| axis.scale.even(low).zip(axis.scale.even(high)));
        let (low, high) = given.unwrap_or_else(|| ends(numbers, axis.scale));
        let mut ruler = Ruler { low, high, ticks: Vec::new(), minor: minor(axis.scale, low, high) };
        let room = |tick: &Tick| match side {
            Side::Below => tick.width + LABEL_GAP,
            Side::Left => LABEL_HEIGHT,
        };
        let fits = |ticks: &[Tick]| {
            ticks.windows(2).all(|pair| {
                let apart = (pair[1].even - pair[0].even) / (high - low) * length;
                apart >= (room(&pair[0]) + room(&pair[1])) / 2.0
            })
        };
        let most = if side == Side::Below { MOST_TICKS.0 } else { MOST_TICKS.1 };
        for count in (2..=most).rev() {
            ruler.ticks = ruler.marked(axis, numbers.whole, count);
            if fits(&ruler.ticks) {
                break;
            }
        }
        // Ticks that were asked for stay where they are; one in the way of the last one goes.
        let mut kept: Vec<Tick> = Vec::new();
        for tick in std::mem::take(&mut ruler.ticks) {
            kept.push(tick);
            if !fits(&kept) {
                kept.pop();
            }
        }
        Ruler { ticks: kept, ..ruler }
    }

    /// The ticks asked for, else about `count` round ones.
    fn marked(&self, axis: &Axis, whole: bool, count: usize) -> Vec<Tick> {
        let mut values = match axis.scale {
            _ if !axis.ticks.is_empty() => axis.ticks.clone(),
            Scale::Linear => RangedCoordf64::from(self.low..self.high).key_points(count),
            Scale::Log => on_log(self.low, self.high, count),
        };
        if whole && axis.ticks.is_empty() {
            values.retain(|value| (value - value.round()).abs() < NO_SPAN * value.abs().max(1.0));
        }
        let on = |even: &f64| {
            let slack = (self.high - self.low) * NO_SPAN;
            self.low - slack <= *even && *even <= self.high + slack
        };
        let tick = |value: f64| {
            let label = label(value);
            let even = axis.scale.even(value).filter(on)?;
            let width = width(&label, SMALL, Weight::Normal);
            Some(Tick { even, label, width })
        };
        values.into_iter().filter_map(tick).collect()
    }

    pub(super) fn holds(&self, even: f64) -> bool {
        self.low <= even && even <= self.high
    }
}

impl Ranged for Ruler {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, even: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range()).map(even, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return self.minor.clone();
        }
        self.ticks.iter().map(|tick| tick.even).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Ruler {
    fn format_ext(&self, even: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.even == *even);
        tick.map_or_else(String::new, |tick| tick.label.clone())
    }
}

fn ends(numbers: Numbers, scale: Scale) -> (f64, f64) {
    let (low, high) = numbers.extent.unwrap_or((0.0, 1.0));
    if !has_span(low, high) {
        let around = match scale {
            Scale::Linear => low.abs().max(high.abs()) * 0.1,
            Scale::Log => scale.half_bin(),
        };
        return if around > 1.0 / LIMIT { (low - around, high + around) } else { (0.0, 1.0) };
    }
    let beyond = |end: f64| match scale {
        Scale::Linear if end == 0.0 => 0.0,
        Scale::Linear | Scale::Log => (high - low) * numbers.beyond,
    };
    (low - beyond(low), high + beyond(high))
}

/// Powers of ten, or equal steps where there are fewer than two of them.
fn on_log(low: f64, high: f64, count: usize) -> Vec<f64> {
    // A little beyond the ends, so that no power at an end is lost to rounding.
    let (from, to) = (libm::pow(10.0, low - NO_SPAN), libm::pow(10.0, high + NO_SPAN));
    let powers = LogCoord::from((from..to).log_scale()).key_points(count);
    if powers.len() > 1 { powers } else { RangedCoordf64::from(from..to).key_points(count) }
}

/// The numbers between powers of ten, as even ones.
fn minor(scale: Scale, low: f64, high: f64) -> Vec<f64> {
    if scale == Scale::Linear || high - low > FEW_DECADES {
        return Vec::new();
    }
    let (first, last) = (low.floor(), high.ceil());
    let decades = libm::pow(10.0, first)..libm::pow(10.0, last);
    // Ten a decade is what plotters needs to be asked for to give them all.
    let values = LogCoord::from(decades.log_scale()).key_points(10 * (last - first) as usize);
    let evens = values.into_iter().filter_map(|value| scale.even(value));
    evens.filter(|even| low <= *even && *even <= high).collect()
}

/// What is written at a tick.
fn label(value: f64) -> String {
    let size = value.abs();
    let prefix = PREFIXES.iter().find(|(unit, _)| LONG.contains(&size) && size >= *unit);
    let (unit, name) = prefix.copied().unwrap_or((1.0, ""));
    // A minus sign as wide as a plus.
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}{name}", pretty_print_float(size / unit, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, extent: Option<(f64, f64)>) -> Vec<String> {
        let numbers = Numbers { extent, beyond: 0.0, whole: false };
        let ruler = Ruler::new(axis, numbers, Side::Left, 1000.0);
        ruler.ticks.into_iter().map(|tick| tick.label).collect()
    }

    fn log() -> Axis {
        Axis { scale: Scale::Log, ..Axis::default() }
    }

    #[test]
    fn huge_counts_are_written_with_a_prefix() {
        let values = [0.0, 9000.0, 1e4, 5e5, 1.5e6, 1.2e10, 1e16, 1e-6, 0.1 + 0.2, -0.5];
        let expected = ["0", "9000", "10k", "500k", "1.5M", "12G", "1e16", "1e-6", "0.3", "−0.5"];
        assert_eq!(values.map(label), expected);
    }

    #[test]
    fn equal_values_and_no_values_still_make_an_axis() {
        for axis in [Axis::default(), log()] {
            for extent in [None, Some((0.0, 0.0)), Some((2.0, 2.0))] {
                assert!(labels(&axis, extent).len() > 1);
            }
        }
    }

    #[test]
    fn a_log_axis_marks_powers_of_ten_and_on_a_short_one_more() {
        assert_eq!(labels(&log(), Some((-3.0, 1.0))), ["0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(labels(&log(), Some((0.0, 3.2))), ["1", "10", "100", "1000"]);
        let short = Axis { range: Some((21.0, 28.0)), ..log() };
        assert_eq!(labels(&short, None), ["22", "24", "26", "28"]);
    }

    #[test]
    fn an_axis_goes_on_beyond_its_numbers_but_not_beyond_zero() {
        let numbers = Numbers { extent: Some((0.0, 100.0)), beyond: 0.05, whole: false };
        let ruler = Ruler::new(&Axis::default(), numbers, Side::Left, 1000.0);
        assert_eq!((ruler.low, ruler.high), (0.0, 105.0));
    }

    #[test]
    fn nothing_is_marked_between_whole_numbers() {
        let numbers = Numbers { extent: Some((111.5, 112.5)), beyond: 0.01, whole: true };
        let ruler = Ruler::new(&Axis::default(), numbers, Side::Below, 1000.0);
        let labels: Vec<&str> = ruler.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["112"]);
    }

    #[test]
    fn labels_that_do_not_fit_become_fewer() {
        let numbers = Numbers { extent: Some((0.0, 100.0)), beyond: 0.0, whole: false };
        let asked = Axis { ticks: vec![0.0, 64.0, 66.0, 100.0], ..Axis::default() };
        for (axis, expected) in [(Axis::default(), 3), (asked, 3)] {
            let ruler = Ruler::new(&axis, numbers, Side::Below, 320.0);
            assert_eq!(ruler.ticks.len(), expected, "{:?}", ruler.ticks);
        }
    }
}
