//! Several processes as one command: joining those that a launcher has started, and starting them.

use super::error::Error;
use super::output;
use qgface_data::group::{Group, Job, LaunchError, Launcher, started_by_launcher};
use qgface_data::runtime::Mpich;
use qgface_data::settings::{Settings, keys};
use qgface_data::train::Config;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The job of this process, once it has joined.
static JOINED: OnceLock<Arc<Group>> = OnceLock::new();

/// How long a rank waits before it tells of its error: one that all ranks have the first one tells.
const LET_THE_FIRST_TELL: Duration = Duration::from_millis(700);

/// The variable by which the launcher's library is named.
const LIBRARY: &str = "MPI_DYLIB_PATH";

/// Joins the job that a launcher has started this process in; where none did it is alone.
pub(super) fn join() -> Result<Arc<Group>, Error> {
    let group = Arc::new(Group::join(None)?);
    group.on_timeout(Box::new(|stuck| output::print_line(&stuck.to_string())));
    Ok(Arc::clone(JOINED.get_or_init(|| group)))
}

/// Threads on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Threads {
    /// Of this process.
    pub(super) own: usize,
    /// Of all ranks that are on it: as many as one process alone would have.
    pub(super) together: usize,
}

/// As many threads as are given to each process, else what ranks that share a machine's cores have of them.
pub(super) fn threads(group: &Group, given: Option<usize>) -> Result<Threads, Error> {
    let place = (group.node(), allowed_cores(), given.unwrap_or_else(cores));
    let all = group.gather_bytes(&serde_json::to_vec(&place).expect("text and numbers"))?;
    // A rank of another program, whose words are not these, is taken to share nothing.
    let all: Vec<Place> = all.iter().filter_map(|own| serde_json::from_slice(own).ok()).collect();
    Ok(shared_out(&place, &all, given.is_some()))
}

/// A machine's number, the cores that a process may use, and how many it has of them.
type Place = (usize, String, usize);

/// What is given to each process is not shared out.
fn shared_out(place: &Place, all: &[Place], is_given: bool) -> Threads {
    let here = all.iter().filter(|other| other.0 == place.0);
    if is_given {
        return Threads { own: place.2, together: here.map(|other| other.2).sum() };
    }
    let sharing = all.iter().filter(|other| *other == place).count();
    let distinct: BTreeSet<&Place> = here.collect();
    Threads {
        own: (place.2 / sharing.max(1)).max(1),
        together: distinct.into_iter().map(|other| other.2).sum(),
    }
}

/// The cores that the system lets this process use, as it lists them.
fn allowed_cores() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list"));
    line.unwrap_or_default().to_owned()
}

/// As many processes at most.
const MOST: usize = 1 << 16;

/// What the settings say of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    processes: usize,
    nodes: Option<usize>,
    /// Whether it is said how many processes, of all or of a machine; else there is one on each.
    is_counted: bool,
}

/// How many processes are asked for, if any are.
fn asked(settings: &Settings, hosts: usize) -> Result<Option<Asked>, Error> {
    let per_node = settings.get(&keys::TRAIN_PROCESSES_PER_NODE);
    let given = settings.get(&keys::TRAIN_PROCESSES);
    let nodes = settings.get(&keys::TRAIN_NODES).or((hosts > 0).then_some(hosts));
    let of_nodes =
        (nodes.is_some() || per_node.is_some()).then(|| nodes.unwrap_or(1) * per_node.unwrap_or(1));
    let Some(processes) = given.or(of_nodes) else { return Ok(None) };
    let machines = nodes.unwrap_or(1);
    if processes > MOST {
        return Err(Error::Arguments(format!(
            "{}: expected at most {MOST}, found {processes}",
            keys::TRAIN_PROCESSES.name()
        )));
    }
    if processes % machines != 0 || per_node.is_some_and(|own| own * machines != processes) {
        return Err(Error::Arguments(format!(
            "{}: expected as many on each of {machines} machines{}, found {processes}",
            keys::TRAIN_PROCESSES.name(),
            per_node.map_or_else(String::new, |own| format!(", {own}")),
        )));
    }
    if hosts > 0 && hosts != machines {
        return Err(Error::Arguments(format!(
            "{}: expected the names of {machines} machines, found {hosts}",
            keys::TRAIN_HOSTS.name()
        )));
    }
    Ok(Some(Asked { processes, nodes, is_counted: given.or(per_node).is_some() }))
}

/// A run as the first of the processes that settings ask for would have it.
pub(super) fn planned(settings: &Settings, config: Config) -> Result<Config, Error> {
    let hosts = settings.get(&keys::TRAIN_HOSTS);
    Ok(match asked(settings, hosts.len())? {
        Some(Asked { processes, nodes, .. }) => config.of_ranks(processes, nodes.unwrap_or(1)),
        None => config,
    })
}

