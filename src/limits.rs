//! What one file may cost: budgets by name, so that a small hostile file cannot take the whole machine.
//!
//! A decoder is handed its budgets; where nobody hands any, it takes those of the process, which the
//! program sets once from its settings, before any work. They are the process's because pictures are
//! decoded on threads below every subcommand, through interfaces that know no settings, and because what
//! they guard, its memory, is the process's too. No result depends on them: a file is read, or refused.

use std::sync::OnceLock;

/// The budgets of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of a picture. Decoding takes at most 12 bytes of memory for each.
    pub pixels: u64,
    /// Scans of a JPEG: each of them takes time for the whole picture. Encoders write about ten.
    pub scans: u64,
    /// Bytes that the compressed parts of one file become, pixels apart.
    pub inflated: u64,
}

impl Limits {
    /// No budgets, for what looks at a file and decodes nothing of it.
    pub const NONE: Self = Self { pixels: u64::MAX, scans: u64::MAX, inflated: u64::MAX };
}

impl Default for Limits {
    /// Room for originals of 60 megapixels and for protocol files a hundred times the published ones.
    fn default() -> Self {
        Self { pixels: 1 << 26, scans: 100, inflated: 256 << 20 }
    }
}

/// Name of the setting of [`Limits::pixels`], for errors.
pub const PIXELS: &str = "limits.pixels";
/// Name of the setting of [`Limits::scans`].
pub const SCANS: &str = "limits.scans";
/// Name of the setting of [`Limits::inflated`].
pub const INFLATED: &str = "limits.inflated";

static OF_PROCESS: OnceLock<Limits> = OnceLock::new();

/// Sets the budgets of this process; false when they were set before, which stays.
pub fn set(limits: Limits) -> bool {
    OF_PROCESS.set(limits).is_ok()
}

/// The budgets of this process: those that were set, or the defaults.
pub fn current() -> Limits {
    OF_PROCESS.get().copied().unwrap_or_default()
}
