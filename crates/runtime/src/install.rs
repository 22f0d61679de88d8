//! Putting a library into the program's own cache: fetched by pip, checked, unpacked, renamed.
//!
//! pip does the fetching, so that mirrors, proxies and certificates are those the user has set up for
//! Python already. All that is half-made lies in one folder beside the target, which is removed at a
//! failure, and by the next run where this one was killed. A lock keeps two runs apart.

use super::places::{CACHE, Cache, Places, State};
use super::release::{FITS_THIS_MACHINE, Release};
use super::{Build, Error, python, wheel};
use qgface_fs::io_error;
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// Beginning of the names of half-made folders.
const PARTIAL: &str = ".partial-";

/// Lines of pip's that an error repeats.
const PIP_LINES: usize = 6;

/// Puts a build into the cache, unless it is there and whole; returns the library. `say` is told what is
/// being done.
///
/// # Errors
/// No published build for this machine, no pip, no network, a wheel that is not the published one, a disk
/// that refuses. The cache is then as it was.
pub fn install(build: Build, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    install_release(Release::of(build), say)
}

/// Takes the files of a build out of a wheel that was fetched by other means, into an empty folder, and
/// holds each against its published digest.
///
/// # Errors
/// A damaged wheel, a file that is not the published one, a disk that refuses.
pub fn unpack(build: Build, wheel: &Path, folder: &Path) -> Result<(), wheel::Error> {
    wheel::unpack(Release::of(build), wheel, folder)
}

/// The same of any release.
pub(super) fn install_release(release: &Release, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    let places = Places::from_environment();
    let no_cache = || Error::NoCacheFolder { library: release.variable };
    install_into(places.cache.as_ref().ok_or_else(no_cache)?, release, say)
}

fn install_into(cache: &Cache, release: &Release, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    if !FITS_THIS_MACHINE {
        return Err(Error::Platform { otherwise: release.otherwise() });
    }
    let folder = cache.folder(release);
    let library = folder.join(release.library);
    let root = &cache.root(release);
    fs::create_dir_all(root).map_err(io_error("make the folder", root))?;
    let _lock = lock(root, release, say)?;
    remove_leftovers(root);
    match cache.state(release) {
        State::Whole => {
            say(&format!("{} is in place: {}", release.requirement(), library.display()));
            return Ok(library);
        }
        State::Damaged(path) => say(&format!("{} is damaged and replaced", path.display())),
        State::Absent => {}
    }
    let staging = Staging::new(root, release)?;
    let wheel = fetch(release, &staging.0, say)?;
    let ready = staging.0.join("ready");
    fs::create_dir(&ready).map_err(io_error("make the folder", &ready))?;
    let unpacked = wheel::unpack(release, &wheel, &ready);
    unpacked.map_err(|source| Error::Unpack { requirement: release.requirement(), source })?;
    if folder.exists() {
        let old = staging.0.join("old");
        fs::rename(&folder, &old).map_err(io_error("put aside", &folder))?;
    }
    fs::rename(&ready, &folder).map_err(io_error("put in place", &folder))?;
    qgface_fs::sync_folder(root)?;
    say(&format!("{} is installed: {}", release.requirement(), library.display()));
    Ok(library)
}

/// Waits until no other process installs here; the lock ends with the file or the process.
fn lock(root: &Path, release: &Release, say: &dyn Fn(&str)) -> Result<File, Error> {
    let path = root.join(".lock");
    let file = qgface_fs::open_lock(&path)?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            say("another process is installing here; waiting for it");
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    locked.map_err(|source| Error::Lock {
        path,
        variable: CACHE,
        library: release.variable,
        source,
    })?;
    Ok(file)
}

/// Removes what killed runs left; whoever holds the lock is the only one at work. What resists is left to
/// the next run, and what this program does not make is left alone.
fn remove_leftovers(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_half_made(&entry.file_name().to_string_lossy()) && qgface_fs::is_own_folder(&path) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Whether a name is one of [`Staging`]: a version, a build and a process.
fn is_half_made(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PARTIAL) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let [process, build, version] = &rest.rsplitn(3, '-').collect::<Vec<_>>()[..] else {
        return false;
    };
    is_number(process)
        && [Build::Cpu, Build::Cuda].iter().any(|own| own.to_string() == *build)
        && version.split('.').all(is_number)
}

