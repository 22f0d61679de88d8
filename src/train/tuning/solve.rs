//! The formulations of a problem: each held against the reference, then timed in turn with the others.

use super::apart::{apart, bounds, worse};
use super::table::Solved;
use crate::causes::chain;
use crate::graph::lower::{Arrangement, Layout, Problem};
use crate::graph::{Graph, Node, Width};
use crate::onnx::Model;
use crate::runtime::{Binding, Buffer, Program, Runtime};
use crate::seed::Seed;
use crate::train::Error;
use std::collections::HashSet;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

/// Times that a formulation is timed.
const ROUNDS: usize = 5;

/// One that takes so many times as long as the best in the first round is not timed again.
const HOPELESS: f64 = 1.5;

/// The built-in formulation is kept unless another takes less than this part of its time: what differs
/// by less differs by chance.
const WORTH_IT: f64 = 0.95;

/// Bytes that are written between two timed runs, so that none finds its input in a cache.
const CACHE: usize = 64 << 20;

/// The problems of a graph, each once.
pub(super) fn problems(graph: &Graph, layout: Layout) -> Vec<Problem> {
    let live = graph.live();
    let nodes = graph.values().filter(|(value, _)| live[value.index()]);
    let problems = nodes.filter_map(|(_, node)| Problem::of(graph, node, layout));
    let mut met = HashSet::new();
    let several = problems.filter(|problem| problem.formulations().len() > 1);
    several.filter(|problem| met.insert(problem.to_string())).collect()
}

/// A formulation that an arrangement names and that its problem does not have, with the problem.
pub(crate) fn misfit(graph: &Graph, arrangement: &Arrangement) -> Option<(String, String)> {
    let named = |node: &Node| {
        let problem = Problem::of(graph, node, arrangement.layout)?;
        let key = problem.to_string();
        let name = arrangement.formulations.get(&key)?;
        let fits = problem.formulations().contains(&name.as_str());
        (!fits).then(|| (key, name.clone()))
    };
    graph.nodes().iter().find_map(named)
}

/// A formulation at work.
struct Candidate {
    name: String,
    /// Or why it is left out.
    ready: Result<(Program, Binding), String>,
    seconds: Vec<f64>,
}

/// Buffers by name.
type Buffers = Vec<(String, Buffer)>;

/// Solves a problem by all its formulations.
///
/// Memory: what the problem takes and makes, the latter once for each formulation.
///
/// # Errors
/// [`Error::Runtime`]: the reference is refused.
pub(super) fn solve(
    runtime: &Runtime,
    threads: NonZeroUsize,
    problem: &Problem,
) -> Result<Solved, Error> {
    let names = problem.formulations();
    let models: Vec<_> = names.into_iter().map(|name| (name, problem.alone(name))).collect();
    let bound = bounds(runtime.device(), problem.layout(), Width::Whole).operator;
    solve_by(runtime, threads, &models, problem.built_in(), bound)
}

/// The same by models that take and make the same, the reference first: outputs of the others may differ
/// by `bound` of an output's largest number.
///
/// # Errors
/// [`Error::Runtime`]: the reference is refused, or a model that ran once is.
///
/// # Panics
/// Without a model, and where extents of the reference are open.
pub fn solve_by(
    runtime: &Runtime,
    threads: NonZeroUsize,
    models: &[(&str, Model)],
    built_in: &str,
    bound: f64,
) -> Result<Solved, Error> {
    let ((reference, model), others) = models.split_first().expect("a reference");
    let mut program = Program::open(runtime, model, threads)?;
    let [inputs, outputs] = program.buffers()?;
    draw(&inputs)?;
    let mut binding = program.bind(&named(&inputs), &named(&outputs))?;
    program.run(&mut binding)?;
    let expected = read(&outputs)?;
    let mut candidates = vec![Candidate::of(reference, Ok((program, binding)))];
    for (name, model) in others {
        let tried = tried(runtime, threads, model, &inputs, &expected, bound);
        candidates.push(Candidate::of(name, tried));
    }
    time(&mut candidates)?;
    let timed = candidates.into_iter().map(|own| {
        let median = own.median();
        (own.name, own.ready.map(|_| median.expect("what is ready is timed")))
    });
    Ok(fastest(timed, built_in))
}

