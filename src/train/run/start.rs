//! Where a run begins.

use std::path::PathBuf;

/// Where a run begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At its first step, in a new folder.
    New,
    /// At the last checkpoint of a run's folder.
    Resume(PathBuf),
}
