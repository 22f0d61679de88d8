//! Whole steps on ONNX Runtime: that they learn, what they refuse, what they leave alone, and the export.

use qgface_data::graph::{Builder, Element};
use qgface_data::nn::{
    Architecture, Backbone, Block, ContrastInput, ContrastOptions, Coupling, Curve, EmaStart,
    HeadKind, HeadOptions, JointOptions, Mask, QualityScale, QueueKind, QueueOptions, contrast,
};
use qgface_data::optim::Sgd;
use qgface_data::runtime::{Device, OnMissing, Runtime};
use qgface_data::seed::Seed;
use qgface_data::train::{
    Batch, Error, Feeding, Rates, StepGraph, StepOptions, Stepper, TrainState, export_backbone,
};
use std::num::NonZeroUsize;

#[path = "reference/mod.rs"]
mod reference;

const HEADS: [HeadKind; 5] = [
    HeadKind::Softmax,
    HeadKind::CosFace,
    HeadKind::ArcFace,
    HeadKind::AdaFace,
    HeadKind::CurricularFace { eps: 1e-3, fallback: false },
];

fn runtime() -> Runtime {
    Runtime::start(Device::Cpu, OnMissing::Install, &|_| ()).unwrap()
}

fn queue(size: usize) -> Option<(ContrastOptions, QueueOptions)> {
    Some((ContrastOptions::default(), QueueOptions { kind: QueueKind::Proxy, size }))
}

/// A network that is made in no time.
fn small(kind: HeadKind, contrast: Option<(ContrastOptions, QueueOptions)>) -> StepOptions {
    let block = |channels| Block { channels, stride: 2 };
    let backbone = Backbone {
        image: [16, 16],
        stem: 8,
        blocks: [8, 16].map(block).into(),
        embedding: 16,
        dropout: 0.4,
    };
    let mut head = HeadOptions { s: 16.0, ..HeadOptions::new(kind) };
    head.ema_start = EmaStart::FirstBatch;
    StepOptions {
        backbone,
        joint: JointOptions { head, contrast },
        classes: 5,
        batch: 4,
        views: if contrast.is_some() { 2 } else { 1 },
        head_scale: 0.3,
        contrast_scale: 0.5,
        scales_fed: false,
        sgd: Sgd::default(),
    }
}

/// A stepper with its first state, and what to feed it.
struct Trial {
    stepper: Stepper,
    images: Vec<f32>,
    labels: Vec<i64>,
    mask: Vec<bool>,
}

const RATES: Rates =
    Rates { learning: 0.05, contrast_weight: 1.0, head_scale: 0.3, contrast_scale: 0.5 };

impl Trial {
    fn new(options: StepOptions) -> Self {
        let (batch, classes) = (options.batch, options.classes as i64);
        let graph = StepGraph::new(options).unwrap();
        let state = TrainState::initial(&graph, Seed::new(1));
        let count: usize = graph.image_shape().iter().product();
        let masked: usize = graph.mask_shape().map_or(0, |shape| shape.iter().product());
        let mut stepper = Stepper::new(&runtime(), graph, NonZeroUsize::MIN).unwrap();
        stepper.load(&state).unwrap();
        let mut draws = Seed::new(2).stream("images");
        let images = (0..count).map(|_| draws.normal() as f32).collect();
        let labels = (0..batch as i64).map(|at| at % classes).collect();
        let mask = (0..masked).map(|_| draws.uniform(0.0, 1.0) >= 0.4).collect();
        Self { stepper, images, labels, mask }
    }

    fn batch(&self) -> Batch<'_> {
        Batch { images: &self.images, labels: &self.labels, dropout_mask: &self.mask }
    }

    fn step(&mut self, rates: &Rates) -> qgface_data::train::Stepped {
        let (images, labels, mask) = (self.images.clone(), self.labels.clone(), self.mask.clone());
        let batch = Batch { images: &images, labels: &labels, dropout_mask: &mask };
        self.stepper.step(&batch, rates).unwrap()
    }

    fn numbers(&self, name: &str) -> Vec<f32> {
        self.stepper.state().unwrap().tensors[name].data.clone()
    }
}

/// With the contrast too: three of the reference's heads crash there.
#[test]
fn every_head_learns() {
    for kind in HEADS {
        for contrast in [None, queue(12)] {
            let mut trial = Trial::new(small(kind, contrast));
            let first = trial.step(&RATES);
            let last = (0..40).map(|_| trial.step(&RATES)).last().unwrap();
            assert!(first.applied && last.applied, "{kind:?}: {last:?}");
            let (before, after) = (first.scalars.loss_cla, last.scalars.loss_cla);
            assert!(after < 0.5 * before, "{kind:?}: {before} to {after}");
            assert_eq!(last.scalars.loss_con != 0.0, contrast.is_some(), "{kind:?}");
        }
    }
}

