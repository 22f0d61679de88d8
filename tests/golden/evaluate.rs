//! K-fold accuracies of pairs as the reference's `evaluate` gives them (part of `verification10`).

use super::manifest::{Json, assert_near, entries, floats, number, of_npy, text};
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

fn check<T: Scalar + npyz::Deserialize>(name: &str, folder: &Path, case: &Json, tolerance: f64) {
    let (shape, embeddings) = of_npy::<T>(&folder.join("embeddings.npy"));
    let (_, same) = of_npy::<bool>(&folder.join("issame.npy"));
    let (_, expected) = of_npy::<T>(&folder.join("dist.npy"));
    let expected: Vec<f64> = expected.into_iter().map(T::to_f64).collect();
    let own = squared_distances(Rows::new(&embeddings, shape[1]).unwrap()).unwrap();
    assert_near(&own, &expected, tolerance, &format!("{name} distance"));
    assert_eq!(same.len() as u64, number(case, "pairs"), "{name}");
    let result = k_fold(&own, &same, number(case, "folds") as usize).unwrap();
    compare(name, folder, case, &result);
}

fn compare(name: &str, folder: &Path, case: &Json, result: &KFold) {
    let near = |own: &[f64], expected: &Json, what: &str| {
        assert_near(own, &floats(expected), F32, &format!("{name} {what}"));
    };
    let of_folds = |value: fn(&qgface_data::metrics::Fold) -> f64| {
        result.folds.iter().map(value).collect::<Vec<_>>()
    };
    near(&of_folds(|fold| fold.accuracy), &case["accuracy"], "accuracy of fold");
    near(&of_folds(|fold| fold.threshold), &case["best_thresholds"], "threshold of fold");
    for (own, key) in [
        (result.accuracy, "accuracy_mean"),
        (result.std, "accuracy_std"),
        (result.threshold, "best_threshold_mean"),
    ] {
        assert_near(&[own], &[case[key].as_f64().unwrap()], F32, &format!("{name} {key}"));
    }
    for (own, file) in [(&result.true_rates, "tpr.npy"), (&result.false_rates, "fpr.npy")] {
        let (_, expected) = of_npy::<f64>(&folder.join(file));
        assert_near(own, &expected, F32, &format!("{name} {file}"));
    }
}
