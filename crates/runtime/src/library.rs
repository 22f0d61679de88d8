//! One shared library: is it ONNX Runtime, new enough, whole, and of which build?

use super::Build;
use super::elf;
use serde::{Deserialize, Serialize};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::ptr;

/// The API that this program speaks; the library's minor version must be at least this.
pub(super) const MIN_MINOR: u32 = ort::MINOR_VERSION;

/// File beside the library that makes it a CUDA build.
const CUDA_PROVIDER: &str = "libonnxruntime_providers_cuda.so";

/// Where a library was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// `ORT_DYLIB_PATH` names it.
    Environment,
    /// The program installed it.
    Cache,
    /// It belongs to an installed Python package.
    PythonPackage,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Environment => "environment",
            Self::Cache => "cache",
            Self::PythonPackage => "python package",
        })
    }
}

/// A library that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Library {
    /// Its file.
    pub path: PathBuf,
    /// What it says its version is.
    pub version: String,
    /// Where it was found.
    pub origin: Origin,
    /// What it was built for.
    pub build: Build,
    /// The execution providers it says it has.
    pub providers: Vec<String>,
}

/// A library that was found and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PassedOver {
    /// Its file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

impl std::fmt::Display for PassedOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It is no file that can be read, or not a whole library.
    #[error(transparent)]
    File(#[from] elf::Error),
    /// The system's loader refuses it.
    #[error("the system cannot load it: {0}")]
    Load(String),
    /// It is another library.
    #[error("expected ONNX Runtime, found a library without OrtGetApiBase")]
    NotRuntime,
    /// It is too old, or of another major version.
    #[error("expected ONNX Runtime 1.{MIN_MINOR} or later, found version {found}")]
    Version {
        /// What it says its version is.
        found: String,
    },
    /// CUDA is wanted and this is a build for the processor.
    #[error("expected a CUDA build, found no {CUDA_PROVIDER} beside it")]
    CpuBuild,
    /// A file of the cache is not the published one.
    #[error("expected the published file of the {build} build, found other bytes")]
    Damaged {
        /// The build that it belongs to.
        build: Build,
    },
}

impl Library {
    /// Loads the library at `path` for a moment and asks what it is.
    ///
    /// # Errors
    /// Why it cannot be used for `build`.
    pub(super) fn probe(path: &Path, origin: Origin, build: Build) -> Result<Self, Unfit> {
        elf::check(path)?;
        let own = if beside(path, CUDA_PROVIDER) { Build::Cuda } else { Build::Cpu };
        if build == Build::Cuda && own == Build::Cpu {
            return Err(Unfit::CpuBuild);
        }
        let (version, providers) = ask(path)?;
        Ok(Self { path: path.to_path_buf(), version, origin, build: own, providers })
    }
}

fn beside(path: &Path, name: &str) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    real.with_file_name(name).is_file()
}

/// The library's version and its providers.
#[allow(unsafe_code)]
fn ask(path: &Path) -> Result<(String, Vec<String>), Unfit> {
    // SAFETY: loading runs the library's initialisers; that is what the user asks for by naming or
    // installing it.
    let library =
        unsafe { libloading::Library::new(path) }.map_err(|error| Unfit::Load(reason(&error)))?;
    type Base = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    // SAFETY: every ONNX Runtime exports this function with this type.
    let base = unsafe { library.get::<Base>(b"OrtGetApiBase") }.map_err(|_| Unfit::NotRuntime)?;
    // SAFETY: the function takes nothing and returns a static table or null.
    let base = unsafe { base().as_ref() }.ok_or(Unfit::NotRuntime)?;
    // SAFETY: the version is a static text ended by zero.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) };
    let version = version.to_string_lossy().into_owned();
    if !is_new_enough(&version) {
        return Err(Unfit::Version { found: version });
    }
    // SAFETY: the table of a version is static, or null when the library does not know it.
    let api = unsafe { (base.GetApi)(MIN_MINOR).as_ref() };
    let api = api.ok_or_else(|| Unfit::Version { found: version.clone() })?;
    let (mut names, mut count) = (ptr::null_mut(), 0);
    // SAFETY: both are places for one result.
    let status = unsafe { (api.GetAvailableProviders)(&mut names, &mut count) };
    let mut providers = Vec::new();
    if status.0.is_null() {
        for place in 0..usize::try_from(count).unwrap_or_default() {
            // SAFETY: the library returned `count` texts, each ended by zero.
            let name = unsafe { CStr::from_ptr(*names.add(place)) };
            providers.push(name.to_string_lossy().into_owned());
        }
        // SAFETY: they are given back once, as they came.
        let _ = unsafe { (api.ReleaseAvailableProviders)(names, count) };
    }
    Ok((version, providers))
}

/// What the system's loader says; the error's own text leaves it out.
pub(super) fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn is_new_enough(version: &str) -> bool {
    let minor = version.strip_prefix("1.").and_then(|rest| rest.split('.').next());
    minor.and_then(|minor| minor.parse::<u32>().ok()).is_some_and(|minor| minor >= MIN_MINOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_the_api_on_are_new_enough() {
        for (version, fits) in
            [("1.24.0", true), ("1.32.0", true), ("1.23.9", false), ("2.30.0", false), ("", false)]
        {
            assert_eq!(is_new_enough(version), fits, "{version}");
        }
    }

    #[test]
    fn texts_and_absent_files_are_unfit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a library").unwrap();
        for path in [file.path(), Path::new("/nonexistent/lib.so"), Path::new("/")] {
            let found = Library::probe(path, Origin::Environment, Build::Cpu);
            assert!(matches!(found, Err(Unfit::File(_))), "{found:?}");
        }
    }

    #[test]
    fn another_library_is_unfit() {
        let own = std::env::current_exe().unwrap();
        let found = Library::probe(&own, Origin::Environment, Build::Cpu);
        assert!(matches!(found, Err(Unfit::Load(_) | Unfit::NotRuntime)), "{found:?}");
    }
}
