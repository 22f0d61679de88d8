//! Steps that score a sample of the class columns.

use crate::installed::runtime;
use crate::trial::{RATES, Trial, queue, small};
use qgface_data::nn::HeadKind;
use qgface_data::optim::SampleUpdate;
use qgface_data::train::{Error, Sample, StepGraph, StepOptions, TrainState};

const CLASSES: usize = 40;

fn options(sample: Option<(f64, SampleUpdate)>, accumulate: usize) -> StepOptions {
    let sample = sample.map(|(rate, update)| Sample { rate, update, seed: 7 });
    StepOptions { classes: CLASSES, accumulate, sample, ..small(HeadKind::AdaFace, queue(12)) }
}

/// Learns from the same images as several batches.
fn learn(trial: &mut Trial, batches: std::ops::Range<u64>) {
    for number in batches {
        let mut batch = trial.batch();
        batch.number = number;
        batch
            .labels
            .iter_mut()
            .for_each(|label| *label = (*label * 11 + number as i64) % CLASSES as i64);
        assert!(trial.stepper.step(&batch, &RATES).unwrap().applied);
    }
}

fn after(options: StepOptions, batches: u64) -> TrainState {
    let mut trial = Trial::on(&runtime(), options);
    learn(&mut trial, 0..batches);
    trial.stepper.state().unwrap()
}

#[test]
fn a_sample_of_all_columns_is_all_columns() {
    for accumulate in [1, 2] {
        let whole = after(options(None, accumulate), 4);
        for update in [SampleUpdate::Sparse, SampleUpdate::Dense] {
            let sampled = after(options(Some((1.0, update)), accumulate), 4);
            assert_eq!(sampled.tensors.len(), whole.tensors.len());
            let apart = whole.difference(&sampled);
            assert!(apart < 1e-5, "{update:?}, {accumulate} batches a step: {apart}");
        }
    }
}

/// The columns of a kernel that two states hold with the same bits.
fn same_columns(a: &TrainState, b: &TrainState, name: &str) -> Vec<usize> {
    let (a, b) = (&a.tensors[name], &b.tensors[name]);
    let same = |column: &usize| {
        a.data.chunks(CLASSES).zip(b.data.chunks(CLASSES)).all(|(a, b)| a[*column] == b[*column])
    };
    (0..CLASSES).filter(same).collect()
}

#[test]
fn columns_that_are_not_in_the_sample_stay_or_decay() {
    let of = |update| {
        let mut trial = Trial::on(&runtime(), options(Some((0.25, update)), 1));
        learn(&mut trial, 0..1);
        let before = trial.stepper.state().unwrap();
        learn(&mut trial, 1..2);
        (before, trial.stepper.state().unwrap())
    };
    let (before, after) = of(SampleUpdate::Sparse);
    for name in ["head.kernel", "momentum.head.kernel"] {
        assert_eq!(same_columns(&before, &after, name).len(), CLASSES - CLASSES / 4, "{name}");
    }
    let (before, after) = of(SampleUpdate::Dense);
    assert_eq!(same_columns(&before, &after, "head.kernel"), [0; 0]);
}

/// Four images of a batch have four classes, where a sample of 0.05 has two columns.
#[test]
fn there_are_more_columns_where_the_images_have_more_classes() {
    let options = options(Some((0.05, SampleUpdate::Sparse)), 1);
    let mut trial = Trial::on(&runtime(), options);
    let before = trial.stepper.state().unwrap();
    learn(&mut trial, 0..1);
    let after = trial.stepper.state().unwrap();
    assert_eq!(same_columns(&before, &after, "head.kernel").len(), CLASSES - 4);
    // A batch of fewer classes scores as many as the sample has.
    let mut batch = trial.batch();
    (batch.number, batch.labels) = (1, vec![5; 4]);
    assert!(trial.stepper.step(&batch, &RATES).unwrap().applied);
    let last = trial.stepper.state().unwrap();
    assert_eq!(same_columns(&after, &last, "head.kernel").len(), CLASSES - 2);
}

#[test]
fn a_step_goes_on_amid_its_batches_with_the_same_samples() {
    let sampled = options(Some((0.25, SampleUpdate::Sparse)), 3);
    let whole = after(sampled.clone(), 6);
    for at in 1..6 {
        let state = after(sampled.clone(), at);
        let mut trial = Trial::on(&runtime(), sampled.clone());
        trial.stepper.load(&state).unwrap();
        learn(&mut trial, at..6);
        assert!(trial.stepper.state().unwrap() == whole, "from batch {at}");
    }
}

#[test]
fn a_share_that_is_none_is_refused() {
    for rate in [0.0, -0.1, 1.5, f64::NAN] {
        let error = StepGraph::new(options(Some((rate, SampleUpdate::Sparse)), 1)).unwrap_err();
        assert!(matches!(error, Error::Option { option: "sample", .. }), "{error}");
    }
}
