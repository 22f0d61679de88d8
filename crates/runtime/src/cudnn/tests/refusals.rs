//! What is refused, by whom, and in which words.

use super::super::super::{Error, Program, Runtime};
use super::super::shape::{Convolution, Element, Order, Pass};
use super::cases::{NORMALIZED, PASSES, SMALL};
use super::models::{Call, domain, float, integer, lent};
use super::stand_in::{MORE, STATUSES, library};
use super::{gradient, normalization, normalization_gradient, nothing_is_left};
use qgface_fs::causes::chain;
use std::num::NonZeroUsize;

/// The functions that refuse, and a node that calls each.
fn refusing() -> Vec<(&'static str, Call)> {
    let gradient_by = |pass| {
        let shape = Convolution { pass, ..SMALL[1] };
        gradient(&shape, Order::Planes, Element::Float).0
    };
    let [by_images, by_kernels] = PASSES.map(gradient_by);
    let forward = normalization(NORMALIZED[1], Order::Planes, Element::Float).0;
    let backward = normalization_gradient(NORMALIZED[1], Order::Planes, Element::Float).0;
    let mut all: Vec<_> = [
        "cudnnCreate",
        "cudnnSetStream",
        "cudnnCreateTensorDescriptor",
        "cudnnSetTensor4dDescriptor",
        "cudnnCreateFilterDescriptor",
        "cudnnSetFilter4dDescriptor",
        "cudnnCreateConvolutionDescriptor",
        "cudnnSetConvolution2dDescriptor",
        "cudnnSetConvolutionMathType",
    ]
    .map(|function| (function, by_kernels.clone()))
    .into();
    all.extend([
        ("cudnnGetConvolutionBackwardFilterWorkspaceSize", by_kernels.clone()),
        ("cudnnConvolutionBackwardFilter", by_kernels),
        ("cudnnGetConvolutionBackwardDataWorkspaceSize", by_images.clone()),
        ("cudnnConvolutionBackwardData", by_images),
        ("cudnnDeriveBNTensorDescriptor", forward.clone()),
        ("cudnnBatchNormalizationForwardTraining", forward),
        ("cudnnBatchNormalizationBackward", backward),
    ]);
    all
}

#[test]
fn every_refusal_is_an_error_in_the_librarys_words_and_leaves_nothing() {
    let Some(runtime) = Runtime::installed() else { return };
    for (function, call) in refusing() {
        for (status, text) in STATUSES.into_iter().filter(|(status, _)| *status != 0) {
            library(|own| own.refused = Some((function, status)));
            let error = call.run(&runtime, lent()).unwrap_err();
            let said = chain(&error);
            assert!(matches!(error, Error::Run { .. }), "{said}");
            let text = text.to_str().unwrap();
            let expected = format!(
                "{function}: expected CUDNN_STATUS_SUCCESS, found {text} ({status}): {MORE}"
            );
            let node = format!("{} \"node\"", call.operator);
            assert!(said.contains(&expected) && said.contains(&node), "{said}");
            nothing_is_left();
        }
    }
}

#[test]
fn a_status_without_a_text_is_told_by_its_number() {
    let Some(runtime) = Runtime::installed() else { return };
    library(|own| own.refused = Some(("cudnnConvolutionBackwardData", 77)));
    let shape = Convolution { pass: Pass::ByImages, ..SMALL[0] };
    let call = gradient(&shape, Order::Planes, Element::Float).0;
    let said = chain(&call.run(&runtime, lent()).unwrap_err());
    assert!(
        said.contains("found another status (77)") && said.contains("1 images of 1×5×5"),
        "{said}"
    );
}

#[test]
fn a_workspace_beyond_the_bound_is_refused() {
    let Some(runtime) = Runtime::installed() else { return };
    let (call, _) = gradient(&SMALL[1], Order::Planes, Element::Float);
    library(|own| own.workspace = Some(256 << 20));
    call.run(&runtime, lent()).unwrap();
    library(|own| own.workspace = Some((256 << 20) + 1));
    let said = chain(&call.run(&runtime, lent()).unwrap_err());
    assert!(said.contains("at most 268435456 bytes, cuDNN asks for 268435457"), "{said}");
    nothing_is_left();
}

#[test]
fn a_wrong_attribute_is_an_error_that_names_it() {
    let Some(runtime) = Runtime::installed() else { return };
    let shape = Convolution { pass: Pass::ByImages, ..SMALL[1] };
    let (call, _) = gradient(&shape, Order::Planes, Element::Float);
    let (normal, _) = normalization(NORMALIZED[1], Order::Planes, Element::Half);
    let said = |call: &Call| {
        let model = call.model(true);
        let opened = Program::open_with(&runtime, &model, NonZeroUsize::MIN, domain(lent()));
        chain(&opened.unwrap_err())
    };
    for (name, wrong) in [
        ("kernel", Some(0)),
        ("stride", None),
        ("pad", None),
        ("channels_last", Some(2)),
        ("height", Some(0)),
        ("width", None),
    ] {
        let mut call = call.clone();
        call.attributes.retain(|own| own.name != name);
        call.attributes.extend(wrong.map(|wrong| integer(name, wrong)));
        let found = wrong.map_or_else(|| "none".to_owned(), |wrong| wrong.to_string());
        let said = said(&call);
        let expected = format!("as {name}, found {found}");
        assert!(
            said.contains("CudnnConvInputGradient \"node\"") && said.contains(&expected),
            "{said}"
        );
    }
    for wrong in [Some(0.0), Some(f32::NAN), None] {
        let mut call = normal.clone();
        call.attributes.retain(|own| own.name != "epsilon");
        call.attributes.extend(wrong.map(|wrong| float("epsilon", wrong)));
        let said = said(&call);
        assert!(said.contains("CudnnBatchNorm16 \"node\": expected a number above 0"), "{said}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_an_error_before_the_library_is_asked() {
    let Some(runtime) = Runtime::installed() else { return };
    let shape = Convolution { pass: Pass::ByImages, ..SMALL[1] };
    let (mut wider, _) = gradient(&shape, Order::Pixels, Element::Float);
    wider.attributes.retain(|own| own.name != "width");
    wider.attributes.push(integer("width", shape.width + 1));
    let (mut fewer, _) = normalization(NORMALIZED[1], Order::Planes, Element::Float);
    fewer.inputs[1] = (vec![2], vec![0.0; 2]);
    let (mut flat, _) = normalization(NORMALIZED[1], Order::Planes, Element::Float);
    flat.inputs[0] = (vec![40, 3], vec![0.0; 120]);
    for (call, expected) in [
        (wider, "expected [2, 7, 6, 4], found [2, 7, 5, 4]"),
        (fewer, "expected [3] or [2, 3, 5, 4], found [2]"),
        (flat, "expected four extents, found [40, 3]"),
    ] {
        let said = chain(&call.run(&runtime, lent()).unwrap_err());
        assert!(said.contains(expected), "{said}");
    }
    library(|own| assert_eq!(own.calls, [""; 0]));
}

#[test]
fn without_the_library_an_operator_is_an_error_by_its_name() {
    let Some(runtime) = Runtime::installed() else { return };
    let (call, _) = normalization(NORMALIZED[1], Order::Planes, Element::Float);
    let error = Program::open(&runtime, &call.model(true), NonZeroUsize::MIN).unwrap_err();
    assert!(matches!(error, Error::NoCudnn { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "one: expected cuDNN for the operator CudnnBatchNorm, found no library"
    );
}
