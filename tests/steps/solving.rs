//! Formulations of single operators: measured, and left out where they are wrong.

use crate::installed::runtime;
use crate::trial::{RATES, Trial, small};
use qgface_data::graph::lower::{Arrangement, Formulations, Layout, Problem};
use qgface_data::graph::{Builder, Element, Op, Window};
use qgface_data::nn::{Architecture, Backbone, HeadKind};
use qgface_data::onnx::Model;
use qgface_data::train::StepGraph;
use qgface_data::train::tuning::{Depth, Machine, Site, Solved, Table, choose, solve_by};
use std::num::NonZeroUsize;

/// What sums of some hundred products may differ by in 32 bits.
const BOUND: f64 = 1e-4;

/// The gradient of a convolution by its kernels, with all that its formulations can differ in.
fn problem() -> Problem {
    let mut g = Builder::new();
    let x = g.input("x", Element::Float, &[2, 5, 14, 12]);
    let dy = g.input("dy", Element::Float, &[2, 4, 14, 12]);
    let window = Window { kernel: 3, stride: 1, pad: 1 };
    let dw = g.apply(Op::ConvWeightGradient(window), &[x, dy]);
    let graph = g.finish(vec![("dw".to_owned(), dw)]);
    let node = graph.node(dw);
    Problem::of(&graph, node, Layout::Planes).unwrap()
}

fn solved(models: &[(&str, Model)], built_in: &str) -> Solved {
    solve_by(&runtime(), NonZeroUsize::MIN, models, built_in, BOUND).unwrap()
}

#[test]
fn formulations_are_all_timed_where_they_are_right() {
    let problem = problem();
    let names = problem.formulations();
    let models: Vec<_> = names.iter().map(|&name| (name, problem.alone(name))).collect();
    let solved = solved(&models, problem.built_in());
    assert!(solved.left_out.is_empty(), "{solved:?}");
    assert_eq!(solved.seconds.len(), names.len());
    assert!(names.contains(&solved.formulation.as_str()), "{solved:?}");
}

#[test]
fn a_formulation_that_is_wrong_or_refused_is_left_out_by_its_reason() {
    let problem = problem();
    let [right, wrong, refused] = ["gathered", "taps", "columns"].map(|name| problem.alone(name));
    let mut models = [("gathered", right), ("taps", wrong), ("columns", refused)];
    // One tap is taken for another.
    let nodes = &mut models[1].1.graph.as_mut().unwrap().node;
    let slices: Vec<usize> = (0..nodes.len()).filter(|&at| nodes[at].op_type == "Slice").collect();
    nodes[slices[0]].input = nodes[slices[1]].input.clone();
    let nodes = &mut models[2].1.graph.as_mut().unwrap().node;
    let last = nodes.last_mut().unwrap();
    last.op_type = "NoSuchOperator".to_owned();
    let solved = solved(&models, "taps");
    assert_eq!(solved.formulation, "gathered");
    assert!(solved.left_out["taps"].contains("from the reference"), "{solved:?}");
    assert!(solved.left_out["columns"].contains("NoSuchOperator"), "{solved:?}");
}

/// The formulation that is last in the list of each problem of a step, where it is not the built-in one.
fn others(graph: &StepGraph, layout: Layout) -> Arrangement {
    let nodes = graph.gradients.nodes().iter();
    let problems = nodes.filter_map(|node| Problem::of(&graph.gradients, node, layout));
    let other = |problem: Problem| {
        let names = problem.formulations();
        let other = names.iter().rev().find(|name| **name != problem.built_in())?;
        Some((problem.to_string(), (*other).to_owned()))
    };
    Arrangement { layout, formulations: problems.filter_map(other).collect::<Formulations>() }
}

#[test]
fn a_step_by_other_formulations_is_the_same_step() {
    for layout in [Layout::Planes, Layout::Pixels] {
        let options = small(HeadKind::AdaFace, None);
        let arrangement = others(&StepGraph::new(options.clone()).unwrap(), layout);
        assert!(arrangement.formulations.len() > 5, "{arrangement:?}");
        let [mut built_in, mut other] = [layout.into(), arrangement]
            .map(|own| Trial::arranged(&runtime(), options.clone(), &own, 1));
        built_in.step(&RATES);
        other.step(&RATES);
        let [expected, found] = [built_in, other].map(|trial| trial.stepper.state().unwrap());
        for (name, expected) in &expected.tensors {
            let largest = expected.data.iter().fold(1e-2_f32, |largest, x| largest.max(x.abs()));
            let both = expected.data.iter().zip(&found.tensors[name].data);
            let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-4 * largest, "{layout:?}: {name}: {worst} of {largest}");
        }
    }
}

#[test]
fn what_was_solved_is_kept_and_a_formulation_that_there_is_not_is_measured_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tuning.json");
    let site = Site::new(Backbone::new(Architecture::Ir18, 0.05), 2);
    let (runtime, one) = (runtime(), NonZeroUsize::MIN);
    let said = std::cell::RefCell::new(Vec::new());
    let say = |text: &str| said.borrow_mut().push(text.to_owned());
    let mut table = Table::read(Some(path.clone()), &say);
    let choice = choose(&runtime, one, (&site, Depth::Problems), &mut table, &say).unwrap();
    table.write().unwrap();
    assert!(said.take()[0].starts_with("measuring what is fastest here"));
    let read = || Table::read(Some(path.clone()), &|said| panic!("{said}"));
    assert_eq!(choose(&runtime, one, (&site, Depth::Problems), &mut read(), &say).unwrap(), choice);
    assert!(said.take().is_empty());
    // Every problem is in the file with the times of its formulations.
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let problems = file["machines"][0]["problems"].as_object().unwrap();
    assert!(problems.len() > 10, "{problems:?}");
    for (problem, solved) in problems {
        let seconds = solved["seconds"].as_object().unwrap();
        assert!(seconds.len() > 1 && solved["left_out"] == serde_json::json!({}), "{problem}");
    }
    // Another machine has nothing of it.
    let machine = Machine::of(&runtime, NonZeroUsize::new(2).unwrap());
    assert_eq!(read().get(&machine, &site), None);
    let mut file = file;
    let step = file["machines"][0]["steps"].as_object_mut().unwrap().values_mut().next().unwrap();
    let layout = step["layout"].as_str().unwrap().to_owned();
    let named = problems_in(&layout);
    step["formulations"] = serde_json::json!({ named: "by magic" });
    std::fs::write(&path, file.to_string()).unwrap();
    _ = choose(&runtime, one, (&site, Depth::Problems), &mut read(), &say).unwrap();
    assert!(said.take()[0].starts_with("measuring what is fastest here"));
}

/// A problem of the network above.
fn problems_in(layout: &str) -> String {
    format!("PRelu of 2x3x112x112 in {layout}")
}
