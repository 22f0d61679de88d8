//! Heads of which ranks score a sample of their class columns: two steps, by either update.

use super::Part as OfTopic;
use super::course::{cut, side_by_side, stacked};
use super::head::{STATE, Scored, options};
use crate::arrays::{PRECISIONS, Precision, case, number, read};
use crate::heads::float;
use crate::manifest::{Json, array};
use crate::reference::{Tensor, evaluate_together};
use qgface_data::graph::{Graph, World};
use qgface_data::nn::HeadOptions;
use qgface_data::optim::SampleUpdate;
use qgface_data::train::{ClassColumns, Descent, Gradient, Sample, SampleSize, chosen};
use std::path::{Path, PathBuf};

pub(super) const PART: OfTopic = OfTopic { cases, run };

/// Ranks that take part of those of the data.
const WORLDS: [usize; 3] = [1, 2, 4];

const UPDATES: [(&str, SampleUpdate); 2] =
    [("dense", SampleUpdate::Dense), ("sparse", SampleUpdate::Sparse)];

fn cases(manifest: &Json) -> usize {
    let heads = array(&manifest["sampled_classes"], "cases").len();
    heads * (WORLDS.len() + 1) * UPDATES.len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let all = &manifest["sampled_classes"];
    let folder = folder.join("sampled_classes");
    let mut ran = 0;
    for (at, own) in array(all, "cases").iter().enumerate() {
        let merged = merged(all, own);
        for (name, update) in UPDATES {
            for ranks in WORLDS {
                let of = Sampled { folder: &folder, all, own: &merged, at, ranks, update, name };
                of.compare(&PRECISIONS[0]);
                ran += 1;
                if ranks == 1 {
                    of.compare(&PRECISIONS[1]);
                    ran += 1;
                }
            }
        }
    }
    ran
}

/// A case with what all have in common.
fn merged(all: &Json, own: &Json) -> Json {
    let mut merged = own.clone();
    for key in ["s", "m", "h", "t_alpha", "init"] {
        merged[key] = all[key].clone();
    }
    merged
}

/// A case on a number of ranks, by an update.
struct Sampled<'m> {
    folder: &'m Path,
    all: &'m Json,
    own: &'m Json,
    at: usize,
    ranks: usize,
    update: SampleUpdate,
    name: &'static str,
}

impl Sampled<'_> {
    fn results(&self) -> PathBuf {
        self.folder.join(format!("case{}_w{}", self.at, self.ranks))
    }

    fn whole(&self, name: &str) -> Tensor {
        read(&self.folder.join(format!("{name}.npy")))
    }

    fn compare(&self, precision: &Precision) {
        let worlds = (0..self.ranks).map(|rank| World { ranks: self.ranks, rank });
        let (kernel, momentum) = (self.whole("kernel"), self.whole("momentum"));
        let mut parts: Vec<Part> =
            worlds.map(|world| Part::of(&kernel, &momentum, world)).collect();
        let mut ids = read(&self.results().join("ids.npy")).data.into_iter();
        for step in 0..self.all["steps"].as_u64().unwrap() as usize {
            let [mut labels, features] =
                ["labels", "features"].map(|name| case(&self.whole(name), step));
            // Those of the ranks that take part.
            labels.data.truncate(self.ranks * labels.shape[1]);
            labels.shape[0] = self.ranks;
            let random = case(&case(&self.whole("random"), self.at), step).data;
            let (mut graphs, mut feeds) = (Vec::new(), Vec::new());
            for (rank, part) in parts.iter_mut().enumerate() {
                part.choose(&random, &labels.data, self.rate());
                for &own in &part.chosen {
                    assert_eq!(
                        ids.next(),
                        Some((part.first + own) as f64),
                        "step {step}, rank {rank}"
                    );
                }
                let rows = case(&features, rank);
                let (graph, fed) = self.scored(part, rows, &labels);
                graphs.push(graph);
                feeds.push(fed);
            }
            let made = match self.ranks {
                1 => vec![(precision.run)(&graphs[0], &feeds[0])],
                _ => evaluate_together(&graphs.iter().collect::<Vec<_>>(), &feeds),
            };
            let check = |own: &Tensor, what: &str| {
                let name = format!("{}_{}_{what}", precision.name, self.name);
                let path = self.results().join(format!("{name}.npy"));
                let said = format!("{}, step {step}", path.display());
                precision.check(own, &case(&read(&path), step), &said);
            };
            made.iter().for_each(|own| check(&own[0], "loss"));
            check(&stacked(made.iter().map(|own| &own[2])), "grad_features");
            let gradients: Vec<Tensor> =
                parts.iter().zip(&made).map(|(part, own)| part.spread(&own[3])).collect();
            check(&side_by_side(&gradients), "grad_kernel");
            for (part, own) in parts.iter_mut().zip(&made) {
                part.descend(&self.descent(), &own[3]);
            }
            let joined = |of: fn(&ClassColumns<f64>) -> &Vec<f64>| {
                let all: Vec<Tensor> =
                    parts.iter().map(|part| part.tensor(of(&part.columns))).collect();
                side_by_side(&all)
            };
            check(&joined(|own| &own.weights), "kernel");
            check(&joined(|own| &own.momenta), "momentum");
        }
        assert_eq!(ids.next(), None, "all that the oracle has chosen");
    }

    fn rate(&self) -> f64 {
        float(self.own, "rate")
    }

    fn descent(&self) -> Descent<f64> {
        let of = |key: &str| float(&self.all["sgd"], key);
        Descent {
            rate: of("lr"),
            momentum: of("momentum"),
            weight_decay: of("weight_decay"),
            update: self.update,
        }
    }

    /// The graph of a rank, and what it is fed.
    fn scored(
        &self,
        part: &Part,
        rows: Tensor,
        labels: &Tensor,
    ) -> (Graph, Vec<(&'static str, Tensor)>) {
        let options: HeadOptions = options(self.own);
        let size = part.size;
        let scored =
            Scored { options, b: 0.0, first: part.first, world: part.world, sample: Some(size) };
        let dimension = part.columns.weights.len() / part.columns.count;
        let mut kernel = Tensor::new(&[dimension, size.most], vec![0.0; dimension * size.most]);
        part.columns.gather(&part.chosen, &mut kernel.data, size.most);
        let own = case(labels, part.world.rank);
        let graph = scored.graph(&rows.shape, &kernel.shape);
        let places = Tensor::new(&[labels.data.len()], part.places(&labels.data));
        let init = |at: usize| self.own["init"][at].as_f64().unwrap();
        let mut fed = vec![
            ("features", rows),
            ("labels", own),
            ("kernel", kernel),
            ("places", places),
            ("count", number(part.chosen.len() as f64)),
        ];
        fed.extend(STATE.into_iter().zip([init(0), init(1), 0.0].map(number)));
        let inputs = graph.inputs();
        fed.retain(|(name, _)| inputs.iter().any(|(_, node)| node.name == *name));
        drop(inputs);
        (graph, fed)
    }
}

