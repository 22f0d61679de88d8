//! The training that all runs of the topic share: network, losses, first state and batches.

use crate::arrays::{case, largest, near, number, read, shaped};
use crate::heads::{contrast_options, float};
use crate::manifest::{Json, array, entries, integers, number as whole, text};
use crate::queue::rows_of_views;
use crate::reference::Tensor;
use crate::stepped::widened;
use crate::trajectory::Named;
use qgface_data::nn::{
    Backbone, Block, HeadKind, HeadOptions, Ir, JointOptions, QueueKind, QueueOptions, Sharing,
    Trunk,
};
use qgface_data::optim::Sgd;
use qgface_data::seed::Seed;
use qgface_data::train::{Scales, StepOptions, Tensor as Numbers, TrainState};
use std::ops::Range;
use std::path::Path;

/// What all runs have in common.
pub(super) struct Course<'m> {
    pub(super) layout: &'m Json,
    settings: &'m Json,
    images: Tensor,
    labels: Tensor,
    parameters: Tensor,
    /// Averages before the first batch.
    start: Vec<(String, f64)>,
    pub(super) rate: f64,
}

impl<'m> Course<'m> {
    pub(super) fn read(folder: &Path, manifest: &'m Json) -> Self {
        let train = folder.join("train");
        let [images, labels, parameters] = ["batches_u8", "labels", "init_parameters"]
            .map(|name| read(&train.join(format!("{name}.npy"))));
        let (settings, layout) = (&manifest["settings"], &manifest["layout"]);
        let start = entries(settings, "start");
        let start = start.map(|(name, value)| (name.to_owned(), value.as_f64().unwrap()));
        let rate = float(&settings["sgd"], "lr");
        Self { layout, settings, images, labels, parameters, start: start.collect(), rate }
    }

    /// Steps of the data.
    pub(super) fn batches(&self) -> usize {
        self.labels.shape[0]
    }

    /// Ranks of the data.
    pub(super) fn parts(&self) -> usize {
        self.labels.shape[1]
    }

    /// A step of ranks that have `parts` ranks of the data each.
    pub(super) fn options(&self, queue: usize, parts: usize) -> StepOptions {
        let settings = self.settings;
        let (head, contrast, sgd) = (&settings["head"], &settings["contrast"], &settings["sgd"]);
        let queue = QueueOptions { kind: QueueKind::Proxy, size: queue };
        let mut head_options = HeadOptions::new(HeadKind::AdaFace);
        (head_options.s, head_options.m) = (float(head, "s"), float(head, "m"));
        (head_options.h, head_options.t_alpha) = (float(head, "h"), float(head, "t_alpha"));
        let [views, height] = [3, 5].map(|axis| self.images.shape[axis]);
        StepOptions {
            backbone: backbone(self.layout, height),
            joint: JointOptions {
                head: head_options,
                contrast: Some((contrast_options(contrast), queue)),
            },
            classes: whole(settings, "classes") as usize,
            batch: parts * self.labels.shape[2],
            accumulate: 1,
            views,
            scales: Scales::Fixed {
                head: float(head, "quality_scale"),
                contrast: float(contrast, "quality_scale"),
            },
            sgd: Sgd { momentum: float(sgd, "momentum"), weight_decay: float(sgd, "weight_decay") },
            sharing: Sharing::default(),
            sample: None,
        }
    }

    /// Images and labels of a batch, those of `parts` ranks of the data from `first` on.
    pub(super) fn batch(&self, batch: usize, first: usize, parts: usize) -> [Tensor; 2] {
        let of = |stack: &Tensor| {
            let of_batch = case(stack, batch);
            let ranks: Vec<Tensor> = (first..first + parts).map(|at| case(&of_batch, at)).collect();
            let mut shape = ranks[0].shape.clone();
            shape[0] *= parts;
            Tensor { shape, data: ranks.into_iter().flat_map(|own| own.data).collect() }
        };
        let mut rows = rows_of_views(&of(&self.images));
        rows.data.iter_mut().for_each(|byte| *byte = (*byte - 128.0) / 128.0);
        [rows, of(&self.labels)]
    }

    /// The first state of a step in 32 bits; its class columns are those of the rank.
    pub(super) fn initial(&self, graph: &qgface_data::train::StepGraph) -> TrainState {
        let mut state = TrainState::initial(graph, Seed::new(0));
        for (name, own) in self.unflattened(&self.parameters, "parameters") {
            let own = if name == "head.kernel" { self.columns(graph, &own) } else { own };
            assert_eq!(state.get(&name, &own.shape).unwrap().data.len(), own.data.len());
            let data = own.data.iter().map(|&x| x as f32).collect();
            state.tensors[&name] = Numbers { shape: own.shape, data };
        }
        for (name, value) in &self.start {
            state.tensors[name].data = vec![*value as f32];
        }
        state
    }

