//! The ranks of a run in f64, by the evaluator.

use super::course::Course;
use crate::arrays::number;
use crate::reference::{Tensor, evaluate_together};
use crate::trajectory::{LOSSES, Named, feeds_of, updated};
use qgface_data::graph::{Graph, World};
use qgface_data::nn::{HeadShare, Sharing};
use qgface_data::train::{StepGraph, StepOptions, chosen};
use std::ops::Range;

/// Ranks and their states.
pub(super) struct Ranks {
    graphs: Vec<StepGraph>,
    update: Vec<Graph>,
    pub(super) states: Vec<Named>,
    /// Gradients that wait for more batches of their step.
    summed: Vec<Named>,
    batches: usize,
    rate: f64,
    parts: usize,
}

/// What a batch has led to.
pub(super) struct Reported {
    /// loss, loss_cla and loss_con of each rank, then its averages.
    pub(super) numbers: Vec<[f64; 6]>,
    /// Gradients of each rank before they are summed over ranks, where an update followed.
    pub(super) gradients: Option<Vec<Named>>,
}

/// Averages in the order of the oracle.
const AVERAGES: [&str; 3] = ["head.batch_mean", "head.batch_std", "contrast.batch_mean"];

impl Ranks {
    /// `ranks` ranks with the data of `parts` ranks each, at the beginning.
    pub(super) fn new(
        course: &Course<'_>,
        ranks: usize,
        parts: usize,
        options: &StepOptions,
    ) -> Self {
        let graph = |rank| {
            let sharing = Sharing { world: World { ranks, rank }, ..options.sharing };
            StepGraph::new(StepOptions { sharing, ..options.clone() }).unwrap()
        };
        let graphs: Vec<StepGraph> = (0..ranks).map(graph).collect();
        let update = graphs.iter().map(|graph| graph.update(&graph.params.parameters)).collect();
        let states = graphs.iter().map(|graph| course.initial_wide(graph)).collect();
        let summed = vec![Named::new(); ranks];
        Self { graphs, update, states, summed, batches: 0, rate: course.rate, parts }
    }

    /// Takes a tensor of the state of the first rank over to all others: what `broadcast_buffers` does.
    pub(super) fn broadcast_buffers(&mut self) {
        for buffer in &self.graphs[0].params.buffers {
            let own = self.states[0][&buffer.name].clone();
            for state in &mut self.states[1..] {
                state.insert(buffer.name.clone(), own.clone());
            }
        }
    }

