//! IJB's templates, pair scores, ROC and merged 1:N search as insightface's helpers and scikit-learn give
//! them.

use super::Topic;
use super::brackets::{self, Similarities};
use super::manifest::{Json, array, assert_near, entries, floats, integers, number, of_npy, text};
use super::nudge::nudge;
use qgface_data::datasets::ijb_meta::{
    TemplateRows, TemplateSubject, face_tid_mid, template_pair_label, template_subjects,
};
use qgface_data::metrics::search::{Subjects, merged};
use qgface_data::metrics::{Faces, Reading, Roc, RocPoint, Rows, Scalar, Templates, pair_scores};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "ijb", cases, run };

/// Of features and scores, absolute, by precision of the faces.
const F32: f64 = 1e-6;
const F64: f64 = 1e-12;
/// Of rates: both are a quotient of the same counts.
const RATE: f64 = 1e-12;
/// Two scores, each within the tolerance of the oracle's, may have changed places if they were
/// within this many tolerances of each other.
const APART: f64 = 2.0;

fn cases(manifest: &Json) -> usize {
    entries(manifest, "verification").count()
        + entries(manifest, "identification").count()
        + entries(manifest, "gen_mask_errors").count()
        + 1
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let (shape, features) = of_npy::<f32>(&folder.join("features.npy"));
    let (_, mut norms) = of_npy::<f32>(&folder.join("norms.npy"));
    let narrow = |mut features: Vec<f32>| {
        nudge(&mut features, "ijb features");
        features
    };
    nudge(&mut norms, "ijb norms");
    assert_eq!(shape[0] as u64, number(manifest, "faces"));
    let mut ran = 0;
    for (name, case) in entries(manifest, "verification") {
        let (templates, tolerance) = match name {
            "unit_f32" => (templates(folder, &narrow(features.clone()), shape[1], None), F32),
            "norm_weighted_f32" => {
                (templates(folder, &narrow(features.clone()), shape[1], Some(&norms)), F32)
            }
            "unit_f64" => {
                let mut wide: Vec<f64> = features.iter().map(|x| f64::from(*x)).collect();
                nudge(&mut wide, "ijb features");
                (templates(folder, &wide, shape[1], None), F64)
            }
            "tied_f32" => {
                let coarse = features.iter().map(|x| (x * 8.0).round_ties_even() / 8.0);
                (templates(folder, &narrow(coarse.collect()), shape[1], None), F32)
            }
            other => panic!("no variant {other}"),
        };
        assert_eq!(templates.ids().len() as u64, number(manifest, "templates"), "{name}");
        verification(name, folder, case, &templates, tolerance);
        identification(name, folder, &manifest["identification"][name], &templates, tolerance);
        ran += 2;
    }
    for (name, case) in entries(manifest, "gen_mask_errors") {
        mask_error(name, case);
        ran += 1;
    }
    reading(&manifest["get_tpr_fpr_ties"]);
    ran + 1
}

fn templates<T: Scalar>(
    folder: &Path,
    features: &[T],
    width: usize,
    weights: Option<&[f32]>,
) -> Templates {
    let text = std::fs::read(folder.join("IJBB/meta/ijbb_face_tid_mid.txt")).unwrap();
    let labels = face_tid_mid(&text).unwrap();
    let features = Rows::new(features, width).unwrap();
    let faces = Faces { features, templates: &labels.templates, media: &labels.media, weights };
    Templates::from_faces(&faces).unwrap()
}

fn verification(name: &str, folder: &Path, case: &Json, templates: &Templates, tolerance: f64) {
    let stored = folder.join(name);
    let (_, ids) = of_npy::<i64>(&stored.join("unique_templates.npy"));
    assert!(ids.iter().map(|id| *id as u64).eq(templates.ids().iter().copied()), "{name}");
    let all_rows: Vec<u32> = (0..ids.len() as u32).collect();
    let numbers = |file: &str| of_npy::<f64>(&stored.join(file)).1;
    let own = templates.select(&all_rows);
    assert_near(&own, &numbers("template_features.npy"), tolerance, &format!("{name} template"));

    let text = std::fs::read(folder.join("IJBB/meta/ijbb_template_pair_label.txt")).unwrap();
    let pairs = template_pair_label(&text).unwrap();
    let rows = TemplateRows::new(templates.ids()).of_pairs(pairs.templates).unwrap();
    let scores = pair_scores(templates, &rows).unwrap();
    assert_near(&scores, &numbers("score.npy"), tolerance, &format!("{name} score"));

    let oracle = numbers("score.npy");
    curve(name, &stored, case, &Roc::of_pairs(oracle.clone(), &pairs.same).unwrap());
    let own = Roc::of_pairs(scores, &pairs.same).unwrap();
    within_ties(name, &own, &oracle, &pairs.same, APART * tolerance);
}

