//! What can go wrong between settings, steps and a model.

use std::path::PathBuf;

/// Why a step cannot be compiled, fed or run.
#[derive(Debug, thiserror::Error)]
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
    /// A run goes on in steps that oneDNN is needed for.
    #[error("{run}: its steps were made with oneDNN, and there is none")]
    NoOneDnn {
        /// The run's folder.
        run: PathBuf,
    },
    /// A run goes on in steps that cuDNN is needed for.
    #[error("{run}: its steps were made with cuDNN, and it cannot be called")]
    NoCudnn {
        /// The run's folder.
        run: PathBuf,
    },
    /// What a run keeps of how its steps are made cannot be read.
    #[error("{path}: expected how the run's steps are made, found {found}")]
    Kept {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// What a step takes cannot be told from its graph.
    #[error("cannot tell the memory of a step")]
    Unplanned(#[from] crate::onnx::Unknown),
    /// A run takes more memory than there is.
    #[error(
        "{place}: expected a run that needs at most the {} MiB that are left, found one that needs {} MiB",
        available >> 20, needed >> 20
    )]
    Memory {
        /// Where the memory is taken.
        place: String,
        /// Bytes that are left there.
        available: u64,
        /// Bytes that the run takes.
        needed: u64,
        /// Settings with which it would fit, each for itself.
        changes: Vec<String>,
    },
    /// Ranks cannot exchange what they share.
    #[error(transparent)]
    Group(#[from] crate::group::Error),
    /// Devices of ranks cannot exchange what they share.
    #[error(transparent)]
    Nccl(#[from] crate::runtime::NcclError),
    /// A rank has something else than the first.
    #[error("rank {rank}: {what}: expected {expected}, as on rank 0, found {found}")]
    Ranks {
        /// The rank.
        rank: usize,
        /// What differs.
        what: String,
        /// What the first rank has.
        expected: String,
        /// What this one has.
        found: String,
    },
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] crate::fs::Error),
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] crate::settings::Error),
    /// A pack cannot be opened.
    #[error(transparent)]
    Pack(#[from] crate::pack::Error),
    /// A batch cannot be made.
    #[error(transparent)]
    Loader(#[from] crate::loader::Error),
    /// A checkpoint cannot be scored.
    #[error(transparent)]
    Eval(#[from] Box<crate::eval::Error>),
    /// A model cannot be read or written.
    #[error(transparent)]
    Model(#[from] crate::onnx::Error),
    /// The sheet of views cannot be drawn.
    #[error("cannot draw {path}")]
    Sheet {
        /// The picture.
        path: PathBuf,
        /// Why not.
        source: crate::image::Error,
    },
    /// A checkpoint is none.
    #[error("{path}: expected a checkpoint, found {found}")]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What there is.
        found: String,
    },
    /// A file does not hold the backbone that is trained.
    #[error(
        "{path}: {name}: expected a tensor of {expected:?}, found {found}; the weights to begin with must \
         be of the same backbone"
    )]
    Init {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its extents here.
        expected: Vec<usize>,
        /// What the file has.
        found: String,
    },
    /// A file is one of PyTorch's pickles.
    #[error(
        "{path}: expected a checkpoint, a model.onnx or a safetensors file, found one of PyTorch's, which \
         holds a program and is never run here"
    )]
    Pickled {
        /// The file.
        path: PathBuf,
    },
    /// A file's tensors have names of no backbone.
    #[error(
        "{path}: expected the tensors of the network by their names in PyTorch ({expected} and so on), found \
         {count} tensors of floats{}",
        first.as_ref().map_or_else(String::new, |name| format!(" by other names, the first {name}"))
    )]
    Names {
        /// The file.
        path: PathBuf,
        /// Some names that it was to have.
        expected: String,
        /// How many tensors it has.
        count: usize,
        /// The first of them.
        first: Option<String>,
    },
    /// A run of the name is there.
    #[error("{run} is there already")]
    RunExists {
        /// Its folder.
        run: PathBuf,
    },
    /// Another process trains in a run's folder.
    #[error("{run}: another process is training there")]
    RunBusy {
        /// The folder.
        run: PathBuf,
    },
    /// A run cannot go on with what it would now be made from.
    #[error("{run}: cannot resume: {what}: expected {expected}, found {found}")]
    Resume {
        /// Its folder.
        run: PathBuf,
        /// What is another.
        what: &'static str,
        /// What it was.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Gradients overflow whatever the loss is multiplied by.
    #[error(
        "step {step} (epoch {epoch}): expected gradients that float16 holds at a loss scale of at least 1, \
         found such that overflow below it, at learning rate {rate}; nothing was updated, and the last \
         checkpoint of {run} is whole"
    )]
    LossScale {
        /// The step, from 1.
        step: u64,
        /// The epoch, from 0.
        epoch: u32,
        /// The learning rate.
        rate: f32,
        /// The run's folder.
        run: PathBuf,
    },
    /// A loss, a gradient or a statistic is no number any more.
    #[error(
        "step {step} (epoch {epoch}): expected finite numbers, found loss {loss}, gradient norm \
         {gradient_norm} at learning rate {rate}; nothing was updated, and the last checkpoint of {run} is \
         whole"
    )]
    NotFinite {
        /// The step, from 1.
        step: u64,
        /// The epoch, from 0.
        epoch: u32,
        /// The loss.
        loss: f32,
        /// Length of the gradient.
        gradient_norm: f32,
        /// The learning rate.
        rate: f32,
        /// The run's folder.
        run: PathBuf,
    },
}
