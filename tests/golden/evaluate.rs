//! K-fold accuracies of pairs as the reference's `evaluate` gives them (part of `verification10`).

use super::manifest::{Json, assert_near, entries, floats, number, of_npy, text};
use super::nudge::{Nudge, nudge};
use qgface_data::metrics::{KFold, Rows, Scalar, k_fold, squared_distances, thresholds};
use std::path::Path;

/// Of distances, absolute, by precision; and of rates and thresholds.
const F32: f64 = 1e-6;
const F64: f64 = 1e-12;

pub(crate) fn cases(manifest: &Json) -> usize {
    entries(manifest, "evaluate").count()
}

pub(crate) fn run(folder: &Path, manifest: &Json) -> usize {
    let (_, expected) = of_npy::<f64>(&folder.join("thresholds_400.npy"));
    assert_eq!(thresholds(), expected, "other thresholds than numpy.arange");
    for (name, case) in entries(manifest, "evaluate") {
        let folder = folder.join(name);
        match text(case, "dtype") {
            "float32" => check::<f32>(name, &folder, case, F32),
            _ => check::<f64>(name, &folder, case, F64),
        }
    }
    cases(manifest)
}

fn check<T: Scalar + Nudge + npyz::Deserialize>(
    name: &str,
    folder: &Path,
    case: &Json,
    tolerance: f64,
) {
    let (shape, mut embeddings) = of_npy::<T>(&folder.join("embeddings.npy"));
    if !name.starts_with(ON_THE_GRID) {
        nudge(&mut embeddings, name);
    }
    let (_, same) = of_npy::<bool>(&folder.join("issame.npy"));
    let (_, expected) = of_npy::<T>(&folder.join("dist.npy"));
    let expected: Vec<f64> = expected.into_iter().map(T::to_f64).collect();
    let own = squared_distances(Rows::new(&embeddings, shape[1]).unwrap()).unwrap();
    assert_near(&own, &expected, tolerance, &format!("{name} distance"));
    assert_eq!(same.len() as u64, number(case, "pairs"), "{name}");
    // In f32 the reference rounds the thresholds too. In f64 a distance is at a threshold by
    // design, where all of the arithmetic is exact, or not at all.
    let slack = if tolerance == F32 { F32 } else { 0.0 };
    for distances in [expected, own] {
        either_side(name, folder, case, distances, &same, slack);
    }
}

/// Sets whose distances are thresholds, to see that the comparison is strict.
const ON_THE_GRID: &str = "grid_";

/// Pairs at a threshold at most. Each may be on either side of it, so two to their number results
/// are tried.
const AT_THRESHOLDS: usize = 10;

/// One choice of sides for the distances within `slack` of a threshold gives the oracle's result.
fn either_side(
    name: &str,
    folder: &Path,
    case: &Json,
    distances: Vec<f64>,
    same: &[bool],
    slack: f64,
) {
    let thresholds = thresholds();
    let near = |distance: f64| thresholds.iter().find(|own| (distance - **own).abs() <= slack);
    let open: Vec<(usize, f64)> = match slack {
        0.0 => Vec::new(),
        _ => (0..same.len()).filter_map(|pair| Some((pair, *near(distances[pair])?))).collect(),
    };
    assert!(open.len() <= AT_THRESHOLDS, "{name}: {} distances at thresholds", open.len());
    let result = |sides: usize| {
        let mut distances = distances.clone();
        for (bit, &(pair, threshold)) in open.iter().enumerate() {
            // A pair is the same below the threshold.
            distances[pair] = if sides >> bit & 1 == 0 { threshold } else { threshold.next_down() };
        }
        k_fold(&distances, same, number(case, "folds") as usize).unwrap()
    };
    let differences = (0..1 << open.len()).map(|sides| difference(folder, case, &result(sides)));
    let differences: Vec<Option<String>> = differences.collect();
    let some = differences.iter().any(Option::is_none);
    assert!(some, "{name}: {}", differences[0].as_deref().unwrap_or_default());
}

/// The first number that is not the oracle's.
fn difference(folder: &Path, case: &Json, result: &KFold) -> Option<String> {
    let of_folds = |value: fn(&qgface_data::metrics::Fold) -> f64| {
        result.folds.iter().map(value).collect::<Vec<_>>()
    };
    let rates = |file: &str| of_npy::<f64>(&folder.join(file)).1;
    let of_case = |key: &str| vec![case[key].as_f64().unwrap()];
    [
        ("accuracy of fold", of_folds(|fold| fold.accuracy), floats(&case["accuracy"])),
        ("threshold of fold", of_folds(|fold| fold.threshold), floats(&case["best_thresholds"])),
        ("accuracy", vec![result.accuracy], of_case("accuracy_mean")),
        ("deviation", vec![result.std], of_case("accuracy_std")),
        ("threshold", vec![result.threshold], of_case("best_threshold_mean")),
        ("true rate", result.true_rates.clone(), rates("tpr.npy")),
        ("false rate", result.false_rates.clone(), rates("fpr.npy")),
    ]
    .into_iter()
    .find_map(|(what, own, expected)| {
        assert_eq!(own.len(), expected.len(), "{what}");
        let mut both = own.iter().zip(&expected).enumerate();
        let (at, (own, expected)) =
            both.find(|(_, (own, expected))| (**own - **expected).abs() > F32)?;
        Some(format!("{what} {at}: {own} for {expected}"))
    })
}
