//! Heads of which ranks have parts of the class columns.

use super::Part;
use super::course::{cut, side_by_side, stacked};
use crate::arrays::{PRECISIONS, case, number, read};
use crate::heads::float;
use crate::manifest::{Json, array, number_array, text};
use crate::reference::{Tensor, evaluate_together};
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, World};
use qgface_data::nn::{
    Averages, Columns, EmaStart, HeadInput, HeadKind, HeadOptions, HeadState, QualityScale,
    SampledColumns, head, unit,
};
use qgface_data::train::SampleSize;
use std::path::Path;

pub(super) const PART: Part = Part { cases, run };

/// Ranks of the data, on which one, two and all processes work.
const WORLDS: [usize; 3] = [1, 2, 4];

fn counts(manifest: &Json) -> Vec<u64> {
    number_array(&manifest["sharded_head"], "classes")
}

fn cases(manifest: &Json) -> usize {
    let heads = array(&manifest["sharded_head"], "cases").len();
    heads * WORLDS.len() * counts(manifest).len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for classes in counts(manifest) {
        let folder = folder.join(format!("sharded_head/c{classes}"));
        for (at, own) in array(&manifest["sharded_head"], "cases").iter().enumerate() {
            for world in WORLDS {
                scored(&folder, at, own, world);
                ran += 1;
            }
        }
    }
    ran
}

pub(super) fn options(own: &Json) -> HeadOptions {
    let kind = match text(own, "head") {
        "SoftmaxFace" => HeadKind::Softmax,
        "CosFace" => HeadKind::CosFace,
        "ArcFace" => HeadKind::ArcFace,
        "AdaFace" => HeadKind::AdaFace,
        "CurricularFace" => HeadKind::CurricularFace {
            eps: float(own, "eps"),
            fallback: own["fallback"].as_bool().unwrap(),
        },
        other => panic!("{other}"),
    };
    let or = |key: &str, default: f64| own[key].as_f64().unwrap_or(default);
    HeadOptions {
        kind,
        s: float(own, "s"),
        m: float(own, "m"),
        h: or("h", 0.333),
        t_alpha: or("t_alpha", 0.01),
        ema_start: EmaStart::Zero,
    }
}

fn scored(folder: &Path, at: usize, own: &Json, ranks: usize) {
    let [features, kernel] =
        ["features", "kernel"].map(|name| PRECISIONS[0].input(&folder.join(format!("{name}.npy"))));
    let labels = read(&folder.join("labels.npy"));
    let options = options(own);
    let b = own["quality_scale"].as_f64().unwrap_or(0.0);
    let init = |at: usize| own["init"].as_array().map_or(0.0, |own| own[at].as_f64().unwrap());
    let before = [init(0), init(1), own["t"].as_f64().unwrap_or(0.0)].map(number);
    let (mut graphs, mut feeds) = (Vec::new(), Vec::new());
    for rank in 0..ranks {
        let world = World { ranks, rank };
        let columns = world.part(kernel.shape[1]);
        let rows = case(&features, rank);
        let kernel = cut(&kernel, columns.clone());
        let scored = Scored { options, b, first: columns.start, world, sample: None };
        graphs.push(scored.graph(&rows.shape, &kernel.shape));
        let mut fed = vec![("features", rows), ("labels", case(&labels, rank)), ("kernel", kernel)];
        fed.extend(STATE.into_iter().zip(before.clone()));
        feeds.push(fed);
    }
    let made = evaluate_together(&graphs.iter().collect::<Vec<_>>(), &feeds);
    let of = |what: usize| made.iter().map(move |own| &own[what]);
    let stored = |what: &str| case(&read(&folder.join(format!("f64/w{ranks}_{what}.npy"))), at);
    let check = |own: &Tensor, what: &str| {
        let said = format!("{} {what}, case {at}, {ranks} ranks", folder.display());
        PRECISIONS[0].check(own, &stored(what), &said);
    };
    for loss in of(0) {
        check(loss, "loss");
    }
    check(&stacked(of(1)), "grad_embeddings");
    check(&stacked(of(2)), "grad_features");
    check(&side_by_side(&of(3).cloned().collect::<Vec<_>>()), "grad_kernel");
    // What a head of the reference does not keep is 0 there.
    let kept: &[usize] = match options.kind {
        HeadKind::AdaFace => &[0, 1],
        HeadKind::CurricularFace { .. } => &[2],
        _ => &[],
    };
    for made in &made {
        for &part in kept {
            let expected = number(stored("state").data[part]);
            PRECISIONS[0].check(&made[4 + part], &expected, STATE[part]);
        }
    }
}

/// What a head keeps, in the oracle's order.
pub(super) const STATE: [&str; 3] = ["mean", "std", "t"];

/// A head of a rank.
pub(super) struct Scored {
    pub(super) options: HeadOptions,
    pub(super) b: f64,
    /// The number of its first column.
    pub(super) first: usize,
    pub(super) world: World,
    /// Where it scores a sample of its columns.
    pub(super) sample: Option<SampleSize>,
}

impl Scored {
    /// The loss of the rank, its gradients by embeddings, features and columns, and what is kept.
    pub(super) fn graph(&self, rows: &[usize], kernel: &[usize]) -> Graph {
        let Self { options, b, first, world, sample } = *self;
        let mut g = Builder::new();
        let features = g.input("features", Element::Float, rows);
        let labels = g.input("labels", Element::Int64, &rows[..1]);
        let kernel = g.input("kernel", Element::Float, kernel);
        let [mean, std, t] = STATE.map(|name| g.input(name, Element::Float, &[]));
        let all_rows = world.ranks * rows[0];
        let sample = sample.map(|size| SampledColumns {
            places: g.input("places", Element::Int64, &[all_rows]),
            count: (size.most > size.usual).then(|| g.input("count", Element::Float, &[])),
            of_queue: None,
        });
        let (embeddings, norms) = unit(&mut g, features);
        let labels = g.cast(labels, Element::Float);
        let norms = g.detach(norms);
        let [all, norms, labels] = [embeddings, norms, labels].map(|own| g.all_gather(own, world));
        let labels = g.cast(labels, Element::Int64);
        let input = HeadInput {
            embeddings: all,
            norms,
            labels: g.reshape(labels, &[all_rows, 1]),
            columns: Columns { kernel, first, world, sample },
            quality_scale: QualityScale::Fixed(b),
        };
        let curricular = matches!(options.kind, HeadKind::CurricularFace { .. });
        let averages = Averages { mean, std };
        let state = HeadState { averages, t: curricular.then_some(t), started: None };
        let made = head(&mut g, &options, input, state);
        // The loss is one of all ranks, of which each seeds its share.
        let share = g.scale(made.loss, 1.0 / world.ranks as f64);
        let gradients = backward(&mut g, share, &[embeddings, features, kernel]);
        let Averages { mean, std } = made.state.averages;
        let values = [Some(made.loss)].into_iter().chain(gradients);
        let values = values.map(Option::unwrap).chain([mean, std, made.state.t.unwrap_or(std)]);
        g.finish(values.enumerate().map(|(at, value)| (at.to_string(), value)).collect())
    }
}
