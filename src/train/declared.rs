//! What the losses of a step keep: class columns, averages and the queue, declared as inputs of its graph.

use super::StepOptions;
use super::names::{KERNEL, SAMPLE_COUNT, SAMPLE_KERNEL, SAMPLE_PLACES, SAMPLE_QUEUE};
use crate::graph::Element;
use crate::nn::{
    Averages, Columns, Decay, EmaStart, HeadKind, HeadState, Initial, JointState, Layers,
    Parameter, Queue, QueueKind, SampledColumns,
};

/// Declares class columns, or the parameter of which the graph is fed a sample.
pub(super) fn declare_columns(
    layers: &mut Layers<'_>,
    options: &StepOptions,
) -> (Columns, Option<Parameter>) {
    let (world, dimension) = (options.sharing.columns(), options.backbone.embedding);
    let own = world.part(options.classes);
    let (first, shape) = (own.start, [dimension, own.len()]);
    let initial = Initial::UnitColumns { first, of: options.classes };
    let Some(sample) = options.sample else {
        let kernel = layers
            .within("head", |layers| layers.parameter("kernel", &shape, initial, Decay::Decayed));
        return (Columns { kernel, first, world, sample: None }, None);
    };
    let size = sample.size(own.len(), options.images());
    let rows = world.ranks * options.batch * options.views;
    let contrast = options.joint.contrast.as_ref();
    let proxied = contrast.filter(|(_, queue)| queue.kind == QueueKind::Proxy);
    let mut fed = |name, shape: &[usize]| layers.g.input(name, Element::Float, shape);
    let kernel = fed(SAMPLE_KERNEL, &[dimension, size.most]);
    let count = (size.most > size.usual).then(|| fed(SAMPLE_COUNT, &[]));
    let of_queue = proxied.map(|(_, queue)| fed(SAMPLE_QUEUE, &[queue.size, dimension]));
    let places = layers.g.input(SAMPLE_PLACES, Element::Int64, &[rows]);
    let told = SampledColumns { places, count, of_queue };
    let (name, shape) = (KERNEL.to_owned(), shape.to_vec());
    let parameter = Parameter { name, shape, initial, decay: Decay::Decayed };
    (Columns { kernel, first, world, sample: Some(told) }, Some(parameter))
}

/// Declares averages and the queue.
pub(super) fn declare_state(layers: &mut Layers<'_>, options: &StepOptions) -> JointState {
    let (dimension, head) = (options.backbone.embedding, &options.joint.head);
    let head = layers.within("head", |layers| {
        let mean = layers.buffer("batch_mean", &[], 0.0);
        let averages = Averages { mean, std: layers.buffer("batch_std", &[], 0.0) };
        let curricular = matches!(head.kind, HeadKind::CurricularFace { .. });
        let t = curricular.then(|| layers.buffer("t", &[], 0.0));
        let waits = head.ema_start == EmaStart::FirstBatch;
        let started = waits.then(|| layers.buffer("started", &[], 0.0));
        HeadState { averages, t, started }
    });
    let contrast = options.joint.contrast.map(|(_, queue)| {
        let average = layers.within("contrast", |layers| layers.buffer("batch_mean", &[], 0.0));
        let queue = layers.within("queue", |layers| {
            let entries = [queue.size, dimension];
            let proxied = queue.kind == QueueKind::Proxy;
            Queue {
                embeddings: layers.buffer("embeddings", &entries, 0.0),
                labels: layers.buffer("labels", &entries[..1], 0.0),
                proxies: proxied.then(|| layers.buffer("proxies", &entries, 0.0)),
                filled: layers.buffer("filled", &[], 0.0),
            }
        });
        (queue, average)
    });
    JointState { head, contrast }
}

/// Says what the buffers of the losses become.
pub(super) fn keep(layers: &mut Layers<'_>, state: &JointState) {
    let HeadState { averages, t, started } = state.head;
    let mut next = vec![
        ("head.batch_mean", Some(averages.mean)),
        ("head.batch_std", Some(averages.std)),
        ("head.t", t),
        ("head.started", started),
    ];
    if let Some((queue, average)) = state.contrast {
        next.push(("contrast.batch_mean", Some(average)));
        next.push(("queue.embeddings", Some(queue.embeddings)));
        next.push(("queue.labels", Some(queue.labels)));
        next.push(("queue.proxies", queue.proxies));
        next.push(("queue.filled", Some(queue.filled)));
    }
    for (name, value) in next {
        if let Some(value) = value {
            layers.replace(name, value);
        }
    }
}
