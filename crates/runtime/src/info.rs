//! What there is: libraries, devices, the cache.

use super::cuda::{self, Driver};
use super::library::{Library, PassedOver};
use super::locate::{Search, locate};
use super::places::Places;
use super::processor::Processor;
use super::release::Release;
use super::{Build, Cudnn, Mpich, NcclLibrary, OneDnn};
use qgface_fs::causes::chain;
use qgface_group::{LaunchError, Launcher};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// What there is of ONNX Runtime and of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Info {
    /// What `--device cpu` uses.
    pub cpu: Installed,
    /// What `--device cuda:N` uses.
    pub cuda: Installed,
    /// What convolutions of a step can be made with on the processor.
    pub onednn: OneDnnInstalled,
    /// What gradients and normalisations of a step can be made with on CUDA.
    pub cudnn: Loaded,
    /// What devices of several processes exchange by.
    pub nccl: Loaded,
    /// What starts several processes.
    pub mpi: MpiInstalled,
    /// The processor.
    pub processor: Processor,
    /// Cores that this process may use.
    pub cores: usize,
    /// What NVIDIA's driver says.
    pub cuda_devices: CudaDevices,
    /// Folder of installed libraries; absent when nothing says where.
    pub cache: Option<PathBuf>,
}

/// The library for a kind of device, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Installed {
    /// The library that is used.
    pub library: Option<Library>,
    /// What stands in the way; empty when the device can be used.
    pub missing: Vec<String>,
    /// Libraries that were found first and cannot be used.
    pub passed_over: Vec<PassedOver>,
}

/// oneDNN, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OneDnnInstalled {
    /// Its version.
    pub version: Option<String>,
    /// Its file, or the name by which the system's loader finds it.
    pub path: Option<PathBuf>,
    /// What stands in the way, and what was found first and cannot be used.
    pub missing: Vec<String>,
}

/// A launcher of MPI's, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MpiInstalled {
    /// Whose it is.
    pub family: Option<String>,
    /// The one in `PATH`, or where there is none the published one.
    pub mpiexec: Option<PathBuf>,
    /// What stands in the way.
    pub missing: Option<String>,
}

/// A library that is loaded by its name, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Loaded {
    /// Its version.
    pub version: Option<String>,
    /// What stands in the way.
    pub missing: Option<String>,
}

/// What NVIDIA's driver says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CudaDevices {
    /// The newest CUDA that the driver serves, such as 13.0.
    pub driver: Option<String>,
    /// Names of the devices, in the order of their numbers.
    pub names: Vec<String>,
}

/// Looks at everything; of ONNX Runtime nothing is started.
pub fn info() -> Info {
    let places = Places::from_environment();
    let driver = Driver::ask().ok();
    let version = driver.as_ref().map(Driver::cuda);
    let cuda_devices =
        CudaDevices { driver: version, names: driver.map(|own| own.devices).unwrap_or_default() };
    let mut cuda = installed(&places, Build::Cuda);
    // Device 0 stands for all: they share what is installed.
    let lacks = cuda::prepare(0, &places.packages().nvidia);
    cuda.missing.splice(0..0, lacks.iter().map(ToString::to_string));
    Info {
        cpu: installed(&places, Build::Cpu),
        cuda,
        onednn: onednn(),
        cudnn: loaded(Cudnn::find().map(|own| own.version().to_owned())),
        nccl: loaded(NcclLibrary::find().map(|own| own.version().to_owned())),
        mpi: mpi(),
        processor: Processor::here(),
        cores: available_parallelism().map_or(1, usize::from),
        cuda_devices,
        cache: places.cache.map(|cache| cache.root(Release::of(Build::Cpu))),
    }
}

fn loaded<E: std::error::Error>(found: Result<String, E>) -> Loaded {
    match found {
        Ok(version) => Loaded { version: Some(version), missing: None },
        Err(reason) => Loaded { version: None, missing: Some(chain(&reason)) },
    }
}

fn mpi() -> MpiInstalled {
    let found = Launcher::find(None);
    let found = match (found, Mpich::installed()) {
        (Err(LaunchError::NotFound), Some(mpich)) => Launcher::find(Some(&mpich.mpiexec())),
        (found, _) => found,
    };
    match found {
        Ok(Launcher { family, mpiexec }) => {
            MpiInstalled { family: Some(family.to_string()), mpiexec: Some(mpiexec), missing: None }
        }
        Err(reason) => MpiInstalled { family: None, mpiexec: None, missing: Some(chain(&reason)) },
    }
}

fn onednn() -> OneDnnInstalled {
    let said = Mutex::new(Vec::new());
    let say =
        |text: &str| said.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    let found = OneDnn::find(&say);
    let mut missing = said.into_inner().unwrap_or_else(PoisonError::into_inner);
    let library = found.unwrap_or_else(|error| {
        missing.push(chain(&error));
        None
    });
    let version = library.as_ref().map(|own| own.version().to_owned());
    OneDnnInstalled { version, path: library.map(|own| own.path().to_path_buf()), missing }
}

fn installed(places: &Places, build: Build) -> Installed {
    match locate(places, build) {
        Ok(Search { library: Some(library), passed_over }) => {
            Installed { library: Some(library), missing: Vec::new(), passed_over }
        }
        Ok(Search { library: None, passed_over }) => {
            let missing = vec![format!("no {build} build of ONNX Runtime")];
            Installed { library: None, missing, passed_over }
        }
        Err(error) => {
            let missing = vec![chain(&error)];
            Installed { library: None, missing, passed_over: Vec::new() }
        }
    }
}
