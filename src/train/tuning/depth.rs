//! How much of what is fastest is measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much is measured.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// How images lie: some seconds.
    Layout,
    /// That, and the formulations of single operators: up to a minute.
    Problems,
}

/// Fewer steps than this are made sooner than their layout is chosen.
const FEW_STEPS: u64 = 100;

/// Fewer steps than this gain less by the formulations of single operators than those take to be measured.
const SOME_STEPS: u64 = 2_000;

impl Depth {
    /// What is worth its time for a run of some steps.
    pub fn for_steps(steps: u64) -> Option<Self> {
        match steps {
            SOME_STEPS.. => Some(Self::Problems),
            FEW_STEPS..SOME_STEPS => Some(Self::Layout),
            ..FEW_STEPS => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_run_is_the_more_is_measured() {
        let depths = [99, 100, 1_999, 2_000].map(Depth::for_steps);
        let (layout, problems) = (Some(Depth::Layout), Some(Depth::Problems));
        assert_eq!(depths, [None, layout, layout, problems]);
        assert!(layout < problems);
    }
}
