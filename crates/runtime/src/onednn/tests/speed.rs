//! How long the three products take, for those who ask:
//! `cargo test --release -p qgface-runtime -- --ignored --nocapture convolutions_in_milliseconds`.
#![allow(clippy::print_stdout)]

use super::super::convolution::{Plan, Task};
use super::super::library::OneDnn;
use super::super::shape::{Factors, Pass, Shape};
use super::cases::{Case, PASSES};
use super::models::{Kind, Node, buffer, model};
use super::{Error, Program, Runtime, runtime, threads};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// 3×3 convolutions of IR-18 at 112²: extent, inputs, outputs, stride.
const SHAPES: [[usize; 4]; 7] = [
    [112, 3, 64, 1],
    [112, 64, 64, 1],
    [112, 64, 64, 2],
    [56, 128, 128, 1],
    [28, 256, 256, 1],
    [14, 512, 512, 1],
    [7, 512, 512, 1],
];

#[test]
#[ignore = "measures, and takes a while"]
fn convolutions_in_milliseconds() {
    let Some(runtime) = runtime() else { return };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} threads, 16 images; f32 · rounded · stock, ms");
    for [extent, inputs, outputs, stride] in SHAPES {
        let (height, width, kernel, pad, images) = (extent, extent, 3, 1, 16);
        let case = Case { images, height, width, inputs, outputs, kernel, stride, pad };
        print!("{inputs:3}→{outputs:3} at {extent:3}², stride {stride}:");
        for pass in PASSES {
            let times = [Kind::OneDnn, Kind::Rounded, Kind::Stock]
                .map(|kind| median(&runtime, &Node::new(&case, pass, kind), cores));
            let texts = times.map(|time| match time {
                Ok(ms) => format!("{ms:.1}"),
                Err(_) => "–".to_owned(),
            });
            print!("  {pass:?} {}", texts.join(" · "));
        }
        println!();
    }
}

/// What the numbers of parts in [`Shape::parts`] were chosen by: the best of nine runs each, in turn.
#[test]
#[ignore = "measures, and takes a while"]
fn parts_in_milliseconds() {
    let Some(onednn) = OneDnn::installed() else { return };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} threads, 16 images in {COUNTS:?} parts: f32; rounded, ms");
    for [extent, inputs, outputs, stride] in SHAPES {
        print!("{inputs:3}→{outputs:3} at {extent:3}², stride {stride}:");
        for pass in PASSES {
            let best = [Factors::Float, Factors::Bfloat16].map(|factors| {
                let (height, width, kernel, pad, images) = (extent, extent, 3, 1, 16);
                let shape = Shape {
                    pass,
                    factors,
                    images,
                    height,
                    width,
                    inputs,
                    outputs,
                    kernel,
                    stride,
                    pad,
                };
                best_of_parts(&onednn, shape, cores).map(|ms| format!("{ms:.1}")).join(" ")
            });
            print!("  {pass:?} {}", best.join("; "));
        }
        println!();
    }
}

const COUNTS: [usize; 4] = [2, 4, 8, 16];

fn best_of_parts(onednn: &OneDnn, shape: Shape, cores: usize) -> [f64; COUNTS.len()] {
    let (x, y) = (16 * shape.image_numbers(), 16 * shape.position_numbers());
    let w = shape.inputs * shape.outputs * shape.kernel * shape.kernel;
    let (a, b, made) = match shape.pass {
        Pass::Forward => (x, w, y),
        Pass::ByImages => (w, y, x),
        Pass::ByKernels => (x, y, w),
    };
    let (a, b, mut made) = (vec![0.5; a], vec![0.5; b], vec![0.0; made]);
    let plans =
        COUNTS.map(|count| Plan::divided(onednn.engine(), shape, shape.divided(count)).unwrap());
    let spread = |count: usize, task: &Task<'_>| {
        let next = AtomicUsize::new(0);
        let work = || {
            let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            numbers.take_while(|&number| number < count).for_each(|number| task(number).unwrap());
        };
        std::thread::scope(|scope| {
            (1..cores).for_each(|_| _ = scope.spawn(work));
            work();
        });
        Ok(())
    };
    let mut best = [f64::INFINITY; COUNTS.len()];
    for _ in 0..9 {
        for (plan, best) in plans.iter().zip(&mut best) {
            onednn.store().with_scratch(plan.scratch(), |scratch| {
                let start = Instant::now();
                plan.run([&a, &b], &mut made, scratch, &spread).unwrap();
                *best = best.min(start.elapsed().as_secs_f64() * 1e3);
            });
        }
    }
    best
}

/// Milliseconds of a run, the median of seven after two.
fn median(runtime: &Runtime, node: &Node, cores: usize) -> Result<f64, Error> {
    let mut program = Program::open(runtime, &model(node), threads(cores))?;
    let [a, b] = node.inputs.map(|extents| buffer(&program, extents));
    let made = buffer(&program, node.output);
    let mut binding = program.bind(&[("a", &a), ("b", &b)], &[("made", &made)])?;
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        program.run(&mut binding)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.drain(..2);
    times.sort_by(f64::total_cmp);
    Ok(times[3])
}
