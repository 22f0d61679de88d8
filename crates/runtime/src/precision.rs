//! In how many bits a step computes.

use super::{Build, Device, Processor};
use std::fmt;

/// In how many bits a step's backbone computes. Losses, statistics, parameters and momenta are in 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// In 32.
    #[default]
    Float32,
    /// In 32, but that convolutions multiply in the 16 of bfloat16.
    Bfloat16,
    /// In the 16 of float16, which is tensors between operators too, with a scale of the loss.
    Float16,
    /// In float16 on CUDA, in bfloat16 where a processor is faster so, else in 32.
    Mixed,
}

/// What a device cannot compute in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct NoPrecision {
    /// What it can.
    pub expected: &'static str,
    /// What was asked for.
    pub found: Precision,
}

/// What oneDNN multiplies bfloat16 by at least.
const AT_LEAST: &str = "avx512bw";

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Bfloat16 => "bfloat16",
            Self::Float16 => "float16",
            Self::Mixed => "mixed",
        })
    }
}

impl Precision {
    /// What it comes to on a device: `float32`, `bfloat16` or `float16`; or `mixed` on a processor that has
    /// bfloat16, where only a measurement tells whether it pays.
    ///
    /// # Errors
    /// [`NoPrecision`]: bfloat16 on CUDA, and on a processor without AVX-512.
    pub fn on(self, device: Device, processor: &Processor) -> Result<Self, NoPrecision> {
        let has = |feature: &str| processor.features.iter().any(|own| own == feature);
        let refuse = |expected| Err(NoPrecision { expected, found: self });
        match (self, device.build()) {
            (Self::Float32, _) => Ok(Self::Float32),
            (Self::Float16, _) | (Self::Mixed, Build::Cuda) => Ok(Self::Float16),
            (Self::Bfloat16, Build::Cuda) => refuse("float32, float16 or mixed on CUDA"),
            (Self::Mixed, Build::Cpu) if has(AT_LEAST) => Ok(Self::Mixed),
            (Self::Mixed, Build::Cpu) => Ok(Self::Float32),
            (Self::Bfloat16, Build::Cpu) if has(AT_LEAST) => Ok(Self::Bfloat16),
            (Self::Bfloat16, Build::Cpu) => refuse("float32 on a processor without AVX-512"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_is_undecided_where_bfloat16_can_be_had() {
        let with = |features: &[&str]| Processor {
            model: String::new(),
            features: features.iter().map(|&own| own.to_owned()).collect(),
        };
        let (old, wide) = (with(&["avx2"]), with(&[AT_LEAST]));
        use Precision::{Bfloat16, Float16, Float32, Mixed};
        for (asked, processor, expected) in [
            (Float32, &wide, Some(Float32)),
            (Mixed, &old, Some(Float32)),
            (Mixed, &wide, Some(Mixed)),
            (Bfloat16, &old, None),
            (Bfloat16, &wide, Some(Bfloat16)),
            (Float16, &old, Some(Float16)),
        ] {
            assert_eq!(asked.on(Device::Cpu, processor).ok(), expected, "{asked} {processor}");
        }
        for (asked, expected) in [(Float32, Float32), (Float16, Float16), (Mixed, Float16)] {
            assert_eq!(asked.on(Device::Cuda(0), &wide), Ok(expected), "{asked}");
        }
        let refused = Bfloat16.on(Device::Cuda(0), &wide).unwrap_err();
        let told = "expected float32, float16 or mixed on CUDA, found bfloat16";
        assert_eq!(refused.to_string(), told);
    }
}
