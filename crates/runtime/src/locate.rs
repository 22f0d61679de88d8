//! Finding the library: the environment's, the cache's, a Python package's.

use super::library::{Library, Origin, PassedOver, Unfit};
use super::places::{Places, State};
use super::release::Release;
use super::{Build, Error};
use qgface_fs::causes::chain;
use std::path::{Path, PathBuf};

/// What a search has found.
#[derive(Debug)]
pub(super) struct Search {
    /// The first library that can be used.
    pub(super) library: Option<Library>,
    /// Those before it.
    pub(super) passed_over: Vec<PassedOver>,
}

/// Searches the places for a library of `build`; a CUDA build serves the processor too.
///
/// # Errors
/// [`Error::Named`]: what the environment names is taken or refused, never replaced in silence.
pub(super) fn locate(places: &Places, build: Build) -> Result<Search, Error> {
    let mut search = Search { library: None, passed_over: Vec::new() };
    if let Some(path) = &places.named {
        let named = Library::probe(path, Origin::Environment, build);
        let named = named.map_err(|reason| Error::Named { path: path.clone(), reason })?;
        search.library = Some(named);
        return Ok(search);
    }
    let builds: &[Build] = match build {
        Build::Cpu => &[Build::Cpu, Build::Cuda],
        Build::Cuda => &[Build::Cuda],
    };
    for &own in builds {
        if search.library.is_none() {
            search.cached(places, own, build);
        }
    }
    if search.library.is_none() {
        let folders = &places.packages().onnxruntime;
        folders.iter().flat_map(|folder| libraries_in(&folder.join("capi"))).for_each(|path| {
            search.consider(&path, Origin::PythonPackage, build);
        });
    }
    Ok(search)
}

impl Search {
    fn cached(&mut self, places: &Places, own: Build, wanted: Build) {
        let Some(cache) = &places.cache else { return };
        let release = Release::of(own);
        match cache.state(release) {
            State::Absent => {}
            State::Damaged(path) => self.pass_over(&path, &Unfit::Damaged { build: own }),
            State::Whole => {
                self.consider(&cache.folder(release).join(release.library), Origin::Cache, wanted);
            }
        }
    }

    fn consider(&mut self, path: &Path, origin: Origin, build: Build) {
        if self.library.is_some() {
            return;
        }
        match Library::probe(path, origin, build) {
            Ok(library) => self.library = Some(library),
            Err(reason) => self.pass_over(path, &reason),
        }
    }

    fn pass_over(&mut self, path: &Path, reason: &Unfit) {
        self.passed_over.push(PassedOver { path: path.to_path_buf(), reason: chain(reason) });
    }
}

/// The files `libonnxruntime.so*` of a folder, in byte order.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libonnxruntime.so")
    });
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests {
    use super::super::places::Cache;
    use super::super::python::Packages;
    use super::*;

    #[test]
    fn a_wrong_name_in_the_environment_is_an_error_and_not_passed_over() {
        let places = Places::of(Some("/nonexistent.so".into()), None, Packages::default());
        let error = locate(&places, Build::Cpu).unwrap_err();
        assert!(matches!(error, Error::Named { .. }), "{error}");
    }

    #[test]
    fn unusable_libraries_are_passed_over_with_their_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        std::fs::create_dir_all(cache.folder(Release::of(Build::Cuda))).unwrap();
        let package = folder.path().join("onnxruntime");
        std::fs::create_dir_all(package.join("capi")).unwrap();
        std::fs::write(package.join("capi/libonnxruntime.so.1.24.0"), "text").unwrap();
        let packages = Packages { onnxruntime: vec![package], ..Packages::default() };
        let search = locate(&Places::of(None, Some(cache), packages), Build::Cpu).unwrap();
        assert_eq!(search.library, None);
        let reasons: Vec<_> = search.passed_over.iter().map(|own| own.reason.as_str()).collect();
        assert!(reasons[0].contains("of the cuda build, found other"), "{reasons:?}");
        assert!(reasons[1].contains("another format"), "{reasons:?}");
    }
}
