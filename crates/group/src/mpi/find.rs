//! Which library of MPI's belongs to the launcher that started this process.

use super::super::environment::{DYLIB_PATH, Environment, in_path};
use super::super::error::Error;
use super::super::started::Started;
use super::super::starter::Starter;
use super::super::unfit::Unfit;
use super::library::Library;
use std::path::{Path, PathBuf};

/// The standard's library, MPICH's, and MPICH's as Debian names it.
pub(crate) const OF_MPICH: [&str; 3] = ["libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12"];
pub(crate) const OF_OPEN_MPI: [&str; 1] = ["libmpi.so.40"];

/// Where the libraries of a program lie, seen from its folder.
const FOLDERS: [&str; 3] = ["../lib", "../lib64", "."];

/// What is looked for.
pub(crate) struct Search<'a> {
    /// A library that the caller names.
    pub(crate) named: Option<&'a Path>,
    pub(crate) started: &'a Started,
    pub(crate) environment: Environment<'a>,
}

impl Search<'_> {
    /// Loads the library that is named, by the caller or by `MPI_DYLIB_PATH`; else the first of the
    /// launcher's that lies beside the mpiexec in `PATH`, or that the system's loader finds.
    ///
    /// # Errors
    /// [`Error::Library`]: what is named is taken or refused, never replaced; [`Error::NotFound`].
    pub(crate) fn run(&self) -> Result<Library, Error> {
        if let Some(path) = self.named() {
            return Library::open(&path).map_err(|reason| Error::Library { path, reason });
        }
        let mut tried = Vec::new();
        for path in self.candidates() {
            match Library::open(&path) {
                Ok(library) => return Ok(library),
                Err(Unfit::Load(said)) if said.contains(&*path.to_string_lossy()) => {
                    tried.push(said);
                }
                Err(reason) => tried.push(format!("{}: {reason}", path.display())),
            }
        }
        Err(Error::NotFound { starter: self.started.by, size: self.started.size, tried })
    }

    /// The library that must be taken.
    pub(crate) fn named(&self) -> Option<PathBuf> {
        let variable = || (self.environment)(DYLIB_PATH).filter(|path| !path.is_empty());
        self.named.map(Path::to_path_buf).or_else(|| variable().map(PathBuf::from))
    }

    /// What is tried, in this order.
    fn candidates(&self) -> Vec<PathBuf> {
        let names: Vec<_> = match self.started.by {
            Starter::OpenMpi => OF_OPEN_MPI.to_vec(),
            Starter::Pmi => OF_MPICH.to_vec(),
            // Its plugins speak to either.
            Starter::Slurm => OF_MPICH.into_iter().chain(OF_OPEN_MPI).collect(),
        };
        let mpiexec = in_path("mpiexec", self.environment);
        let beside = mpiexec.and_then(|mpiexec| beside(&mpiexec, &names));
        beside.into_iter().chain(names.iter().map(PathBuf::from)).collect()
    }
}

/// The first library of these names that lies where those of a program do; also of a program that a link
/// leads to.
pub(crate) fn beside(program: &Path, names: &[&str]) -> Option<PathBuf> {
    let real = program.canonicalize().ok();
    let folders = [Some(program), real.as_deref()].into_iter().flatten().filter_map(Path::parent);
    let folders: Vec<_> =
        folders.flat_map(|own| FOLDERS.iter().map(|folder| own.join(folder))).collect();
    let files = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
    let found = files.into_iter().find(|file| file.is_file())?;
    // The folder without its steps up; the file's own name is what the loader must see.
    let folder = found.parent().and_then(|folder| folder.canonicalize().ok())?;
    Some(folder.join(found.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::super::super::environment::tests::of;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn started(by: Starter) -> Started {
        Started { by, size: 2, rank: 0 }
    }

    fn candidates(by: Starter, variables: &[(&str, &str)]) -> Vec<PathBuf> {
        let environment = of(variables);
        Search { named: None, started: &started(by), environment: &environment }.candidates()
    }

    /// A folder as of an unpacked MPI with these libraries.
    fn unpacked(libraries: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "lib"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mpiexec = folder.path().join("bin/mpiexec");
        std::fs::write(&mpiexec, "").unwrap();
        std::fs::set_permissions(&mpiexec, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in libraries {
            std::fs::write(folder.path().join("lib").join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn each_launchers_own_libraries_are_tried() {
        assert_eq!(candidates(Starter::OpenMpi, &[]), ["libmpi.so.40"].map(PathBuf::from));
        let mpich = ["libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12"].map(PathBuf::from);
        assert_eq!(candidates(Starter::Pmi, &[]), mpich);
        assert_eq!(candidates(Starter::Slurm, &[])[..3], mpich);
        assert_eq!(candidates(Starter::Slurm, &[])[3], Path::new("libmpi.so.40"));
    }

    #[test]
    fn a_library_beside_mpiexec_comes_first_if_it_is_the_launchers() {
        let folder = unpacked(&["libmpi.so.12", "libmpi_abi.so.1"]);
        let path = folder.path().join("bin");
        let path = [("PATH", path.to_str().unwrap())];
        let library = folder.path().canonicalize().unwrap().join("lib/libmpi_abi.so.1");
        assert_eq!(candidates(Starter::Pmi, &path)[0], library);
        assert_eq!(candidates(Starter::OpenMpi, &path), ["libmpi.so.40"].map(PathBuf::from));
    }

    #[test]
    fn a_link_to_mpiexec_leads_to_its_library() {
        let folder = unpacked(&["libmpi.so.40"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("mpiexec");
        std::os::unix::fs::symlink(folder.path().join("bin/mpiexec"), &link).unwrap();
        let library = folder.path().canonicalize().unwrap().join("lib/libmpi.so.40");
        assert_eq!(beside(&link, &OF_OPEN_MPI), Some(library));
    }

    #[test]
    fn what_is_named_is_taken_or_refused_and_the_caller_comes_before_the_environment() {
        let environment = of(&[("MPI_DYLIB_PATH", "/nonexistent/environment.so")]);
        let started = started(Starter::Pmi);
        let search = |named| Search { named, started: &started, environment: &environment }.run();
        let error = search(None).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/environment.so: it cannot be used"), "{error}");
        let error = search(Some(Path::new("/nonexistent/caller.so"))).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/caller.so: it cannot be used"), "{error}");
    }
}
