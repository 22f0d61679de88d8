//! Pictures to pack, folders as values, and the program with a shim before its system calls.

use crate::program::program;
use qgface_data::image::{ChannelOrder, Pixels, encode};
use qgface_data::seed::{Seed, Stream};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The five files of the pack `p`, the manifest last.
pub(crate) const PARTS: [&str; 5] = ["p.rec", "p.idx", "p.lst", "p.records.csv", "p.manifest.json"];

/// Runs the program with `faults`, variables that `shim.c` explains.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], faults: &[(&str, &str)]) -> Output {
    let mut command = program(folder, arguments);
    command.env("LD_PRELOAD", shim()).envs(faults.iter().copied()).output().unwrap()
}

/// What a run did to the file system.
pub(crate) struct Counts {
    /// Calls that change files.
    pub(crate) calls: u64,
    /// Bytes written to regular files.
    pub(crate) bytes: u64,
    pub(crate) fsyncs: u64,
}

/// Runs the program and counts what it does.
pub(crate) fn count(folder: &Path, arguments: &[&str], faults: &[(&str, &str)]) -> Counts {
    let file = folder.join("counts");
    let tell = ("QGSHIM_COUNT", file.to_str().unwrap());
    run_with(folder, arguments, &[faults, &[tell]].concat());
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    Counts { calls: numbers[0], bytes: numbers[1], fsyncs: numbers[2] }
}

/// All a run said.
pub(crate) fn words(ran: &Output) -> String {
    [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The one line on stderr of a run that ended with exit code 2 and said nothing else.
pub(crate) fn error_of(ran: &Output) -> String {
    assert_eq!(ran.status.code(), Some(2), "{:?}: {}", ran.status, words(ran));
    assert!(ran.stdout.is_empty(), "{}", words(ran));
    let line = String::from_utf8(ran.stderr.clone()).unwrap();
    assert!(line.lines().count() == 1 && line.starts_with("qgface-data: "), "{line}");
    line
}

/// The shim, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let beside = folder.join(format!("shim.{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/shim.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&beside).arg(source).arg("-ldl");
        assert!(compiler.status().unwrap().success(), "cc could not make the shim");
        // Another process of this test may have the library open: it is replaced, not rewritten.
        let shim = folder.join("shim.so");
        fs::rename(beside, &shim).unwrap();
        shim
    })
}

/// The files below a folder by relative path; folders have a `/` behind their name and no bytes.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

/// Reads a folder; one that is not there is empty.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for entry in entries.map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let below = tree(&entry.path()).into_iter();
            found.extend(below.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
            found.insert(name + "/", Vec::new());
        } else {
            found.insert(name, fs::read(entry.path()).unwrap_or_default());
        }
    }
    found
}

/// Makes `folder` hold `tree` and nothing else.
pub(crate) fn put(tree: &Tree, folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for (path, bytes) in tree {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !path.to_str().unwrap().ends_with('/') {
            fs::write(path, bytes).unwrap();
        }
    }
}

/// Panics with the first path at which two trees differ, and not with megabytes.
pub(crate) fn assert_same(found: &Tree, expected: &Tree, when: &str) {
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{when}");
    let other = found.iter().find(|(path, bytes)| expected[*path] != **bytes);
    assert!(other.is_none(), "{when}: {} differs", other.unwrap().0);
}

/// A PNG of noise: `3 · edge²` bytes and a little more.
pub(crate) fn noise(edge_px: u32, stream: &mut Stream) -> Vec<u8> {
    let data = (0..edge_px * edge_px * 3).map(|_| stream.next_u64() as u8).collect();
    encode::png(&Pixels { width: edge_px, height: edge_px, order: ChannelOrder::Rgb, data })
        .unwrap()
}

/// `count` pictures of noise in three folders; every fourth is `large_px` an edge, the rest 12.
pub(crate) fn pictures(name: &str, count: usize, large_px: u32) -> Tree {
    let mut stream = Seed::new(1).stream(name);
    let mut pictures = Tree::new();
    for i in 0..count {
        let edge = if i % 4 == 3 { large_px } else { 12 };
        pictures.insert(format!("{}/{i:02}.png", i % 3), noise(edge, &mut stream));
    }
    pictures
}