#[test]
fn a_step_with_a_nan_changes_nothing_and_says_so() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    trial.step(&RATES);
    let before = trial.stepper.state().unwrap();
    let good = std::mem::replace(&mut trial.images[7], f32::NAN);
    let stepped = trial.step(&RATES);
    assert!(!stepped.applied && !stepped.scalars.loss.is_finite(), "{stepped:?}");
    assert_eq!(trial.stepper.state().unwrap(), before);
    trial.images[7] = good;
    assert!(trial.step(&RATES).applied);
    assert_ne!(trial.stepper.state().unwrap(), before);
}

#[test]
fn a_label_that_is_no_class_is_named() {
    for label in [5, -1] {
        let mut trial = Trial::new(small(HeadKind::AdaFace, None));
        trial.labels[2] = label;
        let (images, labels, mask) =
            (trial.images.clone(), trial.labels.clone(), trial.mask.clone());
        let batch = Batch { images: &images, labels: &labels, dropout_mask: &mask };
        let error = trial.stepper.step(&batch, &RATES).unwrap_err();
        assert!(matches!(error, Error::Label { position: 2, classes: 5, .. }), "{error}");
        assert!(error.to_string().contains("from 0 to 4"), "{error}");
    }
}

#[test]
fn batches_of_another_size_are_refused() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let batch = trial.batch();
    let (images, labels) = (batch.images.to_vec(), batch.labels.to_vec());
    for (images, labels, mask) in [
        (&images[1..], &labels[..], &trial.mask.clone()[..]),
        (&images[..], &labels[1..], &trial.mask.clone()[..]),
        (&images[..], &labels[..], &[][..]),
    ] {
        let batch = Batch { images, labels, dropout_mask: mask };
        let error = trial.stepper.step(&batch, &RATES).unwrap_err();
        assert!(matches!(error, Error::BatchSize { .. }), "{error}");
    }
}

#[test]
fn options_without_a_step_are_refused() {
    let usual = || small(HeadKind::AdaFace, None);
    let mut margin = usual();
    margin.joint.head.m = 3.2;
    for (option, options) in [
        ("classes", StepOptions { classes: 1, ..usual() }),
        ("classes", StepOptions { classes: (1 << 24) + 1, ..usual() }),
        ("batch", StepOptions { batch: 1, ..usual() }),
        ("batch", StepOptions { batch: 0, ..usual() }),
        ("views", StepOptions { views: 3, ..usual() }),
        ("views", StepOptions { views: 1, ..small(HeadKind::AdaFace, queue(4)) }),
        ("queue", small(HeadKind::AdaFace, queue(0))),
        ("quality scale", StepOptions { head_scale: 1.5, ..usual() }),
        ("margin", margin),
    ] {
        let error = StepGraph::new(options).unwrap_err();
        assert!(matches!(error, Error::Option { option: own, .. } if own == option), "{error}");
    }
}

/// One image in two views has a deviation.
#[test]
fn a_batch_of_one_image_in_two_views_is_a_step() {
    let options = StepOptions { batch: 1, ..small(HeadKind::AdaFace, queue(6)) };
    let mut trial = Trial::new(options);
    let stepped = trial.step(&RATES);
    assert!(stepped.applied, "{stepped:?}");
    assert_eq!(trial.numbers("queue.filled"), [2.0]);
}

#[test]
fn a_queue_shorter_than_the_batch_keeps_its_front() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(3)));
    trial.labels = vec![4, 2, 1, 0];
    assert!(trial.step(&RATES).applied && trial.step(&RATES).applied);
    assert_eq!(trial.numbers("queue.filled"), [3.0]);
    assert_eq!(trial.numbers("queue.labels"), [4.0, 2.0, 1.0]);
}

#[test]
fn a_queue_grows_and_then_forgets_the_oldest() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    trial.step(&RATES);
    assert_eq!(trial.numbers("queue.filled"), [8.0]);
    assert_eq!(trial.numbers("queue.labels")[8..], [0.0; 4]);
    let first = trial.numbers("queue.embeddings")[..4 * 16].to_vec();
    trial.step(&RATES);
    assert_eq!(trial.numbers("queue.filled"), [12.0]);
    assert_eq!(trial.numbers("queue.embeddings")[8 * 16..], first);
}

