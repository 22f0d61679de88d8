//! Where libraries may lie: what the environment names, the program's own cache, and the packages of
//! the Python at hand.

use super::python::Packages;
use super::release::{DNNL_PATH, DYLIB_PATH, Release};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Variable that names the cache folder.
pub(super) const CACHE: &str = "QGFACE_RUNTIME_CACHE";

/// The places that are searched, in this order.
#[derive(Debug)]
pub(super) struct Places {
    /// The file that [`DYLIB_PATH`] names.
    pub(super) named: Option<PathBuf>,
    /// The file that [`DNNL_PATH`] names.
    pub(super) named_onednn: Option<PathBuf>,
    /// The cache; absent when neither a variable nor a home says where.
    pub(super) cache: Option<Cache>,
    packages: OnceLock<Packages>,
}

impl Places {
    /// The places of this process.
    pub(super) fn from_environment() -> Self {
        Self::from_variables(&|name| std::env::var_os(name))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        // An empty variable is one that a script has cleared.
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(absolute);
        let own = |folder: PathBuf| folder.join("qgface-data");
        let folder = path(CACHE)
            .or_else(|| path("XDG_CACHE_HOME").map(own))
            .or_else(|| path("HOME").map(|home| own(home.join(".cache"))));
        let cache = folder.map(|folder| Cache::new(&folder));
        Self {
            named: path(DYLIB_PATH),
            named_onednn: path(DNNL_PATH),
            cache,
            packages: OnceLock::new(),
        }
    }

    /// The Python packages; Python is asked at the first call alone, since it takes a while to start.
    pub(super) fn packages(&self) -> &Packages {
        self.packages.get_or_init(Packages::ask)
    }

    #[cfg(test)]
    pub(super) fn of(named: Option<PathBuf>, cache: Option<Cache>, packages: Packages) -> Self {
        Self { named, named_onednn: None, cache, packages: OnceLock::from(packages) }
    }
}

fn absolute(path: OsString) -> PathBuf {
    let path = PathBuf::from(path);
    std::path::absolute(&path).unwrap_or(path)
}

/// The folder that holds a folder for each library, and in it one for each installed build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// Where what was fastest on this machine is kept; none where nothing says where the cache is.
pub fn tuning_table() -> Option<PathBuf> {
    Places::from_environment().cache.map(|cache| cache.folder.join("tuning.json"))
}

/// How an installed build lies in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Absent,
    Whole,
    /// This file is not the published one.
    Damaged(PathBuf),
}

impl Cache {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// The folder of all builds of a library.
    pub(super) fn root(&self, release: &Release) -> PathBuf {
        self.folder.join(release.home)
    }

    /// The folder of one build.
    pub(super) fn folder(&self, release: &Release) -> PathBuf {
        self.root(release).join(release.folder())
    }

    /// Compares what lies in the cache with what was published, byte by byte through digests.
    pub(super) fn state(&self, release: &Release) -> State {
        let folder = self.folder(release);
        if !folder.exists() {
            return State::Absent;
        }
        let damaged = release.files.iter().find(|member| {
            let path = folder.join(member.name);
            !digest(&path, member.length).is_ok_and(|found| found == member.blake3)
        });
        damaged.map_or(State::Whole, |member| State::Damaged(folder.join(member.name)))
    }
}

/// Digest of a file, unless its length tells already that it is another.
fn digest(path: &Path, length: u64) -> io::Result<String> {
    let found = File::open(path)?.metadata()?.len();
    if found != length {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Build;

    fn places(variables: &[(&str, &str)]) -> Places {
        Places::from_variables(&|name| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn root(variables: &[(&str, &str)]) -> Option<PathBuf> {
        places(variables).cache.map(|cache| cache.root(Release::of(Build::Cpu)))
    }

    #[test]
    fn the_cache_is_the_first_folder_that_is_named() {
        let all = [(CACHE, "/c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(root(&all), Some("/c/onnxruntime".into()));
        assert_eq!(root(&all[1..]), Some("/x/qgface-data/onnxruntime".into()));
        assert_eq!(root(&all[2..]), Some("/h/.cache/qgface-data/onnxruntime".into()));
        assert_eq!(root(&[(CACHE, "")]), None);
    }

    #[test]
    fn an_empty_library_variable_names_nothing() {
        assert_eq!(places(&[(DYLIB_PATH, "")]).named, None);
        assert_eq!(places(&[(DYLIB_PATH, "/l.so")]).named, Some("/l.so".into()));
    }

    #[test]
    fn a_folder_with_other_bytes_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let release = Release::of(Build::Cpu);
        assert_eq!(cache.state(release), State::Absent);
        let library = cache.folder(release).join(release.library);
        std::fs::create_dir_all(cache.folder(release)).unwrap();
        assert_eq!(cache.state(release), State::Damaged(library.clone()));
        // Of the right length, so that the digest must tell.
        File::create(&library).unwrap().set_len(release.files[0].length).unwrap();
        assert_eq!(cache.state(release), State::Damaged(library));
    }
}
