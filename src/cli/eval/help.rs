//! What the help of `eval` says at its end: its sets and presets, from their tables.

use qgface_data::eval::settings::{PRESETS, Preset};
use qgface_data::eval::{EVAL_SETS, EvalSet};

pub(super) fn sets_and_presets() -> String {
    let set = |set: &EvalSet| format!("  {:<12} {}\n", set.name, set.about);
    let sets: String = EVAL_SETS.into_iter().map(set).collect();
    let yes = |on: bool| if on { "yes" } else { "no" };
    let row = |preset: &Preset| {
        format!(
            "  {:<12} norm {:<4} detector score {:<4} flipud {:<4} family {}: {}\n",
            preset.name,
            yes(preset.norm),
            yes(preset.detector_score),
            yes(preset.flipud),
            preset.family.name(),
            preset.about
        )
    };
    let presets: String = PRESETS.iter().map(row).collect();
    format!(
        "Sets:\n{sets}  hq           the five verification sets\n  all          scface, tinyface, ijbb and hq\n\n\
         Presets (both views fused by pre_norm_vector_add; the other switches weigh in IJB alone):\n{presets}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use qgface_data::eval::Kind;

    #[test]
    fn every_kind_of_set_is_told_in_the_sets_and_presets() {
        let kinds =
            [Kind::ClosedSet, Kind::Distances, Kind::Templates, Kind::Pairs, Kind::ReducedPairs];
        for kind in kinds {
            let set = EVAL_SETS.iter().find(|set| set.kind == kind).unwrap();
            assert!(sets_and_presets().contains(set.about));
        }
    }
}
