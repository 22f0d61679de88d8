//! What the operators compute, and of which extents.

use super::super::super::{Buffer, Element as BufferElement, Program, Runtime};
use super::super::kind::Kind;
use super::super::shape::{Convolution, Pass};
use super::cases::{BACKBONES, NORMALIZED, PASSES, SMALL, name};
use super::loops;
use super::models::{Tensor, domain, lent};
use super::stand_in::library;
use super::{
    EPSILON, close, every_way, gradient, laid, normalization, normalization_gradient,
    nothing_is_left, tolerance, wide,
};
use qgface_fs::causes::chain;
use std::num::NonZeroUsize;

#[test]
fn gradients_of_convolutions_are_those_by_definition() {
    let Some(runtime) = Runtime::installed() else { return };
    for (shape, pass) in SMALL.iter().flat_map(|shape| PASSES.map(|pass| (shape, pass))) {
        let shape = Convolution { pass, ..*shape };
        for (order, element) in every_way() {
            let (call, numbers) = gradient(&shape, order, element);
            let found = call.run(&runtime, lent()).unwrap_or_else(|error| {
                panic!("{shape} {pass:?} {order:?} {element:?}: {}", chain(&error))
            });
            let [a, dy] = numbers.each_ref().map(|own| wide(own));
            let expected = loops::gradient(&shape, [&a, &dy]);
            let made = shape.extents().unwrap()[usize::from(pass == Pass::ByKernels)];
            let narrow: Vec<f32> = expected.iter().map(|&own| own as f32).collect();
            close(&found[0], &wide(&laid(order, made, &narrow).1), tolerance(element));
        }
    }
    nothing_is_left();
}

#[test]
fn normalisation_and_its_gradients_are_those_by_definition() {
    let Some(runtime) = Runtime::installed() else { return };
    let epsilon = f64::from(EPSILON);
    for (extents, (order, element)) in
        NORMALIZED.into_iter().flat_map(|extents| every_way().map(move |way| (extents, way)))
    {
        let tolerance = tolerance(element);
        let (call, numbers) = normalization(extents, order, element);
        let found = call.run(&runtime, lent()).unwrap();
        let own = numbers.each_ref().map(|own| wide(own));
        let expected = loops::normalized(extents, own.each_ref().map(|own| &**own), epsilon);
        let images = |numbers: &[f64]| {
            let narrow: Vec<f32> = numbers.iter().map(|&own| own as f32).collect();
            wide(&laid(order, extents, &narrow).1)
        };
        close(&found[0], &images(&expected[0]), tolerance);
        close(&found[1], &expected[1], 1e-6);
        close(&found[2], &expected[2], 1e-6);
        let (call, numbers) = normalization_gradient(extents, order, element);
        let found = call.run(&runtime, lent()).unwrap();
        let own = numbers.each_ref().map(|own| wide(own));
        let expected =
            loops::normalized_gradient(extents, own.each_ref().map(|own| &**own), epsilon);
        // Mean and deviation came in as floats.
        close(&found[0], &images(&expected[0]), tolerance.max(1e-5));
        close(&found[1], &expected[1], 1e-5);
        close(&found[2], &expected[2], 1e-5);
    }
    nothing_is_left();
}

#[test]
fn the_shapes_of_the_backbones_are_told_to_the_library_as_they_are() {
    let Some(runtime) = Runtime::installed() else { return };
    library(|own| own.is_idle = true);
    for (shape, pass) in BACKBONES.iter().flat_map(|shape| PASSES.map(|pass| (shape, pass))) {
        for ((order, element), images) in every_way().flat_map(|way| [1, 2].map(|n| (way, n))) {
            let shape = Convolution { pass, images, ..*shape };
            gradient(&shape, order, element).0.run(&runtime, lent()).unwrap();
        }
    }
    for (order, element) in every_way() {
        for extents in [[1, 64, 112, 112], [2, 128, 56, 56], [2, 512, 7, 7]] {
            normalization(extents, order, element).0.run(&runtime, lent()).unwrap();
            let (mut call, _) = normalization(extents, order, element);
            call.operator = name(Kind::BatchNormGradient, element);
            let [x, gamma, beta] = <[Tensor; 3]>::try_from(call.inputs).unwrap();
            call.inputs = vec![x.clone(), gamma.clone(), x, gamma, beta];
            call.run(&runtime, lent()).unwrap();
        }
    }
    nothing_is_left();
    let calls = library(|own| own.calls.iter().filter(|own| **own == "cudnnCreate").count());
    // One for each session.
    assert_eq!(calls, BACKBONES.len() * 2 * 8 + 4 * 3 * 2);
}

#[test]
fn outputs_have_the_extents_that_the_inputs_say() {
    let Some(runtime) = Runtime::installed() else { return };
    let convolutions = PASSES.into_iter().flat_map(|pass| {
        every_way().map(move |(order, element)| {
            gradient(&Convolution { pass, ..SMALL[2] }, order, element).0
        })
    });
    let normal =
        every_way().map(|(order, element)| normalization_gradient(NORMALIZED[1], order, element).0);
    for call in convolutions.chain(normal) {
        let model = call.model(false);
        let program =
            Program::open_with(&runtime, &model, NonZeroUsize::MIN, domain(lent())).unwrap();
        let buffer = |extents: &[usize]| program.buffer(BufferElement::Float, extents).unwrap();
        let inputs: Vec<_> = call.inputs.iter().map(|own| buffer(&own.0)).collect();
        let names: Vec<_> = (0..inputs.len()).map(|at| format!("i{at}")).collect();
        let read: Vec<_> = names.iter().map(|name| &**name).zip(&inputs).collect();
        let outputs: Vec<_> = call.outputs.iter().map(|own| buffer(own)).collect();
        let names: Vec<_> = (0..outputs.len()).map(|at| format!("o{at}")).collect();
        let bound = |at: usize, wrong: Option<&Buffer>| {
            let own = |(other, own)| if other == at { wrong.unwrap_or(own) } else { own };
            let outputs = outputs.iter().enumerate().map(own);
            let made: Vec<_> = names.iter().map(|name| &**name).zip(outputs).collect();
            program.bind(&read, &made).map(|_| ())
        };
        bound(0, None).unwrap();
        for at in 0..outputs.len() {
            let larger: Vec<usize> = call.outputs[at].iter().map(|own| own + 1).collect();
            bound(at, Some(&buffer(&larger))).unwrap_err();
        }
    }
}
