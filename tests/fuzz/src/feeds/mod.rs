//! What bytes are fed to: one function a parser, each with the laws that hold for any bytes.
//!
//! A feed returns what the parser says of bytes that it refuses, and panics where a law is broken. It is
//! reached through the library's public interface alone; where that reads files, the bytes are one.

mod containers;
mod documents;
mod models;
mod pictures;
mod tables;

use qgface_data::fs::causes::chain;
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a parser made of bytes: nothing to tell, or why it refused them.
pub type Fed = Result<(), String>;

/// A parser under its name, which is that of its fuzz target and of its folder of hostile files.
pub type Feed = (&'static str, fn(&[u8]) -> Fed);

/// All parsers.
pub static FEEDS: &[Feed] = &[
    ("align", pictures::align),
    ("checkpoint", models::checkpoint),
    ("faces", tables::faces),
    ("header", containers::header),
    ("ijb_meta", tables::ijb_meta),
    ("index", containers::index),
    ("landmarks", tables::landmarks),
    ("library", containers::library),
    ("list", tables::list),
    ("manifest", documents::manifest),
    ("mat", tables::mat),
    ("metrics", documents::metrics),
    ("names", tables::names),
    ("npy", models::npy),
    ("onnx", models::onnx),
    ("pack", containers::pack),
    ("pairs", tables::pairs),
    ("pickle", containers::pickle),
    ("picture", pictures::picture),
    ("recordio", containers::recordio),
    ("records", tables::records),
    ("results", documents::results),
    ("round_trip", pictures::round_trip),
    ("scface", tables::scface),
    ("settings", documents::settings),
    ("weights", models::weights),
    ("wheel", containers::wheel),
    ("words", documents::words),
];

/// Feeds `bytes` to the parser `name`.
///
/// # Panics
/// Where there is no such parser, or a law is broken.
pub fn feed(name: &str, bytes: &[u8]) -> Fed {
    let found = FEEDS.iter().find(|(own, _)| *own == name);
    found.unwrap_or_else(|| panic!("no parser is called {name}")).1(bytes)
}

/// An error with its causes in one line.
fn told(error: impl Error) -> String {
    chain(&error)
}

/// A folder of this thread, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("qgface-feeds-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

thread_local! {
    static SCRATCH: Scratch = Scratch::new();
}

/// The folder of this thread.
fn scratch() -> PathBuf {
    SCRATCH.with(|scratch| scratch.0.clone())
}

/// Writes `bytes` to the file `name` of this thread's folder.
fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch().join(name);
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Writes a file that is the same in every feeding, once.
fn put_once(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch().join(name);
    if path.is_file() { path } else { put(name, bytes) }
}

/// An empty folder of this name.
fn empty(name: &str) -> PathBuf {
    let path = scratch().join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Parts bytes at the first `mark`; the second part is empty where there is none.
fn parted<'a>(bytes: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = bytes.windows(mark.len()).position(|window| window == mark);
    at.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + mark.len()..]))
}
