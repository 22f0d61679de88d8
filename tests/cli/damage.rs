//! Damage to a pack: whatever byte is wrong and whatever was rewritten to match, `verify-order` says
//! no and names the place.

use crate::program::{Ran, copy, done, fixture, run};
use crate::support::{PARTS, pictures, put};
use qgface_data::recordio::{self, IndexedReader};
use qgface_data::seed::{Seed, Stream};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FLIPS_A_FILE: u64 = 400;
const THREADS: u64 = 2;

/// Magic and length of a record, then flag, label, id and id2 of its header.
const FRAME_AND_HEADER_BYTES: u64 = 8 + 24;

const MAKE_REC: [&str; 9] =
    ["make-rec", "--dataset", "list", "--root", "tree", "--name", "p", "--list", "tree/p.lst"];

/// The pictures of the tree, in the order of the pack.
const NAMES: [&str; 8] = [
    "0/00.png", "0/03.png", "0/05.jpg", "1/01.png", "1/04.png", "1/06.jpg", "2/02.png", "2/07.png",
];

/// A folder with a `tree` of eight pictures, JPEG and PNG, its list, and the pack of it.
fn packed() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("tree");
    put(&pictures("small", 5, 12), &root);
    for (from, name) in [
        ("jpg_420_16x17.jpg", NAMES[2]),
        ("jpg_exif_6.jpg", NAMES[5]),
        ("png_palette.png", NAMES[7]),
    ] {
        fs::copy(fixture(&format!("golden/decode/files/{from}")), root.join(name)).unwrap();
    }
    let walked = done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree"]);
    assert!(walked.stdout.contains("packed 8 images"), "{}", walked.stdout);
    fs::rename(work.path().join("packs/folder.lst"), root.join("p.lst")).unwrap();
    fs::remove_dir_all(work.path().join("packs")).unwrap();
    done(work.path(), &MAKE_REC);
    work
}

/// Changes the byte at `at`: one of its bits, or any other value.
fn flip(bytes: &mut [u8], at: usize, stream: &mut Stream) -> String {
    let change = match stream.below(2) {
        0 => 1 << stream.below(8),
        _ => stream.below(255) as u8 + 1,
    };
    bytes[at] ^= change;
    format!("byte {at} ^ {change:#04x}")
}

/// Whether a difference or the error names the damaged file or a position.
fn names_the_place(ran: &Ran, part: &str) -> bool {
    let differences = ran.stdout.lines().filter(|line| line.contains(": expected "));
    let is_position = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    differences
        .chain(ran.stderr.lines())
        .any(|line| line.contains(part) || line.split("position ").skip(1).any(is_position))
}

/// Runs a command that must say no and name the damage to `part`; returns the exit code.
fn refused(work: &Path, arguments: &[&str], part: &str, what: &str) -> i32 {
    let ran = run(work, arguments);
    let said = || format!("{what}: {} {}{}", ran.code, ran.stdout, ran.stderr);
    assert!(matches!(ran.code, 1 | 2) && !ran.stderr.contains("panicked"), "{}", said());
    assert!(names_the_place(&ran, part), "{}", said());
    ran.code
}

/// Flips bytes of one file after another in a folder of this thread's own.
fn flip_and_verify(work: &Path, thread: u64) -> BTreeMap<(String, &'static str, i32), u64> {
    let mut stream = Seed::new(thread).stream("flips");
    let mut table = BTreeMap::new();
    for i in 0..FLIPS_A_FILE / THREADS {
        for part in PARTS {
            let path = work.join("packs").join(part);
            let whole = fs::read(&path).unwrap();
            let mut damaged = whole.clone();
            let at = stream.below(whole.len() as u64) as usize;
            let what = format!("{part}, {}", flip(&mut damaged, at, &mut stream));
            fs::write(&path, damaged).unwrap();
            let (tree, arguments) = match i % 2 {
                0 => ("with the tree", &["verify-order", "packs/p", "--root", "tree"][..]),
                _ => ("without", &["verify-order", "packs/p"][..]),
            };
            let code = refused(work, arguments, part, &format!("{what}, {tree}"));
            *table.entry((part.to_owned(), tree, code)).or_default() += 1;
            fs::write(&path, whole).unwrap();
        }
    }
    done(work, &["verify-order", "packs/p", "--root", "tree"]);
    table
}