    /// The same in 64 bits, in which averages start with other numbers than rounded ones.
    pub(super) fn initial_wide(&self, graph: &qgface_data::train::StepGraph) -> Named {
        let mut state = widened(&self.initial(graph));
        let start = self.start.iter().map(|(name, own)| (name.clone(), number(*own)));
        state.extend(start);
        state
    }

    /// The class columns `[D, C]` that a rank has.
    fn columns(&self, graph: &qgface_data::train::StepGraph, all: &Tensor) -> Tensor {
        let own = graph.parameters().find(|own| own.name == "head.kernel").unwrap();
        if own.shape == all.shape {
            return all.clone();
        }
        cut(all, graph.options.sharing.world.part(all.shape[1]))
    }

    /// The tensors of a part of the layout, one behind the other.
    pub(super) fn flat(&self, part: &str, own: impl Fn(&str) -> Tensor) -> Tensor {
        let names = array(self.layout, part).iter().map(|row| text(row, "name"));
        let data: Vec<f64> = names.flat_map(|name| own(name).data).collect();
        Tensor { shape: vec![data.len()], data }
    }

    /// The tensors of a part of the layout, by name.
    pub(super) fn unflattened(&self, flat: &Tensor, part: &str) -> Named {
        let rows = array(self.layout, part).iter().map(|row| {
            let (name, first) = (text(row, "name"), whole(row, "offset") as usize);
            let shape: Vec<usize> = integers(&row["shape"]).iter().map(|&x| x as usize).collect();
            let count: usize = shape.iter().product();
            (name.to_owned(), Tensor { shape, data: flat.data[first..first + count].to_vec() })
        });
        rows.collect()
    }
}

/// Some columns of a matrix.
pub(super) fn cut(whole: &Tensor, columns: Range<usize>) -> Tensor {
    let rows = whole.data.chunks(whole.shape[1]);
    let data = rows.flat_map(|row| row[columns.clone()].to_vec()).collect();
    Tensor { shape: vec![whole.shape[0], columns.len()], data }
}

/// Shards `[D, C_r]` side by side; a tensor that all ranks have is the first one's.
pub(super) fn side_by_side(parts: &[Tensor]) -> Tensor {
    let rows = parts[0].shape[0];
    let columns: usize = parts.iter().map(|own| own.shape[1]).sum();
    let row = |at: usize| {
        parts.iter().flat_map(move |own| own.data[at * own.shape[1]..][..own.shape[1]].to_vec())
    };
    Tensor { shape: vec![rows, columns], data: (0..rows).flat_map(row).collect() }
}

/// Compares with an array of the oracle, relative to its largest magnitude and absolutely.
#[track_caller]
pub(super) fn compare(own: &Tensor, folder: &Path, what: &str, (relative, absolute): (f64, f64)) {
    let path = folder.join(format!("{what}.npy"));
    let expected = shaped(&read(&path), &own.shape);
    near(own, &expected, relative * largest(&expected) + absolute, &path.display().to_string());
}

/// Tensors of equal extents, one behind the other.
pub(super) fn stacked<'t>(all: impl IntoIterator<Item = &'t Tensor>) -> Tensor {
    let all: Vec<&Tensor> = all.into_iter().collect();
    let shape = [&[all.len()], &all[0].shape[..]].concat();
    Tensor { shape, data: all.iter().flat_map(|own| own.data.clone()).collect() }
}

/// The network whose parameters the layout lists: a block of stride 2 for each second convolution.
fn backbone(layout: &Json, image: usize) -> Backbone {
    let shape = |name: &str| {
        let row = array(layout, "parameters").iter().find(|row| text(row, "name") == name);
        row.map(|row| integers(&row["shape"])[0] as usize)
    };
    let second = |at: usize| shape(&format!("backbone.body.{at}.res_layer.4.weight"));
    let blocks = (0..).map_while(second).map(|channels| Block { channels, stride: 2 });
    let stem = shape("backbone.input_layer.0.weight").unwrap();
    Backbone {
        image: [image; 2],
        embedding: shape("backbone.output_layer.3.weight").unwrap(),
        dropout: 0.0,
        trunk: Trunk::Ir(Ir::plain(stem, blocks.collect())),
    }
}
