//! Class columns, of which a rank may hold a part only.

use super::rows::first;
use crate::graph::{Builder, Element, Value, World};

/// Class columns `[D, C]` of any length, of which this rank has a part.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Those of this rank, or its sample of them.
    pub kernel: Value,
    /// The number of the first of this rank's.
    pub first: usize,
    /// The ranks that have the others.
    pub world: World,
    /// What is told of the columns where they are a sample.
    pub sample: Option<SampledColumns>,
}

/// A sample of a rank's columns (An et al. 2022: PartialFC; arcface_torch's `PartialFC_V2`).
#[derive(Debug, Clone, Copy)]
pub struct SampledColumns {
    /// Where among the columns of the sample the classes of all scored rows are `[N]`, integers; below 0 where
    /// another rank has the class.
    pub places: Value,
    /// How many columns the sample has, a number; those behind are not scored. Without it all are.
    pub count: Option<Value>,
    /// The columns of the classes of the queue's entries before the rows enter `[Q, D]`, where a queue asks
    /// for them.
    pub of_queue: Option<Value>,
}

/// In place of the logits of columns that are not scored: its power is 0, and it has no gradient.
const NOT_SCORED: f64 = -1e30;

/// Whether ranks ask for the columns of the same labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All for those of one list.
    Together,
    /// Each for those of its own.
    Apart,
}

/// Where the columns of rows' labels are.
pub(super) struct Places {
    /// The column among those of this rank `[N, 1]`, integers; any of them where another rank has it.
    index: Value,
    /// Whether this rank has it `[N, 1]`; nothing where it has all.
    owned: Option<Value>,
}

impl Columns {
    /// All of them.
    pub fn whole(kernel: Value) -> Self {
        Self { kernel, first: 0, world: World::ALONE, sample: None }
    }

    /// Where the columns of the scored rows' labels `[N, 1]` are.
    pub(super) fn places(self, g: &mut Builder, labels: Value) -> Places {
        match self.sample {
            Some(sample) => self.places_told(g, sample.places),
            None => self.places_of(g, labels),
        }
    }

    /// Where columns of a sample are, of which it is told `[N]`.
    fn places_told(self, g: &mut Builder, places: Value) -> Places {
        let count = g.shape(places)[0];
        let index = g.reshape(places, &[count, 1]);
        if self.world.is_alone() {
            return Places { index, owned: None };
        }
        let place = g.cast(index, Element::Float);
        let before = g.scalar(-0.5);
        let owned = g.less(before, place);
        self.places_at(g, place, owned)
    }

    fn places_of(self, g: &mut Builder, labels: Value) -> Places {
        if self.world.is_alone() {
            return Places { index: labels, owned: None };
        }
        let last = self.count(g) - 1;
        // Floats hold labels exactly, and are compared and clipped on every device.
        let labels = g.cast(labels, Element::Float);
        let place = g.offset(labels, -(self.first as f64));
        let (before, behind) = (g.scalar(-0.5), g.scalar(last as f64 + 0.5));
        let (from, to) = (g.less(before, place), g.less(place, behind));
        let owned = g.and(from, to);
        self.places_at(g, place, owned)
    }

    /// Of places `[N, 1]`, floats, of which some are of owned columns.
    fn places_at(self, g: &mut Builder, place: Value, owned: Value) -> Places {
        let last = self.count(g) - 1;
        let place = g.clip(place, 0.0, last as f64);
        Places { index: g.cast(place, Element::Int64), owned: Some(owned) }
    }

    fn count(self, g: &Builder) -> usize {
        g.shape(self.kernel)[1]
    }

    /// Logits `[N, C]`, without those of columns that are not scored.
    fn scored(self, g: &mut Builder, logits: Value) -> Value {
        let Some(count) = self.sample.and_then(|sample| sample.count) else { return logits };
        let columns = self.count(g);
        let (is_scored, none) = (first(g, columns, count), g.scalar(NOT_SCORED));
        g.select(is_scored, logits, none)
    }

    /// The columns of labels `[N]`, integers, as rows `[N, D]`, without gradient. Of what another rank has
    /// this one learns by a sum over all, to which the others add 0.
    pub(super) fn rows_of(self, g: &mut Builder, labels: Value, asked: Asked) -> Value {
        let labels = match asked {
            Asked::Apart if !self.world.is_alone() => gathered_labels(g, labels, self.world),
            _ => labels,
        };
        let count = g.shape(labels)[0];
        let as_column = g.reshape(labels, &[count, 1]);
        let places = self.places_of(g, as_column);
        self.rows_at(g, &places, asked)
    }

