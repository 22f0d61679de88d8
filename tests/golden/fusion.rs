//! The reference's `fuse_features_with_norm`, in both precisions, with and without norms.

use super::Topic;
use super::manifest::{Json, array, assert_near, of_npy, text, wide_npy};
use super::nudge::nudge;
use qgface_data::eval::fusion::{Error, fuse};
use qgface_data::eval::settings::Fusion;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "fusion", cases, run };

/// Of features and norms, absolute, by the precision the reference computed in.
const F32: f64 = 1e-6;
const F64: f64 = 1e-12;

/// How much longer the views may be than their sum: a unit vector has the rounding of its views times
/// this. Of views that cancel out farther the direction is rounding noise.
const CANCELLING: f64 = 1e4;

fn cases(manifest: &Json) -> usize {
    array(manifest, "cases").len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    array(manifest, "cases").iter().for_each(|case| check(folder, case));
    cases(manifest)
}

fn check(folder: &Path, case: &Json) {
    let (set, name) = (text(case, "set"), text(case, "method"));
    let with_norms = case["with_norms"].as_bool().unwrap();
    let method = Fusion::ALL.iter().find(|(own, _)| *own == name).map(|(_, method)| *method);
    let in_f32 = case["dtype"] == "f32";
    let numbers = |file: &str| -> (Vec<usize>, Vec<f64>) {
        let (shape, mut narrow) = of_npy::<f32>(&folder.join(set).join(file));
        let what = format!("{set} {file}");
        if in_f32 {
            nudge(&mut narrow, &what);
        }
        let mut wide: Vec<f64> = narrow.into_iter().map(f64::from).collect();
        if !in_f32 {
            nudge(&mut wide, &what);
        }
        (shape, wide)
    };
    let (shape, embeddings) = numbers("embeddings.npy");
    let (_, norms) = numbers("norms.npy");
    let [views, rows, width] = shape[..] else { panic!("{set}: {shape:?}") };
    let views_of = |row: usize| -> Vec<(&[f64], f64)> {
        let view = |view: usize| {
            let at = view * rows + row;
            (&embeddings[at * width..][..width], if with_norms { norms[at] } else { 1.0 })
        };
        (0..views).map(view).collect()
    };
    if case.get("raises").is_some() {
        return raises(case, method, &views_of(0), with_norms);
    }
    let method = method.unwrap_or_else(|| panic!("no method {name}"));
    let tolerance = if in_f32 { F32 } else { F64 };
    let [features, fused_norms] =
        [0, 1].map(|at| wide_npy(&folder.join(case["files"][at].as_str().unwrap())));
    let fused_width = features.len() / rows;
    for row in 0..rows {
        // concat joins the first two views whatever there is.
        let all = views_of(row);
        let used = if method == Fusion::Concat { &all[..2] } else { &all[..] };
        let own = fuse(method, used, None).unwrap();
        let what = format!("{set} {name} row {row}");
        let (of_views, of_sum) = lengths(method, used);
        if of_views < CANCELLING * of_sum {
            let expected = &features[row * fused_width..][..fused_width];
            assert_near(&own.feature, expected, tolerance * of_views / of_sum, &what);
        }
        // The reference takes the mean over all views, and of views without norms it returns 1.
        let norm = match method {
            Fusion::Concat => all.iter().map(|(_, norm)| norm).sum::<f64>() / views as f64,
            _ => own.norm,
        };
        // A sum has the rounding of what was added up.
        let added = if method == Fusion::PreNormVectorAdd { of_views } else { 1.0 };
        let scale = fused_norms[row].abs().max(added).max(1.0);
        assert_near(&[norm / scale], &[fused_norms[row] / scale], tolerance, &what);
    }
}

/// The sum of the lengths of the views that a method adds up, and the length of their sum. Views
/// that are not added count as one of length 1.
fn lengths(method: Fusion, views: &[(&[f64], f64)]) -> (f64, f64) {
    let weight = |norm: f64| match method {
        Fusion::Concat => None,
        Fusion::Average => Some(1.0),
        _ => Some(norm),
    };
    let length = |of: &dyn Fn(usize) -> f64| {
        (0..views[0].0.len()).map(|at| of(at).powi(2)).sum::<f64>().sqrt()
    };
    let weights: Option<Vec<f64>> = views.iter().map(|(_, norm)| weight(*norm)).collect();
    let Some(weights) = weights else { return (1.0, 1.0) };
    let weighted = || views.iter().zip(&weights);
    let all = weighted().map(|((view, _), weight)| length(&|at| view[at] * weight)).sum();
    (all, length(&|at| weighted().map(|((view, _), weight)| view[at] * weight).sum()))
}

/// What the reference refuses: norms that are needed and not there, a method of no such name, concat of
/// one view. Its faceness_score is a stub that always raises; ours wants a detector's score.
fn raises(case: &Json, method: Option<Fusion>, views: &[(&[f64], f64)], with_norms: bool) {
    match method {
        None => assert_eq!(text(case, "method"), "nonsense"),
        Some(Fusion::FacenessScore) => {
            assert_eq!(fuse(Fusion::FacenessScore, views, None), Err(Error::NoScore));
        }
        Some(Fusion::Concat) => {
            let found = views.len();
            assert_eq!(fuse(Fusion::Concat, views, None), Err(Error::Views { found }));
        }
        // Norms are part of our views: nobody can leave them out.
        Some(_) => assert!(!with_norms, "{case}"),
    }
}
