//! Choices on a real network, and the table that keeps them.

use super::super::conventions::{Flags, decide};
use super::super::options::{ModelOptions, Rewriting};
use super::candidates::Rewrite;
use super::table::{Choice, Table};
use super::trial::choose;
use super::{Load, Subject, names};
use crate::image::ChannelOrder;
use crate::onnx;
use crate::rewrite::{self, Refusal};
use crate::runtime::{Device, Machine, OnMissing, OneDnn, Processor, Runtime};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/onnx/MobileFaceNet.onnx");

/// A rewriting made wrong on purpose.
fn wrong(model: &onnx::Model, face: [usize; 3]) -> Result<onnx::Model, Refusal> {
    let mut new = rewrite::pixels(model, face)?;
    let graph = new.graph.as_mut().unwrap();
    let layer = graph.node.iter().find(|node| node.op_type == "DnnlLayer").unwrap();
    let bias = &layer.input[2];
    let bias = graph.initializer.iter_mut().find(|own| own.name == *bias).unwrap();
    let mut bytes = bias.raw_data.to_vec();
    let first: [u8; 4] = bytes[..4].try_into().unwrap();
    bytes[..4].copy_from_slice(&(f32::from_le_bytes(first) + 0.5).to_le_bytes());
    bias.raw_data = bytes.into();
    Ok(new)
}

fn refuse(_: &onnx::Model, _: [usize; 3]) -> Result<onnx::Model, Refusal> {
    Err(Refusal::Nothing)
}

fn options() -> ModelOptions {
    ModelOptions {
        path: PathBuf::from(MODEL),
        flags: Flags { channel_order: Some(ChannelOrder::Rgb), ..Flags::default() },
        device: Device::Cpu,
        threads: NonZeroUsize::new(2).unwrap(),
        time_limit: None,
        rewriting: Rewriting::WhereFaster { threads: NonZeroUsize::new(2).unwrap() },
    }
}

/// The libraries that are there; nothing is fetched for a test.
fn runtime() -> Option<Runtime> {
    let onednn = OneDnn::find(&|_| ()).ok()??;
    let runtime = Runtime::start(Device::Cpu, OnMissing::Refuse, &|_| ()).ok()?;
    Some(runtime.with_onednn(Some(onednn)))
}

#[test]
fn what_is_right_is_timed_and_what_is_wrong_or_refused_is_left_out_and_said() {
    let Some(runtime) = runtime() else { return };
    let options = options();
    let model = onnx::Model::open(&options.path).unwrap();
    let conventions = decide(&options.path, &model.summary(), &options.flags).unwrap();
    let load = Load { images: 1000, batch: 8 };
    let subject =
        Subject { options: &options, conventions: &conventions, digest: "d".to_owned(), load };
    let candidates: [(&'static str, Rewrite); 3] =
        [("wrong", wrong), ("refused", refuse), ("pixels", rewrite::pixels)];
    let (choice, sessions) = choose(&runtime, &subject, &model, &candidates).unwrap();
    assert_eq!(choice.seconds.keys().collect::<Vec<_>>(), ["pixels"]);
    assert!(choice.left_out["wrong"].contains("row 0 of output0 differs: 1 − cos"), "{choice}");
    assert_eq!(choice.left_out["refused"], Refusal::Nothing.to_string());
    assert_eq!(choice.rewriting.as_deref(), sessions.rewriting);
    assert!(choice.difference < 1e-6, "{choice:?}");
    let fastest = choice.seconds["pixels"].min(choice.as_it_is);
    let chosen = choice.rewriting.as_ref().map_or(choice.as_it_is, |name| choice.seconds[name]);
    assert_eq!(chosen, fastest);
}

#[test]
fn only_a_model_on_the_processor_that_may_be_is_rewritten() {
    let options = options();
    assert_eq!(names(&options), [None, Some("pixels")]);
    assert_eq!(names(&ModelOptions { device: Device::Cuda(0), ..options.clone() }), [None]);
    assert_eq!(names(&ModelOptions { rewriting: Rewriting::Never, ..options }), [None]);
}

fn machine(threads: usize) -> Machine {
    Machine {
        processor: Processor { model: "one".to_owned(), features: vec!["avx2".to_owned()] },
        threads,
        onnxruntime: "1".to_owned(),
        onednn: None,
        cuda: None,
        program: "0".to_owned(),
    }
}

fn choice(rewriting: Option<&str>) -> Choice {
    Choice {
        rewriting: rewriting.map(str::to_owned),
        as_it_is: 0.5,
        seconds: BTreeMap::from([("pixels".to_owned(), 0.25)]),
        left_out: BTreeMap::new(),
        difference: 0.0,
    }
}

#[test]
fn a_choice_holds_for_its_machine_and_model_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache/embedding.json");
    let read = || Table::read(Some(path.clone()), &|said| panic!("{said}"));
    let mut table = read();
    table.enter(machine(2), "a model".to_owned(), choice(Some("pixels")));
    table.write().unwrap();
    let table = read();
    assert_eq!(table.get(&machine(2), "a model"), Some(&choice(Some("pixels"))));
    assert_eq!(table.get(&machine(3), "a model"), None);
    assert_eq!(table.get(&machine(2), "another"), None);
    assert!(table.knows("a model") && !table.knows("another"));
}

#[test]
fn a_damaged_table_is_said_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("embedding.json");
    let unknown = {
        let mut table = Table::read(Some(path.clone()), &|said| panic!("{said}"));
        table.enter(machine(1), "m".to_owned(), choice(Some("planes")));
        table.write().unwrap();
        std::fs::read_to_string(&path).unwrap()
    };
    for damaged in ["{", r#"{"format": "other", "machines": []}"#, &unknown] {
        std::fs::write(&path, damaged).unwrap();
        let said = std::cell::RefCell::new(String::new());
        let mut table =
            Table::read(Some(path.clone()), &|text| *said.borrow_mut() = text.to_owned());
        assert!(said.borrow().contains("measured anew"), "{damaged}");
        table.enter(machine(1), "m".to_owned(), choice(None));
        table.write().unwrap();
        Table::read(Some(path.clone()), &|said| panic!("{said}"));
    }
}

#[test]
fn a_choice_tells_all_that_was_measured() {
    let told = choice(Some("pixels")).to_string();
    assert_eq!(
        told,
        "the model is rewritten in pixels: 2.0 images a second as it is, 4.0 in pixels"
    );
    let mut slow = choice(None);
    slow.left_out.insert("planes".to_owned(), "wrong".to_owned());
    assert!(slow.to_string().starts_with("the model runs as it is: "), "{slow}");
    assert!(slow.to_string().ends_with("; planes left out: wrong"), "{slow}");
}
