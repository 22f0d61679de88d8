//! Starting ONNX Runtime, once in a process.

use super::exchange::Bulletin;
use super::library::{Library, Origin};
use super::locate::{Search, locate};
use super::places::Places;
use super::{Build, Cudnn, Device, Error, Missing, Nccl, OneDnn, PassedOver, cuda, install};
use ort::environment::Environment;
use qgface_fs::causes::chain;
use qgface_group::Group;
use std::sync::{Arc, Mutex, PoisonError};

/// What to do when no library is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// Install the published one.
    Install,
    /// Say so.
    Refuse,
}

/// ONNX Runtime, started for a device.
#[derive(Debug, Clone)]
pub struct Runtime {
    started: Arc<Started>,
    device: Device,
    onednn: Option<OneDnn>,
    cudnn: Option<Cudnn>,
    group: Option<Arc<Group>>,
    nccl: Option<Nccl>,
    bulletin: Arc<Bulletin>,
}

/// What a process has one of.
#[derive(Debug)]
struct Started {
    library: Library,
    environment: Environment,
}

/// A second environment is refused by the library, so the first is kept until the process ends.
static STARTED: Mutex<Option<Arc<Started>>> = Mutex::new(None);

impl Runtime {
    /// Finds the library and starts it for `device`; a second start in the process uses the same library.
    /// `say` is told what is being installed, if anything is.
    ///
    /// # Errors
    /// A library that cannot be found, installed or started; for CUDA everything that it lacks on this
    /// machine, in one error.
    pub fn start(device: Device, on_missing: OnMissing, say: &dyn Fn(&str)) -> Result<Self, Error> {
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        let places = Places::from_environment();
        let build = device.build();
        if let Some(started) = &*started {
            let running = started.library.build;
            if build == Build::Cuda && running == Build::Cpu {
                let path = started.library.path.clone();
                return Err(Error::Running { path, running, wanted: build });
            }
            let missing = lacks(device, &places);
            if !missing.is_empty() {
                return Err(Error::Cuda { device, missing });
            }
            return Ok(Self::of(Arc::clone(started), device));
        }
        let library = find(device, &places, on_missing, say)?;
        let own = Arc::new(Started::new(library)?);
        *started = Some(Arc::clone(&own));
        Ok(Self::of(own, device))
    }

    fn of(started: Arc<Started>, device: Device) -> Self {
        let bulletin = Arc::default();
        Self { started, device, onednn: None, cudnn: None, group: None, nccl: None, bulletin }
    }

    /// The library in use.
    pub fn library(&self) -> &Library {
        &self.started.library
    }

    /// The device that sessions run on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The same runtime, of which programs may have the operators that oneDNN computes.
    pub fn with_onednn(self, onednn: Option<OneDnn>) -> Self {
        Self { onednn, ..self }
    }

    /// The same with the oneDNN that is there, else with the published one, which is installed. Where that
    /// cannot be had `say` is told why, and the runtime is as it was.
    ///
    /// # Errors
    /// As [`OneDnn::find`].
    pub fn with_any_onednn(self, say: &dyn Fn(&str)) -> Result<Self, Error> {
        let library = match OneDnn::find(say)? {
            Some(library) => Some(library),
            None => OneDnn::install(say)
                .map_err(|error| say(&format!("without oneDNN: {}", chain(&error))))
                .ok(),
        };
        Ok(self.with_onednn(library))
    }

    /// The library behind those operators.
    pub fn onednn(&self) -> Option<&OneDnn> {
        self.onednn.as_ref()
    }

    /// The same runtime, of which programs on CUDA may have the operators that cuDNN computes.
    pub fn with_cudnn(self, cudnn: Option<Cudnn>) -> Self {
        Self { cudnn, ..self }
    }

    /// The library behind those operators.
    pub fn cudnn(&self) -> Option<&Cudnn> {
        self.cudnn.as_ref()
    }

    /// The same runtime, of which programs may have operators by which ranks of a group exchange what is in
    /// the middle of a graph.
    pub fn with_group(self, group: Arc<Group>) -> Self {
        Self { group: Some(group), ..self }
    }

    /// The same runtime on CUDA, whose devices exchange among ranks: by the operators in the middle of a graph,
    /// which need nothing else then.
    pub fn with_nccl(self, nccl: Option<Nccl>) -> Self {
        Self { nccl, ..self }
    }

    /// What devices exchange by.
    pub fn nccl(&self) -> Option<&Nccl> {
        self.nccl.as_ref()
    }

    /// The group behind those operators.
    pub fn group(&self) -> Option<&Arc<Group>> {
        self.group.as_ref()
    }

    /// Where nodes on the processor announce what they have made.
    pub(super) fn bulletin(&self) -> &Arc<Bulletin> {
        &self.bulletin
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.started.environment
    }
}

