//! oneDNN found, installed and started.

use super::super::elf;
use super::super::install::install_release;
use super::super::places::{Places, State};
use super::super::release::ONEDNN;
use super::super::{Error, PassedOver};
use super::api::Api;
use super::engine::Engine;
use super::store::Store;
use super::unfit::Unfit;
use qgface_fs::causes::chain;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the system's loader is asked for.
const NAME: &str = "libdnnl.so.3";

/// oneDNN, started, with the convolutions that were made ready so far. A clone is another handle to the
/// same.
#[derive(Debug, Clone)]
pub struct OneDnn {
    started: Arc<Started>,
}

#[derive(Debug)]
struct Started {
    path: PathBuf,
    engine: &'static Engine,
    store: Store,
}

impl OneDnn {
    /// Finds the library and starts it: the file that `DNNL_DYLIB_PATH` names, else the installed one,
    /// else a `libdnnl.so.3` that the system's loader finds. `say` is told of a library that is found and
    /// cannot be used.
    ///
    /// # Errors
    /// [`Error::OneDnn`]: what the environment names is taken or refused, never replaced.
    pub fn find(say: &dyn Fn(&str)) -> Result<Option<Self>, Error> {
        Self::find_in(&Places::from_environment(), say)
    }

    /// Puts the published library into the program's cache, unless it is there and whole, and starts it.
    /// `say` is told what is being done.
    ///
    /// # Errors
    /// As [`crate::install`], and [`Error::OneDnn`] where this machine cannot run it.
    pub fn install(say: &dyn Fn(&str)) -> Result<Self, Error> {
        let path = install_release(&ONEDNN, say)?;
        Self::open(&path).map_err(|reason| Error::OneDnn { path, reason })
    }

    /// Its file, or the name by which the system's loader found it.
    pub fn path(&self) -> &Path {
        &self.started.path
    }

    /// What it says its version is.
    pub fn version(&self) -> &str {
        &self.started.engine.api.version
    }

    pub(super) fn engine(&self) -> &'static Engine {
        self.started.engine
    }

    pub(super) fn store(&self) -> &Store {
        &self.started.store
    }

    fn find_in(places: &Places, say: &dyn Fn(&str)) -> Result<Option<Self>, Error> {
        if let Some(path) = &places.named_onednn {
            let own = Self::open(path);
            return own.map(Some).map_err(|reason| Error::OneDnn { path: path.clone(), reason });
        }
        let pass_over = |path: PathBuf, reason: &Unfit| {
            say(&format!("passed over {}", PassedOver { path, reason: chain(reason) }));
        };
        if let Some(cache) = &places.cache {
            match cache.state(&ONEDNN) {
                State::Absent => {}
                State::Damaged(path) => pass_over(path, &Unfit::Damaged),
                State::Whole => {
                    let path = cache.folder(&ONEDNN).join(ONEDNN.library);
                    match Self::open(&path) {
                        Ok(own) => return Ok(Some(own)),
                        Err(reason) => pass_over(path, &reason),
                    }
                }
            }
        }
        match Self::start(Path::new(NAME)) {
            Ok(own) => Ok(Some(own)),
            // It is not there, or what it needs is not; the loader does not say which.
            Err(Unfit::Load(_)) => Ok(None),
            Err(reason) => {
                pass_over(PathBuf::from(NAME), &reason);
                Ok(None)
            }
        }
    }

    fn open(path: &Path) -> Result<Self, Unfit> {
        elf::check(path)?;
        Self::start(path)
    }

    fn start(path: &Path) -> Result<Self, Unfit> {
        let engine = Engine::start(Api::load(path)?)?;
        let started = Started { path: path.to_path_buf(), engine, store: Store::default() };
        Ok(Self { started: Arc::new(started) })
    }
}

#[cfg(test)]
impl OneDnn {
    /// For tests: the library that is installed. Nothing is fetched for them; where there is none, that
    /// they are skipped is said.
    pub(super) fn installed() -> Option<Self> {
        use std::io::Write;
        let found = Self::find(&|_| ()).unwrap();
        if found.is_none() {
            let _ = writeln!(std::io::stderr(), "skipped: no oneDNN library is found");
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::places::Cache;
    use super::super::super::python::Packages;
    use super::*;
    use std::sync::Mutex;

    fn places(named: Option<PathBuf>, cache: Option<Cache>) -> Places {
        let mut places = Places::of(None, cache, Packages::default());
        places.named_onednn = named;
        places
    }

    #[test]
    fn a_wrong_name_in_the_environment_is_an_error_and_not_passed_over() {
        let path = PathBuf::from("/nonexistent/libdnnl.so.3");
        let error = OneDnn::find_in(&places(Some(path), None), &|_| ()).unwrap_err();
        assert!(matches!(error, Error::OneDnn { reason: Unfit::File(_), .. }), "{error}");
    }

    #[test]
    fn another_library_is_not_onednn() {
        let own = OneDnn::find_in(&places(Some(std::env::current_exe().unwrap()), None), &|_| ());
        let reason = chain(&own.unwrap_err());
        let expected = ["without dnnl_version", "the system cannot load it"];
        assert!(expected.iter().any(|expected| reason.contains(expected)), "{reason}");
    }

    #[test]
    fn a_damaged_library_of_the_cache_is_passed_over_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        std::fs::create_dir_all(cache.folder(&ONEDNN)).unwrap();
        let said = Mutex::new(Vec::new());
        let say = |text: &str| said.lock().unwrap().push(text.to_owned());
        let found = OneDnn::find_in(&places(None, Some(cache)), &say).unwrap();
        assert!(found.is_none_or(|found| found.path() == Path::new(NAME)));
        let said = said.lock().unwrap().join("\n");
        assert!(said.contains("libdnnl.so.3: expected the published file, found other"), "{said}");
    }

    #[test]
    fn an_installed_library_is_of_the_interface_that_is_called() {
        let Some(own) = OneDnn::installed() else { return };
        assert!(own.version().starts_with("3."), "{}", own.version());
    }
}
