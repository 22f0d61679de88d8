//! Why a model is left alone.

/// Why a rewriting leaves a model alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its operators are of a version whose meaning is another, or is not known here.
    #[error("expected operators of version {oldest} to {newest}, found {found}")]
    Version {
        /// The first that is known.
        oldest: i64,
        /// The last.
        newest: i64,
        /// The model's.
        found: i64,
    },
    /// It takes something else than images.
    #[error("expected one input [images, {}, {}, {}] of floats, found {found}", image[0], image[1], image[2])]
    Input {
        /// Channels, height and width of an image.
        image: [usize; 3],
        /// What it takes.
        found: String,
    },
    /// Some of its numbers are in other files.
    #[error("expected the weights in the model, found them in other files")]
    External,
    /// It has parts that are not looked into.
    #[error("expected nodes of a plain graph, found {found}")]
    Nested {
        /// What it has.
        found: String,
    },
    /// There is nothing that would be faster.
    #[error("expected convolutions of constant kernels in 32 bits, found none")]
    Nothing,
}