impl Started {
    fn new(library: Library) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Start {
            path: library.path.clone(),
            source,
        };
        let builder = ort::init_from(&library.path).map_err(|error| failed(Box::new(error)))?;
        let builder = builder.with_name("qgface-data").with_telemetry(false);
        let environment = builder.build().map_err(|error| failed(Box::new(error)))?;
        // What the library would print comes back as an error too. `ORT_LOG` asks to see it.
        if std::env::var_os("ORT_LOG").is_none() {
            environment.set_log_level(ort::logging::LogLevel::Fatal);
        }
        Ok(Self { library, environment })
    }
}

/// The library for a device, installed if need be.
fn find(
    device: Device,
    places: &Places,
    on_missing: OnMissing,
    say: &dyn Fn(&str),
) -> Result<Library, Error> {
    let build = device.build();
    let mut missing = lacks(device, places);
    let passed_over = match locate(places, build) {
        Ok(Search { library: Some(library), .. }) if missing.is_empty() => return Ok(library),
        Ok(Search { library: Some(_), .. }) => return Err(Error::Cuda { device, missing }),
        Ok(Search { passed_over, .. }) => passed_over,
        // What the environment names is never replaced.
        Err(error @ Error::Named { .. }) if build == Build::Cpu => return Err(error),
        Err(Error::Named { path, reason }) => {
            let (path, reason) = (path.display(), chain(&reason));
            let found = format!("ORT_DYLIB_PATH, to be unset, names {path}: {reason}");
            missing.push(Missing::Runtime { found });
            return Err(Error::Cuda { device, missing });
        }
        Err(error) => return Err(error),
    };
    // Nothing is fetched for a machine that could not use it.
    if on_missing == OnMissing::Install && missing.is_empty() {
        return installed(build, say);
    }
    if build == Build::Cpu {
        return Err(Error::NotFound { passed_over });
    }
    let last = passed_over.last().map(ToString::to_string);
    missing.push(Missing::Runtime { found: last.unwrap_or_else(|| "none is found".to_owned()) });
    Err(Error::Cuda { device, missing })
}

/// Installs a build and looks at what came.
fn installed(build: Build, say: &dyn Fn(&str)) -> Result<Library, Error> {
    let path = install(build, say)?;
    Library::probe(&path, Origin::Cache, build).map_err(|reason| {
        let reason = chain(&reason);
        Error::NotFound { passed_over: vec![PassedOver { path, reason }] }
    })
}

/// What a device lacks beside ONNX Runtime; what it has is loaded.
fn lacks(device: Device, places: &Places) -> Vec<Missing> {
    match device {
        Device::Cpu => Vec::new(),
        Device::Cuda(number) => cuda::prepare(number, &places.packages().nvidia),
    }
}

#[cfg(test)]
impl Runtime {
    /// For tests that look inside: the runtime that is installed. Nothing is fetched for them;
    /// where there is none, that they are skipped is said.
    pub(super) fn installed() -> Option<Self> {
        use std::io::Write;
        match Self::start(Device::Cpu, OnMissing::Refuse, &|_| ()) {
            Err(error @ Error::NotFound { .. }) => {
                // Past the harness, which keeps what a test that passes prints.
                let _ = writeln!(std::io::stderr(), "skipped: {error}");
                None
            }
            started => Some(started.unwrap()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::placement;
    use super::*;
    use ort::session::Session;
    use std::num::NonZeroUsize;
    use std::path::Path;

    const MODEL: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/onnx/MobileFaceNet.onnx");

    fn on(device: Device) -> Option<Runtime> {
        Some(Runtime { device, ..Runtime::installed()? })
    }

    #[test]
    fn runtime_placement_names_the_provider_of_every_node() {
        let (key, value) = placement::RECORD;
        let Some(runtime) = on(Device::Cpu) else { return };
        let builder = Session::builder(runtime.environment()).unwrap();
        let mut builder = builder.with_config_entry(key, value).unwrap();
        let placed = placement::of(&builder.commit_from_file(MODEL).unwrap()).unwrap();
        assert!(placed.len() > 50, "{placed:?}");
        assert!(
            placed.iter().all(|placed| placed.provider == "CPUExecutionProvider"),
            "{placed:?}"
        );
    }

    #[test]
    fn runtime_without_cuda_opens_no_session_on_cuda() {
        let Some(runtime) = on(Device::Cuda(0)) else { return };
        let error = runtime.open(Path::new(MODEL), NonZeroUsize::MIN).unwrap_err();
        let said = chain(&error);
        assert!(
            matches!(error, Error::Prepare { .. }) && said.to_lowercase().contains("cuda"),
            "{said}"
        );
    }
}
