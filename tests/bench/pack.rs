//! Packing and reading beside what a user would otherwise run, in turn, as ratios.
//!
//! `cargo bench --bench pack`; with `QGFACE_PEERS` naming a folder that holds `pack.py`, that script
//! is run too, and with a Python that has Pillow (`QGFACE_PYTHON`) the loop beside this file. Times are medians of [`ROUNDS`] rounds with a warm file cache; absolute times mean little,
//! so each line says the ratio to its peer.

mod median;
mod watch;

use median::median;
use qgface_data::recordio::{IndexWriter, IndexedReader, Writer};
use qgface_data::seed::Seed;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use watch::{memory, run_watched};

const ROUNDS: usize = 5;
const FILES: usize = 20_000;
const FILE_BYTES: usize = 5_000;
/// Records of the large pack: those of MS1MV2.
const RECORDS: u64 = 5_800_000;
const RANDOM_READS: u64 = 200_000;

fn main() {
    // `cargo test --all-targets` must not run a benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let work = tempfile::tempdir().expect("a folder for the benchmark");
    let tree = work.path().join("tree");
    make_tree(&tree);
    let list = sorted_list(&tree, work.path());
    packing(work.path(), &tree, &list);
    verifying(work.path(), &tree);
    encoding_and_counting(work.path());
    merging(work.path(), &tree);
    memory_of_packing(work.path());
    for records in [RECORDS / 4, RECORDS] {
        large_pack(work.path(), records);
    }
}

/// JPEG-like files: a true small picture, filled up after its end to the size of an aligned face.
fn make_tree(tree: &Path) {
    use qgface_data::image::{ChannelOrder, Pixels, encode};
    let mut noise = Seed::new(1).stream("tree");
    for i in 0..FILES {
        let folder = tree.join(format!("{:04}", i / 20));
        fs::create_dir_all(&folder).unwrap();
        let data = (0..48 * 48 * 3).map(|_| noise.below(256) as u8).collect();
        let pixels = Pixels { width: 48, height: 48, order: ChannelOrder::Rgb, data };
        let mut bytes = encode::jpeg(&pixels, 80).unwrap();
        bytes.resize(bytes.len().max(FILE_BYTES), 0);
        fs::write(folder.join(format!("{i}.jpg")), bytes).unwrap();
    }
}

fn sorted_list(tree: &Path, work: &Path) -> PathBuf {
    let list = work.join("files");
    let files = qgface_data::fs::walk(tree).unwrap().files;
    let text: String =
        files.iter().map(|file| format!("{}\0", tree.join(file).display())).collect();
    fs::write(&list, text).unwrap();
    list
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgface-data"));
    command.arg("-q").stdout(Stdio::null());
    command
}

fn make_rec(tree: &Path, out: &Path) -> Command {
    let mut command = program();
    command.args(["make-rec", "--dataset", "folder", "--origin", "--overwrite", "--name", "p"]);
    command.arg("--root").arg(tree).arg("--out").arg(out);
    command
}

fn packing(work: &Path, tree: &Path, list: &Path) {
    let out = work.join("packs");
    let joined = work.join("joined");
    let mut cat = Command::new("sh");
    let joined_text = joined.display();
    let script =
        format!("xargs -0 cat < '{}' > '{joined_text}' && sync '{joined_text}'", list.display());
    cat.args(["-c", &script]);
    in_turn("make-rec --origin", &mut make_rec(tree, &out), "cat and sync", &mut cat);
    if let Some(script) =
        std::env::var_os("QGFACE_PEERS").map(|folder| Path::new(&folder).join("pack.py"))
    {
        let mut peer = Command::new("python3");
        peer.arg(script).arg(tree).arg(&joined).stdout(Stdio::null());
        in_turn("make-rec --origin", &mut make_rec(tree, &out), "pack.py", &mut peer);
    }
}

fn verifying(work: &Path, tree: &Path) {
    let pack = work.join("packs/p.rec");
    let mut read = Command::new("cat");
    read.arg(&pack).stdout(Stdio::null());
    let mut alone = program();
    alone.arg("verify-order").arg(&pack).current_dir(work);
    in_turn("verify-order, pack alone", &mut alone, "cat pack", &mut read);
    let mut whole = program();
    whole.arg("verify-order").arg(&pack).arg("--root").arg(tree);
    in_turn("verify-order, with sources", &mut whole, "cat pack", &mut read);
    let mut quick = program();
    quick.args(["verify-order", "--quick"]).arg(&pack).current_dir(work);
    in_turn("verify-order --quick", &mut quick, "cat pack", &mut read);
}

/// Drawn faces encoded again beside Pillow's loop, and counted beside decoding alone.
fn encoding_and_counting(work: &Path) {
    let drawn = qgface_data::synth::Options::new(work.join("drawn"));
    qgface_data::synth::synth(&drawn, &()).unwrap();
    let (train, out) = (work.join("drawn/train"), work.join("encoded"));
    let mut encode = program();
    encode.args(["make-rec", "--dataset", "folder", "--encode", "jpeg:95", "--overwrite"]);
    encode.arg("--root").arg(&train).arg("--out").arg(&out);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/encode_with_pillow.py");
    let python = std::env::var_os("QGFACE_PYTHON").unwrap_or_else(|| "python3".into());
    let mut pillow = Command::new(&python);
    pillow.args(["-c", "import PIL"]).stdout(Stdio::null()).stderr(Stdio::null());
    if pillow.status().is_ok_and(|status| status.success()) {
        for workers in ["threads", "processes"] {
            let mut peer = Command::new(&python);
            peer.arg(&script).args(["--workers", workers]).arg(&train).arg(work.join("pillow"));
            peer.stdout(Stdio::null());
            let name = format!("Pillow, {workers}");
            in_turn("make-rec --encode jpeg:95", &mut encode, &name, &mut peer);
        }
    } else {
        encode.status().expect("the program starts");
        println!("Pillow is not installed: QGFACE_PYTHON names a Python that has it");
    }
    let pack = out.join("folder");
    let mut count = program();
    count.arg("stats").arg(&pack);
    let (mut counting, mut decoding) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let start = Instant::now();
        assert!(count.status().unwrap().success());
        let counted = start.elapsed();
        let start = Instant::now();
        decode_alone(&pack);
        if round > 0 {
            counting.push(counted);
            decoding.push(start.elapsed());
        }
    }
    let (own, other) = (median(counting), median(decoding));
    let ratio = own.as_secs_f64() / other.as_secs_f64();
    println!(
        "{:<28} {own:>8.3?}   {:<18} {other:>8.3?}   ratio {ratio:.2}",
        "stats", "decoding alone"
    );
}

