//! The operators in ONNX Runtime, beside loops in f64 and beside its own nodes.

mod cases;
mod loops;
mod models;

use super::super::{Error, Program, Runtime};
use super::library::OneDnn;
use super::shape::Pass;
use cases::{Case, PASSES, SHAPES};
use half::bf16;
use models::{Kind, Node, model, run};
use std::num::NonZeroUsize;

/// Largest error of a number, relative to the sum of the magnitudes of what is added up for it. The most
/// that is added here is 4,608 products; a sum of floats one after another may be off by 2⁻²⁴ for each,
/// and those of blocked loops, which are found to be off by 3e-7, are far from it.
const ERROR: f64 = 2e-6;

fn runtime() -> Option<Runtime> {
    let onednn = OneDnn::installed()?;
    Some(Runtime::installed()?.with_onednn(Some(onednn)))
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Largest difference, relative to the sum of magnitudes.
fn error(found: &[f32], (sums, magnitudes): &(Vec<f64>, Vec<f64>)) -> f64 {
    assert_eq!(found.len(), sums.len());
    let each = found.iter().zip(sums.iter().zip(magnitudes));
    each.map(|(&found, (sum, magnitude))| {
        let off = (f64::from(found) - sum).abs();
        // Where nothing is added nothing may be off.
        if off == 0.0 { 0.0 } else { off / magnitude }
    })
    .fold(0.0, |most: f64, own| if own.is_nan() { f64::INFINITY } else { most.max(own) })
}

#[test]
fn every_operator_is_the_loop_in_f64_and_the_runtimes_own_node() {
    let Some(runtime) = runtime() else { return };
    for (case, pass) in SHAPES.iter().flat_map(|case| PASSES.map(|pass| (case, pass))) {
        let inputs = case.inputs(pass);
        let expected = loops::product(case, pass, &inputs);
        let own = run(&runtime, &Node::new(case, pass, Kind::OneDnn), &inputs, threads(2)).unwrap();
        let stock =
            run(&runtime, &Node::new(case, pass, Kind::Stock), &inputs, threads(2)).unwrap();
        let errors = [error(&own, &expected), error(&stock, &expected)];
        assert!(errors[0] < ERROR, "{case:?} {pass:?}: {errors:?}");
        // The runtime's own node has what it takes to be the same operator.
        assert!(errors[1] < ERROR, "{case:?} {pass:?}: {errors:?}");
    }
}

#[test]
fn rounded_factors_are_the_loop_of_rounded_numbers() {
    let Some(runtime) = runtime() else { return };
    for (case, pass) in SHAPES.iter().flat_map(|case| PASSES.map(|pass| (case, pass))) {
        let inputs = case.inputs(pass);
        let node = Node::new(case, pass, Kind::Rounded);
        let own = match run(&runtime, &node, &inputs, threads(2)) {
            // Older processors have no such products.
            Err(error) if !std::arch::is_x86_feature_detected!("avx512bw") => {
                let said = qgface_fs::causes::chain(&error);
                assert!(said.contains("dnnl_unimplemented"), "{said}");
                return;
            }
            own => own.unwrap(),
        };
        let rounded = inputs.map(|numbers| {
            numbers.iter().map(|&number| bf16::from_f32(number).to_f32()).collect::<Vec<_>>()
        });
        let own = error(&own, &loops::product(case, pass, &rounded));
        assert!(own < ERROR, "{case:?} {pass:?}: {own}");
    }
}

#[test]
fn results_have_the_same_bits_with_one_thread_and_with_more() {
    let Some(runtime) = runtime() else { return };
    for (case, pass) in SHAPES.iter().flat_map(|case| PASSES.map(|pass| (case, pass))) {
        // So that every part has a size and a neighbour.
        let case = &Case { images: case.images + 4, ..*case };
        let inputs = case.inputs(pass);
        let node = Node::new(case, pass, Kind::OneDnn);
        let bits = |count| {
            let made = run(&runtime, &node, &inputs, threads(count)).unwrap();
            made.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = bits(1);
        assert!(one == bits(2) && one == bits(3) && one == bits(1), "{case:?} {pass:?}");
    }
}

#[test]
fn programs_of_one_runtime_run_at_the_same_time() {
    let Some(runtime) = runtime() else { return };
    let (case, pass) = (&SHAPES[1], Pass::ByKernels);
    let inputs = case.inputs(pass);
    let node = Node::new(case, pass, Kind::OneDnn);
    let first = run(&runtime, &node, &inputs, threads(1)).unwrap();
    std::thread::scope(|scope| {
        let again = || (0..8).all(|_| run(&runtime, &node, &inputs, threads(1)).unwrap() == first);
        let all: Vec<_> = (0..3).map(|_| scope.spawn(again)).collect();
        all.into_iter().for_each(|own| assert!(own.join().unwrap()));
    });
}

#[test]
fn without_the_library_an_operator_is_an_error_by_its_name() {
    let Some(runtime) = Runtime::installed() else { return };
    let node = Node::new(&SHAPES[0], Pass::ByImages, Kind::OneDnn);
    let error = Program::open(&runtime, &model(&node), threads(1)).unwrap_err();
    assert!(matches!(error, Error::NoOneDnn { .. }), "{error}");
    let said = error.to_string();
    assert_eq!(
        said,
        "one: expected oneDNN for the operator DnnlConvInputGradient, found no library"
    );
}

#[test]
fn a_wrong_attribute_is_an_error_that_names_it() {
    let Some(runtime) = runtime() else { return };
    let node = Node::new(&SHAPES[0], Pass::ByImages, Kind::OneDnn);
    for (name, wrong) in [("kernel", Some(0)), ("stride", None), ("pad", Some(-1)), ("width", None)]
    {
        let model = model(&node.with(name, wrong));
        let error = Program::open(&runtime, &model, threads(1)).unwrap_err();
        let said = qgface_fs::causes::chain(&error);
        let found = wrong.map_or_else(|| "none".to_owned(), |wrong| wrong.to_string());
        let expected = format!("as {name}, found {found}");
        assert!(
            said.contains("DnnlConvInputGradient \"node\"") && said.contains(&expected),
            "{said}"
        );
    }
}

#[test]
fn inputs_that_do_not_fit_are_an_error_of_the_run() {
    let Some(runtime) = runtime() else { return };
    let case = &SHAPES[0];
    let node = Node::new(case, Pass::ByImages, Kind::OneDnn).with("height", Some(40));
    let error = run(&runtime, &node, &case.inputs(Pass::ByImages), threads(2)).unwrap_err();
    let said = qgface_fs::causes::chain(&error);
    assert!(
        matches!(error, Error::Run { .. }) && said.contains("expected [2, 40, 14, 64]"),
        "{said}"
    );
}

#[test]
fn an_operators_output_has_the_extents_that_its_inputs_say() {
    let Some(runtime) = runtime() else { return };
    for (case, pass) in SHAPES.iter().flat_map(|case| PASSES.map(|pass| (case, pass))) {
        let node = Node::new(case, pass, Kind::OneDnn);
        let program = Program::open(&runtime, &models::open_ended(&node), threads(1)).unwrap();
        // The graph does not say what it makes, so that a buffer fits if the operator does.
        let inputs = node.inputs.map(|extents| models::buffer(&program, extents));
        let output = models::buffer(&program, node.output);
        let wrong = models::buffer(&program, node.output.map(|extent| extent + 1));
        let bound = [("a", &inputs[0]), ("b", &inputs[1])];
        program.bind(&bound, &[("made", &output)]).unwrap();
        program.bind(&bound, &[("made", &wrong)]).unwrap_err();
    }
}
