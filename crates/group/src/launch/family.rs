//! Whose launcher a file is.

/// Whose launcher it is: they take the same facts in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// MPICH's Hydra, also that of what is made from MPICH.
    Mpich,
    /// Open MPI's.
    OpenMpi,
}

/// Words of what `--version` prints.
const WORDS: [(&str, Family); 5] = [
    ("HYDRA", Family::Mpich),
    ("Intel(R) MPI", Family::Mpich),
    ("Open MPI", Family::OpenMpi),
    ("OpenRTE", Family::OpenMpi),
    ("prterun", Family::OpenMpi),
];

impl Family {
    /// The family by what `mpiexec --version` prints.
    pub(super) fn of(version: &str) -> Option<Self> {
        WORDS.iter().find(|(word, _)| version.contains(word)).map(|&(_, family)| family)
    }

    /// Its libraries, the one to prefer first.
    pub(super) fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Mpich => &crate::mpi::OF_MPICH,
            Self::OpenMpi => &crate::mpi::OF_OPEN_MPI,
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mpich => "MPICH",
            Self::OpenMpi => "Open MPI",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_recognised_by_their_version() {
        for (version, family) in [
            ("HYDRA build details:\n    Version:          5.0.2", Some(Family::Mpich)),
            ("mpiexec (Open MPI) 5.0.11\n\nReport bugs to", Some(Family::OpenMpi)),
            ("mpiexec.openmpi (OpenRTE) 4.1.4\n", Some(Family::OpenMpi)),
            ("prterun (PRRTE) 3.0.9", Some(Family::OpenMpi)),
            ("slurm 23.11", None),
        ] {
            assert_eq!(Family::of(version), family, "{version}");
        }
    }
}
