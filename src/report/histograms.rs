//! The distributions of a set, scores and norms: those of several rows over each other.

use super::curves::COLOURS;
use super::plot::{Axis, Colour, Kind, Panel, Series};
use super::sections::SetSection;
use crate::eval::results::Histogram;

/// Bins of a histogram at most; of more, neighbours are joined.
const MOST_BINS: usize = 120;

type Points = Vec<(f64, f64)>;

/// The panels of the distributions that a set's results have.
pub(super) fn panels(section: &SetSection<'_>) -> Vec<Panel> {
    let mut panels = scores(section);
    panels.extend(norms(section));
    panels
}

/// A panel for each kind of score: genuine ones in full lines, impostors' in broken ones if several
/// rows are over each other.
fn scores(section: &SetSection<'_>) -> Vec<Panel> {
    let with: Vec<_> = section
        .results
        .iter()
        .enumerate()
        .filter_map(|(row, (label, result))| Some((row, label, result.curves.scores.as_ref()?)))
        .collect();
    let alone = section.results.len() == 1;
    let kinds: indexmap::IndexSet<(&str, &str)> =
        with.iter().map(|(_, _, scores)| (scores.score.as_str(), scores.of.as_str())).collect();
    let panel = |(score, of): (&str, &str)| {
        let own = with.iter().filter(|(_, _, own)| own.score == score && own.of == of);
        let mut outlines = Vec::new();
        for (row, label, scores) in own {
            let name = |kind: &str| match alone {
                true => kind.to_owned(),
                false => format!("{label}, {kind}"),
            };
            let colour = COLOURS[row % COLOURS.len()];
            let (other, dashed) = if alone { (Colour::Red, false) } else { (colour, true) };
            outlines.push(Outline::new(name("genuine"), colour, &scores.genuine));
            let impostor = Outline::new(name("impostor"), other, &scores.impostor);
            outlines.push(Outline { dashed, ..impostor });
        }
        let x = if of.is_empty() { score.to_owned() } else { format!("{score}: {of}") };
        histograms(format!("Scores of {}", section.title()), &x, "scores", &outlines)
    };
    kinds.into_iter().map(panel).collect()
}

fn norms(section: &SetSection<'_>) -> Option<Panel> {
    let outlines: Vec<Outline<'_>> = section
        .results
        .iter()
        .enumerate()
        .filter_map(|(row, (label, result))| {
            let colour = COLOURS[row % COLOURS.len()];
            Some(Outline::new((*label).to_owned(), colour, result.curves.norms.as_ref()?))
        })
        .collect();
    let title = format!("Norms of the features of {}", section.title());
    (!outlines.is_empty()).then(|| histograms(title, "norm", "features", &outlines))
}

/// A histogram that is drawn as its outline.
struct Outline<'a> {
    name: String,
    colour: Colour,
    dashed: bool,
    bins: &'a Histogram,
}

impl<'a> Outline<'a> {
    fn new(name: String, colour: Colour, bins: &'a Histogram) -> Outline<'a> {
        Outline { name, colour, dashed: false, bins }
    }

    fn width(&self) -> f64 {
        (self.bins.high - self.bins.low) / self.bins.counts.len() as f64
    }
}

/// Outlines as shares of their sums: in a bin where all have the same bins, else in a unit of the axis.
fn histograms(title: String, x: &str, of: &str, outlines: &[Outline<'_>]) -> Panel {
    let bins = |outline: &Outline<'_>| {
        let Histogram { low, high, counts } = outline.bins;
        (low.to_bits(), high.to_bits(), counts.len())
    };
    let same = outlines.windows(2).all(|pair| bins(&pair[0]) == bins(&pair[1]));
    let joined = if same { joined(outlines) } else { 1 };
    let series = outlines.iter().map(|outline| Series {
        name: outline.name.clone(),
        colour: outline.colour,
        dashed: outline.dashed,
        kind: Kind::Steps,
        points: match same {
            true => shares(outline, joined, 100.0),
            false => {
                let alone = self::joined(std::slice::from_ref(outline));
                shares(outline, alone, 100.0 / (outline.width() * alone as f64))
            }
        },
    });
    let per = if same { "in a bin" } else { "per unit" };
    let y = Axis { label: format!("share of the {of} {per} (%)"), ..Axis::default() };
    Panel {
        title,
        x: Axis { label: x.to_owned(), ..Axis::default() },
        series: series.collect(),
        y,
        marks: Vec::new(),
    }
}

/// How many neighbouring bins become one, so that what is not empty has [`MOST_BINS`] at most.
fn joined(outlines: &[Outline<'_>]) -> usize {
    let full = outlines.iter().filter_map(|outline| {
        let counts = &outline.bins.counts;
        let first = counts.iter().position(|count| *count > 0)?;
        Some((first, counts.iter().rposition(|count| *count > 0)?))
    });
    let (first, last) = full.fold((usize::MAX, 0), |(a, b), (c, d)| (a.min(c), b.max(d)));
    (last.saturating_sub(first) + 1).div_ceil(MOST_BINS)
}

/// Middle and height of each bin from the one before the first that is not empty to the one after the
/// last; a height is the bin's share of all times `whole`.
fn shares(outline: &Outline<'_>, joined: usize, whole: f64) -> Points {
    let all: f64 = outline.bins.counts.iter().map(|count| *count as f64).sum();
    let heights: Vec<f64> = outline
        .bins
        .counts
        .chunks(joined)
        .map(|bins| bins.iter().map(|count| *count as f64).sum::<f64>())
        .collect();
    let full = |height: &f64| *height > 0.0;
    let (Some(first), Some(last)) = (heights.iter().position(full), heights.iter().rposition(full))
    else {
        return Vec::new();
    };
    let width = outline.width() * joined as f64;
    let middle = |bin: usize| outline.bins.low + (bin as f64 + 0.5) * width;
    let last = (last + 1).min(heights.len() - 1);
    (first.saturating_sub(1)..=last).map(|bin| (middle(bin), whole * heights[bin] / all)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_histogram_add_up_to_a_hundred() {
        let bins = Histogram { low: -1.0, high: 1.0, counts: vec![0, 0, 1, 3, 0, 0, 0, 0] };
        let outline = Outline::new(String::new(), Colour::Red, &bins);
        let expected = [(-0.625, 0.0), (-0.375, 25.0), (-0.125, 75.0), (0.125, 0.0)];
        assert_eq!(shares(&outline, 1, 100.0), expected);
        let empty = Histogram { counts: vec![0; 8], ..bins.clone() };
        assert_eq!(shares(&Outline::new(String::new(), Colour::Red, &empty), 1, 100.0), []);
    }
}
