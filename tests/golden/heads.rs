//! Margin heads and the contrastive loss against the reference's, with all gradients and states.

use crate::Topic;
use crate::arrays::{self, PRECISIONS, Precision, case, read};
use crate::manifest::{Json, array, entries};
use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value, World};
use qgface_data::nn::{
    Averages, Columns, ContrastInput, ContrastOptions, Coupling, Curve, EmaStart, HeadInput,
    HeadKind, HeadOptions, HeadState, Margin, Mask, QualityScale, Range, Select, contrast, head,
};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "heads", cases, run };

/// Heads by the oracle's names.
const HEADS: [(&str, HeadKind); 4] = [
    ("SoftmaxFace", HeadKind::Softmax),
    ("CosFace", HeadKind::CosFace),
    ("ArcFace", HeadKind::ArcFace),
    ("AdaFace", HeadKind::AdaFace),
];
const CURRICULAR: &str = "CurricularFace";

fn cases(manifest: &Json) -> usize {
    // The inputs are those that CurricularFace's cases are listed by; of the contrast's the
    // manifest has no list.
    let classification = &manifest["classification"];
    let inputs = classification[CURRICULAR]["cases_by_input"].as_object().unwrap().len();
    let of_a_head = |head: &Json| match head["cases"].as_array() {
        Some(cases) => inputs * cases.len(),
        None => {
            entries(head, "cases_by_input").map(|(_, cases)| cases.as_array().unwrap().len()).sum()
        }
    };
    let heads: usize = classification.as_object().unwrap().values().map(of_a_head).sum();
    let contrastive = array(&manifest["contrastive"], "cases").len();
    (heads + inputs.min(CONTRASTIVE_INPUTS.len()) * contrastive) * PRECISIONS.len()
}

const CONTRASTIVE_INPUTS: [&str; 2] = ["random", "related"];

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, list) in manifest["classification"].as_object().unwrap() {
        for (input, _) in entries(&manifest["classification"][CURRICULAR], "cases_by_input") {
            let own = folder.join("classification").join(input);
            let cases = if name == CURRICULAR {
                array(&list["cases_by_input"], input)
            } else {
                array(list, "cases")
            };
            for (at, options) in cases.iter().enumerate() {
                for precision in &PRECISIONS {
                    if name == CURRICULAR {
                        curricular(&own, at, options, precision);
                    } else {
                        margin(&own, name, at, options, precision);
                    }
                    ran += 1;
                }
            }
        }
    }
    for input in CONTRASTIVE_INPUTS {
        let own = folder.join("contrastive").join(input);
        if !own.is_dir() {
            continue;
        }
        for (at, options) in array(&manifest["contrastive"], "cases").iter().enumerate() {
            for precision in &PRECISIONS {
                contrastive(&own, at, options, precision);
                ran += 1;
            }
        }
    }
    ran
}

