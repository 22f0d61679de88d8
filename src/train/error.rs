//! What can go wrong between options and a step.

/// Why a step cannot be compiled, fed or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The runtime refuses.
    #[error(transparent)]
    Runtime(#[from] crate::runtime::Error),
    /// An option has a value that no step can have.
    #[error("{option}: expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A batch is not of the step's size.
    #[error("{what} of the batch: expected {expected} numbers, found {found}")]
    BatchSize {
        /// Which part of the batch.
        what: &'static str,
        /// How many numbers the step takes.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// A label is no class.
    #[error(
        "image {position} of the batch has label {label}, expected one from 0 to {}; is the pack that \
         which the classes were counted of?", classes - 1
    )]
    Label {
        /// The image, from 0.
        position: usize,
        /// Its label.
        label: i64,
        /// Number of classes.
        classes: usize,
    },
    /// A state lacks a tensor, or has one of another shape.
    #[error(
        "{name}: expected a tensor of {expected:?}, found {found}; the state is of another network"
    )]
    State {
        /// The tensor.
        name: String,
        /// The extents that the step gives it.
        expected: Vec<usize>,
        /// What there is.
        found: String,
    },
}
