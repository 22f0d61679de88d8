//! What CUDA needs beside ONNX Runtime: the driver, the runtime libraries, cuDNN.
//!
//! Everything that is missing is gathered before anything is said, so that a machine is put right in one
//! go. What is there is loaded and stays loaded: the provider then finds it by name, wherever it lies.

use super::library::reason;
use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

/// Major version of CUDA that the published build is made for.
const MAJOR: i32 = 13;

/// The runtime library of CUDA.
pub(super) const RUNTIME: &str = "libcudart.so.13";

/// Libraries that the provider is linked with or loads by itself, and the Python package of each.
const REQUIRED: [(&str, &str); 5] = [
    (RUNTIME, "nvidia-cuda-runtime"),
    ("libcublasLt.so.13", "nvidia-cublas"),
    ("libcublas.so.13", "nvidia-cublas"),
    ("libcurand.so.10", "nvidia-curand"),
    ("libcudnn.so.9", "nvidia-cudnn-cu13"),
];

/// Folders below the Python package `nvidia` that hold them.
const FOLDERS: [&str; 3] = ["cu13/lib", "cudnn/lib", "nccl/lib"];

/// One thing that CUDA needs and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// NVIDIA's driver cannot be loaded or started.
    Driver {
        /// Why.
        reason: String,
    },
    /// The driver is of an earlier CUDA.
    OldDriver {
        /// The newest CUDA that it serves, as 1000 × major + 10 × minor.
        version: i32,
    },
    /// There is no device of the number asked for.
    Device {
        /// The number.
        number: u32,
        /// Names of those there are.
        found: Vec<String>,
    },
    /// Libraries of CUDA or cuDNN cannot be loaded.
    Libraries {
        /// Their names.
        names: Vec<&'static str>,
        /// The Python packages that bring them.
        packages: Vec<&'static str>,
    },
    /// There is no CUDA build of ONNX Runtime.
    Runtime {
        /// What there is instead.
        found: String,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver { reason } => write!(
                f,
                "no NVIDIA driver answers ({reason}); install the driver, or run where there is one"
            ),
            Self::OldDriver { version } => write!(
                f,
                "the NVIDIA driver serves CUDA {}.{}, expected {MAJOR}.0 or later; update the driver",
                version / 1000,
                version % 1000 / 10
            ),
            Self::Device { number, found } if found.is_empty() => {
                write!(f, "the driver sees no CUDA device (number {number} is asked for)")
            }
            Self::Device { number, found } => write!(
                f,
                "there is no CUDA device {number}, only 0 to {}: {}",
                found.len().saturating_sub(1),
                found.join(", ")
            ),
            Self::Libraries { names, packages } => write!(
                f,
                "CUDA {MAJOR} and cuDNN 9 libraries cannot be loaded ({}); `pip install {}` brings them",
                names.join(", "),
                packages.join(" ")
            ),
            Self::Runtime { found } => write!(f, "no CUDA build of ONNX Runtime ({found})"),
        }
    }
}

/// What NVIDIA's driver says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Driver {
    /// The newest CUDA that it serves, as 1000 × major + 10 × minor.
    pub(super) version: i32,
    /// Names of the devices, in the order of their numbers.
    pub(super) devices: Vec<String>,
}

impl Driver {
    /// Asks the driver.
    ///
    /// # Errors
    /// [`Missing::Driver`].
    #[allow(unsafe_code)]
    pub(super) fn ask() -> Result<Self, Missing> {
        const NAME_BYTES: usize = 256;
        let missing = |reason| Missing::Driver { reason };
        let load = |error: libloading::Error| missing(reason(&error));
        // SAFETY: loading NVIDIA's driver library runs its initialisers, as every CUDA program does.
        let library = unsafe { libloading::Library::new("libcuda.so.1") }.map_err(load)?;
        // The driver is never unloaded: its threads may outlive the last handle.
        let library = ManuallyDrop::new(library);
        macro_rules! function {
            ($name:literal, $type:ty) => {
                // SAFETY: the driver's API gives this function this type.
                unsafe { library.get::<$type>($name) }.map_err(load)?
            };
        }
        let init = function!(b"cuInit", unsafe extern "C" fn(u32) -> c_int);
        let version = function!(b"cuDriverGetVersion", unsafe extern "C" fn(*mut c_int) -> c_int);
        let count = function!(b"cuDeviceGetCount", unsafe extern "C" fn(*mut c_int) -> c_int);
        let get = function!(b"cuDeviceGet", unsafe extern "C" fn(*mut c_int, c_int) -> c_int);
        let name =
            function!(b"cuDeviceGetName", unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int);
        let ok = |function: &str, status| match status {
            0 => Ok(()),
            // 100 is CUDA_ERROR_NO_DEVICE, said of the device and not of the driver.
            status => Err(missing(format!("{function} returns error {status}"))),
        };
        let mut driver = Self { version: 0, devices: Vec::new() };
        let mut devices = 0;
        // SAFETY: every pointer is to a place for one result; `name` is told the length of its own.
        unsafe {
            ok("cuDriverGetVersion", version(&mut driver.version))?;
            match init(0) {
                100 => return Ok(driver),
                status => ok("cuInit", status)?,
            }
            ok("cuDeviceGetCount", count(&mut devices))?;
            for number in 0..devices {
                let (mut device, mut text) = (0, [0 as c_char; NAME_BYTES]);
                ok("cuDeviceGet", get(&mut device, number))?;
                ok("cuDeviceGetName", name(text.as_mut_ptr(), NAME_BYTES as c_int, device))?;
                driver.devices.push(CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned());
            }
        }
        Ok(driver)
    }

