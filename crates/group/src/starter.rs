//! Whose launchers start ranks.

/// What started a process as one of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// Open MPI's mpiexec.
    OpenMpi,
    /// MPICH's mpiexec, or another launcher that speaks PMI.
    Pmi,
    /// Slurm's srun.
    Slurm,
}

impl std::fmt::Display for Starter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OpenMpi => "Open MPI's mpiexec",
            Self::Pmi => "MPICH's mpiexec",
            Self::Slurm => "srun",
        })
    }
}
