//! SIGKILL before every call that changes files: what is there is a whole pack or none, and
//! `make-rec --resume` ends with the bytes of a run that nobody disturbed.
#![cfg(target_os = "linux")]

use crate::program::program;
use crate::support::{
    Counts, PARTS, Tree, assert_same, count, pictures, put, run_with, tree, words,
};
use qgface_data::seed::Seed;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

const SIGKILL: i32 = 9;
const STAGING: &str = ".p.partial";

/// The last calls of a run whose fsync was refused: among them are all that remove what was written.
const CALLS_TO_CLEAN_UP: u64 = 11;

/// What another program sees of the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nothing,
    Old,
    New,
}

/// What is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    NoPack,
    AnotherPack,
}

/// When the program dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    /// Before the call.
    Before,
    /// When half of what the call writes is written; a call that writes nothing is not made.
    Within,
}

/// A tree to pack, with what the folder of packs holds before and after an undisturbed run.
struct Bench {
    work: tempfile::TempDir,
    old: Tree,
    new: Tree,
    counts: Counts,
    make_rec: Vec<&'static str>,
    kills: BTreeMap<(Seen, Seen), usize>,
}

impl Bench {
    fn new(before: Before) -> Self {
        let work = tempfile::tempdir().unwrap();
        let mut make_rec = vec!["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"];
        // Sixteen pictures are taken at a time and four of them are large, so each time the
        // buffer of a mebibyte is full.
        put(&pictures("new", 62, 300), &work.path().join("tree"));
        let counts = count(work.path(), &make_rec, &[]);
        let new = tree(&work.path().join("packs"));
        assert_eq!(new.keys().len(), PARTS.len());
        assert!(new["p.rec"].len() > 3 << 20, "{}", new["p.rec"].len());
        let mut old = Tree::new();
        if before == Before::AnotherPack {
            put(&pictures("old", 5, 12), &work.path().join("old"));
            let pack = ["make-rec", "--dataset", "folder", "--root", "old", "--name", "p"];
            count(work.path(), &[&pack[..], &["--overwrite"]].concat(), &[]);
            old = tree(&work.path().join("packs"));
            make_rec.push("--overwrite");
        }
        Self { work, old, new, counts, make_rec, kills: BTreeMap::new() }
    }

    fn packs(&self) -> PathBuf {
        self.work.path().join("packs")
    }

    fn resume(&self) -> Vec<&'static str> {
        [&self.make_rec[..], &["--resume"]].concat()
    }

    fn run(&self, arguments: &[&str], faults: &[(&str, &str)]) -> std::process::Output {
        run_with(self.work.path(), arguments, faults)
    }

    /// Starts from `packs`, kills `arguments` at its `call`-th call and returns what is left.
    fn killed(&self, packs: &Tree, arguments: &[&str], kill: Kill, call: u64) -> Tree {
        put(packs, &self.packs());
        let call = call.to_string();
        let mut faults = vec![("QGSHIM_KILL_AT", call.as_str())];
        if kill == Kill::Within {
            faults.push(("QGSHIM_TORN", "1"));
        }
        let ran = self.run(arguments, &faults);
        assert_eq!(ran.status.signal(), Some(SIGKILL), "call {call}: {}", words(&ran));
        tree(&self.packs())
    }

    /// What is seen of `packs`: if there is a manifest, all five files must be of its pack.
    fn seen(&self, packs: &Tree, when: &str) -> Seen {
        let Some(manifest) = packs.get("p.manifest.json") else { return Seen::Nothing };
        let (seen, whole) = if self.old.get("p.manifest.json") == Some(manifest) {
            (Seen::Old, &self.old)
        } else {
            (Seen::New, &self.new)
        };
        for part in PARTS {
            assert!(packs.get(part) == whole.get(part), "{when}: {part} is not of {seen:?}");
        }
        seen
    }

    /// Holds what a kill left against the laws, with and without a command before the resume.
    fn judge(&mut self, left: &Tree, when: &str) {
        let first = self.seen(left, when);
        put(left, &self.packs());
        let verified = self.run(&["verify-order"], &[]);
        let recovered = tree(&self.packs());
        let then = self.seen(&recovered, when);
        let code = if then == Seen::Nothing { 2 } else { 0 };
        assert_eq!(verified.status.code(), Some(code), "{when}: {}", words(&verified));
        assert!(code == 0 || words(&verified).contains("found none"), "{}", words(&verified));
        let is_staged = |tree: &Tree| tree.contains_key(&format!("{STAGING}/"));
        if left.contains_key(&format!("{STAGING}/manifest.json")) {
            assert_same(&recovered, &self.new, &format!("{when}, sealed, rolled forward"));
        } else if is_staged(&recovered) {
            assert!(words(&verified).contains("p is unfinished"), "{when}: {}", words(&verified));
        }
        *self.kills.entry((first, then)).or_default() += 1;
        let mut starts = vec![(left, "at once")];
        if recovered != *left {
            starts.push((&recovered, "after verify-order"));
        }
        for (start, what) in starts {
            put(start, &self.packs());
            let resumed = self.run(&self.resume(), &[]);
            assert!(resumed.status.success(), "{when}, {what}: {}", words(&resumed));
            assert_same(&tree(&self.packs()), &self.new, &format!("{when}, resumed {what}"));
        }
    }

    fn tell(&self, what: &str) {
        let total: usize = self.kills.values().sum();
        let states: Vec<String> = self
            .kills
            .iter()
            .map(|((first, then), count)| format!("{count} {first:?} then {then:?}"))
            .collect();
        println!("{what}: {total} kills: {}", states.join(", "));
    }
}

