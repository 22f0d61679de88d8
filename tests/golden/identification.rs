//! Closed- and open-set identification as the reference's `DIR_FAR` and its two protocols give them.
//!
//! The reference's order of ties is the sort's; ours is the worst, which the manifest has as `worst_tie_order`
//! for closed sets.

use super::Topic;
use super::brackets::{self, Similarities};
use super::manifest::{Json, array, assert_near, entries, floats, integers, of_npy, text};
use super::nudge::{Nudge, nudge};
use qgface_data::metrics::{
    ClosedSet, Error, Rows, Scalar, closed_set, closed_set_of_scores, open_set_of_scores,
    thresholds_at,
};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "identification", cases, run };

/// Rates are means in `f32`; scores too.
const TOLERANCE: f64 = 1e-6;
/// Of our own definition of ties, which is computed in `f64`.
const EXACT: f64 = 1e-12;
/// Within which two scores may change places, of the product of the longest features: each is off by
/// the rounding of a sum of a few dozen products in `f32`.
const SLACK: f64 = 2e-6;

fn cases(manifest: &Json) -> usize {
    let protocols = &manifest["protocols"];
    entries(manifest, "dir_far").count()
        + entries(manifest, "thresholds").count()
        + entries(&protocols["tinyface"], "results").count()
        + entries(&protocols["scface"], "results").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    for (name, case) in entries(manifest, "dir_far") {
        let folder = folder.join("dir_far").join(name);
        match text(case, "score_dtype") {
            "float32" => dir_far::<f32>(name, &folder, case),
            _ => dir_far::<f64>(name, &folder, case),
        }
    }
    for (name, case) in entries(manifest, "thresholds") {
        let own = thresholds_at(&floats(&case["scores"]), &floats(&case["FARs"])).unwrap();
        assert_near(&own, &floats(&case["thresholds"]), TOLERANCE, name);
    }
    tinyface(folder, &manifest["protocols"]["tinyface"]);
    scface(folder, &manifest["protocols"]["scface"]);
    cases(manifest)
}

fn ranks(value: &Json) -> Vec<u64> {
    integers(value).into_iter().map(|rank| u64::try_from(rank).unwrap()).collect()
}

fn dir_far<T: Scalar + npyz::Deserialize>(name: &str, folder: &Path, case: &Json) {
    let (shape, scores) = of_npy::<T>(&folder.join("score.npy"));
    let (_, same) = of_npy::<bool>(&folder.join("label.npy"));
    let scores = Rows::new(&scores, shape[1]).unwrap();
    let (ranks, fars) = (ranks(&case["ranks"]), floats(&case["FARs_asked"]));
    for helper in ["tinyface_helper", "scface_helper"] {
        let expected = &case[helper];
        if fars == [1.0] {
            closed(name, folder, case, &closed_set_of_scores(scores, &same), &ranks, expected);
            continue;
        }
        let own = open_set_of_scores(scores, &same, &ranks, &fars);
        if expected.get("raises").is_some() {
            assert!(own.is_err(), "{name}: {helper} raises");
            continue;
        }
        let own = own.unwrap();
        let flat = |value: &Json| match value[0].is_array() {
            true => value.as_array().unwrap().iter().flat_map(floats).collect(),
            false => floats(value),
        };
        let [worst, best] = [true, false]
            .map(|ties_pass| found_and_accepted(scores, &same, &ranks, &own.thresholds, ties_pass));
        assert_near(&own.rates.concat(), &worst, EXACT, name);
        let rates: Vec<f64> = flat(&expected["DIRs"]);
        for ((worst, best), rate) in worst.iter().zip(&best).zip(rates) {
            assert!((worst - TOLERANCE..=best + TOLERANCE).contains(&rate), "{name}: {rate}");
        }
        assert_near(&own.fars, &floats(&expected["FARs"]), TOLERANCE, name);
        assert_near(&own.thresholds, &floats(&expected["thresholds"]), TOLERANCE, name);
    }
}