pub(crate) fn float(options: &Json, key: &str) -> f64 {
    options[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {options}"))
}

/// A head on the oracle's embeddings, with its gradients.
fn head_graph(
    folder: &Path,
    options: &HeadOptions,
    quality_scale: f64,
    precision: &Precision,
) -> (Graph, Vec<(&'static str, Tensor)>) {
    let [embeddings, norms, kernel] = ["embeddings", "norms", "kernel"]
        .map(|name| precision.input(&folder.join(format!("{name}.npy"))));
    let labels = read(&folder.join("labels.npy"));
    let rows = labels.shape[0];
    let labels = arrays::shaped(&labels, &[rows, 1]);
    let mut g = Builder::new();
    let input = HeadInput {
        embeddings: g.input("embeddings", Element::Float, &embeddings.shape),
        norms: g.input("norms", Element::Float, &norms.shape),
        labels: g.input("labels", Element::Int64, &labels.shape),
        columns: Columns::whole(g.input("kernel", Element::Float, &kernel.shape)),
        quality_scale: QualityScale::Fixed(quality_scale),
    };
    let number = |g: &mut Builder, name: &str| g.input(name, Element::Float, &[]);
    let averages = Averages { mean: number(&mut g, "mean"), std: number(&mut g, "std") };
    let curricular = matches!(options.kind, HeadKind::CurricularFace { .. });
    let t = curricular.then(|| number(&mut g, "t_before"));
    let made = head(&mut g, options, input, HeadState { averages, t, started: None });
    let gradients = backward(&mut g, made.loss, &[input.embeddings, input.columns.kernel]);
    let mut outputs: Vec<(String, Value)> = vec![
        ("loss".into(), made.loss),
        ("grad_embeddings".into(), gradients[0].unwrap()),
        ("grad_kernel".into(), gradients[1].unwrap()),
        ("margin_scaler".into(), made.quality),
        ("batch_mean".into(), made.state.averages.mean),
        ("batch_std".into(), made.state.averages.std),
    ];
    outputs.extend(made.state.t.map(|t| ("t".to_owned(), t)));
    let feeds =
        vec![("embeddings", embeddings), ("norms", norms), ("labels", labels), ("kernel", kernel)];
    (g.finish(outputs), feeds)
}

fn margin(folder: &Path, name: &str, at: usize, options: &Json, precision: &Precision) {
    let kind = HEADS.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name}")).1;
    let head_options = HeadOptions {
        kind,
        s: float(options, "s"),
        m: float(options, "m"),
        h: float(options, "h"),
        t_alpha: float(options, "t_alpha"),
        ema_start: EmaStart::Zero,
    };
    let (graph, mut feeds) =
        head_graph(folder, &head_options, float(options, "quality_scale"), precision);
    let init = array(options, "init");
    for (name, value) in ["mean", "std"].into_iter().zip(init) {
        feeds.push((name, arrays::number(value.as_f64().unwrap())));
    }
    let expected = |what: &str, _: &Tensor| {
        // The reference's SoftmaxFace moves no averages, so its scaler is of other ones.
        let known = name != "SoftmaxFace" || what == "loss" || what.starts_with("grad");
        known.then(|| stored(folder, name, what, at, precision))
    };
    let what = format!("{} {name} case {at}", folder.display());
    precision.check_run(&graph, &feeds, expected, &what);
}

fn curricular(folder: &Path, at: usize, options: &Json, precision: &Precision) {
    let fallback = options["fallback"].as_bool().unwrap();
    let head_options = HeadOptions {
        kind: HeadKind::CurricularFace { eps: float(options, "eps"), fallback },
        s: float(options, "s"),
        m: float(options, "m"),
        h: 0.333,
        t_alpha: float(options, "t_alpha"),
        ema_start: EmaStart::Zero,
    };
    let (graph, mut feeds) = head_graph(folder, &head_options, 0.0, precision);
    feeds.extend([("mean", arrays::number(20.0)), ("std", arrays::number(100.0))]);
    feeds.push(("t_before", arrays::number(float(options, "t"))));
    let expected = |what: &str, _: &Tensor| {
        let known = ["loss", "grad_embeddings", "grad_kernel", "t"].contains(&what);
        known.then(|| stored(folder, CURRICULAR, what, at, precision))
    };
    let what = format!("{} {CURRICULAR} case {at}", folder.display());
    precision.check_run(&graph, &feeds, expected, &what);
}

/// One case of an array that is stacked over cases.
fn stored(folder: &Path, name: &str, what: &str, at: usize, precision: &Precision) -> Tensor {
    let file = format!("{name}_{}_{what}.npy", precision.name);
    case(&read(&folder.join(file)), at)
}

/// The contrast's options in the oracle's words.
pub(crate) fn contrast_options(options: &Json) -> ContrastOptions {
    let defaults = ContrastOptions::default();
    let word = |key: &str, default: &str| options[key].as_str().unwrap_or(default).to_owned();
    let flag = |key: &str, default: bool| options[key].as_bool().unwrap_or(default);
    ContrastOptions {
        s: float(options, "s"),
        t_alpha: float(options, "t_alpha"),
        curve: match word("quality_scale_method", "sgn").as_str() {
            "sgn" => Curve::Sgn,
            "cos" => Curve::Cos,
            "linear" => Curve::Linear,
            other => panic!("{other}"),
        },
        range: match word("quality_scale_range", "half").as_str() {
            "half" => Range::Half,
            "whole" => Range::Whole,
            other => panic!("{other}"),
        },
        select: match word("quality_select_method", "low").as_str() {
            "low" => Select::Low,
            "mean" => Select::Mean,
            "high" => Select::High,
            other => panic!("{other}"),
        },
        coupling: match word("pair_coupling", "D2N").starts_with('D') {
            true => Coupling::Both,
            false => Coupling::One,
        },
        mask: if flag("mask_same_class", false) { Mask::SameClass } else { Mask::Own },
        detach_pos: flag("detach_pos", false),
        margin: match options["margin_method"].as_str() {
            None => Margin::None,
            Some("static") => Margin::Static(float(options, "m")),
            Some("dynamic") => Margin::Dynamic,
            Some(other) => panic!("{other}"),
        },
        rescale: flag("rescale", defaults.rescale),
    }
}

fn contrastive(folder: &Path, at: usize, options: &Json, precision: &Precision) {
    let names = ["q", "k", "q_norms", "k_norms", "q_margin_scaler", "k_margin_scaler", "queue"];
    let mut feeds: Vec<(&str, Tensor)> =
        names.map(|name| (name, precision.input(&folder.join(format!("{name}.npy"))))).into();
    let (labels, queue_labels) =
        (read(&folder.join("q_labels.npy")), read(&folder.join("queue_labels.npy")));
    let (pairs, entries) = (labels.shape[0], queue_labels.shape[0]);
    feeds.push(("labels", arrays::shaped(&labels, &[pairs, 1])));
    feeds.push(("queue_labels", arrays::shaped(&queue_labels, &[1, entries])));
    feeds.push(("average", arrays::number(float(options, "init"))));
    let mut g = Builder::new();
    let inputs: Vec<Value> =
        feeds.iter().map(|(name, tensor)| g.input(name, Element::Float, &tensor.shape)).collect();
    let [q, k, q_norms, k_norms, q_quality, k_quality, entry_rows, labels, entry_labels, average] =
        inputs[..]
    else {
        panic!("ten inputs")
    };
    let input = ContrastInput {
        q,
        k,
        q_norms,
        k_norms,
        q_quality,
        k_quality,
        labels,
        entries: entry_rows,
        entry_labels,
        present: None,
        filled: g.scalar(entries as f64),
        own: (0..options["chunk"].as_u64().unwrap() as usize / pairs)
            .map(|at| at * pairs)
            .collect(),
        quality_scale: QualityScale::Fixed(float(options, "quality_scale")),
        average,
        averaged: World::ALONE,
    };
    let own = contrast_options(options);
    let made = contrast(&mut g, &own, input);
    let wrt = [q, k, entry_rows];
    let gradients =
        backward(&mut g, made.loss, &wrt).into_iter().zip(wrt).map(|(gradient, value)| {
            // With one side, whose positives are detached, no gradient flows to k.
            gradient.unwrap_or_else(|| g.scale(value, 0.0))
        });
    let gradients: Vec<Value> = gradients.collect();
    let mut outputs = vec![
        ("loss".to_owned(), made.loss),
        ("batch_mean".to_owned(), made.average),
        ("similarity".to_owned(), made.similarity),
        ("pair_norms".to_owned(), made.pair_norms),
    ];
    let names = ["grad_q", "grad_k", "grad_queue"].map(str::to_owned);
    outputs.extend(names.into_iter().zip(gradients));
    let graph = g.finish(outputs);
    let expected = |what: &str, own: &Tensor| {
        let mut expected = stored(folder, "QGFace", what, at, precision);
        if own.shape.len() > 1 && own.shape[0] < expected.shape[0] {
            // Rows beyond those of a case without mirrored ones are padding.
            expected.data.truncate(own.data.len());
        }
        Some(expected)
    };
    let what = format!("{} QGFace case {at}", folder.display());
    precision.check_run(&graph, &feeds, expected, &what);
}
