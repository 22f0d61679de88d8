//! What can be wrong with a model's file.

use std::path::PathBuf;

/// Why a model cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] qgface_fs::Error),
    /// The file has no bytes.
    #[error("{path}: expected an ONNX model, found an empty file; fetch or export it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are of another format.
    #[error("{path}: byte {offset}: expected {expected}, found {found}; is it an ONNX model?")]
    NotOnnx {
        /// The file.
        path: PathBuf,
        /// Where it stops looking like a model.
        offset: u64,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// The file ends inside a field.
    #[error(
        "{path}: byte {offset}: expected {expected} bytes of {field}, found {found} before the file \
         ends; the model is cut short, fetch or export it again"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// First byte of the field's content.
        offset: u64,
        /// The field.
        field: String,
        /// Its length.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// A field inside does not have the form that the format gives it.
    #[error("{path}: the model is damaged; fetch or export it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        source: prost::DecodeError,
    },
    /// Reading the file would take far more memory than any real model of its size.
    #[error(
        "{path}: expected messages of at most {limit} bytes in memory for a file of {length} bytes, \
         found more; the file is not an honest model"
    )]
    Bloated {
        /// The file.
        path: PathBuf,
        /// Length of the file.
        length: u64,
        /// The most it may need.
        limit: u64,
    },
    /// Numbers of the model are said to lie where no model may keep them.
    #[error("{path}: numbers outside the model, in {file:?}: expected {expected}, found {found}")]
    External {
        /// The model.
        path: PathBuf,
        /// What the model calls the file.
        file: String,
        /// What may stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// The file is larger than the format allows.
    #[error(
        "{path}: expected at most 2147483647 bytes, the limit of the format, found {length}; keep the \
         weights beside the model (external data)"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Length of the file.
        length: u64,
    },
}