/// The curve of the oracle's own scores is the oracle's, point for point, and so is what is read.
fn curve(name: &str, stored: &Path, case: &Json, roc: &Roc) {
    assert_eq!(roc.points().len() as u64, number(case, "roc_points"), "{name}");
    let numbers = |file: &str| of_npy::<f64>(&stored.join(file)).1;
    let column =
        |value: &dyn Fn(&RocPoint) -> f64| -> Vec<f64> { roc.points().iter().map(value).collect() };
    let what = |what: &str| format!("{name} {what}");
    assert_near(&column(&|at| roc.far(at)), &numbers("roc_fpr.npy"), RATE, &what("fpr"));
    assert_near(&column(&|at| roc.tar(at)), &numbers("roc_tpr.npy"), RATE, &what("tpr"));
    assert_near(
        &column(&|at| at.threshold),
        &numbers("roc_thresholds.npy"),
        0.0,
        &what("threshold"),
    );
    for (key, reading) in
        [("tpr_percent_at_fpr", Reading::First), ("tpr_percent_at_fpr_flipped", Reading::Flipped)]
    {
        let fars = floats(&case["x_labels"]);
        let own: Vec<f64> = fars.iter().map(|&far| 100.0 * roc.tar_at(far, reading)).collect();
        assert_near(&own, &floats(&case[key]), 100.0 * RATE, &what(key));
    }
}

/// At each point of our own curve as many pairs are accepted as the oracle's scores allow for, with
/// ties in any order. How many points there are depends on that order.
fn within_ties(name: &str, own: &Roc, oracle: &[f64], same: &[bool], slack: f64) {
    let [genuine, impostor] = [true, false].map(|verdict| {
        let both = oracle.iter().zip(same);
        let mut scores: Vec<f64> =
            both.filter(|(_, same)| **same == verdict).map(|(score, _)| *score).collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores
    });
    for point in own.points() {
        for (scores, found) in
            [(&genuine, point.true_positives), (&impostor, point.false_positives)]
        {
            let allowed = brackets::counts_from(scores, point.threshold, slack);
            assert!(allowed.contains(&found), "{name} {point:?}: {found}, expected {allowed:?}");
        }
    }
}

