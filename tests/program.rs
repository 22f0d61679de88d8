//! Programs on small graphs: buffers updated in place, and what binding refuses by name.

use qgface_data::graph::{self, Builder, Graph, lower};
use qgface_data::runtime::{Buffer, Device, Element, Error, OnMissing, Program, Runtime, Traffic};
use std::num::NonZeroUsize;

fn open(graph: &Graph) -> Program {
    let runtime = Runtime::start(Device::Cpu, OnMissing::Install, &|_| ()).unwrap();
    Program::open(&runtime, &lower(graph, "descent"), NonZeroUsize::MIN).unwrap()
}

/// `next = p − rate·g`.
fn descent() -> Graph {
    let mut g = Builder::new();
    let [p, d] = ["p", "g"].map(|name| g.input(name, graph::Element::Float, &[3]));
    let rate = g.input("rate", graph::Element::Float, &[]);
    let way = g.mul(d, rate);
    let next = g.sub(p, way);
    g.finish(vec![("next".to_owned(), next)])
}

fn floats(program: &Program, shape: &[usize], numbers: &[f32]) -> Buffer {
    let buffer = program.buffer(Element::Float, shape).unwrap();
    buffer.write_floats(numbers).unwrap();
    buffer
}

#[test]
fn a_buffer_that_is_read_and_written_is_updated_in_place() {
    let mut program = open(&descent());
    let p = floats(&program, &[3], &[1.0, 2.0, 3.0]);
    let g = floats(&program, &[3], &[1.0, 10.0, 100.0]);
    let rate = floats(&program, &[], &[0.5]);
    let mut binding =
        program.bind(&[("p", &p), ("g", &g), ("rate", &rate)], &[("next", &p)]).unwrap();
    program.run(&mut binding).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(p.read_floats().unwrap(), [0.0, -8.0, -97.0]);
    // What is written between runs is what the next one reads.
    rate.write_floats(&[1.0]).unwrap();
    g.clone().write_floats(&[0.0, 0.0, 3.0]).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(p.read_floats().unwrap(), [0.0, -8.0, -100.0]);
    assert_eq!(program.traffic(), Traffic { to_device: 12 + 12 + 4 + 4 + 12, to_host: 24 });
}

#[test]
fn bindings_that_do_not_fit_are_refused_by_name() {
    let program = open(&descent());
    let three = floats(&program, &[3], &[0.0; 3]);
    let four = floats(&program, &[4], &[0.0; 4]);
    let number = floats(&program, &[], &[0.0]);
    let whole = program.buffer(Element::Int64, &[3]).unwrap();
    let all = [("p", &three), ("g", &three), ("rate", &number)];
    let with = |name, buffer| {
        let mut inputs = all;
        inputs[1] = (name, buffer);
        inputs
    };
    for (inputs, said) in [
        (with("g", &four), "g: expected Some(Float) [Some(3)], found Float [4]"),
        (with("g", &whole), "g: expected Some(Float) [Some(3)], found Int64 [3]"),
        (with("gradient", &three), "gradient: expected one of p, g, rate"),
        (with("p", &three), "p: expected one buffer, found two"),
    ] {
        let error = program.bind(&inputs, &[("next", &three)]).unwrap_err();
        assert!(matches!(error, Error::Bound { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let error = program.bind(&all[..2], &[("next", &three)]).unwrap_err();
    assert!(error.to_string().contains("rate: expected a buffer, found none"), "{error}");
    let error = program.bind(&all, &[]).unwrap_err();
    assert!(error.to_string().contains("next: expected a buffer, found none"), "{error}");
}

#[test]
fn numbers_that_do_not_fit_a_buffer_are_refused() {
    let program = open(&descent());
    let buffer = program.buffer(Element::Float, &[2, 3]).unwrap();
    assert_eq!(buffer.read_floats().unwrap(), [0.0; 6]);
    for error in [
        buffer.write_floats(&[0.0; 5]).unwrap_err(),
        buffer.write_ints(&[0; 6]).unwrap_err(),
        buffer.write_bools(&[true; 6]).unwrap_err(),
        buffer.read_ints().unwrap_err(),
    ] {
        assert!(matches!(error, Error::Buffer { .. }), "{error}");
        assert!(error.to_string().contains("expected Float [2, 3]"), "{error}");
    }
}

#[test]
fn integers_and_truth_values_are_fed_as_such() {
    let mut g = Builder::new();
    let labels = g.input("labels", graph::Element::Int64, &[2]);
    let mask = g.input("mask", graph::Element::Bool, &[2]);
    let labels = g.cast(labels, graph::Element::Float);
    let mask = g.cast(mask, graph::Element::Float);
    let product = g.mul(labels, mask);
    let mut program = open(&g.finish(vec![("product".to_owned(), product)]));
    let labels = program.buffer(Element::Int64, &[2]).unwrap();
    let mask = program.buffer(Element::Bool, &[2]).unwrap();
    let product = program.buffer(Element::Float, &[2]).unwrap();
    labels.write_ints(&[7, -9]).unwrap();
    mask.write_bools(&[false, true]).unwrap();
    let mut binding =
        program.bind(&[("labels", &labels), ("mask", &mask)], &[("product", &product)]).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(product.read_floats().unwrap(), [0.0, -9.0]);
    assert_eq!((labels.read_ints().unwrap(), mask.bytes()), (vec![7, -9], 2));
}