/// Kills before each call, and again in the middle of each write.
fn kill_everywhere(before: Before) {
    let mut bench = Bench::new(before);
    for call in 1..=bench.counts.calls {
        let whole = bench.killed(&bench.old, &bench.make_rec, Kill::Before, call);
        bench.judge(&whole, &format!("{before:?}, before call {call}"));
        let torn = bench.killed(&bench.old, &bench.make_rec, Kill::Within, call);
        if torn != whole {
            bench.judge(&torn, &format!("{before:?}, within call {call}"));
        }
    }
    bench.tell(&format!("{before:?}, every call of {}", bench.counts.calls));
    let kills: usize = bench.kills.values().sum();
    assert!(kills > 50, "{kills}");
}

#[test]
fn a_kill_before_any_call_leaves_a_whole_pack_or_none_and_can_be_resumed() {
    kill_everywhere(Before::NoPack);
}

#[test]
fn a_kill_before_any_call_over_another_pack_leaves_one_of_them_whole_and_can_be_resumed() {
    kill_everywhere(Before::AnotherPack);
}

/// What the earliest kill leaves that leaves what is wanted.
fn first_left(bench: &Bench, is_wanted: impl Fn(&Tree) -> bool) -> Tree {
    let calls = 1..=bench.counts.calls;
    let mut left = calls.map(|at| bench.killed(&bench.old, &bench.make_rec, Kill::Before, at));
    left.find(is_wanted).unwrap()
}

/// What a kill leaves of which half of the records can be kept.
fn half(bench: &Bench) -> Tree {
    let is_half = |left: &Tree| {
        let staged = left.get(&format!("{STAGING}/rec")).map_or(0, Vec::len);
        let table = left.get(&format!("{STAGING}/records.csv")).map_or(0, Vec::len);
        staged * 2 > bench.new["p.rec"].len() && table * 2 > bench.new["p.records.csv"].len()
    };
    first_left(bench, is_half)
}

#[test]
fn a_kill_while_resuming_can_be_resumed_again() {
    let mut bench = Bench::new(Before::AnotherPack);
    let half = half(&bench);
    let resume = bench.resume();
    put(&half, &bench.packs());
    let resumed = bench.run(&resume, &[]);
    assert!(words(&resumed).contains("records were there already"), "{}", words(&resumed));
    put(&half, &bench.packs());
    let calls = count(bench.work.path(), &resume, &[]).calls;
    for call in 1..=calls {
        let left = bench.killed(&half, &resume, Kill::Within, call);
        bench.judge(&left, &format!("resumed from half, call {call}"));
    }
    bench.tell(&format!("resuming, every call of {calls}"));
}