/// Decodes every picture of a pack on all cores and forgets it.
fn decode_alone(stem: &Path) {
    use rayon::prelude::*;
    let pack =
        IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap();
    (0..pack.index().len()).into_par_iter().for_each(|position| {
        let record = pack.get(position).unwrap();
        qgface_data::image::decode::decode(record.image().unwrap().1).unwrap();
    });
}

const SHARDS: usize = 7;

/// Shards merged beside `cat` of their records.
fn merging(work: &Path, tree: &Path) {
    let shards = work.join("shards");
    for shard in 0..SHARDS {
        let mut command = program();
        command.args(["make-rec", "--dataset", "folder", "--shard", &format!("{shard}/{SHARDS}")]);
        assert!(
            command.arg("--root").arg(tree).arg("--out").arg(&shards).status().unwrap().success()
        );
    }
    let names: Vec<PathBuf> =
        (0..SHARDS).map(|shard| shards.join(format!("folder-{shard}-of-{SHARDS}.rec"))).collect();
    let mut merge = program();
    merge.arg("merge").args(&names).arg("--overwrite").arg("--out").arg(work.join("merged"));
    let joined = work.join("joined").display().to_string();
    let mut cat = Command::new("sh");
    cat.args(["-c", &format!("cat \"$@\" > '{joined}' && sync '{joined}'"), "sh"]).args(&names);
    in_turn("merge of 7 shards", &mut merge, "cat and sync", &mut cat);
}

/// Runs both in turn and prints the medians and their ratio.
fn in_turn(name: &str, ours: &mut Command, peer_name: &str, peer: &mut Command) {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (times, command) in times.iter_mut().zip([&mut *ours, &mut *peer]) {
            let start = Instant::now();
            let status = command.status().expect("the program starts");
            assert!(status.success(), "{command:?}: {status}");
            // The first round warms the file cache.
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    let [own, other] = times.map(median);
    let ratio = own.as_secs_f64() / other.as_secs_f64();
    println!("{name:<28} {own:>8.3?}   {peer_name:<18} {other:>8.3?}   ratio {ratio:.2}");
}

/// Peak memory of packing trees of different sizes.
fn memory_of_packing(work: &Path) {
    for files in [FILES / 4, FILES] {
        let list: String = (0..files).map(|i| format!("{i}\t0\t{:04}/{i}.jpg\n", i / 20)).collect();
        let path = work.join("part.lst");
        fs::write(&path, list).unwrap();
        let mut command = program();
        command.args(["make-rec", "--dataset", "list", "--overwrite", "--name", "m", "--list"]);
        command
            .arg(&path)
            .arg("--root")
            .arg(work.join("tree"))
            .arg("--out")
            .arg(work.join("packs"));
        println!("make-rec of {files} files: peak {} MiB", run_watched(&mut command).1 >> 10);
        let mut verify = program();
        verify.arg("verify-order").arg(work.join("packs/m.rec")).current_dir(work);
        println!("verify-order of {files} records: peak {} MiB", run_watched(&mut verify).1 >> 10);
    }
}

/// Opens a pack of many small records and reads some at random.
fn large_pack(work: &Path, records: u64) {
    let (rec, idx) = (work.join("large.rec"), work.join("large.idx"));
    let mut writer = Writer::new(BufWriter::new(File::create(&rec).unwrap()));
    let mut index = IndexWriter::new(BufWriter::new(File::create(&idx).unwrap()));
    let mut record = [0; 64];
    for key in 0..records {
        record[8..16].copy_from_slice(&key.to_le_bytes());
        index.append(key, writer.append_raw(&record).unwrap()).unwrap();
    }
    writer.into_inner().flush().unwrap();
    index.into_inner().flush().unwrap();
    let own = Path::new("/proc/self/status");
    let before = memory(own, "RssAnon:");
    let start = Instant::now();
    let pack = IndexedReader::open(&rec, &idx).unwrap();
    let opened = start.elapsed();
    let held = memory(own, "RssAnon:") - before;
    let mut stream = Seed::new(2).stream("reads");
    let start = Instant::now();
    for _ in 0..RANDOM_READS {
        let key = stream.below(records);
        assert_eq!(pack.get_key(key).unwrap().image().unwrap().0.id, key);
    }
    let read = start.elapsed().as_secs_f64() / RANDOM_READS as f64 * 1e6;
    println!(
        "{records} records: opened in {opened:.3?}, {held} KiB more held (index says {} KiB), {read:.2} µs a random read",
        pack.index().memory_bytes() >> 10
    );
    let mut all = Vec::new();
    let start = Instant::now();
    File::open(&idx).unwrap().read_to_end(&mut all).unwrap();
    let ratio = opened.as_secs_f64() / start.elapsed().as_secs_f64();
    println!("  opening is {ratio:.1} × reading the {} MiB of the .idx", all.len() >> 20);
}
