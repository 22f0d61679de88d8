//! Pairs of images: ten folds of LFW and its kin, CR-LFW, and TAR at FAR over one's own pairs.

use super::Error;
use super::curves::{histograms, roc_curve};
use super::features::Features;
use super::lengths::Lengths;
use super::results::Curves;
use super::score::Scored;
use super::settings::Protocol;
use crate::fs::io_error;
use crate::metrics::{KFold, Reading, Roc, Rows, by_verdict, k_fold, squared_distances};
use crate::protocol::Pairs;
use std::path::Path;

/// Folds of every verification set (LFW's protocol).
pub(super) const FOLDS: usize = 10;

/// Pairs whose features are put side by side at a time.
const PAIRS_AT_A_TIME: usize = 4096;

/// Reads a file of `position position 0|1`, one pair a line.
///
/// # Errors
/// A file that cannot be read, and [`Error::BadPair`] for a line that names no two of `images` images.
pub fn read(path: &Path, images: usize) -> Result<Pairs, Error> {
    let text = std::fs::read_to_string(path).map_err(io_error("read", path))?;
    let mut pairs = Pairs::default();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (positions, same) = parse(line, images).ok_or_else(|| Error::BadPair {
            path: path.to_path_buf(),
            line: at as u64 + 1,
            expected: format!("two positions below {images} and 0 or 1, separated by blanks"),
            found: line.to_owned(),
        })?;
        pairs.positions.push(positions);
        pairs.same.push(same);
    }
    Ok(pairs)
}

fn parse(line: &str, images: usize) -> Option<([usize; 2], bool)> {
    let mut words = line.split_ascii_whitespace();
    let mut position = || words.next()?.parse().ok().filter(|position| *position < images);
    let positions = [position()?, position()?];
    let same = match words.next()? {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    words.next().is_none().then_some((positions, same))
}

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
pub(super) fn score(set: &str, pairs: &Pairs, features: &Features) -> Result<Scored, Error> {
    let refused = |source| Error::Metrics { set: set.to_owned(), source };
    let row = |at: usize| unit_row(features, at);
    let distances = distances(pairs, row, row, features.rows.width).map_err(refused)?;
    let folds = k_fold(&distances, &pairs.same, FOLDS).map_err(refused)?;
    let mut scored = Scored::default();
    scored.count("pairs", pairs.same.len());
    scored.count("genuine_pairs", pairs.same.iter().filter(|same| **same).count());
    scored.metric("accuracy", folds.accuracy);
    scored.metric("std", folds.std);
    scored.metric("threshold", folds.threshold);
    let (roc, curves) = curves(&distances, &pairs.same).map_err(refused)?;
    if roc.is_none() {
        let told =
            "all pairs are of one kind, genuine or impostor, so there is no curve and no TAR";
        scored.warnings.push(told.to_owned());
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
    fars: &[(&str, f64)],
) -> Result<Scored, Error> {
    let mut scored = score("verification", pairs, features)?;
    if let Some(roc) = scored.roc.take() {
        for (name, far) in fars {
            scored.metric(name, roc.tar_at(*far, reading(protocol)));
        }
    }
    Ok(scored)
}

/// Accuracies with the first picture of each pair reduced, by size.
pub(super) fn score_reduced(
    pairs: &Pairs,
    features: &Features,
    reduced: &[(u32, Features)],
) -> Result<Scored, Error> {
    let refused = |source| Error::Metrics { set: "crlfw".to_owned(), source };
    let mut scored = Scored::default();
    scored.count("pairs", pairs.same.len());
    for (px, firsts) in reduced {
        // Firsts are every second image, in order.
        let first = |at: usize| unit_row(firsts, at / 2);
        let second = |at: usize| unit_row(features, at);
        let distances = distances(pairs, first, second, features.rows.width).map_err(refused)?;
        let KFold { accuracy, .. } = k_fold(&distances, &pairs.same, FOLDS).map_err(refused)?;
        scored.metric(&format!("{px}x{px}"), accuracy);
        let (_, curves) = curves(&distances, &pairs.same).map_err(refused)?;
        for mut curve in curves.roc {
            curve.name = format!("{px}x{px}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_positions_and_a_verdict() {
        assert_eq!(parse("3 7 1", 8), Some(([3, 7], true)));
        assert_eq!(parse(" 0\t1  0 ", 2), Some(([0, 1], false)));
        for line in ["3 8 1", "3 7", "3 7 2", "3 7 1 1", "a 7 1", "-1 7 1"] {
            assert_eq!(parse(line, 8), None, "{line}");
        }
    }
}
