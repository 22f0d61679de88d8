//! What can go wrong between a device's name and the numbers of a graph.

use super::{Build, Device, Missing, OneDnnUnfit, PassedOver, Unfit, WheelError};
use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Why ONNX Runtime cannot be found, installed or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder refused an operation.
    #[error(transparent)]
    File(#[from] qgface_fs::Error),
    /// The model's file is not a model.
    #[error(transparent)]
    Model(#[from] qgface_graph::onnx::Error),
    /// The environment names a library that cannot be used.
    #[error("ORT_DYLIB_PATH names {path}; set it to a fitting library or unset it")]
    Named {
        /// What it names.
        path: PathBuf,
        /// Why that cannot be used.
        #[source]
        reason: Unfit,
    },
    /// No place holds a library that can be used.
    #[error("no ONNX Runtime library is found{}", passed(passed_over))]
    NotFound {
        /// The libraries that were found and cannot be used.
        passed_over: Vec<PassedOver>,
    },
    /// Nothing says where the cache is.
    #[error(
        "no folder for the library: neither QGFACE_RUNTIME_CACHE nor XDG_CACHE_HOME nor HOME is set; \
         set one of them, or {library} to a library"
    )]
    NoCacheFolder {
        /// The variable that names a library.
        library: &'static str,
    },
    /// The published build is for another machine.
    #[error("the published library is for Linux on x86-64, not for this machine; {otherwise}")]
    Platform {
        /// What can be done.
        otherwise: String,
    },
    /// The cache cannot be locked.
    #[error(
        "cannot lock {path}; set {variable} to a folder on a disk of this machine, or {library} to a \
         library"
    )]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The variable that names the cache.
        variable: &'static str,
        /// The variable that names a library.
        library: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// No Python at hand has pip.
    #[error(
        "{requirement} is fetched with pip, and there is none ({}); `apt install python3-pip`, or set \
         {library} to a library", tried.join("; ")
    )]
    NoPip {
        /// The package and its version.
        requirement: String,
        /// The variable that names a library.
        library: &'static str,
        /// For each interpreter, why it has none.
        tried: Vec<String>,
    },
    /// pip could not fetch the package.
    #[error(
        "pip cannot fetch {requirement}: {said}; is there a network and room on the disk? Otherwise bring \
         the package from elsewhere and {otherwise}"
    )]
    Pip {
        /// The package and its version.
        requirement: String,
        /// The last lines that it said.
        said: String,
        /// What can be done.
        otherwise: String,
    },
    /// The package that was fetched is not the published one.
    #[error(
        "expected {requirement} with SHA-256 {expected}, found {found}; a mirror or proxy gives another \
         file; if you trust it, {otherwise}"
    )]
    WheelDigest {
        /// The package and its version.
        requirement: String,
        /// Digest of the published package.
        expected: &'static str,
        /// Digest of the one that came.
        found: String,
        /// What can be done.
        otherwise: String,
    },
    /// The package's files cannot be written.
    #[error("cannot unpack {requirement}")]
    Unpack {
        /// The package and its version.
        requirement: String,
        /// Why not.
        source: WheelError,
    },
    /// oneDNN was named or installed and cannot be used.
    #[error(
        "{path}: it cannot be used as oneDNN; set DNNL_DYLIB_PATH to a fitting library or unset it"
    )]
    OneDnn {
        /// The library.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: OneDnnUnfit,
    },
    /// A graph has an operator that oneDNN computes, and there is none.
    #[error("{model}: expected oneDNN for the operator {operator}, found no library")]
    NoOneDnn {
        /// The graph's name.
        model: PathBuf,
        /// The operator.
        operator: String,
    },
    /// A graph has an operator that cuDNN computes, and it was not given to the runtime.
    #[error("{model}: expected cuDNN for the operator {operator}, found no library")]
    NoCudnn {
        /// The graph's name.
        model: PathBuf,
        /// The operator.
        operator: String,
    },
    /// A graph has an operator by which ranks exchange something, and the runtime was given no group of them.
    #[error("{model}: expected a group of ranks for the operator {operator}, found none")]
    NoGroup {
        /// The graph's name.
        model: PathBuf,
        /// The operator.
        operator: String,
    },
    /// A graph on CUDA has an operator by which ranks exchange something, and the runtime was given no NCCL.
    #[error("{model}: expected NCCL for the operator {operator}, found none")]
    NoNccl {
        /// The graph's name.
        model: PathBuf,
        /// The operator.
        operator: String,
    },
    /// Ranks could not sum what a graph makes.
    #[error("{model}: ranks cannot sum what it makes")]
    Sums {
        /// The graph's name.
        model: PathBuf,
        /// Why not.
        source: Box<qgface_group::Error>,
    },
    /// Devices could not exchange what a graph has them exchange.
    #[error("{model}: what devices exchange failed")]
    Nccl {
        /// The graph's name.
        model: PathBuf,
        /// What NCCL says.
        source: crate::NcclError,
    },
    /// The library was found and does not start.
    #[error("{path}: ONNX Runtime does not start")]
    Start {
        /// The library.
        path: PathBuf,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A process can have one library, and it is of the other build.
    #[error(
        "{path}: this process runs on the {running} build of ONNX Runtime already and cannot change to \
         the {wanted} build; start on CUDA first"
    )]
    Running {
        /// The library in use.
        path: PathBuf,
        /// What it was built for.
        running: Build,
        /// What is wanted.
        wanted: Build,
    },
    /// CUDA lacks something on this machine.
    #[error("{device} cannot be used here: {}", numbered(missing))]
    Cuda {
        /// The device.
        device: Device,
        /// All that is missing.
        missing: Vec<Missing>,
    },
    /// ONNX Runtime refuses the model.
    #[error("{model}: ONNX Runtime cannot prepare the model on {device}")]
    Prepare {
        /// The model's file.
        model: PathBuf,
        /// Where it should run.
        device: Device,
        /// What it says.
        source: ort::Error,
    },
    /// Some nodes would run on the processor.
    #[error(
        "{model}: expected every node on {device}, found {} elsewhere: {}; run it on cpu",
        nodes.len(), shortened(nodes)
    )]
    Placement {
        /// The model's file.
        model: PathBuf,
        /// Where they should run.
        device: Device,
        /// The nodes, each with its operator and provider.
        nodes: Vec<String>,
    },
    /// The model does not take one tensor.
    #[error("{model}: expected a model with one input, found {}: {}", found.len(), found.join(", "))]
    Inputs {
        /// The model's file.
        model: PathBuf,
        /// Names of its inputs.
        found: Vec<String>,
    },
    /// An input or output holds other things than floats.
    #[error("{model}: expected 32-bit or 16-bit floats as {port}, found {found}")]
    Element {
        /// The model's file.
        model: PathBuf,
        /// The input or output.
        port: String,
        /// What it holds.
        found: String,
    },
    /// A device has no room for a tensor.
    #[error("{device} cannot hold a tensor of {bytes} bytes more; take a smaller batch")]
    Memory {
        /// The device.
        device: Device,
        /// The tensor's size.
        bytes: u64,
        /// What the runtime says.
        source: ort::Error,
    },
    /// Numbers could not be copied to or from a device.
    #[error("cannot copy a tensor to or from {device}")]
    Copy {
        /// The device.
        device: Device,
        /// What the runtime says.
        source: ort::Error,
    },
    /// Numbers do not fit a buffer.
    #[error("a buffer of {buffer}: expected {expected}, found {found}")]
    Buffer {
        /// Its element and shape.
        buffer: String,
        /// What it takes.
        expected: String,
        /// What came.
        found: String,
    },
    /// An input or output and the buffer for it do not fit.
    #[error("{model}: {port}: expected {expected}, found {found}")]
    Bound {
        /// The graph's name.
        model: PathBuf,
        /// The input or output.
        port: String,
        /// What it takes.
        expected: String,
        /// What there is.
        found: String,
    },
    /// A binding was made by another program than the one that should run on it.
    #[error(
        "{model}: expected a binding made by this program, found another's; bind the buffers with it"
    )]
    OtherProgram {
        /// The graph's name.
        model: PathBuf,
    },
    /// There is no profile to end.
    #[error(
        "{model}: expected a program with a profile that has not ended, found none; open it with one"
    )]
    NoProfile {
        /// The graph's name.
        model: PathBuf,
    },
    /// The numbers are not of the shape that the model takes.
    #[error("{model}: expected {expected} as {port}, found {found}")]
    Shape {
        /// The model's file.
        model: PathBuf,
        /// The input.
        port: String,
        /// What it takes.
        expected: String,
        /// What came.
        found: String,
    },
    /// A model makes what no tensor is.
    #[error("{model}: expected extents of 0 and more of the output {port}, found {found:?}")]
    Extents {
        /// The model's file.
        model: PathBuf,
        /// The output.
        port: String,
        /// Its extents.
        found: Vec<i64>,
    },
    /// A model was not done in time.
    #[error(
        "{model}: expected a batch to be done within {seconds} s, and it was still at work; a model that \
         never ends is damaged"
    )]
    TimeLimit {
        /// The model's file.
        model: PathBuf,
        /// The limit.
        seconds: f64,
    },
    /// The bindings of ONNX Runtime met what they do not expect.
    #[error("{model}: ONNX Runtime's bindings cannot follow the model on {device}: {found}")]
    Bindings {
        /// The model's file.
        model: PathBuf,
        /// Where.
        device: Device,
        /// What they said.
        found: String,
    },
    /// The model failed at its work.
    #[error("{model}: ONNX Runtime cannot run the model on {device}")]
    Run {
        /// The model's file.
        model: PathBuf,
        /// Where.
        device: Device,
        /// What it says.
        source: ort::Error,
    },
}

fn passed(passed_over: &[PassedOver]) -> String {
    if passed_over.is_empty() {
        return String::new();
    }
    format!(" (passed over: {})", listed(passed_over))
}

/// All items, numbered, since each is a sentence.
fn numbered(items: &[impl Display]) -> String {
    let numbered = items.iter().zip(1..).map(|(item, number)| format!("({number}) {item}"));
    numbered.collect::<Vec<_>>().join("; ")
}

fn listed(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The first few of many.
fn shortened(nodes: &[String]) -> String {
    const SHOWN: usize = 8;
    let more = if nodes.len() > SHOWN { ", …" } else { "" };
    let shown = nodes.get(..SHOWN).unwrap_or(nodes);
    format!("{}{more}", shown.join(", "))
}
