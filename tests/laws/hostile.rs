//! Files made to break a parser: each is refused, in bounded time and memory, by the feeds of the fuzz
//! targets. A file that the fuzzer finds is put there.

#[allow(unreachable_pub, reason = "they are the public interface of the fuzz crate")]
#[path = "../fuzz/src/feeds/mod.rs"]
mod feeds;

use qgface_data::limits::{self, Limits};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Files that are sound, and cost no more than sound files.
const SOUND: &[&str] =
    &["picture/whole_with_a_profile_of_80_mib.png", "picture/whole_with_a_text_of_80_mib.png"];

/// Memory of a process that reads one file within the budgets below.
const MOST_MIB: u64 = 64;

/// Less than a user's, so that the files can be small.
const INFLATED: u64 = 16 << 20;

/// Far beyond what any file takes, for machines under load.
const MOST_TIME: Duration = Duration::from_secs(20);

/// Bytes of an error that a person reads.
const MOST_TOLD: usize = 2000;

/// What names the file to the process that reads it.
const FILE: &str = "QGFACE_HOSTILE_FILE";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile")
}

/// The parsers' folders and their files, as `parser/file`.
fn files() -> Vec<String> {
    let names = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let kinds = names(&folder()).into_iter();
    let mut files: Vec<String> = kinds
        .flat_map(|kind| {
            names(&folder().join(&kind)).into_iter().map(move |file| format!("{kind}/{file}"))
        })
        .collect();
    files.sort();
    files
}

/// The test that, told a file by [`FILE`], is the process that reads it.
const ALONE: &str = "hostile::every_hostile_file_is_refused_in_bounded_time_and_memory";

/// What a process of its own says of a file, and how much memory it held at most, in MiB.
fn fed_alone(file: &str) -> (String, u64) {
    let own = std::env::current_exe().unwrap();
    let mut child = Command::new(own);
    child.args(["--exact", ALONE, "--nocapture", "--test-threads=1"]);
    let ran = child.env(FILE, file).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{file}: {}{said}", String::from_utf8_lossy(&ran.stderr));
    let line = |start: &str| {
        said.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().to_owned()
    };
    (line("fed: "), line("peak: ").parse().unwrap_or_default())
}

#[test]
fn every_hostile_file_is_refused_in_bounded_time_and_memory() {
    if let Ok(file) = std::env::var(FILE) {
        return feed_one(&file);
    }
    let mut faults = Vec::new();
    for file in files() {
        let begun = Instant::now();
        let (said, peak_mib) = fed_alone(&file);
        let taken = begun.elapsed();
        let told = format!("{file}: {:.2} s, {peak_mib} MiB: {said}", taken.as_secs_f64());
        println!("{told}");
        let as_expected = (said == "sound") == SOUND.contains(&&*file) && !said.is_empty();
        if !as_expected || said.len() > MOST_TOLD || taken > MOST_TIME || peak_mib > MOST_MIB {
            faults.push(told);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_parser_has_a_hostile_file_and_a_fuzz_target() {
    let files = files();
    for (name, _) in feeds::FEEDS {
        assert!(files.iter().any(|file| file.starts_with(&format!("{name}/"))), "{name}");
        let target = format!("tests/fuzz/fuzz_targets/{name}.rs");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&target).is_file(), "{target}");
    }
    for file in files {
        let kind = file.split('/').next().unwrap();
        assert!(feeds::FEEDS.iter().any(|(name, _)| *name == kind), "{file}");
    }
}

/// Feeds a file to its parser and prints what that says, and the memory it took.
fn feed_one(file: &str) {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    limits::set(Limits { inflated: INFLATED, ..Limits::default() });
    let said = feeds::feed(file.split('/').next().unwrap(), &bytes);
    println!(
        "\nfed: {}",
        said.map_or_else(|error| error.escape_debug().to_string(), |()| "sound".into())
    );
    println!("peak: {}", peak_mib());
}

/// The most memory that this process held; 0 where the system does not tell.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib / 1024)
}
