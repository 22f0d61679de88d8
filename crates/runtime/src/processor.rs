//! The processor: its name, and what of it decides which kernels are fast.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the system tells.
const TOLD: &str = "/proc/cpuinfo";

/// Features by which libraries choose their kernels, as the system names them.
const FEATURES: [&str; 9] = [
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_bf16",
];

/// A processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// Its maker's name for it; empty where the system does not tell.
    pub model: String,
    /// Its features.
    pub features: Vec<String>,
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, features } = self;
        let model = if model.is_empty() { "a processor without a name" } else { model };
        write!(f, "{model} ({})", features.join(" "))
    }
}

impl Processor {
    /// The one that this program runs on.
    pub fn here() -> Self {
        Self::of(&std::fs::read_to_string(TOLD).unwrap_or_default())
    }

    fn of(told: &str) -> Self {
        let value = |key: &str| {
            let mut lines = told.lines().filter_map(|line| line.split_once(':'));
            let line = lines.find(|(name, _)| name.trim() == key);
            line.map_or("", |(_, value)| value.trim())
        };
        let flags: Vec<&str> = value("flags").split(' ').collect();
        let features = FEATURES.iter().filter(|feature| flags.contains(feature));
        Self {
            model: value("model name").to_owned(),
            features: features.map(|&feature| feature.to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_what_the_system_says_first() {
        let told = "processor\t: 0\nmodel name\t: A Processor @ 2 GHz\nflags\t\t: fpu avx avx2x avx2\n\n\
                    processor\t: 1\nmodel name\t: Another\n";
        let own = Processor::of(told);
        assert_eq!(
            (&*own.model, &own.features[..]),
            ("A Processor @ 2 GHz", &["avx".to_owned(), "avx2".to_owned()][..])
        );
        assert_eq!(Processor::of(""), Processor { model: String::new(), features: vec![] });
    }
}
