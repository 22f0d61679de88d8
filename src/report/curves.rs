//! The curves of a set, ROC and CMC: those of several rows over each other.

use super::plot::{Axis, Colour, Kind, Panel, Scale, Series};
use super::sections::SetSection;
use crate::eval::results::{CmcCurve, RocCurve, SetResult};
use crate::metrics::per_cent;
use indexmap::IndexMap;

/// What is drawn after each other; from the eighth on with broken lines.
pub(super) const COLOURS: [Colour; 7] = [
    Colour::Blue,
    Colour::Red,
    Colour::Green,
    Colour::Violet,
    Colour::Amber,
    Colour::Ink,
    Colour::Grey,
];

/// The least false accept rate that is drawn.
const LEAST_FAR: f64 = 1e-6;

/// Ranks from which they are drawn in equal ratios.
const MANY_RANKS: usize = 50;

/// Share of an axis below which two points of a curve are one.
const APART: f64 = 1.0 / 1500.0;

/// The panels of the curves that a set's results have.
pub(super) fn panels(section: &SetSection<'_>) -> Vec<Panel> {
    let mut panels = curves(section, "ROC", |result| &result.curves.roc, roc);
    panels.extend(curves(section, "CMC", |result| &result.curves.cmc, cmc));
    panels
}

/// A curve that is one of several of its kind.
trait Named {
    fn name(&self) -> &str;
    fn points(&self) -> Vec<(f64, f64)>;
}

impl Named for RocCurve {
    fn name(&self) -> &str {
        &self.name
    }

    /// Stairs from the least rate drawn on: between two points the true accept rate of the first is
    /// reached. Per cent over a fraction.
    fn points(&self) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for [far, tar] in &self.points {
            let (far, tar) = (far.max(LEAST_FAR), per_cent(*tar));
            match points.last().copied() {
                Some((_, before)) if far > LEAST_FAR => points.extend([(far, before), (far, tar)]),
                Some(_) => points = vec![(far, tar)],
                None => points.push((far, tar)),
            }
        }
        thinned(points, |far| far.log10() / -LEAST_FAR.log10())
    }
}

impl Named for CmcCurve {
    fn name(&self) -> &str {
        &self.name
    }

    fn points(&self) -> Vec<(f64, f64)> {
        let last = self.rates.len() as f64;
        let points = (1..).zip(&self.rates).map(|(rank, rate)| (f64::from(rank), per_cent(*rate)));
        thinned(points.collect(), |rank| rank / last)
    }
}

/// The points without those that cannot be told from the one before; the last is kept. `along` gives
/// the place on the lower axis as a share of it.
fn thinned(points: Vec<(f64, f64)>, along: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let last = points.last().copied();
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points {
        let near = kept.last().is_some_and(|before| {
            (along(point.0) - along(before.0)).abs() < APART
                && (point.1 - before.1).abs() < 100.0 * APART
        });
        if !near {
            kept.push(point);
        }
    }
    if kept.last().copied() != last {
        kept.extend(last);
    }
    kept
}

/// A curve as it is drawn.
struct Drawn {
    name: String,
    /// Which colour it has.
    place: usize,
    points: Vec<(f64, f64)>,
}