/// The columns of a rank, and which of them it scores.
struct Part {
    world: World,
    first: usize,
    columns: ClassColumns<f64>,
    size: SampleSize,
    chosen: Vec<usize>,
}

impl Part {
    fn of(kernel: &Tensor, momentum: &Tensor, world: World) -> Self {
        let own = world.part(kernel.shape[1]);
        let [weights, momenta] = [kernel, momentum].map(|whole| cut(whole, own.clone()).data);
        let columns = ClassColumns { count: own.len(), weights, momenta };
        let size = SampleSize { usual: 0, most: 0 };
        Self { world, first: own.start, columns, size, chosen: Vec::new() }
    }

    fn local(&self, label: f64) -> Option<usize> {
        let own = (label as usize).checked_sub(self.first)?;
        (own < self.columns.count).then_some(own)
    }

    fn choose(&mut self, random: &[f64], labels: &[f64], rate: f64) {
        let sample = Sample { rate, update: SampleUpdate::Sparse, seed: 0 };
        self.size = sample.size(self.columns.count, labels.len());
        let positives: Vec<usize> = labels.iter().filter_map(|&label| self.local(label)).collect();
        let random = &random[self.first..][..self.columns.count];
        self.chosen = chosen(random, &positives, self.size.usual);
    }

    fn places(&self, labels: &[f64]) -> Vec<f64> {
        let place = |&label: &f64| {
            let own = self.local(label).map(|own| self.chosen.binary_search(&own).unwrap());
            own.map_or(-1.0, |place| place as f64)
        };
        labels.iter().map(place).collect()
    }

    fn tensor(&self, data: &[f64]) -> Tensor {
        let count = self.columns.count;
        Tensor { shape: vec![data.len() / count, count], data: data.to_vec() }
    }

    /// A gradient `[D, A]` among zeros `[D, C_r]`.
    fn spread(&self, gradient: &Tensor) -> Tensor {
        let mut all = self.tensor(&vec![0.0; self.columns.weights.len()]);
        let rows = all.data.chunks_mut(self.columns.count);
        for (into, from) in rows.zip(gradient.data.chunks(gradient.shape[1])) {
            self.chosen.iter().zip(from).for_each(|(&column, &x)| into[column] = x);
            let behind = &from[self.chosen.len()..];
            assert!(behind.iter().all(|&x| x == 0.0), "what is not scored has no gradient");
        }
        all
    }

    fn descend(&mut self, descent: &Descent<f64>, gradient: &Tensor) {
        let (numbers, width) = (&gradient.data, gradient.shape[1]);
        self.columns.descend(descent, Gradient { columns: &self.chosen, numbers, width });
    }
}