/// Starts the processes that settings ask for in place of this one. Returns where it is one of them, or none
/// are asked for.
pub(super) fn start(settings: &Settings, group: &Group, say: &dyn Fn(&str)) -> Result<(), Error> {
    let hosts = settings.get(&keys::TRAIN_HOSTS);
    if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
        let (key, found) = (keys::TRAIN_HOSTS.name(), host);
        return Err(Error::Arguments(format!(
            "{key}: expected names of machines, of letters, digits, dots and dashes, found {found:?}"
        )));
    }
    let Some(asked) = asked(settings, hosts.len())? else { return Ok(()) };
    if started_by_launcher() {
        // Of machines alone the launcher knows better how many processes are on each.
        if asked.is_counted && asked.processes != group.size() {
            return Err(Error::Arguments(format!(
                "{}: expected {}, the processes that the launcher has started, found {}",
                keys::TRAIN_PROCESSES.name(),
                group.size(),
                asked.processes
            )));
        }
        return Ok(());
    }
    if asked.processes == 1 {
        return Ok(());
    }
    match replaced(asked, &hosts, say)? {}
}

/// Whether no launcher takes it for more than one machine, or for an option.
fn is_host(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(fits)
}

/// Replaces this process by the launcher: the one that is there, else the pinned one.
fn replaced(asked: Asked, hosts: &[String], say: &dyn Fn(&str)) -> Result<Infallible, Error> {
    let (launcher, library) = match Launcher::find(None) {
        Ok(launcher) => (launcher, None),
        Err(LaunchError::NotFound) => {
            let mpich = match Mpich::installed() {
                Some(mpich) => mpich,
                None => Mpich::install(say)?,
            };
            (Launcher::find(Some(&mpich.mpiexec()))?, Some(mpich.library()))
        }
        Err(error) => return Err(error.into()),
    };
    let job = Job { processes: asked.processes, nodes: asked.nodes, hosts, launcher_agent: None };
    let own = std::env::current_exe()?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut command = launcher.command(&job, &own, &arguments);
    if let Some(library) = library.filter(|_| std::env::var_os(LIBRARY).is_none()) {
        command.env(LIBRARY, library);
    }
    say(&format!("{} processes, started by {}", asked.processes, launcher.mpiexec.display()));
    Err(command.exec().into())
}

/// Ends the job of an error that this rank has: tells it by the rank's name, and ends all ranks.
pub(super) fn end_of_error(line: &str, code: u8) {
    let Some(group) = JOINED.get().filter(|group| group.size() > 1) else {
        output::print_line(line);
        return;
    };
    if group.rank() > 0 {
        std::thread::sleep(LET_THE_FIRST_TELL);
    }
    output::print_line(&format!("rank {}: {line}", group.rank()));
    group.abort(i32::from(code));
}

/// Leaves the job in order.
pub(super) fn leave() -> Result<(), Error> {
    match JOINED.get() {
        None => Ok(()),
        Some(group) => Ok(group.leave()?),
    }
}

/// Cores that the system lets this process use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(assignments: &[&str], hosts: usize) -> Result<Option<(usize, Option<usize>)>, String> {
        let mut settings = Settings::defaults();
        assignments.iter().for_each(|text| settings.assign(text).unwrap());
        let asked = asked(&settings, hosts).map_err(|error| error.to_string())?;
        Ok(asked.map(|own| (own.processes, own.nodes)))
    }

    #[test]
    fn ranks_have_together_what_one_process_would() {
        let place = |node: usize, cores: &str, count: usize| (node, cores.to_owned(), count);
        let of = |own: usize, together: usize| Threads { own, together };
        let three = vec![place(0, "0-1", 2); 3];
        assert_eq!(shared_out(&three[0], &three[..1], false), of(2, 2));
        assert_eq!(shared_out(&three[0], &three, false), of(1, 2));
        // A launcher may give each rank cores of its own.
        let bound = [place(0, "0-3", 4), place(0, "4-7", 4), place(1, "0-3", 4)];
        assert_eq!(shared_out(&bound[0], &bound, false), of(4, 8));
        assert_eq!(shared_out(&bound[2], &bound, false), of(4, 4));
        assert_eq!(shared_out(&three[0], &three, true), of(2, 6));
    }

    #[test]
    fn processes_are_counted_as_the_reference_and_as_mpi_count_them() {
        assert_eq!(of(&[], 0), Ok(None));
        assert_eq!(of(&["processes=4"], 0), Ok(Some((4, None))));
        assert_eq!(of(&["trainer.num_nodes=2"], 0), Ok(Some((2, Some(2)))));
        assert_eq!(of(&["trainer.num_nodes=2", "trainer.devices=4"], 0), Ok(Some((8, Some(2)))));
        assert_eq!(of(&["trainer.devices=4"], 0), Ok(Some((4, None))));
        assert_eq!(of(&["processes=8"], 2), Ok(Some((8, Some(2)))));
        assert_eq!(of(&["nodes=2", "processes=8"], 2), Ok(Some((8, Some(2)))));
    }

    #[test]
    fn a_machine_is_no_list_and_no_option() {
        assert!(is_host("node-1.cluster") && is_host("10.0.0.2"));
        assert!(["", "-x", "a,b", "a:4", "a b", "$(a)"].iter().all(|name| !is_host(name)));
    }

    #[test]
    fn processes_that_no_machines_share_evenly_are_refused() {
        assert!(of(&["nodes=2", "processes=5"], 0).unwrap_err().contains("found 5"));
        assert!(of(&["nodes=2", "processes=8", "processes_per_node=3"], 0).is_err());
        assert!(of(&["nodes=65536", "processes_per_node=65536"], 0).is_err());
        assert!(of(&["nodes=3", "processes=6"], 2).unwrap_err().contains("3 machines, found 2"));
    }
}
