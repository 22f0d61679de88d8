//! Whether a launcher started this process, and as which of how many.

use super::environment::{self, Environment};
use super::error::Error;
use super::starter::Starter;

/// What a launcher says of the process that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) by: Starter,
    /// The processes of the job.
    pub(crate) size: usize,
    pub(crate) rank: usize,
}

/// The variables that a launcher sets: how many there are, in the order in which they are asked, and
/// which of them this is.
struct Row {
    starter: Starter,
    sizes: &'static [&'static str],
    rank: &'static str,
}

/// Slurm is last: mpiexec may itself have been started in a job of Slurm's, or by its srun.
const ROWS: [Row; 3] = [
    Row {
        starter: Starter::OpenMpi,
        sizes: &["OMPI_COMM_WORLD_SIZE"],
        rank: "OMPI_COMM_WORLD_RANK",
    },
    Row { starter: Starter::Pmi, sizes: &["PMI_SIZE"], rank: "PMI_RANK" },
    Row {
        starter: Starter::Slurm,
        sizes: &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
        rank: "SLURM_PROCID",
    },
];

/// Slurm numbers the steps that no srun of the user's began from the top: a batch script is one, an
/// interactive shell another (slurm.h, `SLURM_BATCH_SCRIPT` and its neighbours).
const FIRST_SPECIAL_STEP: u64 = 0xffff_fff0;

impl Started {
    /// What the environment says; `None` where no launcher has set it.
    ///
    /// # Errors
    /// [`Error::Variable`]
    pub(crate) fn of(environment: Environment<'_>) -> Result<Option<Self>, Error> {
        for row in &ROWS {
            let size = row.sizes.iter().find(|name| environment(name).is_some());
            let Some(size) = size.filter(|_| environment(row.rank).is_some()) else { continue };
            if row.starter == Starter::Slurm && !is_step_of_srun(environment)? {
                continue;
            }
            let (size, rank) = (number(size, environment)?, number(row.rank, environment)?);
            return Ok(Some(Self { by: row.starter, size, rank }));
        }
        Ok(None)
    }
}

/// Whether a launcher started this process: then it starts no others.
pub fn started_by_launcher() -> bool {
    !matches!(Started::of(&environment::own), Ok(None))
}

fn is_step_of_srun(environment: Environment<'_>) -> Result<bool, Error> {
    const STEP: &str = "SLURM_STEP_ID";
    Ok(environment(STEP).is_some() && (number(STEP, environment)? as u64) < FIRST_SPECIAL_STEP)
}

fn number(variable: &'static str, environment: Environment<'_>) -> Result<usize, Error> {
    let found = environment(variable).unwrap_or_default().to_string_lossy().into_owned();
    found.trim().parse().map_err(|_| Error::Variable { variable, found })
}

#[cfg(test)]
mod tests {
    use super::super::environment::tests::of;
    use super::*;

    fn started(variables: &[(&str, &str)]) -> Option<(Starter, usize, usize)> {
        let started = Started::of(&of(variables)).unwrap();
        started.map(|started| (started.by, started.size, started.rank))
    }

    #[test]
    fn every_launcher_says_how_many_there_are_and_which_this_is() {
        let open = [("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3")];
        assert_eq!(started(&open), Some((Starter::OpenMpi, 4, 3)));
        assert_eq!(started(&[("PMI_SIZE", "2"), ("PMI_RANK", "1")]), Some((Starter::Pmi, 2, 1)));
        let srun = [("SLURM_STEP_ID", "0"), ("SLURM_NTASKS", "8"), ("SLURM_PROCID", "5")];
        assert_eq!(started(&srun), Some((Starter::Slurm, 8, 5)));
        assert_eq!(started(&[]), None);
        assert_eq!(started(&[("PMI_SIZE", "2")]), None);
    }

    #[test]
    fn a_batch_script_and_an_interactive_shell_of_slurm_are_no_ranks() {
        let script = [("SLURM_JOB_ID", "7"), ("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")];
        assert_eq!(started(&script), None);
        for step in ["4294967291", "4294967290"] {
            let shell = [("SLURM_STEP_ID", step), ("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")];
            assert_eq!(started(&shell), None);
        }
    }

    #[test]
    fn a_step_may_have_fewer_processes_than_its_job() {
        let step = [
            ("SLURM_STEP_ID", "1"),
            ("SLURM_STEP_NUM_TASKS", "2"),
            ("SLURM_NTASKS", "8"),
            ("SLURM_PROCID", "1"),
        ];
        assert_eq!(started(&step), Some((Starter::Slurm, 2, 1)));
    }

    #[test]
    fn mpiexec_within_a_step_of_slurm_is_what_started_the_process() {
        let both = [
            ("SLURM_STEP_ID", "0"),
            ("SLURM_NTASKS", "2"),
            ("SLURM_PROCID", "0"),
            ("PMI_SIZE", "8"),
            ("PMI_RANK", "6"),
        ];
        assert_eq!(started(&both), Some((Starter::Pmi, 8, 6)));
    }

    #[test]
    fn a_number_of_ranks_that_is_none_is_an_error() {
        let error = Started::of(&of(&[("PMI_SIZE", "many"), ("PMI_RANK", "0")])).unwrap_err();
        assert_eq!(error.to_string(), "PMI_SIZE: expected a number, found \"many\"");
    }
}
