//! An mpiexec: found and recognised.

use super::super::environment::{self, Environment, in_path};
use super::super::mpi::beside;
use super::error::LaunchError;
use super::family::Family;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What starts ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The file.
    pub mpiexec: PathBuf,
    /// Whose it is.
    pub family: Family,
}

impl Launcher {
    /// The launcher at `path`, else the `mpiexec` in `PATH`; it is asked for its version.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(path: Option<&Path>) -> Result<Self, LaunchError> {
        Self::find_in(path, &environment::own)
    }

    fn find_in(path: Option<&Path>, environment: Environment<'_>) -> Result<Self, LaunchError> {
        let mpiexec = match path {
            // A bare name is what a shell would run.
            Some(name) if name.components().count() == 1 => {
                in_path(&name.to_string_lossy(), environment)
            }
            Some(path) => Some(path.to_path_buf()),
            None => in_path("mpiexec", environment),
        };
        let mpiexec = mpiexec.ok_or(LaunchError::NotFound)?;
        let said = Command::new(&mpiexec).arg("--version").stdin(Stdio::null()).output();
        let said = said.map_err(|source| LaunchError::Run { path: mpiexec.clone(), source })?;
        let text = [said.stdout, said.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        match Family::of(&text) {
            Some(family) => Ok(Self { mpiexec, family }),
            None => {
                let said = text.lines().next().unwrap_or_default().to_owned();
                Err(LaunchError::Unknown { path: mpiexec, said })
            }
        }
    }

    /// The library that lies beside it; `None` where the system's loader must know it.
    pub fn library(&self) -> Option<PathBuf> {
        beside(&self.mpiexec, self.family.libraries())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::environment::tests::of;
    use super::*;

    /// A program that says so. Another process writes it: a file that this one has open for writing, which
    /// a test beside this may inherit as it starts a program, cannot be run.
    fn program(folder: &Path, says: &str) -> PathBuf {
        let file = folder.join("mpiexec");
        let write = r#"printf '#!/bin/sh\necho "%s"\n' "$1" >"$0" && chmod 755 "$0""#;
        let mut command = Command::new("sh");
        assert!(command.arg("-c").arg(write).arg(&file).arg(says).status().unwrap().success());
        file
    }

    #[test]
    fn a_named_file_comes_before_path_and_both_are_asked_what_they_are() {
        let (named, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = program(named.path(), "HYDRA build details:");
        program(other.path(), "mpiexec (Open MPI) 5.0.11");
        let environment = of(&[("PATH", other.path().to_str().unwrap())]);
        let launcher = Launcher::find_in(Some(&file), &environment).unwrap();
        assert_eq!((launcher.family, launcher.mpiexec), (Family::Mpich, file));
        for path in [None, Some(Path::new("mpiexec"))] {
            let launcher = Launcher::find_in(path, &environment).unwrap();
            assert_eq!(launcher.family, Family::OpenMpi);
            assert_eq!(launcher.mpiexec, other.path().join("mpiexec"));
        }
    }

    #[test]
    fn an_absent_launcher_and_another_program_are_errors() {
        let error = Launcher::find_in(None, &of(&[])).unwrap_err();
        assert!(matches!(error, LaunchError::NotFound), "{error}");
        let error = Launcher::find(Some(Path::new("/nonexistent/mpiexec"))).unwrap_err();
        assert!(matches!(error, LaunchError::Run { .. }), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = program(folder.path(), "slurm 23.11");
        let error = Launcher::find(Some(&file)).unwrap_err();
        assert!(
            matches!(&error, LaunchError::Unknown { said, .. } if said == "slurm 23.11"),
            "{error}"
        );
    }
}
