//! The figure of a pack's numbers: values of the channels, skin votes, images an identity, sizes.

use super::plot::{Axis, Colour, Figure, Kind, Mark, Panel, Scale, Series};
use crate::image::ChannelOrder;
use crate::pack::stats::{Histograms, PackStats, SkinVotes, Verdict};

/// Draws what [`PackStats`] counted, the pack it was compared with in broken lines.
pub fn figure(stats: &PackStats) -> Figure {
    let stored = stats.stored_channel_order;
    let declared = match stored {
        Some(order) => format!("{} stored", order.name()),
        None => "colours not declared, taken as a decoder returns them".to_owned(),
    };
    let against = stats.against.as_ref().map(|against| format!("broken lines: {}", against.pack));
    let counts = format!("{} images, {} labels", stats.images, stats.identities.identities);
    let subtitle = [Some(format!("{counts}, {declared}")), against].into_iter().flatten().collect();
    let panels = vec![channels(stats), skin(stats), identities(stats), sizes(stats)];
    Figure { title: stats.pack.clone(), subtitle, panels }
}

const CHANNELS: [(&str, Colour); 3] =
    [("red", Colour::Red), ("green", Colour::Green), ("blue", Colour::Blue)];

fn channels(stats: &PackStats) -> Panel {
    let stored = stats.stored_channel_order.unwrap_or(ChannelOrder::Rgb);
    let own = &stats.distributions.channels;
    let means = match stats.channels.order {
        ChannelOrder::Rgb => stats.channels.mean,
        ChannelOrder::Bgr => stats.channels_reversed.mean,
    };
    let mut series = shares(own, stored, false);
    for (series, mean) in series.iter_mut().zip(means) {
        series.name += &format!(", mean {mean:.1}");
    }
    if let Some((other, order)) = &stats.distributions.against {
        series.extend(shares(other, *order, true));
    }
    let mark = |((_, colour), mean): ((&str, Colour), f64)| Mark {
        at: mean,
        label: String::new(),
        colour,
        dashed: false,
    };
    Panel {
        title: "Values of the channels".to_owned(),
        x: axis("grey level", vec![0.0, 64.0, 128.0, 192.0, 255.0]),
        y: axis("share of the pixels (%)", Vec::new()),
        series,
        marks: CHANNELS.into_iter().zip(means).map(mark).collect(),
    }
}

/// The share of the pixels that have each value, in per cent.
fn shares(histograms: &Histograms, stored: ChannelOrder, dashed: bool) -> Vec<Series> {
    let all = histograms.pixels().max(1) as f64;
    let series = |((name, colour), counts): ((&str, Colour), &[u64; 256])| Series {
        name: if dashed { String::new() } else { name.to_owned() },
        colour,
        dashed,
        kind: Kind::Steps,
        points: counts
            .iter()
            .enumerate()
            .map(|(value, count)| (value as f64, 100.0 * *count as f64 / all))
            .collect(),
    };
    CHANNELS.into_iter().zip(histograms.of(ChannelOrder::Rgb, stored)).map(series).collect()
}

/// Grey levels joined to one bar of the skin votes.
const LEVELS_A_BAR: i64 = 5;

fn skin(stats: &PackStats) -> Panel {
    let verdict = match stats.skin.verdict {
        Verdict::AsDeclared => "as declared",
        Verdict::Swapped => "probably swapped",
        Verdict::Unknown => "not to be told",
    };
    Panel {
        title: format!("Skin tones: red and blue {verdict}"),
        x: axis("mean red − mean blue in the middle of a picture", Vec::new()),
        y: axis("pictures", Vec::new()),
        series: vec![bars(Colour::Amber, skin_bars(&stats.distributions.skin))],
        marks: vec![Mark { at: 0.0, label: String::new(), colour: Colour::Ink, dashed: true }],
    }
}

/// The votes in bars of [`LEVELS_A_BAR`], from the first to the last that is not empty.
fn skin_bars(votes: &SkinVotes) -> Vec<(f64, f64)> {
    let mut bars = std::collections::BTreeMap::new();
    for (difference, count) in votes.differences().filter(|(_, count)| *count > 0) {
        *bars.entry(difference.div_euclid(LEVELS_A_BAR)).or_insert(0) += count;
    }
    let middle = |bar: i64| (bar * LEVELS_A_BAR) as f64 + (LEVELS_A_BAR - 1) as f64 / 2.0;
    let (Some(first), Some(last)) = (bars.keys().next(), bars.keys().next_back()) else {
        return Vec::new();
    };
    (*first..=*last)
        .map(|bar| (middle(bar), bars.get(&bar).copied().unwrap_or(0u64) as f64))
        .collect()
}