/// One panel for the curves of one row; of several rows one panel a curve's name, so that what is over
/// each other can be compared, and a row has one colour in all of them.
fn curves<'a, C: Named + 'a>(
    section: &SetSection<'a>,
    title: &str,
    of: impl Fn(&'a SetResult) -> &'a Vec<C>,
    panel: fn(&str, Vec<Drawn>) -> Panel,
) -> Vec<Panel> {
    let title = |name: &str| match name {
        "" => format!("{title} of {}", section.title()),
        name => format!("{title} of {}, {name}", section.title()),
    };
    if let [(label, result)] = section.results[..] {
        let drawn = |(place, curve): (usize, &C)| {
            let name = if curve.name().is_empty() { label } else { curve.name() };
            Drawn { name: name.to_owned(), place, points: curve.points() }
        };
        let drawn: Vec<Drawn> = of(result).iter().enumerate().map(drawn).collect();
        return if drawn.is_empty() { Vec::new() } else { vec![panel(&title(""), drawn)] };
    }
    let mut named: IndexMap<&str, Vec<Drawn>> = IndexMap::new();
    for (place, (label, result)) in section.results.iter().enumerate() {
        for curve in of(result) {
            let drawn = Drawn { name: (*label).to_owned(), place, points: curve.points() };
            named.entry(curve.name()).or_default().push(drawn);
        }
    }
    named.into_iter().map(|(name, drawn)| panel(&title(name), drawn)).collect()
}

fn roc(title: &str, curves: Vec<Drawn>) -> Panel {
    let ticks = (-6..=0).map(|power| 10f64.powi(power)).collect();
    let range = Some((LEAST_FAR, 1.0));
    let label = "false accept rate".to_owned();
    Panel {
        title: title.to_owned(),
        x: Axis { label, scale: Scale::Log, range, ticks },
        y: rates("true accept rate (%)", &curves),
        series: lines(curves),
        marks: Vec::new(),
    }
}

fn cmc(title: &str, curves: Vec<Drawn>) -> Panel {
    let last = curves.iter().filter_map(|curve| curve.points.last()).map(|(rank, _)| *rank);
    let last = last.fold(2.0, f64::max);
    let scale = if last > MANY_RANKS as f64 { Scale::Log } else { Scale::Linear };
    let ticks: &[f64] = match scale {
        Scale::Log => &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e3, 1e4, 1e5, 1e6],
        Scale::Linear => &[1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0],
    };
    Panel {
        title: title.to_owned(),
        x: Axis {
            label: "rank".to_owned(),
            scale,
            range: Some((1.0, last)),
            ticks: ticks.iter().copied().filter(|tick| *tick <= last).collect(),
        },
        y: rates("probes with a mate up to it (%)", &curves),
        series: lines(curves),
        marks: Vec::new(),
    }
}

fn lines(curves: Vec<Drawn>) -> Vec<Series> {
    let line = |Drawn { name, place, points }: Drawn| Series {
        name,
        colour: COLOURS[place % COLOURS.len()],
        dashed: place / COLOURS.len() % 2 == 1,
        kind: Kind::Line,
        points,
    };
    curves.into_iter().map(line).collect()
}

/// Room between the least rate and the bottom of the axis, as a share of what is above that rate.
const BELOW: f64 = 0.25;

/// Where an axis of rates may begin, and between its ticks.
const BOTTOMS: [(f64, f64); 9] = [
    (99.0, 0.2),
    (98.0, 0.5),
    (95.0, 1.0),
    (90.0, 2.0),
    (80.0, 5.0),
    (60.0, 10.0),
    (40.0, 20.0),
    (20.0, 20.0),
    (0.0, 20.0),
];

/// An axis of rates up to 100 that begins at a round number below the least.
fn rates(label: &str, curves: &[Drawn]) -> Axis {
    let least = curves.iter().flat_map(|curve| &curve.points).map(|(_, rate)| *rate);
    let least = least.fold(100.0, f64::min);
    let wanted = least - BELOW * (100.0 - least);
    let fits = |axis: &&(f64, f64)| axis.0 <= wanted;
    let (low, step) = BOTTOMS.iter().find(fits).copied().unwrap_or((0.0, 20.0));
    let range = Some((low, 100.0));
    let count = ((100.0 - low) / step).round() as u32;
    let ticks = (0..=count).map(|i| low + f64::from(i) * step).collect();
    Axis { label: label.to_owned(), scale: Scale::Linear, range, ticks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roc_begins_at_the_least_rate_with_what_was_reached_below_it() {
        let points = vec![[0.0, 0.2], [1e-7, 0.4], [1e-3, 0.6], [1.0, 1.0]];
        let curve = RocCurve { name: String::new(), points };
        let expected = [(1e-6, 40.0), (1e-3, 40.0), (1e-3, 60.0), (1.0, 60.0), (1.0, 100.0)];
        assert_eq!(curve.points(), expected);
    }

    #[test]
    fn points_that_fall_together_are_one_and_the_last_is_kept() {
        let many = (0..1_000_000).map(|i| (f64::from(i), 50.0)).collect();
        let kept = thinned(many, |x| x / 1e6);
        assert!((1000..2000).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.last(), Some(&(999_999.0, 50.0)));
    }

    #[test]
    fn an_axis_of_rates_leaves_room_below_the_least() {
        let drawn = |rate| Drawn { name: String::new(), place: 0, points: vec![(1.0, rate)] };
        let low = |rate| rates("", &[drawn(rate)]).range.unwrap().0;
        assert_eq!(
            [100.0, 99.5, 97.0, 85.0, 30.0, 0.0].map(low),
            [99.0, 99.0, 95.0, 80.0, 0.0, 0.0]
        );
    }
}