#[test]
fn a_kill_while_a_sealed_pack_is_rolled_forward_leaves_one_pack_whole_or_none() {
    let mut bench = Bench::new(Before::AnotherPack);
    let sealed = first_left(&bench, |left| left.contains_key(&format!("{STAGING}/manifest.json")));
    put(&sealed, &bench.packs());
    let calls = count(bench.work.path(), &["verify-order"], &[]).calls;
    for call in 1..=calls {
        let left = bench.killed(&sealed, &["verify-order"], Kill::Before, call);
        bench.judge(&left, &format!("rolling forward, call {call}"));
    }
    bench.tell(&format!("rolling forward, every call of {calls}"));
}

#[test]
fn a_write_torn_at_any_byte_can_be_resumed() {
    let bench = Bench::new(Before::NoPack);
    let half = half(&bench);
    for file in ["rec", "records.csv", "settings.json"] {
        let whole = &half[&format!("{STAGING}/{file}")];
        // A row of the table has about a hundred bytes; its last numbers have three at most.
        for cut in (1..=8).chain([20, 50, 99, 1000]).filter(|&cut| cut < whole.len()) {
            let mut torn = half.clone();
            torn.insert(format!("{STAGING}/{file}"), whole[..whole.len() - cut].to_vec());
            put(&torn, &bench.packs());
            let resumed = bench.run(&bench.resume(), &[]);
            let when = format!("{file} without its last {cut} bytes");
            assert!(resumed.status.success(), "{when}: {}", words(&resumed));
            assert_same(&tree(&bench.packs()), &bench.new, &when);
        }
    }
}

#[test]
fn a_kill_while_an_error_is_cleaned_up_leaves_a_whole_pack_or_none_and_can_be_resumed() {
    let mut bench = Bench::new(Before::AnotherPack);
    for fsync in 1..=bench.counts.fsyncs {
        let fsync = fsync.to_string();
        let refused = ("QGSHIM_FSYNC_FAILS", fsync.as_str());
        put(&bench.old, &bench.packs());
        let calls = count(bench.work.path(), &bench.make_rec, &[refused]).calls;
        for call in calls - CALLS_TO_CLEAN_UP..=calls {
            put(&bench.old, &bench.packs());
            let at = call.to_string();
            let ran = bench.run(&bench.make_rec, &[refused, ("QGSHIM_KILL_AT", &at)]);
            assert_eq!(ran.status.signal(), Some(SIGKILL), "{}", words(&ran));
            let left = tree(&bench.packs());
            bench.judge(&left, &format!("fsync {fsync} refused, call {call}"));
        }
    }
    bench.tell("after a refused fsync");
}

#[test]
fn a_kill_at_any_moment_can_be_resumed() {
    let mut bench = Bench::new(Before::AnotherPack);
    put(&bench.old, &bench.packs());
    let begun = Instant::now();
    assert!(bench.run(&bench.make_rec, &[]).status.success());
    let whole_run = begun.elapsed().as_secs_f64();
    let mut stream = Seed::new(20).stream("moments");
    for _ in 0..20 {
        put(&bench.old, &bench.packs());
        let mut command = program(bench.work.path(), &bench.make_rec);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let moment = Duration::from_secs_f64(stream.uniform(0.0, whole_run));
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = tree(&bench.packs());
        bench.judge(&left, &format!("after {moment:?}"));
    }
    bench.tell("wall clock");
}

/// Interrupts before each call until one ends the run unfinished; the same command then goes on.
#[test]
fn an_interrupted_run_says_so_and_the_same_command_goes_on() {
    let bench = Bench::new(Before::NoPack);
    let mut unfinished = 0;
    for call in 1..=bench.counts.calls {
        put(&bench.old, &bench.packs());
        let at = call.to_string();
        let ran = bench.run(&bench.make_rec, &[("QGSHIM_INTERRUPT_AT", &at)]);
        let said = words(&ran);
        if ran.status.code() == Some(1) {
            unfinished += 1;
            assert!(said.contains("interrupted after"), "call {call}: {said}");
            assert!(!bench.packs().join("p.manifest.json").exists(), "call {call}");
            let again = bench.run(&bench.make_rec, &[]);
            assert!(again.status.success(), "call {call}: {}", words(&again));
            let kept = words(&again).contains("records were there already");
            assert_eq!(kept, !said.contains("after 0 images"), "call {call}: {}", words(&again));
        } else {
            // The signal came when all was written, or before anybody listened.
            let died = ran.status.signal() == Some(2);
            assert!(died || ran.status.success(), "call {call}: {said}");
            let again = bench.run(&bench.make_rec, &[]);
            assert!(again.status.success(), "call {call}: {}", words(&again));
        }
        assert_same(&tree(&bench.packs()), &bench.new, &format!("interrupted at call {call}"));
    }
    assert!(unfinished > 3, "{unfinished}");
}

