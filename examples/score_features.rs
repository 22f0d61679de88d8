//! Scores features that were made anywhere: rank-k of an identification, and the true accept rate of a
//! verification. `cargo run --release --example score_features`.

use qgface_data::metrics::{Error, Reading, Roc, Rows, closed_set};
use qgface_data::seed::{Seed, Stream};

/// Numbers of a feature.
const WIDTH: usize = 64;

fn main() -> Result<(), Error> {
    for (what, rate) in score()? {
        println!("{what:<12} {:.1} %", 100.0 * rate);
    }
    Ok(())
}

/// A person's direction, and something else.
fn feature(person: i64, noise: f64, stream: &mut Stream) -> Vec<f32> {
    let mut own = Seed::new(person as u64).stream("person");
    let all: Vec<f64> = (0..WIDTH).map(|_| own.normal() + noise * stream.normal()).collect();
    let length = all.iter().map(|x| x * x).sum::<f64>().sqrt();
    all.iter().map(|x| (x / length) as f32).collect()
}

fn score() -> Result<Vec<(&'static str, f64)>, Error> {
    let people: Vec<i64> = (0..100).collect();
    let mut stream = Seed::new(1).stream("noise");
    let gallery: Vec<f32> = people.iter().flat_map(|&p| feature(p, 0.5, &mut stream)).collect();
    let probes: Vec<f32> = people.iter().flat_map(|&p| feature(p, 2.0, &mut stream)).collect();
    let (gallery, probes) = (Rows::new(&gallery, WIDTH)?, Rows::new(&probes, WIDTH)?);

    let found = closed_set(probes, &people, gallery, &people)?;

    let inner = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let pairs = (0..100).flat_map(|a| (0..100).map(move |b| (a, b)));
    let scores = pairs.clone().map(|(a, b)| inner(probes.row(a), gallery.row(b))).collect();
    let same: Vec<bool> = pairs.map(|(a, b)| a == b).collect();
    let tar = Roc::of_pairs(scores, &same)?.tar_at(1e-2, Reading::Flipped);
    Ok(vec![("rank 1", found.rate(1)), ("rank 5", found.rate(5)), ("TAR@FAR=1e-2", tar)])
}

#[test]
fn most_probes_are_found() {
    let found = score().unwrap();
    assert!(found.iter().all(|(_, rate)| (0.3..=1.0).contains(rate)), "{found:?}");
    assert!(found[0].1 <= found[1].1);
}
