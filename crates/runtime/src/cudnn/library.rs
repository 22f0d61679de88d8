//! cuDNN found, with the functions that are called.

use super::super::cuda;
use super::super::places::Places;
use super::api::Api;
use super::unfit::Unfit;
use std::sync::Arc;

/// What the system's loader is asked for; the CUDA provider is linked with the same.
const NAME: &str = "libcudnn.so.9";

/// cuDNN, loaded. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Cudnn {
    pub(super) api: Arc<Api>,
    version: Arc<str>,
}

impl Cudnn {
    /// The library that ONNX Runtime's CUDA provider uses: the one that is loaded, else one that the
    /// system's loader finds, else that of Python's packages.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn find() -> Result<Self, Unfit> {
        let places = Places::from_environment();
        let folders = cuda::folders(&places.packages().nvidia);
        let library = cuda::open(NAME, &folders).ok_or(Unfit::Absent { name: NAME })?;
        let (api, version) = Api::in_library(&library)?;
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
impl Cudnn {
    /// For tests: the library that is installed; where there is none, that they are skipped is said.
    pub(super) fn installed() -> Option<Self> {
        use std::io::Write;
        match Self::find() {
            Err(reason @ Unfit::Absent { .. }) => {
                let _ = writeln!(std::io::stderr(), "skipped: {reason}");
                None
            }
            found => Some(found.unwrap()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn another_library_is_not_cudnn() {
        // SAFETY: the C library is loaded already.
        let library = unsafe { libloading::Library::new("libc.so.6") }.unwrap();
        assert_eq!(Api::in_library(&library).unwrap_err(), Unfit::NotCudnn);
    }

    #[test]
    fn an_installed_library_has_every_function_that_is_called() {
        let Some(own) = Cudnn::installed() else { return };
        assert!(own.version().starts_with("9."), "{}", own.version());
    }
}
