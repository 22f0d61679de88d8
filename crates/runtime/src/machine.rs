//! What a measured choice holds for.

use super::{Gpu, Processor, Runtime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// All that a choice holds for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's name and those of its features that kernels are chosen by.
    pub processor: Processor,
    /// Threads of a step.
    pub threads: usize,
    /// Version of ONNX Runtime.
    pub onnxruntime: String,
    /// Version of oneDNN, where it is there.
    pub onednn: Option<String>,
    /// The CUDA device, where steps are made on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuda: Option<Gpu>,
    /// Version of the program.
    pub program: String,
}

impl Machine {
    /// This one, with the libraries of a runtime.
    pub fn of(runtime: &Runtime, threads: NonZeroUsize) -> Self {
        Self {
            processor: Processor::here(),
            threads: threads.get(),
            onnxruntime: runtime.library().version.clone(),
            onednn: runtime.onednn().map(|library| library.version().to_owned()),
            cuda: runtime.gpu(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
