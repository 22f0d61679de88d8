//! The gradient of every operator against central differences on the reference evaluator; where
//! differences find none, against what the operator's definition says.

use crate::cases::{Case, Gradient, cases};
use crate::reference::{Tensor, evaluate};
use qgface_data::autodiff::backward;
use qgface_data::graph::{Axes, Builder, Element, Op, Value, Window};
use std::collections::BTreeSet;

/// Half the distance between the two losses of a difference. The error of the difference is its
/// square times the third derivative, plus [`NOISE`].
const STEP: f64 = 1e-5;

/// Difference allowed, relative to the largest gradient by the same input.
const TOLERANCE: f64 = 1e-6;

/// Difference always allowed: the rounding of losses of up to a thousand, over the step.
const NOISE: f64 = 1e-8;

#[test]
fn gradients_are_those_of_central_differences() {
    let mut faults = Vec::new();
    for case in cases().into_iter().filter(|case| case.gradient == Gradient::Smooth) {
        let feeds = case.feeds();
        let gradients = evaluate(&case.backward(), &feeds).split_off(1);
        for (at, found) in case.floats().into_iter().zip(gradients) {
            let expected = differences(&case, at);
            let largest = expected.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
            let allowed = TOLERANCE * largest + NOISE;
            let both = found.data.iter().zip(&expected);
            // What is no number is never close.
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= allowed;
            if let Some(element) = both.map(close).position(|close| !close) {
                let (name, input) = (&case.name, feeds[at].0);
                let (found, expected) = (found.data[element], expected[element]);
                faults.push(format!(
                    "{name}: gradient by {input}, element {element}: {found}, expected {expected}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// How much Σ c·y grows with each element of the input at a position.
fn differences(case: &Case, at: usize) -> Vec<f64> {
    let (graph, mut feeds) = (case.forward(), case.feeds());
    let shape = &graph.node(graph.outputs()[0].1).shape;
    let weights = case.weights(shape);
    let mut slopes = Vec::new();
    for element in 0..feeds[at].1.data.len() {
        let x = feeds[at].1.data[element];
        let mut loss = |moved| {
            feeds[at].1.data[element] = moved;
            let y = &evaluate(&graph, &feeds)[0];
            y.data.iter().zip(&weights).map(|(y, weight)| y * weight).sum::<f64>()
        };
        let growth = loss(x + STEP) - loss(x - STEP);
        feeds[at].1.data[element] = x;
        slopes.push(growth / (2.0 * STEP));
    }
    slopes
}

#[test]
fn every_operator_has_a_row() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        let graph = match case.gradient {
            Gradient::Refused => case.forward(),
            Gradient::Smooth | Gradient::Defined => case.backward(),
        };
        seen.extend(graph.nodes().iter().map(|node| node.op.name()));
    }
    let operators = operators();
    let missing: Vec<_> = operators.iter().filter(|name| !seen.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no row of tests/reference/cases/ builds {missing:?}");
    let unread: Vec<_> =
        seen.iter().filter(|seen| !operators.iter().any(|own| own == *seen)).collect();
    assert!(unread.is_empty(), "op.rs was read without {unread:?}");
}

/// Variants of `Op`, read from its source, which no list beside it can lag behind.
fn operators() -> Vec<String> {
    let source = include_str!("../../crates/graph/src/graph/op.rs");
    let (_, after) = source.split_once("pub enum Op {\n").unwrap();
    let (body, _) = after.split_once("\n}\n").unwrap();
    let names = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = names.map(|line| line.chars().take_while(|letter| letter.is_alphanumeric()));
    names.map(String::from_iter).filter(|name| !name.is_empty()).collect()
}

/// Gradients of y₀ + 10·y₁ + 100·y₂ + … by each input: a digit tells which y an input is part of.
fn gradients(
    inputs: &[(&[usize], &[f64])],
    build: impl FnOnce(&mut Builder, &[Value]) -> Value,
) -> Vec<Vec<f64>> {
    let mut g = Builder::new();
    let names = ["first", "second"];
    let declared = names.iter().zip(inputs);
    let values: Vec<Value> =
        declared.map(|(name, (shape, _))| g.input(name, Element::Float, shape)).collect();
    let y = build(&mut g, &values);
    let shape = g.shape(y);
    let count = shape.iter().product::<usize>();
    let weights = g.constant(&shape, (0..count).map(|at| 10_f64.powi(at as i32)).collect());
    let weighted = g.mul(y, weights);
    let loss = g.reduce_sum(weighted, &(0..shape.len()).collect::<Vec<_>>());
    let gradients = backward(&mut g, loss, &values);
    let named = gradients
        .into_iter()
        .zip(names)
        .map(|(gradient, name)| (format!("gradient by {name}"), gradient.unwrap()));
    let graph = g.finish(named.collect());
    let fed = names.into_iter().zip(inputs);
    let feeds: Vec<(&str, Tensor)> =
        fed.map(|(name, (shape, data))| (name, Tensor::new(shape, data.to_vec()))).collect();
    evaluate(&graph, &feeds).into_iter().map(|tensor| tensor.data).collect()
}

#[test]
fn gradients_pass_a_clip_at_its_bounds() {
    let x = [-2.0, -1.0, 0.0, 1.0, 2.0];
    let found = gradients(&[(&[5], &x)], |g, x| g.clip(x[0], -1.0, 1.0));
    assert_eq!(found, [[0.0, 10.0, 100.0, 1000.0, 0.0]]);
}

#[test]
fn equals_share_the_gradient_of_a_maximum_and_a_minimum_in_halves() {
    let inputs: [(&[usize], &[f64]); 2] = [(&[3], &[1.0, 2.0, 3.0]), (&[3], &[2.0, 2.0, 2.0])];
    let found = gradients(&inputs, |g, x| g.max(x[0], x[1]));
    assert_eq!(found, [[0.0, 5.0, 100.0], [1.0, 5.0, 0.0]]);
    let found = gradients(&inputs, |g, x| g.min(x[0], x[1]));
    assert_eq!(found, [[1.0, 5.0, 0.0], [0.0, 5.0, 100.0]]);
    let found = gradients(&[(&[2], &[1.0, 2.0])], |g, x| g.max(x[0], x[0]));
    assert_eq!(found, [[1.0, 10.0]]);
}

#[test]
fn equals_share_the_gradient_of_a_reduction_to_the_largest() {
    let x = [3.0, 1.0, 3.0, 0.0, 2.0, 1.0];
    for keep in [true, false] {
        let largest = Op::ReduceMax(Axes { axes: vec![1], keep });
        let found = gradients(&[(&[2, 3], &x)], |g, x| g.apply(largest, x));
        assert_eq!(found, [[0.5, 0.0, 0.5, 0.0, 10.0, 0.0]]);
    }
}

#[test]
fn a_prelu_at_zero_has_its_slope() {
    let x = [-3.0, 0.0, 2.0, 1.0];
    let found = gradients(&[(&[2, 2], &x), (&[2], &[0.25, 0.5])], |g, x| g.prelu(x[0], x[1]));
    // Channels are columns. The slope of the second sees only the zero.
    assert_eq!(found, [vec![0.25, 5.0, 100.0, 1000.0], vec![-3.0, 0.0]]);
}

#[test]
fn the_first_of_equals_in_a_window_takes_all() {
    let window = Window { kernel: 2, stride: 2, pad: 0 };
    // Two windows: all equal, and the largest in the second row.
    let x = [1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 3.0, 3.0];
    let found = gradients(&[(&[1, 1, 2, 4], &x)], |g, x| g.max_pool(x[0], window));
    assert_eq!(found, [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 0.0]]);
}

#[test]
fn padding_is_never_the_largest() {
    let window = Window { kernel: 3, stride: 2, pad: 1 };
    let found = gradients(&[(&[1, 1, 1, 2], &[-5.0, -5.0])], |g, x| g.max_pool(x[0], window));
    assert_eq!(found, [[1.0, 0.0]]);
}

#[test]
fn columns_taken_twice_get_both_gradients() {
    let found = gradients(&[(&[1, 3], &[7.0, 8.0, 9.0])], |g, x| {
        let columns = g.integers(vec![2, 0, 2]);
        g.gather_columns(x[0], columns)
    });
    assert_eq!(found, [[10.0, 0.0, 101.0]]);
}

#[test]
fn detached_values_have_no_gradient() {
    let mut g = Builder::new();
    let (x, y) = (g.input("x", Element::Float, &[3]), g.input("y", Element::Float, &[3]));
    let detached = g.detach(x);
    let product = g.mul(detached, y);
    let loss = g.reduce_sum(product, &[0]);
    let found = backward(&mut g, loss, &[x, y, detached]);
    assert!(found[0].is_none() && found[1].is_some(), "{found:?}");
    // What stands behind the stop is differentiated like any other value.
    assert!(found[2].is_some(), "{found:?}");
}

#[test]
fn a_value_that_the_loss_does_not_read_has_no_gradient() {
    let mut g = Builder::new();
    let (x, unread) = (g.input("x", Element::Float, &[3]), g.input("unread", Element::Float, &[3]));
    let compared = g.less(x, unread);
    let compared = g.cast(compared, Element::Float);
    let loss = g.mean(compared);
    let found = backward(&mut g, loss, &[x, unread]);
    assert!(found.iter().all(Option::is_none), "{found:?}");
}

#[test]
fn gradients_by_values_on_the_way_are_given_too() {
    let found = gradients(&[(&[2], &[3.0, 4.0])], |g, x| g.mul(x[0], x[0]));
    assert_eq!(found, [[6.0, 80.0]]);
    let mut g = Builder::new();
    let x = g.input("x", Element::Float, &[2]);
    let squared = g.mul(x, x);
    let loss = g.reduce_sum(squared, &[0]);
    let by_squared = backward(&mut g, loss, &[squared])[0].unwrap();
    let graph = g.finish(vec![("by squared".into(), by_squared)]);
    let found = evaluate(&graph, &[("x", Tensor::new(&[2], vec![3.0, 4.0]))]);
    assert_eq!(found[0], Tensor::new(&[2], vec![1.0, 1.0]));
}

#[test]
#[should_panic(expected = "BatchVariance is not differentiated")]
fn the_variance_of_running_statistics_is_not_differentiated() {
    gradients(&[(&[4, 1], &[1.0, 2.0, 3.0, 4.0])], |g, x| g.apply(Op::BatchVariance, x));
}

#[test]
#[should_panic(expected = "second: fed [3], expected [2]")]
fn a_feed_of_another_shape_is_named() {
    let mut g = Builder::new();
    let (x, y) = (g.input("first", Element::Float, &[]), g.input("second", Element::Float, &[2]));
    let sum = g.add(x, y);
    let graph = g.finish(vec![("sum".into(), sum)]);
    evaluate(
        &graph,
        &[("first", Tensor::new(&[], vec![1.0])), ("second", Tensor::new(&[3], vec![0.0; 3]))],
    );
}
