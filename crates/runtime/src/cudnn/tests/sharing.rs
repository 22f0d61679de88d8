//! What the runtime lends, and what is kept between runs.

use super::super::super::{Element as BufferElement, Program, Runtime};
use super::super::place::Lent;
use super::super::shape::{Element, Order};
use super::cases::SMALL;
use super::models::{domain, lent};
use super::stand_in::library;
use super::{functions, gradient, nothing_is_left};
use std::num::NonZeroUsize;
use std::ptr::{NonNull, null_mut};

#[test]
fn a_second_run_makes_nothing_ready_again() {
    let Some(runtime) = Runtime::installed() else { return };
    let (call, _) = gradient(&SMALL[1], Order::Planes, Element::Float);
    let mut program =
        Program::open_with(&runtime, &call.model(true), NonZeroUsize::MIN, domain(lent())).unwrap();
    let buffer = |extents: &[usize]| program.buffer(BufferElement::Float, extents).unwrap();
    let (a, b, made) =
        (buffer(&call.inputs[0].0), buffer(&call.inputs[1].0), buffer(&call.outputs[0]));
    let mut binding = program.bind(&[("i0", &a), ("i1", &b)], &[("o0", &made)]).unwrap();
    program.run(&mut binding).unwrap();
    let alive = library(|own| own.alive());
    library(|own| own.calls.clear());
    program.run(&mut binding).unwrap();
    let calls = library(|own| own.calls.clone());
    assert_eq!(calls, ["cudnnSetStream", "cudnnConvolutionBackwardFilter"]);
    assert_eq!(library(|own| own.alive()), alive);
    drop((binding, program));
    nothing_is_left();
}

#[test]
#[allow(unsafe_code)]
fn the_runtimes_handle_is_used_where_it_works_on_the_runtimes_stream() {
    let Some(runtime) = Runtime::installed() else { return };
    let api = functions::api();
    let mut handle = null_mut();
    // SAFETY: the stand-in is given a place for the result.
    assert_eq!(unsafe { (api.cudnnCreate)(&mut handle) }, 0);
    let (call, _) = gradient(&SMALL[1], Order::Planes, Element::Float);
    let lent = Lent { handle: NonNull::new(handle), ..lent() };
    let times =
        |function: &str| library(|own| own.calls.iter().filter(|own| **own == function).count());
    // It has no stream yet.
    call.run(&runtime, lent).unwrap();
    assert_eq!((times("cudnnCreate"), times("cudnnSetStream"), times("cudnnDestroy")), (2, 1, 1));
    // SAFETY: the stand-in follows no stream.
    assert_eq!(unsafe { (api.cudnnSetStream)(handle, lent.stream.as_ptr()) }, 0);
    call.run(&runtime, lent).unwrap();
    assert_eq!((times("cudnnCreate"), times("cudnnSetStream"), times("cudnnDestroy")), (2, 2, 1));
    // The runtime's is not ours to give back.
    assert_eq!(library(|own| own.alive()), 1);
    library(|own| assert!(own.wrong.is_empty(), "{:?}", own.wrong));
}

#[test]
fn floats_are_rounded_to_tf32_where_the_runtime_rounds_its_own() {
    let Some(runtime) = Runtime::installed() else { return };
    for (element, tf32, expected) in
        [(Element::Float, true, 0), (Element::Float, false, 3), (Element::Half, false, 1)]
    {
        let (call, _) = gradient(&SMALL[1], Order::Planes, element);
        call.run(&runtime, Lent { tf32, ..lent() }).unwrap();
        assert_eq!(library(|own| std::mem::take(&mut own.maths)), [expected]);
    }
}
