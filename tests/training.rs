//! Whole steps on ONNX Runtime: that they learn, what they refuse, what they leave alone, and the
//! export.

use qgface_data::graph::{Builder, Element};
use qgface_data::nn::{
    Architecture, Averages, Backbone, Block, ContrastInput, ContrastOptions, Coupling, Curve,
    EmaStart, HeadInput, HeadKind, HeadOptions, HeadState, JointOptions, Mask, QualityScale,
    QueueKind, QueueOptions, Range, contrast, head,
};
use qgface_data::optim::Sgd;
use qgface_data::runtime::{Device, OnMissing, Runtime};
use qgface_data::seed::Seed;
use qgface_data::train::{
    Batch, Error, Feeding, Rates, SCALARS, Scales, StepGraph, StepOptions, Stepper, TrainState,
    export_backbone,
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
        scales: Scales::Fixed { head: 0.3, contrast: 0.5 },
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
    let with = |change: fn(&mut StepOptions)| {
        let mut options = small(HeadKind::AdaFace, queue(4));
        change(&mut options);
        options
    };
    let line = with(|options| {
        let Some((contrast, _)) = &mut options.joint.contrast else { panic!("a contrast") };
        (contrast.curve, contrast.range) = (Curve::Linear, Range::Whole);
        options.scales = Scales::Fixed { head: 0.0, contrast: 0.999 };
    });
    for (option, options) in [
        ("classes", StepOptions { classes: 1, ..usual() }),
        ("classes", StepOptions { classes: (1 << 24) + 1, ..usual() }),
        ("batch", StepOptions { batch: 1, ..usual() }),
        ("batch", StepOptions { batch: 0, ..usual() }),
        ("batch", StepOptions { batch: usize::MAX, ..usual() }),
        ("views", StepOptions { views: 3, ..usual() }),
        ("views", with(|options| options.views = 1)),
        ("queue", small(HeadKind::AdaFace, queue(0))),
        ("queue", small(HeadKind::AdaFace, queue(usize::MAX))),
        ("stride", with(|options| options.backbone.blocks[0].stride = 0)),
        ("channels", with(|options| options.backbone.embedding = 0)),
        ("image", with(|options| options.backbone.image = [0, 16])),
        ("dropout", with(|options| options.backbone.dropout = 1.0)),
        ("margin of the head", with(|options| options.joint.head.m = 3.2)),
        ("scale of the head", with(|options| options.joint.head.s = f64::NAN)),
        ("t_alpha of the head", with(|options| options.joint.head.t_alpha = 2.0)),
        ("momentum", with(|options| options.sgd.momentum = f64::NAN)),
        (
            "quality scale of the head",
            with(|options| {
                options.scales = Scales::Fixed { head: 1.5, contrast: 0.0 };
            }),
        ),
        ("quality scale of the contrast", line),
    ] {
        let error = StepGraph::new(options).unwrap_err();
        assert!(matches!(error, Error::Option { option: own, .. } if own == option), "{error}");
    }
}

#[test]
fn rates_that_would_spoil_the_state_are_refused() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    let (images, labels, mask) = (trial.images.clone(), trial.labels.clone(), trial.mask.clone());
    let batch = Batch { images: &images, labels: &labels, dropout_mask: &mask };
    for rates in [
        Rates { learning: f32::NAN, ..RATES },
        Rates { contrast_weight: f32::INFINITY, ..RATES },
        Rates { head_scale: -0.1, ..RATES },
        Rates { contrast_scale: f32::NAN, ..RATES },
    ] {
        let error = trial.stepper.step(&batch, &rates).unwrap_err();
        assert!(matches!(error, Error::Option { .. }), "{error}");
    }
    assert_eq!(trial.stepper.state().unwrap(), before);
}

/// Its loss is finite, and the running variance would not be.
#[test]
fn an_image_that_overflows_the_statistics_changes_nothing() {
    let mut trial = Trial::new(small(HeadKind::AdaFace, None));
    let before = trial.stepper.state().unwrap();
    trial.images[7] = 1e25;
    assert!(!trial.step(&RATES).applied);
    assert_eq!(trial.stepper.state().unwrap(), before);
}

