//! The environment of a process, as a function, so that tests bring their own.

use std::ffi::OsString;
use std::path::PathBuf;

/// What a variable holds.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variable that names MPI's library.
pub(crate) const DYLIB_PATH: &str = "MPI_DYLIB_PATH";

/// What a variable of this process holds.
pub(crate) fn own(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The file of that name that a shell would run: the first in `PATH`.
pub(crate) fn in_path(name: &str, environment: Environment<'_>) -> Option<PathBuf> {
    let path = environment("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An environment of these variables alone.
    pub(crate) fn of(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + use<> {
        let own: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), OsString::from(value)))
            .collect();
        move |name| own.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn the_first_program_of_the_path_is_taken_and_files_that_are_none_are_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("a", 0o644), ("b", 0o755), ("c", 0o755)] {
            let file = folder.path().join(name).join("mpiexec");
            std::fs::create_dir(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = ["absent", "a", "b", "c"].map(|name| folder.path().join(name));
        let path = std::env::join_paths(path).unwrap();
        let found = in_path("mpiexec", &of(&[("PATH", path.to_str().unwrap())]));
        assert_eq!(found, Some(folder.path().join("b/mpiexec")));
        assert_eq!(in_path("mpiexec", &of(&[])), None);
    }
}
