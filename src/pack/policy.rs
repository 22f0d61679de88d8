//! What a run does with what stands in its way.

/// What happens when an image cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The first bad image ends the run, and nothing is left.
    Stop,
    /// Bad images are left out and listed in the manifest.
    Skip,
}

/// What happens to what lies there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// A pack that is there is an error.
    Keep,
    /// A pack that is there is replaced when the new one is whole.
    Replace,
}
