//! Losses by their definitions, where the reference has no numbers.

use crate::reference;
use crate::trial::{HEADS, RATES, Trial, small};
use qgface_data::graph::{Builder, Element, World};
use qgface_data::nn::{
    Averages, Columns, ContrastInput, ContrastOptions, Coupling, Curve, HeadInput, HeadKind,
    HeadOptions, HeadState, Mask, QualityScale, QueueKind, QueueOptions, contrast, head,
};
use qgface_data::seed::Seed;

/// Of every head: with b its loss is that of its logits without b, each row times the scaler.
#[test]
fn quality_scales_the_logits_of_every_head() {
    let (rows, dimension, classes) = (6, 5, 4);
    let mut draws = Seed::new(5).stream("head");
    let mut drawn = |shape: &[usize], low: f64| reference::Tensor {
        shape: shape.to_vec(),
        data: (0..shape.iter().product()).map(|_| low + draws.uniform(0.0, 1.0)).collect(),
    };
    let mut embeddings = drawn(&[rows, dimension], -0.5);
    for row in embeddings.data.chunks_mut(dimension) {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    }
    let labels = (0..rows).map(|row| (row % classes) as f64).collect();
    let feeds = [
        ("embeddings", embeddings),
        ("norms", drawn(&[rows, 1], 19.5)),
        ("labels", reference::Tensor { shape: vec![rows, 1], data: labels }),
        ("kernel", drawn(&[dimension, classes], -0.5)),
    ];
    for kind in HEADS {
        let s = 8.0;
        let options = HeadOptions { s, ..HeadOptions::new(kind) };
        let made = |b: f64| {
            let mut g = Builder::new();
            let elements = [Element::Float, Element::Float, Element::Int64, Element::Float];
            let [embeddings, norms, labels, kernel] = [0, 1, 2, 3]
                .map(|at: usize| g.input(feeds[at].0, elements[at], &feeds[at].1.shape));
            let (columns, quality_scale) = (Columns::whole(kernel), QualityScale::Fixed(b));
            let input = HeadInput { embeddings, norms, labels, columns, quality_scale };
            let averages = Averages { mean: g.scalar(20.0), std: g.scalar(0.5) };
            let state = HeadState { averages, t: Some(g.scalar(0.1)), started: None };
            let made = head(&mut g, &options, input, state);
            let names = ["loss", "quality", "logits"].map(str::to_owned);
            let outputs = names.into_iter().zip([made.loss, made.quality, made.logits]);
            let graph = g.finish(outputs.collect());
            reference::evaluate(&graph, &feeds)
        };
        let (b, plain) = (0.3, made(0.0));
        let scaled = made(b);
        let mut loss = 0.0;
        for row in 0..rows {
            let scaler = 1.0 / (1.0 + (-(plain[1].data[row] + 2.0 * (0.5 - b)) * s).exp());
            let logits = plain[2].data[row * classes..][..classes].iter().map(|x| x * scaler);
            let logits: Vec<f64> = logits.collect();
            let sum: f64 = logits.iter().map(|x| x.exp()).sum();
            loss -= (logits[row % classes] - sum.ln()) / rows as f64;
        }
        assert!(
            (scaled[0].data[0] - loss).abs() < 1e-12,
            "{kind:?}: {} for {loss}",
            scaled[0].data[0]
        );
        assert!((plain[0].data[0] - loss).abs() > 1e-3, "{kind:?}: the scaler does nothing");
    }
}

/// Where the reference crashes: with two views the rows that have just entered are i and i + B.
/// With labels that only those share, masking them is masking the same class.
#[test]
fn the_own_rows_of_a_pair_are_masked_in_both_views() {
    let (pairs, size, dimension) = (3, 10, 6);
    let mut draws = Seed::new(3).stream("rows");
    let mut rows = |count: usize, width: usize| {
        let data = (0..count * width).map(|_| draws.normal()).collect();
        reference::Tensor { shape: vec![count, width], data }
    };
    let feeds = [
        ("q", rows(pairs, dimension)),
        ("k", rows(pairs, dimension)),
        ("entries", rows(size, dimension)),
        ("quality", rows(pairs, 1)),
    ];
    let loss = |mask: Mask| {
        let mut g = Builder::new();
        let [q, k, entries, quality] =
            [0, 1, 2, 3].map(|at: usize| g.input(feeds[at].0, Element::Float, &feeds[at].1.shape));
        let own: Vec<f64> = (0..pairs).map(|pair| pair as f64).collect();
        let entered = (0..size).map(|at| if at < 2 * pairs { (at % pairs) as f64 } else { 99.0 });
        let options = ContrastOptions {
            mask,
            curve: Curve::Linear,
            coupling: Coupling::Both,
            ..ContrastOptions::default()
        };
        let input = ContrastInput {
            q,
            k,
            q_norms: quality,
            k_norms: quality,
            q_quality: quality,
            k_quality: quality,
            labels: g.constant(&[pairs, 1], own),
            entries,
            entry_labels: g.constant(&[1, size], entered.collect()),
            present: None,
            filled: g.scalar(size as f64),
            own: vec![0, pairs],
            quality_scale: QualityScale::Fixed(0.9),
            average: g.scalar(0.0),
            averaged: World::ALONE,
        };
        let made = contrast(&mut g, &options, input);
        let graph = g.finish(vec![("loss".to_owned(), made.loss)]);
        reference::evaluate(&graph, &feeds)[0].data[0]
    };
    let (own, same) = (loss(Mask::Own), loss(Mask::SameClass));
    assert!(own.is_finite() && (own - same).abs() < 1e-12, "{own} and {same}");
}

/// The same in the joint step, over two steps: with a label of its own for every pair.
#[test]
fn the_joint_step_masks_the_own_rows() {
    let losses = [Mask::Own, Mask::SameClass].map(|mask| {
        let contrast = ContrastOptions { mask, curve: Curve::Cos, ..ContrastOptions::default() };
        let queue = QueueOptions { kind: QueueKind::Fifo, size: 16 };
        let mut options = small(HeadKind::AdaFace, Some((contrast, queue)));
        options.classes = 8;
        let mut trial = Trial::new(options);
        let first = trial.step(&RATES).scalars.loss_con;
        trial.labels = vec![4, 5, 6, 7];
        [first, trial.step(&RATES).scalars.loss_con]
    });
    assert_eq!(losses[0], losses[1]);
    assert!(losses[0].iter().all(|loss| *loss > 0.0), "{losses:?}");
}
