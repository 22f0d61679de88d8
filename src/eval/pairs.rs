//! Pairs of images: ten folds of LFW and its kin, CR-LFW, and TAR at FAR over one's own pairs.

use super::curves::{histograms, roc_curve};
use super::error::Error;
use super::features::Features;
use super::lengths::Lengths;
use super::results::Curves;
use super::score::Scored;
use super::settings::Protocol;
use super::subject::Subject;
use super::warning::WarningKind;
use crate::metrics::table::{ACCURACY, DEVIATION, REDUCED, TAR, THRESHOLD};
use crate::metrics::{KFold, Reading, Roc, Rows, by_verdict, k_fold, squared_distances};
use crate::protocol::Pairs;

/// Folds of every verification set (LFW's protocol).
pub(super) const FOLDS: usize = 10;

/// Pairs whose features are put side by side at a time.
const PAIRS_AT_A_TIME: usize = 4096;

/// Squared distances of unit features; the rows of a pair in either of two matrices.
fn distances(
    pairs: &Pairs,
    first: impl Fn(usize) -> Vec<f32>,
    second: impl Fn(usize) -> Vec<f32>,
    width: usize,
) -> Result<Vec<f64>, crate::metrics::Error> {
    let mut distances = Vec::with_capacity(pairs.positions.len());
    for chunk in pairs.positions.chunks(PAIRS_AT_A_TIME) {
        let rows: Vec<f32> =
            chunk.iter().flat_map(|[a, b]| [first(*a), second(*b)]).flatten().collect();
        distances.extend(squared_distances(Rows::new(&rows, width)?)?);
    }
    Ok(distances)
}

/// A row brought to length 1.
fn unit_row(features: &Features, at: usize) -> Vec<f32> {
    let row = features.rows.row(at);
    match &features.lengths {
        Lengths::Unit => row.to_vec(),
        Lengths::Of(lengths) => row.iter().map(|value| value / lengths[at]).collect(),
    }
}

/// Ten folds over pairs, and the curves.
pub(super) fn score(subject: Subject, pairs: &Pairs, features: &Features) -> Result<Scored, Error> {
    let refused = |source| Error::Metrics { subject, source };
    let row = |at: usize| unit_row(features, at);
    let distances = distances(pairs, row, row, features.rows.width).map_err(refused)?;
    let folds = k_fold(&distances, &pairs.same, FOLDS).map_err(refused)?;
    let mut scored = Scored::default();
    scored.count("pairs", pairs.same.len());
    scored.count("genuine_pairs", pairs.same.iter().filter(|same| **same).count());
    scored.metric(ACCURACY.metric(), folds.accuracy);
    scored.metric(DEVIATION.metric(), folds.std);
    scored.metric(THRESHOLD.metric(), folds.threshold);
    let (roc, curves) = curves(&distances, &pairs.same).map_err(refused)?;
    if roc.is_none() {
        let told =
            "all pairs are of one kind, genuine or impostor, so there is no curve and no TAR";
        scored.warn(WarningKind::LeftOut, told);
    }
    scored.curves = curves;
    scored.roc = roc;
    Ok(scored)
}

/// Ten folds, and TAR at every FAR, over pairs of one's own.
pub(super) fn score_own(
    pairs: &Pairs,
    features: &Features,
    protocol: &Protocol,
) -> Result<Scored, Error> {
    let mut scored = score(Subject::OwnPairs, pairs, features)?;
    if let Some(roc) = scored.roc.take() {
        for tar in TAR.measured() {
            scored.metric(tar, roc.tar_at(tar.rate(), reading(protocol)));
        }
    }
    Ok(scored)
}

/// Accuracies with the first picture of each pair reduced, by size.
pub(super) fn score_reduced(
    subject: Subject,
    pairs: &Pairs,
    features: &Features,
    reduced: &[(u32, Features)],
) -> Result<Scored, Error> {
    let refused = |source| Error::Metrics { subject, source };
    let mut scored = Scored::default();
    scored.count("pairs", pairs.same.len());
    for (px, firsts) in reduced {
        // Firsts are every second image, in order.
        let first = |at: usize| unit_row(firsts, at / 2);
        let second = |at: usize| unit_row(features, at);
        let distances = distances(pairs, first, second, features.rows.width).map_err(refused)?;
        let KFold { accuracy, .. } = k_fold(&distances, &pairs.same, FOLDS).map_err(refused)?;
        let metric = REDUCED.at(*px);
        scored.metric(metric, accuracy);
        let (_, curves) = curves(&distances, &pairs.same).map_err(refused)?;
        for mut curve in curves.roc {
            curve.name = metric.to_string();
            scored.curves.roc.push(curve);
        }
    }
    Ok(scored)
}

/// How a ROC is read.
pub(super) fn reading(protocol: &Protocol) -> Reading {
    if protocol.flipud { Reading::Flipped } else { Reading::First }
}

/// The ROC and the histograms of cosines: of unit vectors, 1 − distance² / 2. Without genuine or without
/// impostor pairs there is no ROC.
fn curves(
    distances: &[f64],
    same: &[bool],
) -> Result<(Option<Roc>, Curves), crate::metrics::Error> {
    let cosines: Vec<f64> = distances.iter().map(|distance| 1.0 - distance / 2.0).collect();
    let (genuine, impostor) = by_verdict(&cosines, same);
    if genuine.is_empty() || impostor.is_empty() {
        return Ok((None, Curves::default()));
    }
    let scores = Some(histograms("cosine", "all pairs", &genuine, &impostor));
    let roc = Roc::from_scores(genuine, impostor)?;
    let curves = Curves { roc: vec![roc_curve("", &roc)], scores, ..Curves::default() };
    Ok((Some(roc), curves))
}