#[test]
fn no_changed_byte_passes_and_each_is_told_with_its_place() {
    let work = packed();
    let tables: Vec<_> = std::thread::scope(|scope| {
        let start = |thread| {
            let own = tempfile::tempdir().unwrap();
            copy(work.path(), own.path());
            scope.spawn(move || flip_and_verify(own.path(), thread))
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut sums = BTreeMap::new();
    tables.into_iter().flatten().for_each(|(row, count)| *sums.entry(row).or_default() += count);
    for ((part, tree, code), count) in &sums {
        println!("{part:16} {tree:14} exit {code}: {count:4} flips");
    }
    assert_eq!(sums.values().sum::<u64>(), FLIPS_A_FILE * PARTS.len() as u64);
}

#[test]
fn a_file_that_is_cut_short_grown_or_gone_is_told() {
    let work = packed();
    let mut stream = Seed::new(5).stream("cuts");
    for part in PARTS {
        let path = work.path().join("packs").join(part);
        let whole = fs::read(&path).unwrap();
        let arguments = ["verify-order", "packs/p"];
        for length in (0..20).map(|_| stream.below(whole.len() as u64) as usize) {
            fs::write(&path, &whole[..length]).unwrap();
            refused(work.path(), &arguments, part, &format!("{part} cut to {length} bytes"));
        }
        for more in [&b"\0"[..], b"\n", b"0\t0\n", &whole] {
            fs::write(&path, [&whole, more].concat()).unwrap();
            refused(work.path(), &arguments, part, &format!("{part} and {more:?}"));
        }
        fs::remove_file(&path).unwrap();
        refused(work.path(), &arguments, part, &format!("{part} is gone"));
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn no_changed_byte_makes_the_library_panic() {
    let work = packed();
    let path = |part: &str| work.path().join("packs").join(part);
    let mut stream = Seed::new(3).stream("library flips");
    let mut refused = 0;
    for i in 0..500 {
        let part = ["p.rec", "p.idx"][i % 2];
        let whole = fs::read(path(part)).unwrap();
        let mut damaged = whole.clone();
        let mut at = stream.below(whole.len() as u64) as usize;
        if i % 4 == 0 {
            // Most bytes are a picture's; the reader's work is in those before it.
            let pack = IndexedReader::open(&path("p.rec"), &path("p.idx")).unwrap();
            let record = pack.index().offset(stream.below(8) as usize).unwrap() as usize;
            at = record + stream.below(FRAME_AND_HEADER_BYTES) as usize;
        }
        let what = flip(&mut damaged, at, &mut stream);
        fs::write(path(part), damaged).unwrap();
        let read = std::panic::catch_unwind(|| read_all(&path("p.rec"), &path("p.idx")));
        refused += u64::from(read.unwrap_or_else(|_| panic!("{part}, {what}")).is_err());
        fs::write(path(part), whole).unwrap();
    }
    println!("500 flips read by the library: {refused} refused, the rest are in what it hands on");
}

/// Reads all records of a pack by position, by key and in a row.
fn read_all(rec: &Path, idx: &Path) -> Result<(), recordio::Error> {
    let pack = IndexedReader::open(rec, idx)?;
    for position in 0..pack.index().len() {
        pack.get(position)?.image()?;
        if let Some(key) = pack.index().key(position) {
            pack.get_key(key)?;
        }
    }
    pack.reader().records().try_for_each(|record| record.map(drop))
}

/// The position and the words of the first difference that `verify-order` finds.
fn first_difference(work: &Path, arguments: &[&str]) -> (u64, String) {
    let ran = run(work, &[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let first = &ran.json("verify-order")["packs"][0]["differences"][0];
    (first["position"].as_u64().unwrap_or_else(|| panic!("{first}")), first.to_string())
}

/// The pack of a list that `edit` changed, in itself without fault, against the true list.
fn of_an_edited_list(edit: impl FnOnce(&mut Vec<String>)) -> (u64, String) {
    let work = packed();
    let text = fs::read_to_string(work.path().join("tree/p.lst")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(work.path().join("edited.lst"), lines.join("\n") + "\n").unwrap();
    let edited = [&MAKE_REC[..8], &["edited.lst", "--overwrite"]].concat();
    done(work.path(), &edited);
    let root = ["verify-order", "packs/p", "--root", "tree", "--list"];
    done(work.path(), &[&root[..], &["edited.lst"]].concat());
    first_difference(work.path(), &[&root[..], &["tree/p.lst"]].concat())
}

/// The paths of a list's lines, exchanged, so that keys stay in order.
fn exchange_paths(lines: &mut [String], a: usize, b: usize) {
    let (first, second) = (lines[a].clone(), lines[b].clone());
    let joined = |head: &str, tail: &str| {
        format!("{}\t{}", head.rsplit_once('\t').unwrap().0, tail.rsplit_once('\t').unwrap().1)
    };
    (lines[a], lines[b]) = (joined(&first, &second), joined(&second, &first));
}

#[test]
fn two_exchanged_records_are_found_though_everything_was_rewritten_to_match() {
    assert_eq!(of_an_edited_list(|lines| lines.swap(2, 5)).0, 2);
    assert_eq!(of_an_edited_list(|lines| exchange_paths(lines, 3, 6)).0, 3);
}

#[test]
fn an_edited_label_is_found_though_everything_was_rewritten_to_match() {
    let (position, words) =
        of_an_edited_list(|lines| lines[4] = lines[4].replace("\t1\t", "\t7\t"));
    assert_eq!(position, 4, "{words}");
    assert!(words.contains("label 7"), "{words}");
}

#[test]
fn a_dropped_and_an_added_record_are_found_though_everything_was_rewritten_to_match() {
    let dropped = of_an_edited_list(|lines| drop(lines.remove(3)));
    assert_eq!(dropped.0, 3, "{}", dropped.1);
    let last_dropped = of_an_edited_list(|lines| drop(lines.pop()));
    assert_eq!(last_dropped.0, 7, "{}", last_dropped.1);
    let doubled = of_an_edited_list(|lines| lines.push(lines[0].replacen('0', "99", 1)));
    assert_eq!(doubled.0, 8, "{}", doubled.1);
}

/// The pack of a folder against the folder after `change`.
fn of_a_changed_tree(change: impl FnOnce(&Path)) -> (u64, String) {
    let work = packed();
    fs::remove_dir_all(work.path().join("packs")).unwrap();
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"]);
    change(&work.path().join("tree"));
    first_difference(work.path(), &["verify-order", "packs/p", "--root", "tree"])
}

#[test]
fn a_changed_source_file_is_found_at_its_position() {
    for (position, name) in NAMES.into_iter().enumerate() {
        let (found, words) = of_a_changed_tree(|tree| {
            let other = &pictures("other", 1, 8)["0/00.png"];
            fs::write(tree.join(name), other).unwrap();
        });
        assert_eq!(found, position as u64, "{words}");
        assert!(words.contains(name), "{words}");
    }
    let two = of_a_changed_tree(|tree| {
        let (a, b) = (tree.join("0/00.png"), tree.join("2/02.png"));
        let (first, second) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
        fs::write(a, second).unwrap();
        fs::write(b, first).unwrap();
    });
    assert_eq!(two.0, 0, "{}", two.1);
}

#[test]
fn a_missing_an_added_and_a_renamed_source_file_are_found_at_their_position() {
    let missing = of_a_changed_tree(|tree| fs::remove_file(tree.join("1/01.png")).unwrap());
    assert_eq!(missing.0, 3, "{}", missing.1);
    let last = of_a_changed_tree(|tree| fs::remove_file(tree.join(NAMES[7])).unwrap());
    assert_eq!(last.0, 7, "{}", last.1);
    let copied = |tree: &Path, to: &str| drop(fs::copy(tree.join("0/00.png"), tree.join(to)));
    let added = of_a_changed_tree(|tree| copied(tree, "1/02.png"));
    assert_eq!(added.0, 4, "{}", added.1);
    let added_last = of_a_changed_tree(|tree| copied(tree, "2/zz.png"));
    assert_eq!(added_last.0, 8, "{}", added_last.1);
    let renamed = of_a_changed_tree(|tree| {
        fs::rename(tree.join("1/01.png"), tree.join("1/00.png")).unwrap();
    });
    assert_eq!(renamed.0, 3, "{}", renamed.1);
    let regrouped = of_a_changed_tree(|tree| {
        fs::rename(tree.join("2"), tree.join("9")).unwrap();
    });
    assert_eq!(regrouped.0, 6, "{}", regrouped.1);
}