/// The rates by plain counting, where equal non-mates pass before the mate or stay behind it: what the
/// reference gives lies between, because the manifest has no bracket of open sets.
fn found_and_accepted<T: Scalar>(
    scores: Rows<'_, T>,
    same: &[bool],
    ranks: &[u64],
    thresholds: &[f64],
    ties_pass: bool,
) -> Vec<f64> {
    let mut mated = Vec::new();
    for (probe, same) in same.chunks(scores.width()).enumerate() {
        let Some(mate) = same.iter().position(|same| *same) else { continue };
        let score = scores.row(probe)[mate];
        let ahead = |at: &usize| {
            let other = scores.row(probe)[*at];
            !same[*at] && (other > score || ties_pass && other == score)
        };
        mated.push((score.to_f64(), (0..same.len()).filter(ahead).count() as u64));
    }
    let rate = |threshold: f64, rank: u64| {
        let found = |(score, ahead): &&(f64, u64)| *score >= threshold && *ahead < rank;
        mated.iter().filter(found).count() as f64 / mated.len() as f64
    };
    let rates = |&threshold: &f64| ranks.iter().map(move |&rank| (threshold, rank));
    thresholds.iter().flat_map(rates).map(|(threshold, rank)| rate(threshold, rank)).collect()
}

fn closed(
    name: &str,
    folder: &Path,
    case: &Json,
    own: &Result<ClosedSet, Error>,
    ranks: &[u64],
    expected: &Json,
) {
    let rates = floats(&expected["DIRs"]);
    if rates.iter().all(|rate| rate.is_nan()) {
        assert!(own.is_err(), "{name}: no probe has a mate");
        return;
    }
    let own = own.as_ref().unwrap();
    let matched: Vec<i64> = own.mated.iter().map(|probe| probe.probe as i64).collect();
    assert_eq!(matched, integers(&expected["matched_probes"]), "{name}");
    let own_rates: Vec<f64> = ranks.iter().map(|&rank| own.rate(rank)).collect();
    let bracket = |key: &str| floats(&case["tie_bracket"][key]);
    assert_near(&own_rates, &bracket("worst_tie_order"), EXACT, name);
    let sound = bracket("worst_tie_order").into_iter().zip(bracket("best_tie_order")).zip(&rates);
    for ((worst, best), rate) in sound {
        assert!((worst - TOLERANCE..=best + TOLERANCE).contains(rate), "{name}: {rate}");
    }
    if own.ties() == 0 {
        assert_near(&own_rates, &rates, TOLERANCE, name);
    }
    if folder.join("probe.npy").exists() {
        match text(case, "score_dtype") {
            "float32" => of_features::<f32>(name, folder, own),
            _ => of_features::<f64>(name, folder, own),
        }
    }
}

/// The same from features: the tiles, not the stored scores.
fn of_features<T: Scalar + Nudge + npyz::Deserialize>(
    name: &str,
    folder: &Path,
    expected: &ClosedSet,
) {
    let (shape, mut probes) = of_npy::<T>(&folder.join("probe.npy"));
    let (_, mut gallery) = of_npy::<T>(&folder.join("gallery.npy"));
    nudge(&mut probes, &format!("{name} probe"));
    nudge(&mut gallery, &format!("{name} gallery"));
    let (label_shape, same) = of_npy::<bool>(&folder.join("label.npy"));
    let (count, columns) = (label_shape[0], label_shape[1]);
    // Who is who follows from the labels: a gallery row is of the first probe it is a mate of.
    let first_probe = |column: usize| (0..count).find(|probe| same[probe * columns + column]);
    let gallery_ids: Vec<i64> =
        (0..columns).map(|column| first_probe(column).map_or(-1, |probe| probe as i64)).collect();
    let own_id = |probe: usize| {
        let mate = (0..columns).find(|column| same[probe * columns + column]);
        mate.map_or(-2 - probe as i64, |column| gallery_ids[column])
    };
    let probe_ids: Vec<i64> = (0..count).map(own_id).collect();
    let width = shape[1];
    let (probes, gallery) =
        (Rows::new(&probes, width).unwrap(), Rows::new(&gallery, width).unwrap());
    let own = closed_set(probes, &probe_ids, gallery, &gallery_ids).unwrap();
    let mates = |closed: &ClosedSet| -> Vec<_> {
        closed.mated.iter().map(|probe| (probe.probe, probe.mates)).collect()
    };
    assert_eq!(mates(&own), mates(expected), "{name}: from features");
    let oracle =
        Similarities { probes, gallery, same: &|probe, row| probe_ids[probe] == gallery_ids[row] };
    let slack = SLACK * longest(probes) * longest(gallery);
    for (own, expected) in own.mated.iter().zip(&expected.mated) {
        let allowed = oracle.ranks(own.probe, slack);
        for rank in [own.rank, expected.rank] {
            assert!(allowed.contains(&rank), "{name} probe {}: {rank}, {allowed:?}", own.probe);
        }
    }
    let scores = |closed: &ClosedSet| -> Vec<f64> {
        closed.mated.iter().map(|probe| probe.best_mate).collect()
    };
    assert_near(&scores(&own), &scores(expected), TOLERANCE, name);
}