/// later_detach: the contrast counts for nothing, and goes on.
#[test]
fn without_weight_the_contrast_still_moves_its_state() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    let stepped = trial.step(&Rates { contrast_weight: 0.0, ..RATES });
    let scalars = stepped.scalars;
    assert_eq!(scalars.loss, scalars.loss_cla);
    assert!(scalars.loss_con > 0.0 && scalars.margin != 0.0, "{scalars:?}");
    assert_eq!(trial.numbers("queue.filled"), [8.0]);
}

/// later_aug: until the contrast begins, one view is trained, on the same parameters.
#[test]
fn a_state_of_one_view_goes_on_in_two() {
    let mut one = Trial::new(small(HeadKind::AdaFace, None));
    one.step(&RATES);
    let mut two = Trial::new(small(HeadKind::AdaFace, queue(12)));
    let mut state = two.stepper.state().unwrap();
    state.tensors.extend(one.stepper.state().unwrap().tensors);
    two.stepper.load(&state).unwrap();
    assert!(two.step(&RATES).applied);
    one.stepper.load(&two.stepper.state().unwrap()).unwrap();
    assert!(one.step(&RATES).applied);
}

/// warmup_scaler: b is fed, and 0 is none.
#[test]
fn scales_that_are_fed_are_those_that_are_fixed() {
    for b in [0.0, 0.3] {
        let fixed = StepOptions {
            head_scale: b.into(),
            contrast_scale: b.into(),
            ..small(HeadKind::ArcFace, queue(12))
        };
        let fed = StepOptions { scales_fed: true, ..fixed.clone() };
        let rates = Rates { head_scale: b, contrast_scale: b, ..RATES };
        let [fixed, fed] = [fixed, fed].map(|options| Trial::new(options).step(&rates).scalars);
        assert!((fixed.loss - fed.loss).abs() < 1e-5 * fixed.loss, "b {b}: {fixed:?} {fed:?}");
        assert!((fixed.loss_con - fed.loss_con).abs() < 1e-5, "b {b}: {fixed:?} {fed:?}");
    }
}

#[test]
fn averages_begin_at_zero_or_with_the_first_batch() {
    let mut options = small(HeadKind::AdaFace, None);
    let mut trial = Trial::new(options.clone());
    trial.step(&RATES);
    let of_batch = trial.numbers("head.batch_mean")[0];
    options.joint.head.ema_start = EmaStart::Zero;
    let mut trial = Trial::new(options);
    trial.step(&RATES);
    let from_zero = trial.numbers("head.batch_mean")[0];
    assert!((from_zero - 0.01 * of_batch).abs() < 1e-6, "{from_zero} and {of_batch}");
}

#[test]
fn a_state_that_was_saved_goes_on_to_the_bit() {
    let mut whole = Trial::new(small(HeadKind::AdaFace, queue(12)));
    (0..3).for_each(|_| _ = whole.step(&RATES));
    let saved = whole.stepper.state().unwrap();
    let mut resumed = Trial::new(small(HeadKind::AdaFace, queue(12)));
    resumed.stepper.load(&saved).unwrap();
    for _ in 0..3 {
        assert_eq!(whole.step(&RATES), resumed.step(&RATES));
    }
    assert_eq!(whole.stepper.state().unwrap(), resumed.stepper.state().unwrap());
}

#[test]
fn a_state_of_another_network_is_refused_and_nothing_changes() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    let mut other = before.clone();
    other.tensors["backbone.input_layer.0.weight"].data.fill(9.0);
    other.tensors["head.kernel"].shape = vec![16, 6];
    let error = trial.stepper.load(&other).unwrap_err();
    assert!(error.to_string().contains("head.kernel"), "{error}");
    other.tensors.shift_remove("head.kernel");
    assert!(matches!(trial.stepper.load(&other), Err(Error::State { .. })));
    assert_eq!(trial.stepper.state().unwrap(), before);
}

/// Images, labels, the mask and three numbers go there; the scalars come back.
#[test]
fn a_step_copies_the_batch_and_a_few_numbers() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    trial.step(&RATES);
    let before = trial.stepper.traffic();
    let steps = 5;
    (0..steps).for_each(|_| _ = trial.step(&RATES));
    let after = trial.stepper.traffic();
    let batch = 4 * trial.images.len() + 8 * trial.labels.len() + trial.mask.len();
    assert_eq!(after.to_device - before.to_device, steps * (batch as u64 + 8));
    assert_eq!(after.to_host - before.to_host, steps * 24);
}

/// Where the reference crashes: with two views the rows that have just entered are i and i + B. With
/// labels that only those share, masking them is masking the same class.
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
            entered: 2 * pairs,
            quality_scale: QualityScale::Fixed(0.9),
            average: g.scalar(0.0),
        };
        let made = contrast(&mut g, &options, input);
        let graph = g.finish(vec![("loss".to_owned(), made.loss)]);
        reference::evaluate(&graph, &feeds)[0].data[0]
    };
    let (own, same) = (loss(Mask::Own), loss(Mask::SameClass));
    assert!(own.is_finite() && (own - same).abs() < 1e-12, "{own} and {same}");
}