fn identification(name: &str, folder: &Path, case: &Json, templates: &Templates, tolerance: f64) {
    let subjects = |files: &[&str]| -> Vec<TemplateSubject> {
        let path = |file: &&str| folder.join(format!("IJBB/meta/ijbb_1N_{file}.csv"));
        let mut all: Vec<TemplateSubject> = files
            .iter()
            .flat_map(|file| template_subjects(&std::fs::read(path(file)).unwrap()).unwrap())
            .collect();
        all.sort_unstable_by_key(|row| row.template);
        all
    };
    let (gallery, probes) = (subjects(&["gallery_S1", "gallery_S2"]), subjects(&["probe_mixed"]));
    let parts = |rows: &[TemplateSubject]| -> (Vec<i64>, Vec<i64>, Vec<f64>) {
        let at =
            TemplateRows::new(templates.ids()).of(rows.iter().map(|row| row.template)).unwrap();
        let numbers = rows.iter().map(|row| row.template as i64).collect();
        (numbers, rows.iter().map(|row| row.subject).collect(), templates.select(&at))
    };
    let (gallery_templates, gallery_ids, gallery) = parts(&gallery);
    let (probe_templates, probe_ids, probes) = parts(&probes);
    assert_eq!(gallery_templates, integers(&case["gallery_templates"]), "{name}");
    assert_eq!(gallery_ids, integers(&case["gallery_subjects"]), "{name}");
    assert_eq!(probe_templates, integers(&case["probe_templates"]), "{name}");
    assert_eq!(probe_ids, integers(&case["probe_subjects"]), "{name}");
    let numbers = |file: &str| of_npy::<f64>(&folder.join(name).join(file)).1;
    let what = |what: &str| format!("{name} {what}");
    assert_near(&gallery, &numbers("ident_gallery_features.npy"), tolerance, &what("gallery"));
    assert_near(&probes, &numbers("ident_probe_features.npy"), tolerance, &what("probe"));

    let width = templates.rows().width();
    let rows = |data| Rows::new(data, width).unwrap();
    let (stored_probes, stored_gallery) =
        (numbers("ident_probe_features.npy"), numbers("ident_gallery_features.npy"));
    let oracle = Similarities {
        probes: rows(&stored_probes),
        gallery: rows(&stored_gallery),
        same: &|probe, row| probe_ids[probe] == gallery_ids[row],
    };
    let printed = array(case, "printed");
    let fars: Vec<f64> = printed.iter().map(|row| decimal(row, "far")).collect();
    let own = merged(
        Subjects { features: rows(&probes), ids: &probe_ids },
        Subjects { features: rows(&gallery), ids: &gallery_ids },
        &fars,
    )
    .unwrap();
    let mates: Vec<f64> = own.closed.mated.iter().map(|probe| probe.best_mate).collect();
    let stored_mates = numbers("ident_gt_score.npy");
    assert_near(&mates, &stored_mates, tolerance, &what("score of the mate"));
    let slack = APART * tolerance;
    for (row, (threshold, recall)) in printed.iter().zip(own.thresholds.iter().zip(&own.recalls)) {
        let (th, pr) = (decimal(row, "th"), decimal(row, "pr"));
        // Ten decimals are printed.
        let tolerance = tolerance.max(DECIMALS);
        assert_near(&[threshold.unwrap()], &[th], tolerance, &what("th"));
        let allowed = brackets::share_above(&stored_mates, th, slack + DECIMALS);
        for recall in [pr, recall.unwrap()] {
            brackets::assert_within(recall, &allowed, &what("pr"));
        }
    }
    let (_, ranks) = of_npy::<i64>(&folder.join(name).join("ident_rank.npy"));
    let allowed: Vec<_> = (0..probe_ids.len()).map(|probe| oracle.ranks(probe, slack)).collect();
    for ((own, rank), allowed) in own.closed.mated.iter().zip(ranks).zip(&allowed) {
        for rank in [own.rank, (rank + RANK_BASE) as u64] {
            assert!(allowed.contains(&rank), "{name} probe {}: {rank}, {allowed:?}", own.probe);
        }
    }
    for (key, rank) in [("top1", 1), ("top5", 5), ("top10", 10)] {
        let allowed = brackets::rate(&allowed, rank);
        for rate in [own.closed.rate(rank), case["result"][key].as_f64().unwrap()] {
            brackets::assert_within(rate, &allowed, &what(key));
        }
    }
}

/// Of the manifest's decimals.
const DECIMALS: f64 = 1e-10;

fn decimal(row: &Json, key: &str) -> f64 {
    text(row, key).parse().unwrap()
}

/// The reference counts ranks from 0.
const RANK_BASE: i64 = 1;

/// A probe without a mate, or with two, is refused.
fn mask_error(name: &str, case: &Json) {
    let (probe_ids, gallery_ids) = (integers(&case["query_ids"]), integers(&case["reg_ids"]));
    let (probes, gallery) = (vec![1.0; probe_ids.len()], vec![1.0; gallery_ids.len()]);
    let own = merged(
        Subjects { features: Rows::new(&probes, 1).unwrap(), ids: &probe_ids },
        Subjects { features: Rows::new(&gallery, 1).unwrap(), ids: &gallery_ids },
        &[0.1],
    );
    assert!(own.is_err(), "{name}");
}

/// Which point is read, on a curve of few points: pairs are made up that have it.
fn reading(case: &Json) {
    let [fpr, tpr] = ["fpr", "tpr"].map(|key| floats(&case[key]));
    let whole = |count: &f64| {
        let is_whole = |rate: &f64| ((rate * count).round() - rate * count).abs() < 1e-9;
        fpr.iter().chain(&tpr).all(is_whole)
    };
    let count = (1..1000).map(f64::from).find(whole).unwrap();
    let scores = |rates: &[f64]| -> Vec<f64> {
        let steps = rates.windows(2).enumerate();
        let repeated = |(at, step): (usize, &[f64])| {
            let more = ((step[1] - step[0]) * count).round() as usize;
            std::iter::repeat_n(-(at as f64), more)
        };
        steps.flat_map(repeated).collect()
    };
    let roc = Roc::from_scores(scores(&tpr), scores(&fpr)).unwrap();
    assert_eq!(roc.points().len(), fpr.len(), "a point of the made-up curve was dropped");
    let fars = floats(&case["x_labels"]);
    let own: Vec<f64> = fars.iter().map(|&far| 100.0 * roc.tar_at(far, Reading::First)).collect();
    assert_near(&own, &floats(&case["out"]), 1e-9, "get_tpr_fpr_ties");
}