    /// Learns from a batch.
    pub(super) fn batch(&mut self, course: &Course<'_>, batch: usize) -> Reported {
        let accumulate = self.graphs[0].options.accumulate;
        let carried = number(if self.batches == 0 { 0.0 } else { 1.0 });
        let mut all_feeds = Vec::new();
        for (rank, graph) in self.graphs.iter().enumerate() {
            let [images, labels] = course.batch(batch, rank * self.parts, self.parts);
            let mut feeds = self.states[rank].clone();
            feeds.extend([
                ("images".to_owned(), images),
                ("labels".to_owned(), labels),
                ("contrast_weight".to_owned(), number(1.0)),
                ("carried".to_owned(), carried.clone()),
            ]);
            for own in &graph.params.parameters {
                let earlier = self.summed[rank].get(&format!("gradient.{}", own.name)).cloned();
                // Nothing may be read of what lies there before the first batch.
                let count = own.shape.iter().product();
                let nothing = Tensor { shape: own.shape.clone(), data: vec![f64::NAN; count] };
                let earlier = earlier.filter(|_| self.batches > 0).unwrap_or(nothing);
                feeds.insert(format!("accumulated.{}", own.name), earlier);
            }
            all_feeds.push(feeds);
        }
        let chosen = self.chosen(course, batch);
        for (rank, chosen) in chosen.iter().enumerate() {
            all_feeds[rank].extend(self.sample(rank, chosen, course, batch));
        }
        let feeds: Vec<_> = self
            .graphs
            .iter()
            .zip(&all_feeds)
            .map(|(graph, feeds)| feeds_of(&graph.gradients, feeds))
            .collect();
        let graphs: Vec<&Graph> = self.graphs.iter().map(|graph| &graph.gradients).collect();
        let made = evaluate_together(&graphs, &feeds).into_iter().zip(&self.graphs);
        let mut made: Vec<Named> = made
            .map(|(values, graph)| {
                let names = graph.gradients.outputs().iter().map(|(name, _)| name.clone());
                names.zip(values).collect()
            })
            .collect();
        let losses: Vec<Vec<f64>> =
            made.iter().map(|made| made["scalars"].data[..LOSSES.len()].to_vec()).collect();
        self.batches += 1;
        let mut gradients = None;
        if self.batches == accumulate {
            self.batches = 0;
            gradients = Some(made.iter().map(gradients_of).collect());
            self.sum_over_ranks(&mut made);
            for (rank, chosen) in chosen.iter().enumerate() {
                self.descend(rank, chosen, &made[rank]["gradient.head.kernel"]);
            }
            for (rank, made) in made.into_iter().enumerate() {
                updated(&mut self.states[rank], made, &self.update[rank], self.rate);
            }
        } else {
            self.summed = made.iter().map(gradients_of).collect();
            for (state, made) in self.states.iter_mut().zip(made) {
                let next = made
                    .into_iter()
                    .filter_map(|(name, own)| Some((name.strip_prefix("next.")?.to_owned(), own)));
                state.extend(next);
            }
        }
        let numbers = losses.iter().zip(&self.states).map(|(losses, state)| {
            let averages = AVERAGES.map(|name| state[name].data[0]);
            [losses[0], losses[1], losses[2], averages[0], averages[1], averages[2]]
        });
        Reported { numbers: numbers.collect(), gradients }
    }

    /// Labels of a batch of each rank.
    fn labels(&self, course: &Course<'_>, batch: usize) -> Vec<Vec<usize>> {
        let of = |rank| {
            let [_, labels] = course.batch(batch, rank * self.parts, self.parts);
            labels.data.iter().map(|&label| label as usize).collect()
        };
        (0..self.graphs.len()).map(of).collect()
    }

    /// The columns of a rank among those of all.
    fn columns(&self, rank: usize) -> Range<usize> {
        let options = &self.graphs[rank].options;
        options.sharing.world.part(options.classes)
    }

    /// Of each rank the columns that a batch scores, counted from its first; none where it scores all.
    fn chosen(&self, course: &Course<'_>, batch: usize) -> Vec<Vec<usize>> {
        let labels = self.labels(course, batch).concat();
        let options = &self.graphs[0].options;
        let Some(sample) = options.sample else { return Vec::new() };
        let of = |rank| {
            let own = self.columns(rank);
            let positives = labels.iter().filter(|label| own.contains(label));
            let positives: Vec<usize> = positives.map(|label| label - own.start).collect();
            let draws = sample.draws(batch as u64, own.clone());
            chosen(&draws, &positives, sample.size(own.len(), labels.len()).usual)
        };
        (0..self.graphs.len()).map(of).collect()
    }

