//! Order-preserving packs for low- and mixed-quality face recognition.
#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod datasets;
pub mod demo;
pub mod fs;
pub mod image;
pub mod pack;
pub mod progress;
pub mod recordio;
pub mod seed;
pub mod settings;
pub mod synth;
