//! Programs on small graphs: buffers updated in place or in turns, and what binding refuses by
//! name.

use crate::installed::runtime;
use qgface_data::graph::{self, Builder, Graph, lower};
use qgface_data::onnx;
use qgface_data::runtime::{Buffer, Element, Error, Program, Traffic};
use std::num::NonZeroUsize;
use std::path::Path;

fn open(graph: &Graph) -> Program {
    Program::open(&runtime(), &lower(graph, "descent"), NonZeroUsize::MIN).unwrap()
}

/// `next = p − rate·g`, on three numbers.
fn descent() -> Graph {
    descent_on(3)
}

fn descent_on(count: usize) -> Graph {
    let mut g = Builder::new();
    let [p, d] = ["p", "g"].map(|name| g.input(name, graph::Element::Float, &[count]));
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
        (with("g", &four), "g: expected float [3], found float [4]"),
        (with("g", &whole), "g: expected float [3], found int64 [3]"),
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
        assert!(error.to_string().starts_with("a buffer of float [2, 3]: expected "), "{error}");
    }
    let said = buffer.write_floats(&[0.0; 5]).unwrap_err().to_string();
    assert!(said.ends_with("expected 6 numbers, found 5"), "{said}");
    let said = buffer.write_ints(&[0; 6]).unwrap_err().to_string();
    assert!(said.ends_with("expected float, found int64"), "{said}");
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

/// The program of [`descent`], its p, g and rate.
fn descending() -> (Program, [Buffer; 3]) {
    let program = open(&descent());
    let p = floats(&program, &[3], &[1.0, 2.0, 3.0]);
    let g = floats(&program, &[3], &[1.0, 10.0, 100.0]);
    let rate = floats(&program, &[], &[0.5]);
    (program, [p, g, rate])
}

#[test]
fn two_bindings_pass_a_state_to_and_fro() {
    let (mut program, [even, g, rate]) = descending();
    let odd = program.buffer(Element::Float, &[3]).unwrap();
    let bind = |from, to| {
        program.bind(&[("p", from), ("g", &g), ("rate", &rate)], &[("next", to)]).unwrap()
    };
    let mut bindings = [bind(&even, &odd), bind(&odd, &even)];
    for step in 0..3 {
        program.run(&mut bindings[step % 2]).unwrap();
    }
    assert_eq!(even.read_floats().unwrap(), [0.0, -8.0, -97.0]);
    assert_eq!(odd.read_floats().unwrap(), [-0.5, -13.0, -147.0]);
}

#[test]
fn a_buffer_of_one_program_is_bound_by_another_and_outlives_both() {
    let (first, [p, g, rate]) = descending();
    let mut second = open(&descent());
    drop(first);
    let inputs = [("p", &p), ("g", &g), ("rate", &rate)];
    let mut binding = second.bind(&inputs, &[("next", &p.clone())]).unwrap();
    second.run(&mut binding).unwrap();
    drop((binding, second));
    assert_eq!(p.read_floats().unwrap(), [0.5, -3.0, -47.0]);
}

#[test]
fn a_single_number_and_truth_values_come_out() {
    let mut g = Builder::new();
    let x = g.input("x", graph::Element::Float, &[3]);
    let limit = g.input("limit", graph::Element::Float, &[]);
    let (sum, low) = (g.reduce_sum(x, &[0]), g.less(x, limit));
    let mut program = open(&g.finish(vec![("sum".to_owned(), sum), ("low".to_owned(), low)]));
    let x = floats(&program, &[3], &[1.0, 2.0, 4.0]);
    let limit = floats(&program, &[], &[2.0]);
    let sum = program.buffer(Element::Float, &[]).unwrap();
    let low = program.buffer(Element::Bool, &[3]).unwrap();
    let outputs = [("sum", &sum), ("low", &low)];
    let mut binding = program.bind(&[("x", &x), ("limit", &limit)], &outputs).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(sum.read_floats().unwrap(), [7.0]);
    assert_eq!((sum.shape(), sum.element(), sum.bytes()), (&[][..], Element::Float, 4));

    // Truth values are not read to the host; another graph counts them.
    let mut g = Builder::new();
    let low_in = g.input("low", graph::Element::Bool, &[3]);
    let ones = g.cast(low_in, graph::Element::Float);
    let count = g.reduce_sum(ones, &[0]);
    let mut counting = open(&g.finish(vec![("count".to_owned(), count)]));
    let mut binding = counting.bind(&[("low", &low)], &[("count", &sum)]).unwrap();
    counting.run(&mut binding).unwrap();
    assert_eq!(sum.read_floats().unwrap(), [1.0]);
}

