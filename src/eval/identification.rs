//! Closed-set identification: TinyFace, SCface, and one's own packs by their labels.

use super::curves::{CMC_RANKS, histograms};
use super::error::Error;
use super::features::Features;
use super::lengths::Lengths;
use super::results::CmcCurve;
use super::score::Scored;
use super::subject::Subject;
use super::warning::WarningKind;
use crate::metrics::table::{DISTANCE, MEAN_AVERAGE_PRECISION, RANK, TIES};
use crate::metrics::{ClosedSet, Rows, closed_set};
use crate::protocol::{Identification, Members};
use std::borrow::Cow;
use std::collections::HashSet;

/// Searches every group of probes in the gallery. Groups of a distance give their rank 1 at it.
pub(super) fn score(
    subject: Subject,
    parts: &Identification,
    features: &Features,
) -> Result<Scored, Error> {
    let mut scored = Scored::default();
    if features.lengths != Lengths::Unit && !features.files.is_empty() {
        let told = "the features are no unit vectors; a score is their inner product as they are";
        scored.warn(WarningKind::NotUnit, told);
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
        let refused = |source| Error::Metrics { subject, source };
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
        let name =
            group.distance.map_or_else(String::new, |distance| DISTANCE.at(distance).to_string());
        scored.curves.cmc.push(CmcCurve { name, rates: found.cmc(CMC_RANKS) });
        by_group.push((group.distance, found));
    }
    scored.count("probes", probes);
    scored.count("probes_without_mate", unmated);
    if unmated > 0 {
        let what = "probes have no image of their identity in the gallery and are left out";
        scored.warn(WarningKind::LeftOut, format!("{unmated} {what}"));
    }
    if parts.left_out > 0 {
        scored.count("images_left_out", parts.left_out as usize);
    }
    for (distance, found) in by_group {
        add_rates(&mut scored, distance, &found);
    }
    scored.metric(TIES.metric(), ties as f64);
    if !impostor.is_empty() {
        let of = "of each probe its best mate and its best non-mate";
        scored.curves.scores = Some(histograms("inner product", of, &genuine, &impostor));
    }
    Ok(scored)
}

fn add_rates(scored: &mut Scored, distance: Option<u32>, found: &ClosedSet) {
    if let Some(distance) = distance {
        return scored.metric(DISTANCE.at(distance), found.rate(1));
    }
    for rank in RANK.measured() {
        scored.metric(rank, found.rate(rank.number().into()));
    }
    scored.metric(MEAN_AVERAGE_PRECISION.metric(), found.mean_average_precision());
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
