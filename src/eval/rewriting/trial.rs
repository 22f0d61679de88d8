//! What may be made of a model: held against it on drawn faces, then timed in turn with it.

use super::super::conventions::Conventions;
use super::super::error::Error;
use super::super::face::{View, normalise};
use super::super::sessions::{Sessions, Source};
use super::super::sets::FACE_PX;
use super::candidates::{FACE, Rewrite};
use super::subject::Subject;
use super::table::Choice;
use crate::causes::chain;
use crate::image::{ChannelOrder, Pixels};
use crate::onnx;
use crate::runtime::{Runtime, Tensor};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Images at a time that are tried at most: more are as fast in proportion.
const MOST_IMAGES: usize = 8;

/// Runs that are timed at least, and the time after which no more are.
const ROUNDS: usize = 3;
const MOST_ROUNDS: usize = 15;
const ENOUGH: Duration = Duration::from_millis(400);

/// What 1 − cos of a row may be, and what its length may differ by in proportion.
const COSINE: f64 = 1e-6;
const LENGTH: f64 = 1e-4;

/// The fastest of the model as it is and what the candidates make of it, loaded.
///
/// Memory: the model as it is and each candidate, once a session.
///
/// # Errors
/// Whatever refuses the model as it is.
pub(super) fn choose(
    runtime: &Runtime,
    subject: &Subject<'_>,
    model: &onnx::Model,
    candidates: &[(&'static str, Rewrite)],
) -> Result<(Choice, Sessions), Error> {
    let images = match subject.conventions.fixed_batch {
        Some(batch) => batch,
        None => subject.load.batch.min(MOST_IMAGES),
    };
    let faces = faces(images, subject.conventions);
    let stock = Sessions::open(runtime, subject.options, Source::AsItIs)?;
    let expected = stock.run(&faces, images)?;
    let mut trials = vec![(stock, 0.0)];
    let mut left_out = BTreeMap::new();
    for &(name, rewrite) in candidates {
        match trial(runtime, subject, model, (name, rewrite), &faces, &expected) {
            Ok(trial) => trials.push(trial),
            Err(reason) => _ = left_out.insert(name.to_owned(), reason),
        }
    }
    let times = times(&trials, &faces, images)?;
    let (fastest, _) =
        times.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).expect("one is as it is");
    let named = trials
        .iter()
        .zip(&times)
        .filter_map(|((sessions, _), seconds)| Some((sessions.rewriting?.to_owned(), *seconds)));
    let seconds = named.collect();
    let as_it_is = times[0];
    let (sessions, difference) = trials.swap_remove(fastest);
    let rewriting = sessions.rewriting.map(str::to_owned);
    Ok((Choice { rewriting, as_it_is, seconds, left_out, difference }, sessions))
}

/// What a candidate makes, loaded, and how far its rows are off; `Err` says why it is left out.
fn trial(
    runtime: &Runtime,
    subject: &Subject<'_>,
    model: &onnx::Model,
    (name, rewrite): (&'static str, Rewrite),
    faces: &[f32],
    expected: &[Tensor],
) -> Result<(Sessions, f64), String> {
    let new = rewrite(model, FACE).map_err(|refusal| refusal.to_string())?;
    let sessions = Sessions::open(runtime, subject.options, Source::Rewritten(name, &new));
    let sessions = sessions.map_err(|error| chain(&error))?;
    let images = faces.len() / FACE.iter().product::<usize>();
    let found = sessions.run(faces, images).map_err(|error| chain(&error))?;
    let difference = difference(expected, &found, images)?;
    Ok((sessions, difference))
}

/// The largest 1 − cos of two rows; `Err` where one is too large, or a length differs.
fn difference(expected: &[Tensor], found: &[Tensor], images: usize) -> Result<f64, String> {
    let shapes =
        |tensors: &[Tensor]| tensors.iter().map(|own| own.shape.clone()).collect::<Vec<_>>();
    if shapes(expected) != shapes(found) {
        return Err(format!("expected {:?}, found {:?}", shapes(expected), shapes(found)));
    }
    let mut worst = 0.0_f64;
    for (expected, found) in expected.iter().zip(found) {
        let width = (expected.data.len() / images.max(1)).max(1);
        let rows = expected.data.chunks(width).zip(found.data.chunks(width));
        for (row, (a, b)) in rows.enumerate() {
            let product = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let (of_a, of_b) = (product(a, a).sqrt(), product(b, b).sqrt());
            let cosine = 1.0 - product(a, b) / (of_a * of_b);
            let length = (of_a - of_b).abs() / of_a;
            // What is no number is no small one.
            if !(cosine.abs() < COSINE && length < LENGTH) {
                return Err(format!(
                    "row {row} of {} differs: 1 − cos {cosine:.1e}, length by {length:.1e}",
                    expected.name
                ));
            }
            worst = worst.max(cosine.abs());
        }
    }
    Ok(worst)
}

/// The median seconds an image of each, all sessions at work at once, in turn.
fn times(trials: &[(Sessions, f64)], faces: &[f32], images: usize) -> Result<Vec<f64>, Error> {
    let mut times = vec![Vec::new(); trials.len()];
    let begun = Instant::now();
    for round in 0..=MOST_ROUNDS {
        if round > ROUNDS && begun.elapsed() > ENOUGH {
            break;
        }
        for ((sessions, _), times) in trials.iter().zip(&mut times) {
            let start = Instant::now();
            std::thread::scope(|scope| {
                let run = || scope.spawn(|| sessions.run(faces, images).map(|_| ()));
                let runs: Vec<_> = (0..sessions.count).map(|_| run()).collect();
                let ended = |run: std::thread::ScopedJoinHandle<'_, Result<(), Error>>| {
                    run.join().expect("a run does not panic")
                };
                runs.into_iter().try_for_each(ended)
            })?;
            // What is made ready in a first run is not timed.
            if round > 0 {
                let all = (sessions.count * images.max(1)) as f64;
                times.push(start.elapsed().as_secs_f64() / all);
            }
        }
    }
    Ok(times.into_iter().map(median).collect())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Drawn faces as the model is fed them: waves of several lengths, another image each.
fn faces(images: usize, conventions: &Conventions) -> Vec<f32> {
    let area = (FACE_PX * FACE_PX) as usize;
    let mut faces = vec![0.0; images * 3 * area];
    for (number, place) in faces.chunks_exact_mut(3 * area).enumerate() {
        let level = |at: usize| {
            let (pixel, channel) = (at / 3, at % 3);
            let (row, column) = (pixel / FACE_PX as usize, pixel % FACE_PX as usize);
            let (y, x, n) = (row as f64, column as f64, (3 * number + channel) as f64);
            let coarse = (0.05 * x + n).sin() + (0.07 * y - n).cos();
            let fine = (1.1 * x * y + n).sin() + (2.3 * x - 1.7 * y).cos();
            (127.5 + 45.0 * coarse + 15.0 * fine).clamp(0.0, 255.0) as u8
        };
        let face = Pixels {
            width: FACE_PX,
            height: FACE_PX,
            order: ChannelOrder::Rgb,
            data: (0..3 * area).map(level).collect(),
        };
        normalise(&face, View::Plain, conventions, place);
    }
    faces
}