#[test]
fn an_interrupted_pack_of_another_plan_is_begun_anew_and_told() {
    let bench = Bench::new(Before::NoPack);
    put(&half(&bench), &bench.packs());
    let other = [&bench.make_rec[..], &["--encode", "png"]].concat();
    let refused = bench.run(&[&other[..], &["--resume"]].concat(), &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    let ran = bench.run(&other, &[]);
    assert!(ran.status.success(), "{}", words(&ran));
    let told = "another plan was there, made with the encoding origin where it is png now";
    assert!(words(&ran).contains(told), "{}", words(&ran));
}

#[test]
fn a_source_that_changed_after_the_kill_is_packed_anew_whatever_its_date() {
    let work = tempfile::tempdir().unwrap();
    let sources = work.path().join("tree");
    put(&pictures("new", 62, 300), &sources);
    let encode = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"];
    let encode = [&encode[..], &["--encode", "png"]].concat();
    let calls = count(work.path(), &encode, &[]).calls;
    let packs = work.path().join("packs");
    put(&Tree::new(), &packs);
    let at = (calls / 2).to_string();
    let ran = run_with(work.path(), &encode, &[("QGSHIM_KILL_AT", &at)]);
    assert_eq!(ran.status.signal(), Some(SIGKILL));
    let first = sources.join("0/00.png");
    std::fs::write(&first, &pictures("changed", 1, 20)["0/00.png"]).unwrap();
    // As if the clock had gone back between the kill and the change.
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    std::fs::File::options().write(true).open(&first).unwrap().set_modified(long_ago).unwrap();
    let ran = run_with(work.path(), &encode, &[]);
    assert!(ran.status.success(), "{}", words(&ran));
    let proved = run_with(work.path(), &["verify-order", "packs/p", "--root", "tree"], &[]);
    assert!(proved.status.success(), "{}", words(&proved));
}

#[test]
fn an_interrupted_pack_that_is_encoded_anew_keeps_what_is_whole() {
    let work = tempfile::tempdir().unwrap();
    put(&pictures("new", 62, 300), &work.path().join("tree"));
    let encode = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"];
    let encode = [&encode[..], &["--encode", "png"]].concat();
    let calls = count(work.path(), &encode, &[]).calls;
    let packs = work.path().join("packs");
    let expected = tree(&packs);
    let mut kept = 0;
    for call in 1..=calls {
        put(&Tree::new(), &packs);
        let faults = [("QGSHIM_KILL_AT", &*call.to_string()), ("QGSHIM_TORN", "1")];
        run_with(work.path(), &encode, &faults);
        let ran = run_with(work.path(), &encode, &[]);
        assert!(ran.status.success(), "call {call}: {}", words(&ran));
        kept += usize::from(words(&ran).contains("records were there already"));
        assert_same(&tree(&packs), &expected, &format!("killed at call {call}"));
    }
    assert!(kept > 3, "{kept}");
}

#[test]
fn a_source_that_changed_after_the_kill_is_packed_as_it_is_now() {
    let bench = Bench::new(Before::NoPack);
    put(&half(&bench), &bench.packs());
    let first = bench.work.path().join("tree/0/00.png");
    let other = pictures("changed", 1, 20);
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&first, &other["0/00.png"]).unwrap();
    let ran = bench.run(&bench.resume(), &[]);
    assert!(ran.status.success(), "{}", words(&ran));
    let proved = bench.run(&["verify-order", "packs/p", "--root", "tree"], &[]);
    assert!(proved.status.success(), "{}", words(&proved));
}
