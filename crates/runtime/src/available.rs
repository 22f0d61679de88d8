//! Memory that is left to take, as the system tells of it.

use super::Device;
use super::gpu_memory::free_memory;
use std::path::{Path, PathBuf};

/// What a system tells of the memory that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group<'a> {
    /// The controller's name in `/proc/self/cgroup`, and where its groups lie.
    controller: &'a str,
    root: &'a str,
    limit: &'a str,
    used: &'a str,
    /// The entry of `memory.stat` that says what the system would take back.
    inactive: &'a str,
}

/// Version 2 of control groups, and version 1.
const GROUPS: [Group<'static>; 2] = [
    Group {
        controller: "",
        root: "sys/fs/cgroup",
        limit: "memory.max",
        used: "memory.current",
        inactive: "inactive_file",
    },
    Group {
        controller: "memory",
        root: "sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes",
        inactive: "total_inactive_file",
    },
];

/// Bytes that a process can still take on a device: on the processor what the system can give and what
/// the control groups of this process allow, on CUDA what the driver says is free. None where nobody
/// tells.
pub fn available_memory(device: Device) -> Option<u64> {
    match device {
        Device::Cpu => left(Path::new("/")),
        Device::Cuda(number) => free_memory(number),
    }
}

/// The least of all that is told below a root folder.
fn left(root: &Path) -> Option<u64> {
    let system = read(&root.join("proc/meminfo")).and_then(|told| entry(&told, "MemAvailable:"));
    let system = system.and_then(|kibibytes| kibibytes.checked_mul(1024));
    let own = read(&root.join("proc/self/cgroup")).unwrap_or_default();
    let of_groups = GROUPS.iter().flat_map(|group| group.left(root, &own));
    of_groups.chain(system).min()
}

impl Group<'_> {
    /// What each group that this process is in has left, where it has a limit.
    fn left(&self, root: &Path, own: &str) -> Vec<u64> {
        let path = own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == self.controller).then_some(path)
        });
        let Some(path) = path else { return Vec::new() };
        let top = root.join(self.root);
        let inner = path.trim_start_matches('/');
        // A group that lies outside of what a container sees is the container's root.
        let safe = Path::new(inner).components().all(|part| part.as_os_str() != "..");
        let mut folder = if safe { top.join(inner) } else { top.clone() };
        let mut all = Vec::new();
        loop {
            all.extend(self.left_in(&folder));
            if folder == top || !folder.pop() {
                return all;
            }
        }
    }

    fn left_in(&self, folder: &Path) -> Option<u64> {
        let number = |path: PathBuf| read(&path)?.trim().parse::<u64>().ok();
        let limit = number(folder.join(self.limit))?;
        let used = number(folder.join(self.used))?;
        let stat = read(&folder.join("memory.stat")).unwrap_or_default();
        let inactive = entry(&stat, self.inactive).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(inactive)))
    }
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The number behind a name.
fn entry(told: &str, name: &str) -> Option<u64> {
    let mut words = told.lines().map(str::split_whitespace);
    words.find_map(|mut words| (words.next()? == name).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system of these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    const MEMORY: (&str, &str) = ("proc/meminfo", "MemFree: 1 kB\nMemAvailable:   4096 kB\n");

    #[test]
    fn what_the_system_can_give_is_left_where_no_group_has_a_limit() {
        assert_eq!(left(system(&[MEMORY]).path()), Some(4 << 20));
        let unlimited = system(&[
            MEMORY,
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/a/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.current", "5\n"),
        ]);
        assert_eq!(left(unlimited.path()), Some(4 << 20));
        assert_eq!(left(system(&[]).path()), None);
    }

    #[test]
    fn the_tightest_group_decides_and_what_it_would_give_back_is_left() {
        let groups = system(&[
            MEMORY,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "1000\n"),
            ("sys/fs/cgroup/a/memory.current", "700\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100\n"),
            ("sys/fs/cgroup/a/b/memory.max", "2000\n"),
            ("sys/fs/cgroup/a/b/memory.current", "10\n"),
        ]);
        assert_eq!(left(groups.path()), Some(400));
    }

    #[test]
    fn groups_of_the_first_version_are_read_too() {
        let groups = system(&[
            MEMORY,
            ("proc/self/cgroup", "3:cpu,memory:/x\n1:name=systemd:/y\n"),
            ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "900\n"),
            ("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/x/memory.stat", "total_inactive_file 300\n"),
        ]);
        assert_eq!(left(groups.path()), Some(200));
    }

    #[test]
    fn this_machine_has_memory_left() {
        assert!(available_memory(Device::Cpu).is_none_or(|bytes| bytes > 1 << 20));
    }
}