impl Candidate {
    fn of(name: &str, ready: Result<(Program, Binding), String>) -> Self {
        Self { name: name.to_owned(), ready, seconds: Vec::new() }
    }

    fn median(&self) -> Option<f64> {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }
}

/// A model that makes what is expected; `Err` says why it is none.
fn tried(
    runtime: &Runtime,
    threads: NonZeroUsize,
    model: &Model,
    inputs: &Buffers,
    expected: &[Vec<f32>],
    bound: f64,
) -> Result<(Program, Binding), String> {
    let ready = || -> Result<_, Error> {
        let mut program = Program::open(runtime, model, threads)?;
        let [_, outputs] = program.buffers()?;
        let mut binding = program.bind(&named(inputs), &named(&outputs))?;
        program.run(&mut binding)?;
        Ok((program, binding, read(&outputs)?))
    };
    let (program, binding, found) = ready().map_err(|error| chain(&error))?;
    let difference = expected.iter().zip(&found).map(|(expected, found)| apart(expected, found));
    let difference = difference.fold(0.0, worse);
    // What is no number is no small one.
    match difference <= bound {
        true => Ok((program, binding)),
        false => Err(format!("differs by {difference:.1e} from the reference")),
    }
}

/// Times all that are ready, in turn.
fn time(candidates: &mut [Candidate]) -> Result<(), Error> {
    let mut cache = vec![0_u8; CACHE];
    for round in 0..ROUNDS {
        let best = candidates.iter().filter_map(Candidate::median).min_by(f64::total_cmp);
        for candidate in candidates.iter_mut() {
            let hopeless = candidate.median() > best.map(|best| HOPELESS * best);
            let Ok((program, binding)) = &mut candidate.ready else { continue };
            if round > 0 && hopeless {
                continue;
            }
            black_box(&mut cache).fill(round as u8);
            let begun = Instant::now();
            program.run(binding)?;
            candidate.seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// What was found: seconds by formulation, or why one is left out.
fn fastest(timed: impl Iterator<Item = (String, Result<f64, String>)>, built_in: &str) -> Solved {
    let mut solved = Solved::default();
    for (name, seconds) in timed {
        match seconds {
            Ok(seconds) => _ = solved.seconds.insert(name, seconds),
            Err(reason) => _ = solved.left_out.insert(name, reason),
        }
    }
    let best = solved.seconds.iter().min_by(|a, b| a.1.total_cmp(b.1));
    let (name, seconds) = best.expect("the reference is timed");
    let keeps = solved.seconds.get(built_in).is_some_and(|own| *seconds > WORTH_IT * own);
    solved.formulation = if keeps { built_in.to_owned() } else { name.clone() };
    solved
}

fn named(buffers: &Buffers) -> Vec<(&str, &Buffer)> {
    buffers.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect()
}

/// Fills buffers with numbers from −1 to 1.
fn draw(buffers: &Buffers) -> Result<(), Error> {
    let mut draws = Seed::new(0).stream("tuning");
    for (_, buffer) in buffers {
        let count = buffer.shape().iter().product();
        let numbers: Vec<f32> = (0..count).map(|_| draws.uniform(-1.0, 1.0) as f32).collect();
        buffer.write_floats(&numbers)?;
    }
    Ok(())
}

fn read(buffers: &Buffers) -> Result<Vec<Vec<f32>>, Error> {
    buffers.iter().map(|(_, buffer)| Ok(buffer.read_floats()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_way_stays_unless_another_is_worth_it() {
        let chosen = |timed: &[(&str, Result<f64, &str>)]| {
            let timed = timed
                .iter()
                .map(|(name, seconds)| ((*name).to_owned(), seconds.map_err(str::to_owned)));
            fastest(timed, "built in")
        };
        let same = chosen(&[("reference", Ok(0.97)), ("built in", Ok(1.0))]);
        assert_eq!(same.formulation, "built in");
        let faster = chosen(&[("reference", Ok(0.9)), ("built in", Ok(1.0)), ("other", Ok(0.8))]);
        assert_eq!(faster.formulation, "other");
        let wrong = chosen(&[("reference", Ok(2.0)), ("built in", Err("wrong"))]);
        assert_eq!((&*wrong.formulation, &*wrong.left_out["built in"]), ("reference", "wrong"));
    }
}
