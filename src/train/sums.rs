//! Sums of gradients over ranks, as a graph.

use super::StepGraph;
use super::buckets::numbered;
use super::names::{GRADIENT, SUM};
use crate::graph::{Builder, Element, Graph, Value};
use crate::nn::Parameter;

impl StepGraph {
    /// What ranks do with the gradients of what all of them have, where devices do it: of each, fed under its
    /// name, the sum over ranks, named `sum.` and that.
    pub fn sums(&self) -> Graph {
        let mut g = Builder::new();
        let world = self.options.sharing.world;
        let mut outputs = Vec::new();
        for bucket in self.buckets() {
            let gradients: Vec<Value> = bucket
                .iter()
                .map(|own| g.input(&format!("{GRADIENT}{}", own.name), Element::Float, &own.shape))
                .collect();
            let sums = match gradients[..] {
                [alone] => vec![g.all_sum(alone, world)],
                _ => {
                    let flat = bucket.iter().zip(&gradients);
                    let flat: Vec<Value> =
                        flat.map(|(own, &gradient)| g.reshape(gradient, &[own.count()])).collect();
                    let joined = g.concat(&flat, 0);
                    let sum = g.all_sum(joined, world);
                    let mut end = 0;
                    let parts = bucket.iter().map(|own| {
                        let first = end;
                        end += own.count();
                        let part = g.slice(sum, 0, first, end);
                        g.reshape(part, &own.shape)
                    });
                    parts.collect()
                }
            };
            let names = bucket.iter().map(|own| format!("{SUM}{GRADIENT}{}", own.name));
            outputs.extend(names.zip(sums));
        }
        g.finish(outputs)
    }

    /// The parameters that all ranks have, by what is summed in one go, in its order.
    pub(super) fn buckets(&self) -> Vec<Vec<&Parameter>> {
        let all = &self.params.parameters;
        let has = |own: &Parameter| !self.is_part(&own.name);
        numbered(all, has).iter().map(|own| own.iter().map(|&at| &all[at]).collect()).collect()
    }
}
