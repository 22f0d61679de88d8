//! What the comparison at kinks grants and what it does not, on one clamp: its own tests, run before
//! the topics.

use crate::arrays::PRECISIONS;
use crate::brackets;
use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph};

/// Laws by name.
pub(crate) const LAWS: [(&str, fn()); 4] = [
    ("either_side_of_a_bound_is_right_at_the_bound", either_side_at_the_bound),
    ("away_from_a_bound_nothing_is_granted", nothing_away_from_it),
    ("at_a_bound_only_its_sides_are_granted", only_the_sides),
    ("without_near_ties_a_rank_is_one", one_rank_without_ties),
];

/// The gradient by a of `clip(Σ a·b, −1, 1)`: b, or 0 where the sum is above 1.
fn clamped() -> Graph {
    let mut g = Builder::new();
    let [a, b] = ["a", "b"].map(|name| g.input(name, Element::Float, &[2]));
    let product = g.mul(a, b);
    let sum = g.reduce_sum(product, &[0]);
    let y = g.clip(sum, -1.0, 1.0);
    let gradient = backward(&mut g, y, &[a])[0].unwrap();
    g.finish(vec![("y".to_owned(), y), ("gradient".to_owned(), gradient)])
}

const B: [f64; 2] = [0.6, 0.8];
const NONE: [f64; 2] = [0.0, 0.0];

/// Whether `own` passes where `expected` is the oracle's gradient, for a of `length` beside b.
fn passes(length: f64, own: [f64; 2], expected: [f64; 2]) -> bool {
    let tensor = |data: [f64; 2]| Tensor::new(&[2], data.into());
    let feeds = [("a", tensor(B.map(|x| x * length))), ("b", tensor(B))];
    let y = Tensor::new(&[], vec![length.min(1.0)]);
    let stored =
        |name: &str, _: &Tensor| Some(if name == "y" { y.clone() } else { tensor(expected) });
    let [_, f32] = &PRECISIONS;
    f32.verdict(&clamped(), &feeds, vec![y.clone(), tensor(own)], stored).is_ok()
}

fn either_side_at_the_bound() {
    for length in [1.0, 1.0 + 1e-7, 1.0 - 1e-7] {
        for (own, expected) in [(B, B), (B, NONE), (NONE, B), (NONE, NONE)] {
            assert!(passes(length, own, expected), "{length} {own:?} {expected:?}");
        }
    }
}

fn nothing_away_from_it() {
    for length in [1.0 - 1e-4, 0.5, 1.0 + 1e-4] {
        assert!(!passes(length, B, NONE) && !passes(length, NONE, B), "{length}");
    }
}

fn only_the_sides() {
    for (own, expected) in [([0.3, 0.4], B), (B, [0.3, 0.4]), ([0.6, 0.0], NONE)] {
        assert!(!passes(1.0, own, expected), "{own:?} {expected:?}");
    }
}

fn one_rank_without_ties() {
    let same = [false, true, false, false];
    assert_eq!(brackets::ranks(&[0.9, 0.5, 0.4, 0.6], &same, 1e-6), 3..=3);
    assert_eq!(brackets::ranks(&[0.9, 0.5, 0.5 + 1e-7, 0.5 - 1e-7], &same, 1e-6), 2..=4);
}