    /// The same of a sample, where it is told where the columns of all that are asked for are `[N]`.
    pub(super) fn rows_told(self, g: &mut Builder, places: Value, asked: Asked) -> Value {
        let places = self.places_told(g, places);
        self.rows_at(g, &places, asked)
    }

    fn rows_at(self, g: &mut Builder, places: &Places, asked: Asked) -> Value {
        let kernel = g.detach(self.kernel);
        let count = g.shape(places.index)[0];
        let index = g.reshape(places.index, &[count]);
        let columns = g.gather_columns(kernel, index);
        let rows = g.transpose(columns, &[1, 0]);
        if self.world.is_alone() {
            return rows;
        }
        let rows = places.owned_or_zero(g, rows);
        match asked {
            Asked::Together => g.all_sum(rows, self.world),
            Asked::Apart => g.reduce_scatter(rows, self.world),
        }
    }

    /// The mean over rows of −log of the probability of the row's label, of logits `[N, C]` of which this
    /// rank has the columns of its classes.
    ///
    /// With M the largest logit of a row, S = Σ exp(z − M) and z_y the label's, all over the columns of all
    /// ranks, it is the mean of M + ln S − z_y; M is moved along and has no gradient. Of samples of columns it is
    /// the same, without a correction.
    pub(super) fn negative_log_likelihood(
        self,
        g: &mut Builder,
        logits: Value,
        places: &Places,
    ) -> Value {
        let logits = self.scored(g, logits);
        if self.world.is_alone() {
            let log = g.log_softmax(logits);
            let own = g.gather_elements(log, places.index);
            let mean = g.mean(own);
            return g.neg(mean);
        }
        let largest = {
            let logits = g.detach(logits);
            let own = g.reduce_max_keep(logits, &[1]);
            g.all_max(own, self.world)
        };
        let moved = g.sub(logits, largest);
        let powers = g.exp(moved);
        let sum = g.reduce_sum_keep(powers, &[1]);
        let target = g.gather_elements(logits, places.index);
        let target = places.owned_or_zero(g, target);
        let both = g.concat(&[sum, target], 1);
        let both = g.all_sum(both, self.world);
        let (sum, target) = (g.slice(both, 1, 0, 1), g.slice(both, 1, 1, 2));
        let log = g.log(sum);
        let whole = g.add(largest, log);
        let loss = g.sub(whole, target);
        g.mean(loss)
    }
}

impl Places {
    /// The element of each row `[N, 1]` in the column of its label, of a matrix `[N, C]`.
    pub(super) fn of(&self, g: &mut Builder, matrix: Value) -> Value {
        g.gather_elements(matrix, self.index)
    }

    /// The matrix with other elements `[N, 1]` there, in rows whose column this rank has.
    pub(super) fn replaced(&self, g: &mut Builder, matrix: Value, elements: Value) -> Value {
        let elements = match self.owned {
            None => elements,
            Some(owned) => {
                let before = self.of(g, matrix);
                g.select(owned, elements, before)
            }
        };
        g.scatter_elements(matrix, self.index, elements)
    }

    /// Elements `[N, 1]` of the labels' columns: this rank's as they are, the others' without gradient.
    pub(super) fn of_all(&self, g: &mut Builder, elements: Value, world: World) -> Value {
        let Some(owned) = self.owned else { return elements };
        let detached = g.detach(elements);
        let own = self.owned_or_zero(g, detached);
        let all = g.all_sum(own, world);
        g.select(owned, elements, all)
    }

    /// Rows `[N, …]` whose column this rank has, and zeros.
    fn owned_or_zero(&self, g: &mut Builder, rows: Value) -> Value {
        let Some(owned) = self.owned else { return rows };
        let zero = g.scalar(0.0);
        g.select(owned, rows, zero)
    }
}

/// The labels `[N]`, integers, of all ranks, in their order.
pub(super) fn gathered_labels(g: &mut Builder, labels: Value, world: World) -> Value {
    let floats = g.cast(labels, Element::Float);
    let all = g.all_gather(floats, world);
    g.cast(all, Element::Int64)
}
