//! The command that starts a job's ranks.

use super::super::environment::{self, DYLIB_PATH, Environment};
use super::family::Family;
use super::launcher::Launcher;
use std::ffi::{OsStr, OsString};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// MPICH's variable for collectives by shared memory. Where more ranks wait than there are cores, each keeps
/// its core until the system takes it: by messages they are tens of times as fast there, else half as fast.
const SHARED_MEMORY: &str = "MPIR_CVAR_DEVICE_COLLECTIVES";

/// How many ranks a job has, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Job<'a> {
    /// The ranks.
    pub processes: usize,
    /// The machines; where it is not said, those of `hosts`, or what the launcher does by itself.
    pub nodes: Option<usize>,
    /// The machines' names; where there are none, those of the batch system's job, or this one.
    pub hosts: &'a [String],
    /// What is run in place of `ssh`.
    pub launcher_agent: Option<&'a Path>,
}

impl Job<'_> {
    /// Ranks of one machine, where the number of machines is known.
    fn processes_per_node(&self) -> Option<usize> {
        let named = (!self.hosts.is_empty()).then_some(self.hosts.len());
        Some(self.processes.div_ceil(self.nodes.or(named)?.max(1)))
    }
}

/// Who runs the command, and where.
struct Surroundings<'a> {
    environment: Environment<'a>,
    /// The user's number. Of 0 Open MPI asks whether it is meant.
    user: u32,
    /// The threads that this machine runs at once; others are taken to be alike.
    cores: usize,
}

impl Launcher {
    /// The command that starts `program` with `args` as the ranks of a job. The library that lies beside
    /// the launcher is named to them, unless one is named already.
    pub fn command(&self, job: &Job<'_>, program: &Path, args: &[OsString]) -> Command {
        // SAFETY: the function has no conditions.
        #[allow(unsafe_code)]
        let user = unsafe { libc::geteuid() };
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let here = Surroundings { environment: &environment::own, user, cores };
        let mut command = Command::new(&self.mpiexec);
        let variables = self.variables(job, &here);
        command.args(self.options(job, &here, &variables)).arg(program).args(args);
        command.envs(variables);
        command
    }

    /// What the ranks' environment has beside this process's.
    fn variables(&self, job: &Job<'_>, here: &Surroundings<'_>) -> Vec<(&'static str, OsString)> {
        let own = here.environment;
        let mut variables = Vec::new();
        if own(DYLIB_PATH).is_none_or(|path| path.is_empty()) {
            variables.extend(self.library().map(|path| (DYLIB_PATH, path.into())));
        }
        let per_node = job.processes_per_node().unwrap_or(job.processes);
        if self.family == Family::Mpich && per_node > here.cores && own(SHARED_MEMORY).is_none() {
            variables.push((SHARED_MEMORY, "none".into()));
        }
        if self.family == Family::OpenMpi {
            let prefix = self.unpacked().filter(|_| own("OPAL_PREFIX").is_none());
            variables.extend(prefix.map(|path| ("OPAL_PREFIX", path.into())));
            if let Some(agent) = job.launcher_agent {
                // Open MPI 4 reads the first, 5 the second.
                variables.push(("OMPI_MCA_plm_rsh_agent", agent.into()));
                variables.push(("PRTE_MCA_plm_ssh_agent", agent.into()));
            }
        }
        variables
    }

    /// The folder of an Open MPI that lies in one, wherever it was built for: it looks for its files where
    /// it was built for otherwise.
    fn unpacked(&self) -> Option<PathBuf> {
        let library = self.library()?;
        let folder = library.parent()?.parent()?;
        folder.join("share/openmpi").is_dir().then(|| folder.to_path_buf())
    }

