//! Every network: it learns, its export makes what its evaluation mode makes, and in training a transformer
//! leaves out what its masks say.

use crate::exporting::evaluated;
use crate::installed::runtime;
use crate::reference::{Tensor, evaluate};
use crate::trial::{RATES, Trial, small};
use qgface_data::graph::lower::Layout;
use qgface_data::graph::{Builder, Element};
use qgface_data::nn::{Architecture, Backbone, HeadKind, Layers, Mode, Trunk};
use qgface_data::runtime::Device;
use qgface_data::seed::Seed;
use qgface_data::train::{Feeding, Rates, StepGraph, StepOptions, TrainState, export_backbone};
use std::num::NonZeroUsize;

/// The network with a block a stage, as narrow as it goes.
fn narrow(architecture: Architecture) -> Backbone {
    let units = vec![1; architecture.units().len()];
    let mut backbone =
        Backbone { embedding: 16, ..Backbone::with_units(architecture, &units, 0.05) };
    if let Trunk::Vit(vit) = &mut backbone.trunk {
        (vit.depth, vit.drop_path, vit.mask_ratio) = (2, 0.2, 0.2);
    }
    backbone
}

fn options(architecture: Architecture) -> StepOptions {
    StepOptions { backbone: narrow(architecture), ..small(HeadKind::AdaFace, None) }
}

#[test]
fn every_network_learns_and_exports_what_its_evaluation_mode_makes() {
    let rates = Rates { learning: 0.02, ..RATES };
    for architecture in Architecture::all() {
        let mut trial = Trial::new(options(architecture));
        let before = trial.step(&rates).scalars.loss;
        let mut after = before;
        for _ in 0..20 {
            let stepped = trial.step(&rates);
            assert!(stepped.applied, "{architecture}: {stepped:?}");
            after = stepped.scalars.loss;
        }
        assert!(after < 0.7 * before, "{architecture}: {before} to {after}");
        let state = trial.stepper.state().unwrap();
        exported(architecture, &trial.images[..2 * 3 * 112 * 112], &state);
    }
}

fn exported(architecture: Architecture, images: &[f32], state: &TrainState) {
    let backbone = narrow(architecture);
    let model = export_backbone(&backbone, state, &Feeding::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    model.save(&path).unwrap();
    let mut session = runtime().open(&path, NonZeroUsize::MIN).unwrap();
    let made = session.run(images, &[2, 3, 112, 112]).unwrap();
    let expected = evaluated(&backbone, state, images);
    for (row, expected) in expected.chunks(16).enumerate() {
        let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (own, x) in made[0].data[row * 16..][..16].iter().zip(expected) {
            let apart = (f64::from(*own) - x / norm).abs();
            assert!(apart < 1e-5, "{architecture}: {own} for {}", x / norm);
        }
    }
}

/// What lies between a step's nodes is told by their extents, before a run.
#[test]
fn what_every_network_makes_on_the_way_is_known() {
    for architecture in Architecture::all() {
        let step = StepGraph::new(options(architecture)).unwrap();
        for layout in [Layout::Planes, Layout::Pixels] {
            let lowered = step.lowered(Device::Cpu, &layout.into());
            let values = lowered.gradients.graph().values();
            assert!(values.is_ok(), "{architecture} in {layout:?}: {}", values.unwrap_err());
        }
    }
}

/// A transformer in training, and what it is fed.
struct Masked {
    backbone: Backbone,
    feeds: Vec<(String, Tensor)>,
}

const ROWS: usize = 3;

/// Patches of 9 pixels that an edge has.
const EDGE: usize = 3;

impl Masked {
    fn new() -> Self {
        let mut backbone = narrow(Architecture::ArcfaceVitTiny);
        backbone.image = [9 * EDGE; 2];
        let step = StepOptions {
            backbone: backbone.clone(),
            batch: ROWS,
            ..small(HeadKind::AdaFace, None)
        };
        let state = TrainState::initial(&StepGraph::new(step).unwrap(), Seed::new(1));
        let mut draws = Seed::new(2).stream("images");
        let shape = [ROWS, 3, 9 * EDGE, 9 * EDGE];
        let images = (0..shape.iter().product()).map(|_| draws.normal()).collect();
        let mut feeds = vec![("images".to_owned(), Tensor::new(&shape, images))];
        for (name, tensor) in state.tensors {
            let data = tensor.data.iter().map(|&x| f64::from(x)).collect();
            feeds.push((name, Tensor::new(&tensor.shape, data)));
        }
        for mask in backbone.masks() {
            let shape = [&[ROWS], &mask.extents[..]].concat();
            let all = vec![1.0; shape.iter().product()];
            feeds.push((mask.name.to_owned(), Tensor::new(&shape, all)));
        }
        Self { backbone, feeds }
    }

    fn fed(&mut self, name: &str) -> &mut Tensor {
        &mut self.feeds.iter_mut().find(|(own, _)| own == name).unwrap().1
    }

    fn output(&self) -> Vec<f64> {
        let mut g = Builder::new();
        let images = g.input("images", Element::Float, &[ROWS, 3, 9 * EDGE, 9 * EDGE]);
        let mut layers = Layers::new(&mut g, Mode::Training);
        let y = layers.within("backbone", |layers| self.backbone.build(layers, images));
        let graph = g.finish(vec![("y".to_owned(), y)]);
        let inputs = graph.inputs().into_iter().map(|(_, node)| node.name.as_str());
        let fed = inputs.map(|name| {
            let feed = self.feeds.iter().find(|(own, _)| own == name);
            (name, feed.unwrap_or_else(|| panic!("{name}")).1.clone())
        });
        evaluate(&graph, &fed.collect::<Vec<_>>()).remove(0).data
    }
}

/// The largest difference.
fn apart(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn hidden_patches_are_not_seen() {
    let mut masked = Masked::new();
    let all = masked.output();
    // The middle patch of the first row.
    let hidden = EDGE * EDGE / 2;
    masked.fed("patch_mask").data[hidden] = 0.0;
    let without = masked.output();
    assert!(apart(&all, &without) > 1e-3);
    let change = |masked: &mut Masked, row: usize, column: usize| {
        masked.fed("images").data[row * 9 * EDGE + column] += 1.0;
    };
    change(&mut masked, 13, 13);
    assert!(apart(&without, &masked.output()) < 1e-12);
    change(&mut masked, 13, 3);
    assert!(apart(&without, &masked.output()) > 1e-6);
}

/// The share of the first block is zero: what it adds stays.
#[test]
fn lost_paths_add_nothing() {
    let mut masked = Masked::new();
    masked.fed("path_mask").data.fill(0.0);
    let lost = masked.output();
    let shallow = |masked: &mut Masked| {
        let Trunk::Vit(vit) = &mut masked.backbone.trunk else { panic!("a transformer") };
        vit.depth = 1;
        *masked.fed("path_mask") = Tensor::new(&[ROWS, 2], vec![1.0; 2 * ROWS]);
        masked.output()
    };
    assert!(apart(&lost, &shallow(&mut masked)) < 1e-12);
}
