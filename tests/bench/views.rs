//! The high and the low view of a face on one core, beside torchvision's.
//!
//! `cargo bench --bench views`; with `QGFACE_PEERS` naming a folder that holds `views.py`, that
//! script runs in turn with a Python that has torchvision (`QGFACE_PYTHON`). A sample is what the
//! script makes of one: a face decoded, both views, and their tensors. Rates are medians of
//! [`ROUNDS`] rounds.

mod median;

use median::median;
use qgface_data::image::crop::mirror;
use qgface_data::image::decode::decode;
use qgface_data::image::resize::{Filter, fast_with, pillow};
use qgface_data::image::{ChannelOrder, Pixels, colour, encode, rotate};
use qgface_data::seed::{Seed, Stream};
use qgface_data::views::{LowOptions, Resizing, View, write_tensor};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const SAMPLES: u32 = 3_000;
/// Samples of a round of views.py, which is slower.
const PEER_SAMPLES: u32 = 500;
/// Edge of an aligned face in pixels.
const EDGE: u32 = 112;
/// Of the faces in the packs of the reference, near enough.
const QUALITY: u8 = 95;
/// An aligned face among the fixtures.
const FACE: &str = "fixtures/golden/augment/source/face1.png";

fn main() {
    // `cargo test --all-targets` must not run a benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let face = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(FACE)).expect("a fixture");
    let face = decode(&face).expect("a picture");
    let face = pillow(&face, EDGE, EDGE, Filter::Bicubic).expect("a face");
    let file = encode::jpeg(&face, QUALITY).expect("a JPEG");
    compare(&file);
    steps(&file);
    differences(&face);
}

fn compare(file: &[u8]) {
    let work = tempfile::tempdir().expect("a folder for the benchmark");
    let path = work.path().join("face.jpg");
    std::fs::write(&path, file).expect("a file");
    let peers = std::env::var_os("QGFACE_PEERS");
    let (mut pillow, mut fast, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = [Resizing::Pillow, Resizing::Fast].map(|resizing| sample_time(file, resizing));
        let said = peers.as_ref().map(|folder| peer_time(Path::new(folder), &path));
        // The first round warms caches.
        if round > 0 {
            pillow.push(times[0]);
            fast.push(times[1]);
            peer.extend(said);
        }
    }
    let rate = |times: Vec<Duration>| 1.0 / median(times).as_secs_f64();
    let own = rate(pillow);
    match peer.is_empty() {
        true => println!("{own:.0} samples/s; QGFACE_PEERS names the folder of views.py"),
        false => {
            let peer = rate(peer);
            println!("{own:.0} samples/s, views.py {peer:.0}: {:.2} × as fast", own / peer);
        }
    }
    println!("{:.0} samples/s with Resizing::Fast", rate(fast));
}

/// Time of one sample.
fn sample_time(file: &[u8], resizing: Resizing) -> Duration {
    let mut stream = Seed::new(1).stream("views");
    let mut tensors = vec![0.0; 2 * 3 * (EDGE * EDGE) as usize];
    let start = Instant::now();
    (0..SAMPLES).for_each(|_| sample(file, resizing, &mut stream, &mut tensors));
    start.elapsed() / SAMPLES
}

fn sample(file: &[u8], resizing: Resizing, stream: &mut Stream, tensors: &mut [f32]) {
    let face = decode(black_box(file)).expect("a picture").into_order(ChannelOrder::Bgr);
    let views = [View::Low(LowOptions::default()), View::High];
    for (view, tensor) in views.iter().zip(tensors.chunks_exact_mut(face.data.len())) {
        write_tensor(&view.draw(&face, resizing, stream).expect("a view"), tensor);
    }
    black_box(tensors);
}

/// Time of a sample in views.py, which says `N samples/s`.
fn peer_time(folder: &Path, face: &Path) -> Duration {
    let python = std::env::var_os("QGFACE_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.arg(folder.join("views.py")).arg(face).arg(PEER_SAMPLES.to_string());
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate: Option<f64> = said.split(' ').next().and_then(|rate| rate.parse().ok());
    Duration::from_secs_f64(1.0 / rate.unwrap_or_else(|| panic!("{command:?}: {output:?}")))
}

/// Prints what the steps of a sample take.
fn steps(file: &[u8]) {
    let face = decode(file).expect("a picture");
    let small = pillow(&face, EDGE / 3, EDGE / 3, Filter::Bilinear).expect("a small face");
    let small_file = encode::jpeg(&small, 75).expect("a JPEG");
    let mut tensor = vec![0.0; face.data.len()];
    let mut other = face.clone();
    time("decoding", || drop(decode(black_box(file))));
    time("the tensor of a view", || write_tensor(black_box(&face), &mut tensor));
    time("encoding the small face", || drop(encode::jpeg(black_box(&small), 75)));
    time("decoding the small face", || drop(decode(black_box(&small_file))));
    time("contrast", || colour::contrast(black_box(&mut other), 1.01));
    time("saturation", || colour::saturation(black_box(&mut other), 1.01));
    time("rotation", || drop(rotate::rotate(black_box(&face), 31.0)));
    time("mirroring", || mirror(black_box(&mut other)));
    for filter in Filter::ALL {
        for (name, resize) in [("Pillow", pillow as Resize), ("Fast", fast_with)] {
            let edge = EDGE / 3;
            let down = || drop(resize(black_box(&face), edge, edge, filter));
            time(&format!("{name}, {filter:?}, reducing to a third"), down);
            let up = || drop(resize(black_box(&small), EDGE, EDGE, filter));
            time(&format!("{name}, {filter:?}, enlarging by three"), up);
        }
    }
}

type Resize = fn(&Pixels, u32, u32, Filter) -> Result<Pixels, qgface_data::image::Error>;

fn time(name: &str, mut step: impl FnMut()) {
    const TIMES: u32 = 500;
    let start = Instant::now();
    (0..TIMES).for_each(|_| step());
    println!("  {name:<44} {:>7.1} µs", (start.elapsed() / TIMES).as_secs_f64() * 1e6);
}

/// Prints how far the fast filters are from Pillow's, reducing to and enlarging from every size
/// that a low view has.
fn differences(face: &Pixels) {
    for filter in Filter::ALL {
        let (mut most, mut sum, mut count) = (0, 0u64, 0u64);
        let mut compare = |own: &Pixels, other: &Pixels| {
            for (a, b) in own.data.iter().zip(&other.data) {
                most = most.max(a.abs_diff(*b));
                sum += u64::from(a.abs_diff(*b));
                count += 1;
            }
        };
        for edge in EDGE / 10..=EDGE / 2 {
            let [own, other] = [pillow as Resize, fast_with]
                .map(|resize| resize(face, edge, edge, filter).expect("a small face"));
            compare(&own, &other);
            let [own, other] = [pillow as Resize, fast_with]
                .map(|resize| resize(&own, EDGE, EDGE, filter).expect("a face"));
            compare(&own, &other);
        }
        let mean = sum as f64 / count as f64;
        println!("{filter:?}: Fast differs from Pillow by {most} at most, {mean:.4} in the mean");
    }
}