    /// The newest CUDA that it serves, such as 13.0.
    pub(super) fn cuda(&self) -> String {
        format!("{}.{}", self.version / 1000, self.version % 1000 / 10)
    }

    /// What this driver lacks for a device.
    fn lacks(&self, number: u32) -> Option<Missing> {
        if self.version < MAJOR * 1000 {
            return Some(Missing::OldDriver { version: self.version });
        }
        let found = self.devices.clone();
        (found.len() <= number as usize).then_some(Missing::Device { number, found })
    }
}

/// Loads all that device `number` needs beside ONNX Runtime; returns what is missing. `nvidia` are the
/// folders of the Python package of that name.
pub(super) fn prepare(number: u32, nvidia: &[PathBuf]) -> Vec<Missing> {
    let driver = match Driver::ask() {
        Ok(driver) => driver.lacks(number),
        Err(missing) => Some(missing),
    };
    let folders = folders(nvidia);
    let absent = REQUIRED.iter().filter(|(name, _)| !load(name, &folders));
    let (names, mut packages): (Vec<_>, Vec<_>) = absent.copied().unzip();
    packages.dedup();
    let libraries = (!names.is_empty()).then_some(Missing::Libraries { names, packages });
    if libraries.is_none() {
        // cuDNN and the provider load these when a model asks for them; not every model does.
        let optional = ort::ep::cuda::CUDA_DYLIBS.iter().chain(ort::ep::cuda::CUDNN_DYLIBS);
        optional.for_each(|name| _ = load(name, &folders));
    }
    driver.into_iter().chain(libraries).collect()
}

/// Folders that hold libraries below those of the Python package `nvidia`.
pub(super) fn folders(nvidia: &[PathBuf]) -> Vec<PathBuf> {
    nvidia.iter().flat_map(|root| FOLDERS.map(|folder| root.join(folder))).collect()
}

/// Loads a library for good, from where the system looks or from one of the folders. One that is loaded
/// already is found by its name.
pub(super) fn open(name: &str, folders: &[PathBuf]) -> Option<ManuallyDrop<libloading::Library>> {
    let paths = folders.iter().map(|folder| folder.join(name)).filter(|path| path.is_file());
    std::iter::once(Path::new(name).to_path_buf()).chain(paths).find_map(|path| {
        #[allow(unsafe_code)]
        // SAFETY: loading NVIDIA's libraries runs their initialisers, as every CUDA program does.
        let library = unsafe { libloading::Library::new(path) };
        library.map(ManuallyDrop::new).ok()
    })
}

fn load(name: &str, folders: &[PathBuf]) -> bool {
    open(name, folders).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_lacks_what_is_older_or_beyond_its_devices() {
        let driver = Driver { version: 13_020, devices: vec!["H100".into()] };
        assert_eq!((driver.lacks(0), driver.cuda()), (None, "13.2".to_owned()));
        let beyond = driver.lacks(1).unwrap().to_string();
        assert_eq!(beyond, "there is no CUDA device 1, only 0 to 0: H100");
        let old = Driver { version: 12_080, ..driver };
        assert!(old.lacks(0).unwrap().to_string().contains("CUDA 12.8, expected 13.0"));
    }

    #[test]
    fn absent_libraries_are_not_loaded() {
        assert!(!load("libqgface-none.so.1", &[PathBuf::from("/nonexistent")]));
    }
}
