//! The export against the evaluation mode.

use crate::installed::runtime;
use crate::reference;
use crate::trial::{RATES, Trial, queue, small};
use qgface_data::graph::{Builder, Element};
use qgface_data::nn::{Backbone, HeadKind};
use qgface_data::train::{Feeding, TrainState, export_backbone};
use std::num::NonZeroUsize;

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
pub(crate) fn evaluated(backbone: &Backbone, state: &TrainState, images: &[f32]) -> Vec<f64> {
    use qgface_data::nn::{Layers, Mode};
    let [height, width] = backbone.image;
    let shape = [images.len() / (3 * height * width), 3, height, width];
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