/// The last normalisation makes zeros of them; a division by their length would be no number.
#[test]
fn rows_of_equal_features_are_a_step() {
    let options = StepOptions { batch: 1, ..small(HeadKind::AdaFace, queue(6)) };
    let mut trial = Trial::new(options);
    let half = trial.images.len() / 2;
    trial.images.copy_within(..half, half);
    let masked = trial.mask.len() / 2;
    trial.mask.copy_within(..masked, masked);
    let stepped = trial.step(&RATES);
    assert!(stepped.applied, "{stepped:?}");
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
    let learned = one.stepper.state().unwrap();
    assert!(two.stepper.load(&learned).is_err());
    two.stepper.load(&learned.extended(&two.stepper.state().unwrap())).unwrap();
    assert_eq!(two.numbers("head.kernel"), one.numbers("head.kernel"));
    assert!(two.step(&RATES).applied);
    one.stepper.load(&two.stepper.state().unwrap()).unwrap();
    assert!(one.step(&RATES).applied);
}

/// warmup_scaler: b is fed, and 0 is none.
#[test]
fn scales_that_are_fed_are_those_that_are_fixed() {
    for b in [0.0, 0.3] {
        let scales = Scales::Fixed { head: b.into(), contrast: b.into() };
        let fixed = StepOptions { scales, ..small(HeadKind::ArcFace, queue(12)) };
        let fed = StepOptions { scales: Scales::Fed, ..fixed.clone() };
        let rates = Rates { head_scale: b, contrast_scale: b, ..RATES };
        let [fixed, fed] = [fixed, fed].map(|options| Trial::new(options).step(&rates).scalars);
        assert!((fixed.loss - fed.loss).abs() < 1e-5 * fixed.loss, "b {b}: {fixed:?} {fed:?}");
        assert!((fixed.loss_con - fed.loss_con).abs() < 1e-5, "b {b}: {fixed:?} {fed:?}");
    }
}

/// The mean after two batches of means a and b is a, then 0.01·b + 0.99·a; from zero 0.01·a.
#[test]
fn averages_begin_at_zero_or_with_the_first_batch() {
    let means = |ema_start| {
        let mut options = small(HeadKind::AdaFace, None);
        options.joint.head.ema_start = ema_start;
        let mut trial = Trial::new(options);
        let still = Rates { learning: 0.0, ..RATES };
        trial.step(&still);
        let first = trial.numbers("head.batch_mean")[0];
        trial.images.iter_mut().for_each(|x| *x = x.abs());
        trial.step(&still);
        (first, trial.numbers("head.batch_mean")[0])
    };
    let (zero_first, zero_second) = means(EmaStart::Zero);
    let (first, second) = means(EmaStart::FirstBatch);
    assert!(first > 0.5 && (zero_first - 0.01 * first).abs() < 1e-6, "{zero_first}, {first}");
    let batch = (zero_second - 0.99 * zero_first) / 0.01;
    assert!((batch - first).abs() > 1e-3, "the batches are alike");
    assert!((second - (0.01 * batch + 0.99 * first)).abs() < 1e-4, "{second}, {batch}, {first}");
}

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
            let quality_scale = QualityScale::Fixed(b);
            let input = HeadInput { embeddings, norms, labels, kernel, quality_scale };
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

/// Images, labels, the mask and the rates that have changed go there; the scalars come back.
#[test]
fn a_step_copies_the_batch_and_the_numbers_that_changed() {
    for (scales, numbers) in [(Scales::Fixed { head: 0.3, contrast: 0.3 }, 2), (Scales::Fed, 4)] {
        let options = StepOptions { scales, ..small(HeadKind::AdaFace, queue(12)) };
        let mut trial = Trial::new(options);
        let batch = (4 * trial.images.len() + 8 * trial.labels.len() + trial.mask.len()) as u64;
        trial.step(&RATES);
        let mut copied = |rates: &Rates| {
            let before = trial.stepper.traffic();
            trial.step(rates);
            let after = trial.stepper.traffic();
            (after.to_device - before.to_device, after.to_host - before.to_host)
        };
        let scalars = 4 * SCALARS.len() as u64;
        assert_eq!(copied(&RATES), (batch, scalars));
        let others =
            Rates { learning: 0.01, contrast_weight: 0.5, head_scale: 0.1, contrast_scale: 0.1 };
        assert_eq!(copied(&others), (batch + 4 * numbers, scalars));
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

/// A whole step of an IR-18 on CUDA beside the same on the processor. Runs where there is a CUDA
/// device: `cargo test-cuda`.
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
