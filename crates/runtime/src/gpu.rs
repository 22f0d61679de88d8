//! A CUDA device, by what the speed of its kernels depends on.

use super::cuda::Driver;
use super::{Device, Runtime};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A CUDA device and the libraries for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// What the driver calls it.
    pub name: String,
    /// The newest CUDA that the driver serves, such as 13.0.
    pub driver: String,
    /// Version of cuDNN, where it is called.
    pub cudnn: Option<String>,
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (driver for CUDA {}", self.name, self.driver)?;
        match &self.cudnn {
            Some(version) => write!(f, ", cuDNN {version})"),
            None => write!(f, ")"),
        }
    }
}

impl Runtime {
    /// The CUDA device that sessions run on; none where they run on the processor.
    pub fn gpu(&self) -> Option<Gpu> {
        let Device::Cuda(number) = self.device() else { return None };
        let driver = Driver::ask().ok();
        let name = driver.as_ref().and_then(|own| own.devices.get(number as usize)).cloned();
        Some(Gpu {
            // The runtime has found it, so what the driver would not say is not worth an end.
            name: name.unwrap_or_else(|| format!("cuda:{number}")),
            driver: driver.map_or_else(|| "unknown".to_owned(), |own| own.cuda()),
            cudnn: self.cudnn().map(|library| library.version().to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_with_its_libraries() {
        let cudnn = Some("9.1.0".to_owned());
        let gpu = Gpu { name: "H100".to_owned(), driver: "13.0".to_owned(), cudnn };
        assert_eq!(gpu.to_string(), "H100 (driver for CUDA 13.0, cuDNN 9.1.0)");
        let without = Gpu { cudnn: None, ..gpu };
        assert_eq!(without.to_string(), "H100 (driver for CUDA 13.0)");
    }

    #[test]
    fn a_runtime_on_the_processor_has_no_cuda_device() {
        let Some(runtime) = Runtime::installed() else { return };
        assert_eq!(runtime.gpu(), None);
    }
}