    /// What a rank is told of its sample.
    fn sample(&self, rank: usize, chosen: &[usize], course: &Course<'_>, batch: usize) -> Named {
        let (own, options) = (self.columns(rank), &self.graphs[rank].options);
        let column = |label: usize| {
            let rank =
                (0..self.graphs.len()).find(|&rank| self.columns(rank).contains(&label)).unwrap();
            let (own, kernel) = (self.columns(rank), &self.states[rank]["head.kernel"]);
            kernel.data.chunks(own.len()).map(|row| row[label - own.start]).collect::<Vec<_>>()
        };
        let labels = self.labels(course, batch);
        let images = labels.concat().len();
        let most = options.sample.unwrap().size(own.len(), images).most;
        // What is behind the sample is not scored, whatever it is.
        let behind = (chosen.len()..most).map(|at| own.start + at % own.len());
        let scored: Vec<Vec<f64>> =
            chosen.iter().map(|at| own.start + at).chain(behind).map(column).collect();
        let dimension = scored[0].len();
        let kernel =
            (0..dimension).flat_map(|row| scored.iter().map(move |own| own[row])).collect();
        let place = |label: &usize| {
            let at = chosen.iter().position(|at| own.start + at == *label);
            at.map_or(-1.0, |at| at as f64)
        };
        let of_rank = |labels: &Vec<usize>| {
            let places: Vec<f64> = labels.iter().map(place).collect();
            places.repeat(options.views)
        };
        let places: Vec<f64> = labels.iter().flat_map(of_rank).collect();
        let queue = &self.states[rank]["queue.labels"].data;
        let entries: Vec<f64> = queue.iter().flat_map(|&label| column(label as usize)).collect();
        let told = [
            ("kernel", Tensor::new(&[dimension, most], kernel)),
            ("places", Tensor::new(&[places.len()], places)),
            ("count", number(chosen.len() as f64)),
            ("queue", Tensor::new(&[queue.len(), dimension], entries)),
        ];
        told.map(|(name, own)| (format!("sample.{name}"), own)).into()
    }

    /// Updates the columns that a rank has scored.
    fn descend(&mut self, rank: usize, chosen: &[usize], gradient: &Tensor) {
        let count = self.columns(rank).len();
        let [momentum, weight_decay] = {
            let sgd = &self.graphs[rank].options.sgd;
            [sgd.momentum, sgd.weight_decay]
        };
        for (row, gradient) in gradient.data.chunks(gradient.shape[1]).enumerate() {
            for (&column, &g) in chosen.iter().zip(gradient) {
                let at = row * count + column;
                let state = &mut self.states[rank];
                let p = state["head.kernel"].data[at];
                let m = &mut state.get_mut("momentum.head.kernel").unwrap().data[at];
                *m = momentum * *m + (g + weight_decay * p);
                let moved = self.rate * *m;
                state.get_mut("head.kernel").unwrap().data[at] = p - moved;
            }
        }
    }

    /// What the ranks do with their gradients before the update: of what all have they take the sum.
    fn sum_over_ranks(&self, made: &mut [Named]) {
        let sums: Vec<Graph> = self.graphs.iter().map(StepGraph::sums).collect();
        let feeds: Vec<_> =
            sums.iter().zip(&*made).map(|(sums, own)| feeds_of(sums, own)).collect();
        let summed = evaluate_together(&sums.iter().collect::<Vec<_>>(), &feeds);
        for ((own, sums), summed) in made.iter_mut().zip(&sums).zip(summed) {
            for ((name, _), sum) in sums.outputs().iter().zip(summed) {
                own.insert(name.strip_prefix("sum.").unwrap().to_owned(), sum);
            }
        }
    }

    /// Whether each rank has a part of a parameter.
    pub(super) fn is_part(&self, name: &str) -> bool {
        let sharing = &self.graphs[0].options.sharing;
        name.ends_with("head.kernel") && sharing.head == HeadShare::Sharded
    }

    /// A tensor that all ranks have, or its parts side by side.
    pub(super) fn whole(&self, name: &str, of: impl Fn(&Named) -> Tensor) -> Tensor {
        let all: Vec<Tensor> = self.states.iter().map(of).collect();
        if self.is_part(name) {
            return super::course::side_by_side(&all);
        }
        for (rank, own) in all.iter().enumerate() {
            let same = own.data.iter().zip(&all[0].data).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(same, "{name}: rank {rank} has another");
        }
        all[0].clone()
    }
}

fn gradients_of(made: &Named) -> Named {
    let gradients = made.iter().filter(|(name, _)| name.starts_with("gradient."));
    gradients.map(|(name, own)| (name.clone(), own.clone())).collect()
}
