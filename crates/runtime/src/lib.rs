//! ONNX Runtime: finding it, installing it, and running graphs on the processor or on CUDA.
//!
//! The library is loaded while the program runs, so the program builds and its other commands work
//! without it. Start at [`Runtime::start`], then [`Runtime::open`] for a model of images, or
//! [`Program::open`] for a graph whose values stay on the device. A device does what it says: on
//! `cuda:N` every node runs on CUDA, or there is an error that names what is missing; nothing falls
//! back to the processor. This is the only module that knows the crate `ort`.
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod available;
mod binding;
mod buffer;
mod cuda;
mod cudnn;
mod device;
mod domain;
mod elf;
mod error;
mod exchange;
mod forecast;
mod gpu;
mod gpu_memory;
mod guard;
mod huge_pages;
mod info;
mod install;
mod kernels;
mod library;
mod locate;
mod machine;
mod memory;
mod mpich;
mod nccl;
mod onednn;
mod placement;
mod places;
mod precision;
mod processor;
mod program;
mod python;
mod release;
mod session;
mod start;
mod stream;
mod tensor;
mod wheel;

pub use available::available_memory;
pub use binding::Binding;
pub use buffer::{Buffer, Element, Traffic};
pub use cuda::Missing;
pub use cudnn::{Cudnn, Unfit as CudnnUnfit, cudnn_operators};
pub use device::{Build, Device, UnknownDevice};
pub use elf::{Error as LibraryFileError, check as check_library};
pub use error::Error;
pub use exchange::{Summed, Sums};
pub use forecast::{Working, working_memory};
pub use gpu::Gpu;
pub use huge_pages::use_huge_pages;
pub use info::{CudaDevices, Info, Installed, Loaded, MpiInstalled, OneDnnInstalled, info};
pub use install::{install, unpack};
pub use library::{Library, Origin, PassedOver, Unfit};
pub use machine::Machine;
pub use memory::peak_memory;
pub use mpich::Mpich;
pub use nccl::{Error as NcclError, Nccl, NcclLibrary, Unfit as NcclUnfit};
pub use onednn::{Fault as OneDnnFault, OneDnn, Unfit as OneDnnUnfit};
pub use places::tuning_table;
pub use precision::{NoPrecision, Precision};
pub use processor::Processor;
pub use program::Program;
pub use session::Session;
pub use start::{OnMissing, Runtime};
pub use tensor::{Port, Tensor};
pub use wheel::Error as WheelError;
