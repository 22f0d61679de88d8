//! Closed-set identification: TinyFace, SCface, and one's own packs by their labels.

use super::Error;
use super::curves::{CMC_RANKS, histograms};
use super::features::Features;
use super::lengths::Lengths;
use super::results::CmcCurve;
use super::score::Scored;
use crate::metrics::{ClosedSet, Rows, closed_set};
use crate::protocol::{Identification, Members};
use std::borrow::Cow;
use std::collections::HashSet;

/// Numbers of a set whose probes are one group, and the ranks they are rates at.
const RANKS: [(&str, u64); 3] = [("rank_1", 1), ("rank_5", 5), ("rank_20", 20)];

/// Searches every group of probes in the gallery. Groups with a name give their rank 1 under it.
pub(super) fn score(
    set: &str,
    parts: &Identification,
    features: &Features,
) -> Result<Scored, Error> {
    let mut scored = Scored::default();
    if features.lengths != Lengths::Unit && !features.files.is_empty() {
        let told = "the features are no unit vectors; a score is their inner product as they are";
        scored.warnings.push(told.to_owned());
    }
    let gallery = rows(features, &parts.gallery);
    let distractors = parts.gallery.identities.iter().filter(|identity| **identity < 0).count();
    let identities: HashSet<i64> =
        parts.gallery.identities.iter().copied().filter(|identity| *identity >= 0).collect();
    scored.count("gallery", parts.gallery.len() - distractors);
    scored.count("distractors", distractors);
    scored.count("identities", identities.len());
    let (mut genuine, mut impostor) = (Vec::new(), Vec::new());
    let (mut ties, mut unmated, mut probes) = (0, 0, 0);
    let mut by_group = Vec::new();
    for group in &parts.probes {
        let refused = |source| Error::Metrics { set: set.to_owned(), source };
        let own = rows(features, &group.members);
        let found = closed_set(
            Rows::new(&own, features.rows.width).map_err(refused)?,
            &group.members.identities,
            Rows::new(&gallery, features.rows.width).map_err(refused)?,
            &parts.gallery.identities,
        )
        .map_err(refused)?;
        genuine.extend(found.mated.iter().map(|probe| probe.best_mate));
        impostor.extend(found.mated.iter().filter_map(|probe| probe.best_other));
        ties += found.ties();
        probes += group.members.len();
        unmated += group.members.len() - found.mated.len();
        scored
            .curves
            .cmc
            .push(CmcCurve { name: group.name.to_owned(), rates: found.cmc(CMC_RANKS) });
        by_group.push((group.name, found));
    }
    scored.count("probes", probes);
    scored.count("probes_without_mate", unmated);
    if unmated > 0 {
        let what = "probes have no image of their identity in the gallery and are left out";
        scored.warnings.push(format!("{unmated} {what}"));
    }
    if parts.left_out > 0 {
        scored.count("images_left_out", parts.left_out as usize);
    }
    for (name, found) in by_group {
        tell(&mut scored, name, &found);
    }
    scored.metric("ties", ties as f64);
    if !impostor.is_empty() {
        let of = "of each probe its best mate and its best non-mate";
        scored.curves.scores = Some(histograms("inner product", of, &genuine, &impostor));
    }
    Ok(scored)
}

fn tell(scored: &mut Scored, name: &str, found: &ClosedSet) {
    if !name.is_empty() {
        return scored.metric(name, found.rate(1));
    }
    for (metric, rank) in RANKS {
        scored.metric(metric, found.rate(rank));
    }
    scored.metric("map", found.mean_average_precision());
}

/// The rows of some images: those of the features themselves where they lie together.
fn rows<'a>(features: &'a Features, members: &Members) -> Cow<'a, [f32]> {
    let width = features.rows.width;
    let consecutive = members.positions.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match (members.positions.first(), consecutive) {
        (Some(first), true) => {
            let range = first * width..(first + members.len()) * width;
            Cow::Borrowed(&features.rows.values()[range])
        }
        _ => members.positions.iter().flat_map(|at| features.rows.row(*at)).copied().collect(),
    }
}
