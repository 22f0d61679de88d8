//! Ranks that share all, beside one process with the joined batch, for as long as rounding leaves them comparable:
//! what rounding alone does is seen in the same process when it goes on in another layout.

use crate::learning::{lines, small, work};
use crate::program::done;
use crate::ranks::{AS_ONE, trained};
use qgface_data::train::checkpoint;
use std::fs;
use std::path::Path;

/// Steps so small that what is rounded otherwise grows slowly.
const GENTLE: [&str; 2] = ["lr=0.0001", "epochs=20"];
const STEPS: &str = "max_steps=20";

/// What is compared of two runs.
const KINDS: [&str; 5] = ["losses", "parameters", "momenta", "statistics", "queue"];

/// So many times as far apart as rounding alone puts one process, sums of another order may be.
const ROUNDED: f64 = 8.0;
/// What may be apart where rounding happens to leave no difference: two digits of float32.
const EQUAL: f64 = 1e-5;

fn kind(tensor: &str) -> &'static str {
    match tensor {
        _ if tensor.starts_with("momentum.") => "momenta",
        _ if tensor.contains("running_") || tensor.contains("batch_") => "statistics",
        _ if tensor.starts_with("queue.") => "queue",
        _ => "parameters",
    }
}

/// How far two runs are apart: the largest relative difference of losses, and by kind the median of the tensors'
/// largest differences at the end, as parts of the largest number of each.
fn apart(work: &Path, [own, other]: [&str; 2]) -> [f64; KINDS.len()] {
    let losses = |run| lines(work, run).into_iter().map(|line| line["loss"].as_f64().unwrap());
    let losses = losses(own).zip(losses(other)).map(|(own, other)| (own / other - 1.0).abs());
    let losses: Vec<f64> = losses.collect();
    assert_eq!(losses.len(), 20);
    let state = |run| checkpoint::open(&work.join("runs").join(run)).unwrap().state.tensors;
    let [own, other] = [own, other].map(state);
    KINDS.map(|wanted| {
        if wanted == "losses" {
            return losses.iter().copied().fold(0.0, f64::max);
        }
        let tensors = own.iter().filter(|(name, _)| kind(name) == wanted);
        let mut all: Vec<f64> = tensors
            .map(|(name, tensor)| {
                let pairs = tensor.data.iter().zip(&other[name].data);
                let largest =
                    other[name].data.iter().fold(f32::MIN_POSITIVE, |a, b| a.max(b.abs()));
                let apart = pairs.map(|(own, other)| (own - other).abs()).fold(0.0, f32::max);
                f64::from(apart) / f64::from(largest)
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    })
}

#[test]
fn ranks_are_apart_from_one_process_by_what_rounding_makes() {
    let work = work();
    let work = work.path();
    let gentle = |more: &[&'static str]| [&GENTLE[..], more].concat();
    done(work, &small(&gentle(&["name=one", "batch=8", "tune=off", STEPS])));
    // The first step as in the other, then convolutions that add in another order.
    done(work, &small(&gentle(&["name=rounded", "batch=8", "tune=off", "max_steps=1"])));
    let tuning = work.join("runs/rounded/tuning.json");
    fs::write(tuning, "{\"layout\": \"pixels\", \"choice\": null}").unwrap();
    done(work, &["train", "--resume", "runs/rounded", "tune=auto", STEPS]);
    let rounded = apart(work, ["rounded", "one"]);
    let bounds = rounded.map(|apart| ROUNDED * apart + EQUAL);
    assert!(rounded.iter().take(4).all(|apart| *apart > 0.0), "{KINDS:?}: {rounded:?}");
    let of_ranks = |processes: usize, more: &[&'static str]| {
        let ran = trained(work, processes, &gentle(&[more, &[STEPS]].concat()));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        apart(work, [&more[0][5..], "one"])
    };
    for (processes, more) in [(2, ["name=of2", "batch=4"]), (4, ["name=of4", "batch=2"])] {
        let ranks = of_ranks(processes, &[&more[..], &AS_ONE[..]].concat());
        for ((kind, apart), bound) in KINDS.iter().zip(ranks).zip(bounds) {
            assert!(apart <= bound, "{processes} ranks: {kind}: {apart:e} of {bound:e}: {ranks:?}");
        }
    }
    // Ranks that normalise by their own rows are no such process, which the bounds must tell.
    let local = ["name=local", "batch=4", "head.shards=ranks", "queue.ranks=shared"];
    let local = of_ranks(2, &local);
    let [losses, parameters, ..] = bounds;
    assert!(local[0] > losses && local[1] > parameters, "{local:?} of {bounds:?}");
}