#[test]
fn a_new_buffer_holds_zeros_whatever_lay_there_before() {
    let program = open(&descent());
    for _ in 0..8 {
        let buffer = program.buffer(Element::Float, &[100, 100]).unwrap();
        assert!(buffer.read_floats().unwrap().iter().all(|&number| number == 0.0));
        buffer.write_floats(&[7.0; 10_000]).unwrap();
    }
    assert!(program.buffer(Element::Int64, &[2, 0]).unwrap().read_ints().unwrap().is_empty());
}

#[test]
fn binding_and_running_copy_nothing_and_neither_does_a_refusal() {
    let (mut program, [p, g, rate]) = descending();
    let written = Traffic { to_device: 12 + 12 + 4, to_host: 0 };
    assert_eq!(program.traffic(), written);
    let inputs = [("p", &p), ("g", &g), ("rate", &rate)];
    let mut binding = program.bind(&inputs, &[("next", &p)]).unwrap();
    program.run(&mut binding).unwrap();
    assert!(p.write_floats(&[1.0]).is_err() && p.read_ints().is_err());
    assert_eq!(program.traffic(), written);
}

/// The first input's type.
fn first_input(model: &mut onnx::Model) -> &mut onnx::TensorType {
    let input = &mut model.graph.as_mut().unwrap().input[0];
    match input.r#type.as_mut().unwrap().value.as_mut().unwrap() {
        onnx::TypeKind::Tensor(tensor) => tensor,
        other => panic!("{other:?}"),
    }
}

#[test]
fn open_extents_take_any_number() {
    let mut g = Builder::new();
    let x = g.input("x", graph::Element::Float, &[3]);
    let sum = g.reduce_sum(x, &[0]);
    let mut model = lower(&g.finish(vec![("sum".to_owned(), sum)]), "sum");
    let extents = &mut first_input(&mut model).shape.as_mut().unwrap().dim;
    extents[0].value = Some(onnx::Extent::Symbol("N".into()));
    let mut program = Program::open(&runtime(), &model, NonZeroUsize::MIN).unwrap();
    let sum = program.buffer(Element::Float, &[]).unwrap();
    for count in [1, 5] {
        let x = floats(&program, &[count], &vec![2.0; count]);
        let mut binding = program.bind(&[("x", &x)], &[("sum", &sum)]).unwrap();
        program.run(&mut binding).unwrap();
        assert_eq!(sum.read_floats().unwrap(), [2.0 * count as f32]);
    }
    let error = program.bind(&[("x", &sum)], &[("sum", &sum)]).unwrap_err();
    assert!(error.to_string().ends_with("x: expected float [N], found float []"), "{error}");
}

#[test]
fn graphs_that_no_buffer_or_no_operator_fits_are_refused() {
    let refused = |model| Program::open(&runtime(), &model, NonZeroUsize::MIN).unwrap_err();
    let mut g = Builder::new();
    let x = g.input("x", graph::Element::Float, &[3]);
    let negative = g.neg(x);
    let graph = g.finish(vec![("negative".to_owned(), negative)]);

    let mut unknown = lower(&graph, "small");
    unknown.graph.as_mut().unwrap().node[0].op_type = "Nope".into();
    let error = refused(unknown);
    assert!(matches!(error, Error::Prepare { .. }), "{error}");
    assert!(error.to_string().starts_with("small: "), "{error}");

    let mut double = lower(&graph, "small");
    first_input(&mut double).elem_type = onnx::ElementType::Double as i32;
    let output = &mut double.graph.as_mut().unwrap().output;
    output[0].r#type = None;
    let error = refused(double);
    assert!(matches!(error, Error::Bound { .. }), "{error}");
    assert!(error.to_string().starts_with("small: x: expected a tensor of float, "), "{error}");
}