/// The folder of all that is half-made; goes with the value.
struct Staging(PathBuf);

impl Staging {
    fn new(root: &Path, release: &Release) -> Result<Self, Error> {
        let name = format!("{PARTIAL}{}-{}", release.folder(), std::process::id());
        let path = root.join(name);
        fs::create_dir(&path).map_err(io_error("make the folder", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Has pip fetch the wheel into `folder`, and checks it.
fn fetch(release: &Release, folder: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    let requirement = release.requirement();
    let python = python::with_pip().map_err(|tried| Error::NoPip {
        requirement: requirement.clone(),
        library: release.variable,
        tried,
    })?;
    let wanted = folder.join("requirements.txt");
    let line = format!("{requirement} --hash=sha256:{}\n", release.sha256);
    fs::write(&wanted, line).map_err(io_error("write", &wanted))?;
    say(&format!("fetching {requirement} ({} MiB) with pip", release.wheel_mib));
    let tags = release.tags;
    let output = python::pip(&python)
        .args(["download", "--no-deps", "--only-binary=:all:", "--require-hashes"])
        .args(["--implementation", tags.implementation, "--python-version", tags.python])
        .args(["--abi", tags.abi, "--platform", tags.platform, "--no-input", "--progress-bar=off"])
        .arg("--disable-pip-version-check")
        .arg("-r")
        .arg(&wanted)
        .arg("-d")
        .arg(folder)
        // What pip itself puts aside goes with the folder, and needs no room elsewhere.
        .env("TMPDIR", folder)
        .output()
        .map_err(io_error("run", &python))?;
    let wheel = wheel_in(folder).filter(|_| output.status.success());
    let wheel = wheel.ok_or_else(|| {
        let said = [output.stdout, output.stderr].concat();
        Error::Pip {
            requirement: requirement.clone(),
            said: last_lines(&said),
            otherwise: release.otherwise(),
        }
    })?;
    let found = sha256(&wheel)?;
    if found != release.sha256 {
        let (expected, otherwise) = (release.sha256, release.otherwise());
        return Err(Error::WheelDigest { requirement, expected, found, otherwise });
    }
    Ok(wheel)
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let mut paths = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "whl"))
}

fn sha256(path: &Path) -> Result<String, Error> {
    let digest = Sha256::digest(&*qgface_fs::map(path)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn last_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let start = lines.len().saturating_sub(PIP_LINES);
    lines[start..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_removed_and_other_folders_are_not() {
        let root = tempfile::tempdir().unwrap();
        let kept =
            ["1.0-cpu", ".partial-", ".partial-mine", ".partial-1.0-cpu-x", ".partial-1-gpu-1"];
        for name in [&[".partial-1.0-cpu-7", ".partial-1.31.1-cuda-123"][..], &kept].concat() {
            fs::create_dir_all(root.path().join(name).join("x")).unwrap();
        }
        std::os::unix::fs::symlink("1.0-cpu", root.path().join(".partial-1.0-cpu-8")).unwrap();
        remove_leftovers(root.path());
        let left = fs::read_dir(root.path()).unwrap().count();
        assert_eq!(left, kept.len() + 1, "the link is left alone too");
        kept.iter().for_each(|name| assert!(root.path().join(name).join("x").is_dir(), "{name}"));
    }

    #[test]
    fn a_staging_folder_goes_with_its_value() {
        let root = tempfile::tempdir().unwrap();
        let staging = Staging::new(root.path(), Release::of(Build::Cpu)).unwrap();
        assert!(staging.0.is_dir());
        drop(staging);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_digest_is_the_one_of_the_specification() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(file.path()).unwrap(), expected);
    }

    #[test]
    fn the_last_lines_of_pip_are_kept() {
        let said = (0..9).map(|line| format!("line {line}\n\n")).collect::<String>();
        assert_eq!(last_lines(said.as_bytes()).split("; ").count(), PIP_LINES);
        assert!(last_lines(said.as_bytes()).ends_with("line 8"));
    }
}
