//! What an interrupted pack and the one that goes on with it must have in common.

use crate::pack::Encoding;
use crate::pack::plan::{PackPlan, Recipe};

/// What an interrupted pack must agree with.
pub(super) fn settings(plan: &PackPlan) -> Vec<(&'static str, String)> {
    let Recipe { encoding, align, layout, shuffle, .. } = &plan.recipe;
    // Original bytes are compared with their sources, wherever those lie now.
    let root = match encoding {
        Encoding::Origin => String::new(),
        Encoding::Jpeg(_) | Encoding::Png => {
            let root = &plan.recipe.root;
            root.canonicalize().unwrap_or_else(|_| root.clone()).display().to_string()
        }
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    vec![
        ("the data set", plan.recipe.dataset.name.to_owned()),
        ("the encoding", encoding.to_string()),
        ("the root", root),
        ("the label function", plan.function.to_string()),
        ("the aligned size", or_none(align.map(|size| size.to_string()))),
        ("the layout", format!("{layout:?}").to_lowercase()),
        ("the shuffle seed", or_none(shuffle.map(|seed| seed.to_string()))),
        ("the shard", or_none(plan.recipe.shard.map(|shard| shard.to_string()))),
        ("landmarks with the digest", landmark_digest(plan)),
        ("a list with the digest", plan.list_digest(&[])),
    ]
}

/// Digest of the landmarks, on which warped pictures depend; nothing where no picture is warped.
fn landmark_digest(plan: &PackPlan) -> String {
    let mut hasher = blake3::Hasher::new();
    if plan.recipe.align.is_some() {
        for landmarks in plan.list.images.iter().filter_map(|image| image.landmarks.as_ref()) {
            for (x, y) in &landmarks.points {
                hasher.update(&x.to_le_bytes());
                hasher.update(&y.to_le_bytes());
            }
        }
    }
    hasher.finalize().to_string()
}