/// The export, at any batch, against the running statistics applied by the evaluator.
#[test]
fn the_export_makes_the_embeddings_of_the_evaluation_mode() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, queue(12)));
    (0..5).for_each(|_| _ = trial.step(&RATES));
    let state = trial.stepper.state().unwrap();
    let backbone = trial.stepper.graph().options.backbone.clone();
    let model = export_backbone(&backbone, &state, &Feeding::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    model.save(&path).unwrap();
    let mut session = runtime().open(&path, NonZeroUsize::MIN).unwrap();
    let image = 3 * 16 * 16;
    for count in [1, 3] {
        let images = &trial.images[..count * image];
        let made = session.run(images, &[count, 3, 16, 16]).unwrap();
        assert_eq!((made[0].name.as_str(), &made[0].shape[..]), ("embedding", &[count, 16][..]));
        assert_eq!((made[1].name.as_str(), &made[1].shape[..]), ("norm", &[count, 1][..]));
        let expected = evaluated(&backbone, &state, images);
        for (row, expected) in expected.chunks(16).enumerate() {
            let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((f64::from(made[1].data[row]) / norm - 1.0).abs() < 1e-5);
            for (own, x) in made[0].data[row * 16..][..16].iter().zip(expected) {
                assert!((f64::from(*own) - x / norm).abs() < 1e-5, "{own} for {}", x / norm);
            }
        }
    }
    let facts = model.summary().metadata;
    assert_eq!(
        (facts["channel_order"].as_str(), facts["mean"].as_str()),
        ("bgr", "127.5,127.5,127.5")
    );
}

/// What the backbone makes with its running statistics, in f64.
fn evaluated(backbone: &Backbone, state: &TrainState, images: &[f32]) -> Vec<f64> {
    use qgface_data::nn::{Layers, Mode};
    let shape = [images.len() / (3 * 16 * 16), 3, 16, 16];
    let mut g = Builder::new();
    let x = g.input("images", Element::Float, &shape);
    let mut layers = Layers::new(&mut g, Mode::Evaluation);
    let y = layers.within("backbone", |layers| backbone.build(layers, x));
    let graph = g.finish(vec![("raw".to_owned(), y)]);
    let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect();
    let mut feeds = vec![("images", reference::Tensor { shape: shape.into(), data: wide(images) })];
    for (_, node) in graph.inputs().into_iter().filter(|(_, node)| node.name != "images") {
        let tensor = &state.tensors[&node.name];
        let tensor = reference::Tensor { shape: tensor.shape.clone(), data: wide(&tensor.data) };
        feeds.push((&node.name, tensor));
    }
    reference::evaluate(&graph, &feeds).remove(0).data
}

/// A whole step of an IR-18 on CUDA beside the same on the processor. Runs where there is a CUDA device:
/// `cargo test-cuda`.
#[test]
#[ignore = "needs a CUDA device"]
fn cuda_steps_are_those_of_the_processor() {
    let options = StepOptions {
        backbone: Backbone::new(Architecture::Ir18, 1.0),
        classes: 100,
        ..small(HeadKind::AdaFace, queue(64))
    };
    let mut losses = Vec::new();
    // CUDA first: its build of ONNX Runtime serves both.
    for device in [Device::Cuda(0), Device::Cpu] {
        let runtime = Runtime::start(device, OnMissing::Refuse, &|_| ()).unwrap();
        let mut trial = {
            let graph = StepGraph::new(options.clone()).unwrap();
            let state = TrainState::initial(&graph, Seed::new(1));
            let count: usize = graph.image_shape().iter().product();
            let masked: usize = graph.mask_shape().unwrap().iter().product();
            let mut stepper = Stepper::new(&runtime, graph, NonZeroUsize::MIN).unwrap();
            stepper.load(&state).unwrap();
            let mut draws = Seed::new(2).stream("images");
            let images = (0..count).map(|_| draws.normal() as f32).collect();
            Trial { stepper, images, labels: vec![0, 1, 2, 3], mask: vec![true; masked] }
        };
        losses.push((0..5).map(|_| trial.step(&RATES).scalars.loss).collect::<Vec<_>>());
    }
    for (cuda, cpu) in losses[0].iter().zip(&losses[1]) {
        assert!((cuda - cpu).abs() < 1e-2 * cpu.abs(), "{losses:?}");
    }
}
