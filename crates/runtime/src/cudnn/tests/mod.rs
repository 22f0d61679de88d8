//! The operators, with a stand-in for the library that checks what it is given.

mod cases;
mod functions;
mod installed;
mod loops;
mod lowered;
mod memory;
mod models;
mod numbers;
mod objects;
mod refusals;
mod sharing;
mod stand_in;

use super::kind::Kind;
use super::shape::{Convolution, Element, Order, Pass};
use cases::{ELEMENTS, ORDERS, name, noise};
use half::f16;
use models::{Call, Tensor, float, integer};
use stand_in::library;

const EPSILON: f32 = 1e-3;

/// Of the largest number of an output: sums are in f64, and what is made is rounded once.
fn tolerance(element: Element) -> f64 {
    match element {
        Element::Float => 1e-6,
        Element::Half => 1.0 / 1024.0,
    }
}

/// Numbers in another order, from one with channels second.
fn laid(order: Order, extents: [usize; 4], numbers: &[f32]) -> Tensor {
    let [_, c, h, w] = extents;
    let moved = |at: usize| match order {
        Order::Planes => at,
        Order::Pixels => {
            let (image, rest) = (at / (h * w * c), at % (h * w * c));
            (image * c + rest % c) * h * w + rest / c
        }
    };
    (order.laid(extents).to_vec(), (0..numbers.len()).map(|at| numbers[moved(at)]).collect())
}

fn rounded(element: Element, numbers: &[f32]) -> Vec<f32> {
    let round = |number: &f32| match element {
        Element::Float => *number,
        Element::Half => f16::from_f32(*number).to_f32(),
    };
    numbers.iter().map(round).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |largest: f64, own| largest.max(own.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(off <= tolerance * largest, "element {at}: {found}, expected {expected}");
    }
}

/// That nothing was wrong, and nothing is left.
fn nothing_is_left() {
    let (wrong, alive) = library(|own| (own.wrong.clone(), own.alive()));
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(alive, 0, "handles or descriptions are left");
}

/// A node of a convolution's gradient, with numbers for both inputs, channels second.
fn gradient(shape: &Convolution, order: Order, element: Element) -> (Call, [Vec<f32>; 2]) {
    let [x, w, y] = shape.extents().unwrap();
    let (kind, a, made) = match shape.pass {
        Pass::ByImages => (Kind::InputGradient, w, x),
        Pass::ByKernels => (Kind::WeightGradient, x, w),
    };
    let numbers = [(1, a), (2, y)].map(|(seed, extents): (u64, [usize; 4])| {
        rounded(element, &noise(seed, extents.iter().product()))
    });
    let mut attributes = vec![
        integer("kernel", shape.kernel),
        integer("stride", shape.stride),
        integer("pad", shape.pad),
        integer("channels_last", usize::from(order == Order::Pixels)),
    ];
    if shape.pass == Pass::ByImages {
        attributes.extend([integer("height", shape.height), integer("width", shape.width)]);
    }
    let call = Call {
        operator: name(kind, element),
        attributes,
        inputs: vec![laid(order, a, &numbers[0]), laid(order, y, &numbers[1])],
        outputs: vec![order.laid(made).to_vec()],
    };
    (call, numbers)
}

/// A node of a normalisation, with numbers for x, γ and β.
fn normalization(extents: [usize; 4], order: Order, element: Element) -> (Call, [Vec<f32>; 3]) {
    let count = extents.iter().product();
    let x = rounded(element, &noise(3, count));
    let (gamma, beta) = (noise(4, extents[1]), noise(5, extents[1]));
    let by_channel = vec![extents[1]];
    let inputs = vec![
        laid(order, extents, &x),
        (by_channel.clone(), gamma.clone()),
        (by_channel.clone(), beta.clone()),
    ];
    let call = Call {
        operator: name(Kind::BatchNorm, element),
        attributes: vec![
            float("epsilon", EPSILON),
            integer("channels_last", usize::from(order == Order::Pixels)),
        ],
        outputs: vec![inputs[0].0.clone(), by_channel.clone(), by_channel],
        inputs,
    };
    (call, [x, gamma, beta])
}

/// A node of a normalisation's gradients, with numbers for x, γ and dy.
fn normalization_gradient(
    extents: [usize; 4],
    order: Order,
    element: Element,
) -> (Call, [Vec<f32>; 3]) {
    let (forward, [x, gamma, beta]) = normalization(extents, order, element);
    let dy = rounded(element, &noise(6, x.len()));
    let own = [&x, &gamma, &beta].map(|own| wide(own));
    let [_, mean, inverse] =
        loops::normalized(extents, own.each_ref().map(|own| &**own), f64::from(EPSILON));
    let narrow = |numbers: &[f64]| numbers.iter().map(|&own| own as f32).collect::<Vec<_>>();
    let by_channel = vec![extents[1]];
    let [x_tensor, gamma_tensor, _] = <[Tensor; 3]>::try_from(forward.inputs).unwrap();
    let inputs = vec![
        x_tensor,
        gamma_tensor,
        laid(order, extents, &dy),
        (by_channel.clone(), narrow(&mean)),
        (by_channel, narrow(&inverse)),
    ];
    let operator = name(Kind::BatchNormGradient, element);
    let (attributes, outputs) = (forward.attributes, forward.outputs);
    (Call { operator, attributes, inputs, outputs }, [x, gamma, dy])
}

fn every_way() -> impl Iterator<Item = (Order, Element)> {
    ORDERS.into_iter().flat_map(|order| ELEMENTS.map(|element| (order, element)))
}
