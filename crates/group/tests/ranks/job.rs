//! A job of this program's ranks under an mpiexec.

use crate::member;
use qgface_group::{Family, Job, Launcher};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A job that is running.
pub(crate) struct Started {
    child: Child,
    since: Instant,
    outputs: [JoinHandle<String>; 2],
    /// Holds the agent.
    _folder: tempfile::TempDir,
}

/// A job that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) lasted: Duration,
    pub(crate) output: String,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} after {:?}:\n{}", self.status, self.lasted, self.output)
    }
}

/// The launcher; that there is none is said.
fn launcher() -> Option<Launcher> {
    let named = std::env::var_os("QGFACE_TEST_MPI").map(PathBuf::from);
    match Launcher::find(named.as_deref()) {
        Ok(launcher) => Some(launcher),
        Err(error) if named.is_some() => panic!("QGFACE_TEST_MPI: {error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

impl Started {
    /// Ranks that do what the role says, on this machine.
    pub(crate) fn of(role: &str, ranks: usize) -> Option<Self> {
        Self::start(role, ranks, None, &[])
    }

    /// The same with the library of another family than the launcher's.
    pub(crate) fn with_anothers_library(role: &str, ranks: usize) -> Option<Self> {
        let other = match launcher()?.family {
            Family::Mpich => "libmpi.so.40",
            Family::OpenMpi => "libmpich.so.12",
        };
        let named =
            std::env::var_os("QGFACE_TEST_OTHER_MPI_LIBRARY").filter(|path| !path.is_empty());
        let library = named.unwrap_or_else(|| other.into());
        Self::start(role, ranks, Some(library.as_ref()), &[])
    }

    /// The same on two machines, which an agent pretends.
    pub(crate) fn on_machines(role: &str, ranks: usize) -> Option<Self> {
        if launcher()?.family == Family::OpenMpi {
            // Their addresses are the same, and it makes no connection to an address of its own.
            eprintln!("skipped: Open MPI's ranks do not find each other on pretended machines");
            return None;
        }
        Self::start(role, ranks, None, &["first".to_owned(), "second".to_owned()])
    }

    fn start(role: &str, ranks: usize, library: Option<&Path>, hosts: &[String]) -> Option<Self> {
        let launcher = launcher()?;
        let folder = tempfile::tempdir().unwrap();
        let agent = folder.path().join("agent");
        write_agent(&agent);
        let job = Job {
            processes: ranks,
            nodes: None,
            hosts,
            launcher_agent: (!hosts.is_empty()).then_some(agent.as_path()),
        };
        let args = ["member::is_a_rank", "--exact", "--ignored", "--nocapture"].map(OsString::from);
        let program = std::env::current_exe().unwrap();
        let mut command = launcher.command(&job, &program, &args);
        command.env(member::ROLE, role).process_group(0);
        if let Some(library) = library {
            command.env("MPI_DYLIB_PATH", library);
        }
        if launcher.family == Family::OpenMpi {
            // It asks for a home, which a test's environment may lack.
            command.env("HOME", folder.path());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let since = Instant::now();
        let mut child = command.spawn().unwrap();
        let outputs = [read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap())];
        Some(Self { child, since, outputs, _folder: folder })
    }

    /// Waits for its end, two minutes at most.
    pub(crate) fn wait(mut self) -> Ended {
        let limit = Duration::from_secs(120);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if self.since.elapsed() < limit => thread::sleep(Duration::from_millis(20)),
                None => {
                    kill_group(self.child.id());
                    let _ = self.child.wait();
                    let output = self.outputs.map(|output| output.join().unwrap()).concat();
                    panic!("the job has lasted longer than {limit:?}:\n{output}");
                }
            }
        };
        let lasted = self.since.elapsed();
        let output = self.outputs.map(|output| output.join().unwrap()).concat();
        Ended { status, lasted, output }
    }
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// In place of `ssh`: runs here what should run on the machine that it is told. Another process writes it,
/// since a file that this one has open cannot be run.
fn write_agent(path: &Path) {
    const AGENT: &str = r#"#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
shift
exec sh -c "$*"
"#;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#"printf '%s' "$1" >"$0" && chmod 755 "$0""#]).arg(path).arg(AGENT);
    assert!(command.status().unwrap().success());
}

#[allow(unsafe_code)]
fn kill_group(leader: u32) {
    // SAFETY: the group is that of the child, which was not waited for.
    unsafe { libc::kill(-(leader as i32), libc::SIGKILL) };
}