fn identities(stats: &PackStats) -> Panel {
    let labels = ["images", "identities"];
    counts("Images of an identity", labels, Colour::Violet, &stats.identities.histogram)
}

fn sizes(stats: &PackStats) -> Panel {
    let edges = stats.distributions.longer_edges.iter();
    let edges: Vec<(u64, u64)> = edges.map(|(edge, count)| (u64::from(*edge), *count)).collect();
    counts("Size of the pictures", ["longer edge in pixels", "pictures"], Colour::Grey, &edges)
}

/// Ratios from which an axis is drawn in equal ratios, every number a bin of its own.
const WIDE: f64 = 50.0;

fn is_wide(points: &[(u64, u64)]) -> bool {
    match (points.first(), points.last()) {
        (Some(&(first, _)), Some(&(last, _))) => first > 0 && last as f64 / first as f64 > WIDE,
        _ => false,
    }
}

/// Bins of a plot at most, and at least, so that a single one does not fill it.
const MOST_BINS: u64 = 60;
const LEAST_BINS: u64 = 7;

/// Counts of whole numbers as a panel: bins of one width without a gap, or on a wide range a log axis.
fn counts(title: &str, [what, of]: [&str; 2], colour: Colour, points: &[(u64, u64)]) -> Panel {
    let ((points, step), scale) = match is_wide(points) {
        true => ((points.iter().map(|&(x, y)| (x as f64, y as f64)).collect(), 1), Scale::Log),
        false => (binned(points), Scale::Linear),
    };
    let bins = if step > 1 { format!(", {step} a bar") } else { String::new() };
    Panel {
        title: title.to_owned(),
        x: Axis { scale, ..axis(&format!("{what}{bins}"), Vec::new()) },
        y: axis(of, Vec::new()),
        series: vec![bars(colour, points)],
        marks: Vec::new(),
    }
}

/// The counts in bins of 1, 2, 5, 10, … whole numbers, and that width; a bin stands at its middle.
fn binned(points: &[(u64, u64)]) -> (Vec<(f64, f64)>, u64) {
    let (Some(&(first, _)), Some(&(last, _))) = (points.first(), points.last()) else {
        return (Vec::new(), 1);
    };
    let widths = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10u64.pow(power)));
    let step = widths.take(40).find(|width| (last - first) / width < MOST_BINS).unwrap_or(1);
    let (mut low, mut high) = (first / step, last / step);
    while high - low + 1 < LEAST_BINS {
        low = low.saturating_sub(1);
        high += 1;
    }
    let mut heights = vec![0; (high - low + 1) as usize];
    points.iter().for_each(|(x, count)| heights[(x / step - low) as usize] += count);
    let middle = |bin: u64| (bin * step) as f64 + (step - 1) as f64 / 2.0;
    ((low..).zip(heights).map(|(bin, count)| (middle(bin), count as f64)).collect(), step)
}

fn bars(colour: Colour, points: Vec<(f64, f64)>) -> Series {
    Series { name: String::new(), colour, dashed: false, kind: Kind::Bars, points }
}

fn axis(label: &str, ticks: Vec<f64>) -> Axis {
    Axis { label: label.to_owned(), ticks, ..Axis::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_bins_is_filled() {
        let (bins, step) = binned(&[(2, 5), (9, 1)]);
        assert_eq!(
            (bins.len(), bins[0], bins[1], bins[7]),
            (8, (2.0, 5.0), (3.0, 0.0), (9.0, 1.0))
        );
        assert_eq!(step, 1);
    }

    #[test]
    fn a_single_bin_stands_between_empty_ones_and_none_lies_below_zero() {
        let (bins, _) = binned(&[(20, 200)]);
        assert_eq!((bins.len(), bins[0], bins[3]), (7, (17.0, 0.0), (20.0, 200.0)));
        assert_eq!(binned(&[(1, 9)]).0[0], (0.0, 0.0));
        assert_eq!(binned(&[]).0, []);
    }

    #[test]
    fn many_numbers_share_bins_of_round_width() {
        let counts: Vec<(u64, u64)> = (40..330).map(|edge| (edge, 2)).collect();
        let (bins, step) = binned(&counts);
        assert_eq!((step, bins.len(), bins[0]), (5, 58, (42.0, 10.0)));
    }

    #[test]
    fn counts_that_span_many_ratios_have_a_log_axis() {
        assert!(is_wide(&[(1, 9), (900, 1)]));
        assert!(!is_wide(&[(20, 9), (30, 1)]));
    }
}
