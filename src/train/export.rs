//! The backbone as a model that `eval`, and any ONNX Runtime, runs.

use super::{Config, Error, TrainState, checkpoint};
use crate::eval::{CHANNEL_ORDER_KEY, MEAN_KEY, STD_KEY};
use crate::graph::lower::lower_with_weights;
use crate::graph::{Builder, Element};
use crate::image::ChannelOrder;
use crate::nn::{Backbone, Layers, Mode, unit};
use crate::onnx;
use crate::settings::Settings;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// How images become a model's input; stored in the model, for `eval` to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feeding {
    /// The first channel's colour.
    pub channel_order: ChannelOrder,
    /// Grey level that becomes 0, by channel.
    pub mean: [f64; 3],
    /// Grey levels that become 1, by channel.
    pub std: [f64; 3],
}

impl Default for Feeding {
    /// As the reference: blue first, −1 to 1.
    fn default() -> Self {
        Self { channel_order: ChannelOrder::Bgr, mean: [127.5; 3], std: [127.5; 3] }
    }
}

/// What was exported.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExportReport {
    /// The model.
    pub model: String,
}

/// A model with input `input` `[N, 3, height, width]` and outputs `embedding` `[N, D]`, of unit
/// length, and `norm` `[N, 1]`, normalised by the state's running statistics.
///
/// # Errors
/// [`Error::State`] when the state lacks a tensor of the backbone.
pub fn export_backbone(
    backbone: &Backbone,
    state: &TrainState,
    feeding: &Feeding,
) -> Result<onnx::Model, Error> {
    let mut g = Builder::new();
    let [height, width] = backbone.image;
    let images = g.input("input", Element::Float, &[1, 3, height, width]);
    let mut layers = Layers::new(&mut g, Mode::Evaluation);
    let features = layers.within("backbone", |layers| backbone.build(layers, images));
    let params = layers.params;
    let (embedding, norm) = unit(&mut g, features);
    let graph = g.finish(vec![("embedding".to_owned(), embedding), ("norm".to_owned(), norm)]);
    let mut weights = HashMap::new();
    let parameters = params.parameters.iter().map(|p| (p.name.as_str(), &p.shape));
    for (name, shape) in
        parameters.chain(params.buffers.iter().map(|b| (b.name.as_str(), &b.shape)))
    {
        weights.insert(name, state.get(name, shape)?.data.as_slice());
    }
    let mut model = lower_with_weights(&graph, "backbone", &weights);
    let levels = |levels: &[f64; 3]| levels.map(|level| level.to_string()).join(",");
    let facts = [
        (CHANNEL_ORDER_KEY, feeding.channel_order.name().to_owned()),
        (MEAN_KEY, levels(&feeding.mean)),
        (STD_KEY, levels(&feeding.std)),
    ];
    model.metadata_props =
        facts.map(|(key, value)| onnx::Entry { key: key.to_owned(), value }).into();
    Ok(model)
}

/// The backbone of a checkpoint as a model, fed as the run's settings say.
///
/// # Errors
/// As [`checkpoint::open`] and [`export_backbone`]; settings of another version of this program.
pub fn export_checkpoint(path: &Path) -> Result<onnx::Model, Error> {
    let checkpoint = checkpoint::open(path)?;
    let mut settings = Settings::defaults();
    for (key, value) in &checkpoint.facts.settings {
        settings.assign(&format!("{key}={value}"))?;
    }
    export_configured(&Config::new(&settings)?, &checkpoint.state)
}

/// The backbone of a state, fed as a run's settings say.
pub(super) fn export_configured(config: &Config, state: &TrainState) -> Result<onnx::Model, Error> {
    let feeding = Feeding { channel_order: config.channel_order, ..Feeding::default() };
    export_backbone(&config.backbone, state, &feeding)
}
