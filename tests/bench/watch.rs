//! Time and memory of processes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs a command that must end well; how long it took, and its peak memory in KiB as the kernel counts
/// it, read until it ends.
pub(crate) fn run_watched(command: &mut Command) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        peak = peak.max(memory(&status_file, "VmHWM:"));
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            assert!(status.success(), "{command:?}: {status}");
            return (start.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A field of a process's status file, in KiB; 0 once the process has ended.
pub(crate) fn memory(status: &Path, field: &str) -> u64 {
    let mut text = String::new();
    let _ = File::open(status).and_then(|mut file| file.read_to_string(&mut text));
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