/// Length of the longest row.
fn longest<T: Scalar>(rows: Rows<'_, T>) -> f64 {
    let square = |row: usize| rows.row(row).iter().map(|x| x.to_f64().powi(2)).sum::<f64>();
    (0..rows.len()).map(square).fold(0.0, f64::max).sqrt()
}

/// Holds rates at `at` of the rows `probes` against the rows `gallery` of one file of features, our
/// own and the oracle's, against what the order of near ties leaves open.
fn rates(
    file: &Path,
    (probes, probe_ids): (&[i64], &[i64]),
    (gallery, gallery_ids): (&[i64], &[i64]),
    at: &[u64],
    expected: &[f64],
) {
    let what = file.display().to_string();
    let (shape, mut features) = of_npy::<f32>(file);
    nudge(&mut features, file.file_name().unwrap().to_str().unwrap());
    let features = Rows::new(&features, shape[1]).unwrap();
    let pick = |rows: &[i64]| -> Vec<f32> {
        rows.iter().flat_map(|&row| features.row(row as usize)).copied().collect()
    };
    let (probes, gallery) = (pick(probes), pick(gallery));
    let [probes, gallery] = [&probes, &gallery].map(|data| Rows::new(data, shape[1]).unwrap());
    let own = closed_set(probes, probe_ids, gallery, gallery_ids).unwrap();
    let same = |probe: usize, row: usize| probe_ids[probe] == gallery_ids[row];
    let oracle = Similarities { probes, gallery, same: &same };
    let slack = SLACK * longest(probes) * longest(gallery);
    let allowed: Vec<_> = own.mated.iter().map(|probe| oracle.ranks(probe.probe, slack)).collect();
    assert_eq!(at.len(), expected.len(), "{what}");
    for (&rank, &expected) in at.iter().zip(expected) {
        let allowed = brackets::rate(&allowed, rank);
        for rate in [own.rate(rank), expected] {
            brackets::assert_within(rate, &allowed, &format!("{what} rank {rank}"));
        }
    }
}

fn tinyface(folder: &Path, protocol: &Json) {
    let numbers = |key: &str| integers(&protocol[key]);
    let (probes, probe_ids) = (numbers("indices_probe"), numbers("labels_probe"));
    let (gallery, gallery_ids) = (numbers("indices_gallery"), numbers("labels_gallery"));
    for (name, result) in entries(protocol, "results") {
        let file = folder.join("tinyface").join(format!("{name}.npy"));
        let at = ranks(&result["ranks"]);
        let expected = floats(&result["DIR"]);
        rates(&file, (&probes, &probe_ids), (&gallery, &gallery_ids), &at, &expected);
    }
}

fn scface(folder: &Path, protocol: &Json) {
    let (gallery, gallery_ids) =
        (integers(&protocol["indices_gallery"]), integers(&protocol["labels_gallery"]));
    for (name, result) in entries(protocol, "results") {
        let file = folder.join("scface").join(format!("{name}.npy"));
        let rank = result["rank"].as_u64().unwrap();
        let distances = array(protocol, "probe_distance_idx")
            .iter()
            .zip(array(protocol, "probe_distance_labels"));
        let expected = floats(&result["d1_d2_d3"]);
        assert_eq!(distances.len(), expected.len(), "scface {name}");
        for ((probes, ids), expected) in distances.zip(expected) {
            let (probes, ids) = (integers(probes), integers(ids));
            rates(&file, (&probes, &ids), (&gallery, &gallery_ids), &[rank], &[expected]);
        }
    }
}