    fn options(
        &self,
        job: &Job<'_>,
        here: &Surroundings<'_>,
        variables: &[(&'static str, OsString)],
    ) -> Vec<OsString> {
        let mut options = Options::default();
        let per_node = job.processes_per_node();
        options.add("-n", job.processes.to_string());
        match self.family {
            Family::Mpich => {
                if let Some(per_node) = per_node {
                    options.add("-ppn", per_node.to_string());
                }
                if !job.hosts.is_empty() {
                    options.add("-hosts", job.hosts.join(","));
                }
                if let Some(agent) = job.launcher_agent {
                    options.add("-launcher-exec", agent);
                }
            }
            Family::OpenMpi => {
                if let Some(per_node) = per_node {
                    options.add("--map-by", format!("ppr:{per_node}:node"));
                    if !job.hosts.is_empty() {
                        let hosts = job.hosts.iter().map(|host| format!("{host}:{per_node}"));
                        options.add("-H", hosts.collect::<Vec<_>>().join(","));
                    }
                }
                // A rank has threads: without it all of them are kept on one core.
                options.add("--bind-to", "none");
                options.flag("--oversubscribe");
                if here.user == 0 {
                    options.flag("--allow-run-as-root");
                }
                for (name, _) in variables.iter().filter(|(name, _)| *name == DYLIB_PATH) {
                    options.add("-x", name);
                }
            }
        }
        options.0
    }
}

#[derive(Default)]
struct Options(Vec<OsString>);

impl Options {
    fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn add(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.flag(name);
        self.0.push(value.as_ref().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::environment::tests::of;
    use super::*;

    const ROOT: u32 = 0;
    const OTHER: u32 = 1000;

    fn here<'a>(environment: Environment<'a>, user: u32) -> Surroundings<'a> {
        Surroundings { environment, user, cores: 4 }
    }

    fn options(family: Family, job: &Job<'_>, user: u32) -> String {
        let launcher = Launcher { mpiexec: "/nonexistent/bin/mpiexec".into(), family };
        let variables = [(DYLIB_PATH, OsString::from("/lib.so")), ("OTHER", "1".into())];
        let options = launcher.options(job, &here(&of(&[]), user), &variables);
        options.iter().map(|option| option.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_machine_needs_the_number_of_ranks_alone() {
        let job = Job { processes: 4, ..Job::default() };
        assert_eq!(options(Family::Mpich, &job, ROOT), "-n 4");
        assert_eq!(
            options(Family::OpenMpi, &job, OTHER),
            "-n 4 --bind-to none --oversubscribe -x MPI_DYLIB_PATH"
        );
        assert_eq!(
            options(Family::OpenMpi, &job, ROOT),
            "-n 4 --bind-to none --oversubscribe --allow-run-as-root -x MPI_DYLIB_PATH"
        );
    }

    #[test]
    fn several_machines_get_as_many_ranks_each() {
        let hosts = ["a".to_owned(), "b".to_owned()];
        let agent = Some(Path::new("/agent"));
        let job = Job { processes: 5, nodes: None, hosts: &hosts, launcher_agent: agent };
        assert_eq!(
            options(Family::Mpich, &job, OTHER),
            "-n 5 -ppn 3 -hosts a,b -launcher-exec /agent"
        );
        assert_eq!(
            options(Family::OpenMpi, &job, OTHER),
            "-n 5 --map-by ppr:3:node -H a:3,b:3 --bind-to none --oversubscribe -x MPI_DYLIB_PATH"
        );
    }

    #[test]
    fn a_batch_systems_machines_need_no_names() {
        let job = Job { processes: 8, nodes: Some(2), ..Job::default() };
        assert_eq!(options(Family::Mpich, &job, OTHER), "-n 8 -ppn 4");
        let open = options(Family::OpenMpi, &job, OTHER);
        assert!(open.starts_with("-n 8 --map-by ppr:4:node --bind-to none"), "{open}");
    }

    #[test]
    fn the_library_beside_the_launcher_and_the_folder_of_an_unpacked_one_are_named_to_ranks() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in ["bin", "lib", "share/openmpi"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let library = folder.join("lib/libmpi.so.40");
        std::fs::write(&library, "").unwrap();
        let mpiexec = folder.join("bin/mpiexec");
        let launcher = Launcher { mpiexec, family: Family::OpenMpi };
        let job = Job { launcher_agent: Some(Path::new("/agent")), ..Job::default() };
        let variables = launcher.variables(&job, &here(&of(&[]), OTHER));
        let expected = [
            ("MPI_DYLIB_PATH", library.as_os_str()),
            ("OPAL_PREFIX", folder.as_os_str()),
            ("OMPI_MCA_plm_rsh_agent", OsStr::new("/agent")),
            ("PRTE_MCA_plm_ssh_agent", OsStr::new("/agent")),
        ];
        assert_eq!(variables, expected.map(|(name, value)| (name, value.to_owned())));
        let named = of(&[("MPI_DYLIB_PATH", "/own.so"), ("OPAL_PREFIX", "/own")]);
        assert_eq!(launcher.variables(&Job::default(), &here(&named, OTHER)), []);
        let launcher = Launcher { family: Family::Mpich, ..launcher };
        assert_eq!(launcher.variables(&job, &here(&of(&[]), OTHER)), []);
    }

    #[test]
    fn more_ranks_than_cores_do_not_share_memory_under_mpich_unless_it_is_said() {
        let launcher =
            Launcher { mpiexec: "/nonexistent/bin/mpiexec".into(), family: Family::Mpich };
        let variables = |processes, nodes, own: &[(&str, &str)]| {
            let job = Job { processes, nodes, ..Job::default() };
            launcher.variables(&job, &here(&of(own), OTHER))
        };
        let none = [(SHARED_MEMORY, OsString::from("none"))];
        assert_eq!(variables(5, None, &[]), none);
        assert_eq!(variables(9, Some(2), &[]), none);
        assert_eq!(variables(4, None, &[]), []);
        assert_eq!(variables(8, Some(2), &[]), []);
        assert_eq!(variables(5, None, &[(SHARED_MEMORY, "all")]), []);
    }
}
