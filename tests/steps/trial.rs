//! A small network, a batch, and stepping.

use crate::installed::runtime;
use qgface_data::graph::Width;
use qgface_data::graph::lower::{Arrangement, Layout};
use qgface_data::nn::{
    Backbone, Block, ContrastOptions, EmaStart, HeadKind, HeadOptions, Ir, JointOptions, QueueKind,
    QueueOptions, Sharing, Trunk,
};
use qgface_data::optim::Sgd;
use qgface_data::runtime::Runtime;
use qgface_data::seed::Seed;
use qgface_data::train::{
    Batch, Making, Rates, Scales, StepGraph, StepOptions, Stepped, Stepper, TrainState,
};
use std::num::NonZeroUsize;

pub(crate) const HEADS: [HeadKind; 5] = [
    HeadKind::Softmax,
    HeadKind::CosFace,
    HeadKind::ArcFace,
    HeadKind::AdaFace,
    HeadKind::CurricularFace { eps: 1e-3, fallback: false },
];

pub(crate) fn queue(size: usize) -> Option<(ContrastOptions, QueueOptions)> {
    Some((ContrastOptions::default(), QueueOptions { kind: QueueKind::Proxy, size }))
}

/// A network that is made in no time.
pub(crate) fn small(
    kind: HeadKind,
    contrast: Option<(ContrastOptions, QueueOptions)>,
) -> StepOptions {
    let block = |channels| Block { channels, stride: 2 };
    let backbone = Backbone {
        image: [16, 16],
        embedding: 16,
        dropout: 0.4,
        trunk: Trunk::Ir(Ir::plain(8, [8, 16].map(block).into())),
    };
    let mut head = HeadOptions { s: 16.0, ..HeadOptions::new(kind) };
    head.ema_start = EmaStart::FirstBatch;
    StepOptions {
        backbone,
        joint: JointOptions { head, contrast },
        classes: 5,
        batch: 4,
        accumulate: 1,
        views: if contrast.is_some() { 2 } else { 1 },
        scales: Scales::Fixed { head: 0.3, contrast: 0.5 },
        sgd: Sgd::default(),
        sharing: Sharing::default(),
        sample: None,
    }
}

/// A stepper with its first state, and what to feed it.
pub(crate) struct Trial {
    pub(crate) stepper: Stepper,
    pub(crate) images: Vec<f32>,
    pub(crate) labels: Vec<i64>,
    pub(crate) masks: Vec<Vec<bool>>,
}

pub(crate) const RATES: Rates =
    Rates { learning: 0.05, contrast_weight: 1.0, head_scale: 0.3, contrast_scale: 0.5 };

impl Trial {
    pub(crate) fn new(options: StepOptions) -> Self {
        Self::on(&runtime(), options)
    }

    pub(crate) fn on(runtime: &Runtime, options: StepOptions) -> Self {
        Self::made(runtime, options, Layout::default())
    }

    pub(crate) fn made(runtime: &Runtime, options: StepOptions, layout: Layout) -> Self {
        Self::threaded(runtime, options, layout, 1)
    }

    pub(crate) fn threaded(
        runtime: &Runtime,
        options: StepOptions,
        layout: Layout,
        threads: usize,
    ) -> Self {
        Self::arranged(runtime, options, &layout.into(), threads)
    }

    pub(crate) fn arranged(
        runtime: &Runtime,
        options: StepOptions,
        arrangement: &Arrangement,
        threads: usize,
    ) -> Self {
        let graph = StepGraph::new(options).unwrap();
        Self::of(runtime, graph, arrangement, threads)
    }

    pub(crate) fn in_width(runtime: &Runtime, options: StepOptions, width: Width) -> Self {
        let graph = StepGraph::in_width(options, width).unwrap();
        Self::of(runtime, graph, &Arrangement::default(), 1)
    }

    pub(crate) fn of(
        runtime: &Runtime,
        graph: StepGraph,
        arrangement: &Arrangement,
        threads: usize,
    ) -> Self {
        let threads = NonZeroUsize::new(threads).unwrap();
        let (batch, classes) = (graph.options.batch, graph.options.classes as i64);
        let state = TrainState::initial(&graph, Seed::new(1));
        let count: usize = graph.image_shape().iter().product();
        let masks = graph.masks();
        let making = Making::new(threads, arrangement);
        let mut stepper = Stepper::made(runtime, graph, &making).unwrap();
        stepper.load(&state).unwrap();
        let mut draws = Seed::new(2).stream("images");
        let images = (0..count).map(|_| draws.normal() as f32).collect();
        let labels = (0..batch as i64).map(|at| at % classes).collect();
        let drawn = |(_, shape): (&str, Vec<usize>)| {
            (0..shape.iter().product()).map(|_: usize| draws.uniform(0.0, 1.0) >= 0.4).collect()
        };
        let masks = masks.into_iter().map(drawn).collect();
        Self { stepper, images, labels, masks }
    }

    pub(crate) fn batch(&self) -> Batch {
        let (images, labels, masks) =
            (self.images.clone(), self.labels.clone(), self.masks.clone());
        Batch { number: 0, images, labels, masks }
    }

    pub(crate) fn step(&mut self, rates: &Rates) -> Stepped {
        let batch = self.batch();
        self.stepper.step(&batch, rates).unwrap()
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<f32> {
        self.stepper.state().unwrap().tensors[name].data.clone()
    }
}
