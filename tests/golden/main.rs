//! Our bytes, pixels and numbers against those of the Python reference and its libraries.
//!
//! Reads `fixtures/golden`, or the folder named by `QGFACE_GOLDEN`, which has the same layout. What
//! is run comes from the manifests, so another seed's data is run too. Prints `topic: N / M`, the
//! cases run and the cases in the manifest; a topic with N ≠ M, or a difference, fails.
//!
//! No comparison hangs on a machine's last bits: what jumps at a bound is compared with either side
//! (`kinks`), what is ordered by scores with the order of ties left open (`brackets`), and
//! `QGFACE_GOLDEN_NUDGE=SEED` tries it (`nudge`).

mod align;
mod arrays;
mod augment;
mod blocks;
mod brackets;
mod decode;
mod distributed;
mod evaluate;
mod fusion;
mod halved;
mod heads;
mod identification;
mod ijb;
#[path = "../installed.rs"]
mod installed;
mod kinks;
mod laws;
mod looped;
mod make_rec;
mod manifest;
mod networks;
mod nudge;
mod queue;
mod recordio;
#[path = "../reference/mod.rs"]
mod reference;
#[path = "../reference/run.rs"]
mod run;
mod stepped;
mod trajectory;
mod verification10;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A topic that is run: its folder, how many cases its manifest has, and what runs them.
struct Topic {
    name: &'static str,
    cases: fn(&manifest::Json) -> usize,
    run: fn(&Path, &manifest::Json) -> usize,
}

const TOPICS: [Topic; 15] = [
    recordio::TOPIC,
    make_rec::TOPIC,
    decode::TOPIC,
    align::TOPIC,
    verification10::TOPIC,
    identification::TOPIC,
    ijb::TOPIC,
    fusion::TOPIC,
    augment::TOPIC,
    heads::TOPIC,
    queue::TOPIC,
    blocks::TOPIC,
    networks::TOPIC,
    trajectory::TOPIC,
    distributed::TOPIC,
];

/// Topics of features that are not built yet. An issue that builds one moves it up.
const LATER: [&str; 3] = ["detect", "openset", "queue, moco"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if distributed::as_rank(&arguments) {
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        laws::LAWS.iter().for_each(|(name, _)| println!("{name}: test"));
        TOPICS.iter().for_each(|topic| println!("{}: test", topic.name));
        return ExitCode::SUCCESS;
    }
    let wanted = |own: &str| {
        let mut names = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        names.peek().is_none() || names.any(|name| own.contains(name.as_str()))
    };
    let folder = golden_folder();
    let mut passed = 0;
    let mut failed = unknown_topics(&folder);
    for (name, law) in laws::LAWS.iter().filter(|(name, _)| wanted(name)) {
        let holds = catch_unwind(law).is_ok();
        println!("{name}: {}", if holds { "holds" } else { "FAILED" });
        if holds { passed += 1 } else { failed += 1 }
    }
    for topic in TOPICS.iter().filter(|topic| wanted(topic.name)) {
        if run(topic, &folder) { passed += 1 } else { failed += 1 }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out",
        (laws::LAWS.len() + TOPICS.len()).saturating_sub(passed + failed)
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn golden_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden");
    std::env::var_os("QGFACE_GOLDEN").map_or(own, |folder| {
        let folder = PathBuf::from(folder);
        std::path::absolute(&folder).unwrap_or(folder)
    })
}

/// A folder that is neither run nor waiting would be forgotten.
fn unknown_topics(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).expect("the golden folder can be listed");
    let names = names.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let unknown =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| {
            TOPICS.iter().all(|topic| topic.name != name) && !LATER.contains(&name.as_str())
        });
    unknown.inspect(|name| println!("{name}: neither run nor in the list of later topics")).count()
}

fn run(topic: &Topic, folder: &Path) -> bool {
    let folder = folder.join(topic.name);
    let manifest = manifest::read(&folder);
    let expected = (topic.cases)(&manifest);
    match catch_unwind(AssertUnwindSafe(|| (topic.run)(&folder, &manifest))) {
        Ok(ran) => {
            println!("{}: {ran} / {expected}", topic.name);
            ran == expected && expected > 0
        }
        // The panic's message stands above.
        Err(_) => {
            println!("{}: a case differs, of {expected}", topic.name);
            false
        }
    }
}