#[test]
fn two_outputs_do_not_share_a_buffer() {
    let mut g = Builder::new();
    let x = g.input("x", graph::Element::Float, &[3]);
    let (minus, double) = (g.neg(x), g.add(x, x));
    let outputs = vec![("minus".to_owned(), minus), ("double".to_owned(), double)];
    let program = open(&g.finish(outputs));
    let [x, y] = [(); 2].map(|()| program.buffer(Element::Float, &[3]).unwrap());
    let outputs = [("minus", &y), ("double", &y.clone())];
    let error = program.bind(&[("x", &x)], &outputs).unwrap_err();
    let said = "double: expected a buffer of its own, found that of minus";
    assert!(error.to_string().ends_with(said), "{error}");
}

#[test]
fn a_binding_runs_on_its_own_program_alone() {
    let (first, [p, g, rate]) = descending();
    let mut second = open(&descent());
    let inputs = [("p", &p), ("g", &g), ("rate", &rate)];
    let mut binding = first.bind(&inputs, &[("next", &p)]).unwrap();
    let error = second.run(&mut binding).unwrap_err();
    assert!(matches!(error, Error::OtherProgram { .. }), "{error}");
    assert_eq!(p.read_floats().unwrap(), [1.0, 2.0, 3.0]);
}

#[test]
fn nobody_reads_a_buffer_that_a_run_is_writing() {
    const COUNT: usize = 1 << 20;
    let mut program = open(&descent_on(COUNT));
    let p = floats(&program, &[COUNT], &vec![0.0; COUNT]);
    let g = floats(&program, &[COUNT], &vec![-1.0; COUNT]);
    let rate = floats(&program, &[], &[1.0]);
    let inputs = [("p", &p), ("g", &g), ("rate", &rate)];
    let mut binding = program.bind(&inputs, &[("next", &p)]).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(move || {
            for _ in 0..100 {
                program.run(&mut binding).unwrap();
            }
        });
        while !running.is_finished() {
            let numbers = p.read_floats().unwrap();
            assert!(numbers.iter().all(|&number| number == numbers[0]), "a half-written buffer");
        }
    });
    assert_eq!(p.read_floats().unwrap()[0], 100.0);
}

fn profiled(prefix: &Path) -> Result<Program, Error> {
    Program::open_profiled(&runtime(), &lower(&descent(), "descent"), NonZeroUsize::MIN, prefix)
}

#[test]
fn a_profile_is_written_where_it_was_asked_for_and_ends_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = profiled(&folder.path().join("step")).unwrap();
    let p = floats(&program, &[3], &[1.0, 2.0, 3.0]);
    let rate = floats(&program, &[], &[0.5]);
    let inputs = [("p", &p), ("g", &p), ("rate", &rate)];
    let mut binding = program.bind(&inputs, &[("next", &p)]).unwrap();
    program.run(&mut binding).unwrap();
    let path = program.end_profiling().unwrap();
    assert_eq!(path.parent(), Some(folder.path()));
    assert!(std::fs::read_to_string(path).unwrap().contains("\"op_name\" : \"Sub\""));
    let again = program.end_profiling().unwrap_err();
    let never = open(&descent()).end_profiling().unwrap_err();
    for error in [again, never] {
        assert!(matches!(error, Error::NoProfile { .. }), "{error}");
    }
}

#[test]
fn a_profile_in_a_folder_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = profiled(&folder.path().join("none/step")).unwrap_err();
    assert!(matches!(error, Error::File(_)), "{error}");
    assert!(error.to_string().ends_with("none"), "{error}");
}
