//! NCCL found, with the functions that are called.

use super::super::cuda;
use super::super::places::Places;
use super::api::Api;
use super::unfit::Unfit;
use std::sync::Arc;

/// What the system's loader is asked for.
const NAME: &str = "libnccl.so.2";

/// NCCL, loaded. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct NcclLibrary {
    pub(super) api: Arc<Api>,
    version: Arc<str>,
}

impl NcclLibrary {
    /// The library that the system's loader finds, else that of Python's packages.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn find() -> Result<Self, Unfit> {
        let places = Places::from_environment();
        let folders = cuda::folders(&places.packages().nvidia);
        let absent = |name, package| move || Unfit::Absent { name, package };
        let library = cuda::open(NAME, &folders);
        let library = library.ok_or_else(absent(NAME, "nvidia-nccl-cu13"))?;
        let cuda = cuda::open(cuda::RUNTIME, &folders);
        let cuda = cuda.ok_or_else(absent(cuda::RUNTIME, "nvidia-cuda-runtime"))?;
        let (api, version) = Api::in_library(&library, &cuda)?;
        Ok(Self::of(api, &version))
    }

    /// What it says its version is.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn of(api: Api, version: &str) -> Self {
        Self { api: Arc::new(api), version: version.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn another_library_is_not_nccl() {
        // SAFETY: the C library is loaded already.
        let library = unsafe { libloading::Library::new("libc.so.6") }.unwrap();
        assert_eq!(Api::in_library(&library, &library).unwrap_err(), Unfit::NotNccl);
    }
}
