//! Which gradients are summed over ranks in one go.

use super::StepGraph;
use super::names::{GRADIENT, SUM};
use crate::graph::{Builder, Element, Graph, Value};
use crate::nn::Parameter;

/// Numbers that are summed in one go: small tensors are put together until they are as many. Which tensors
/// that are follows from their shapes, so that sums never depend on what comes when.
const BUCKET: usize = 1 << 18;

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
        let mut buckets = Vec::new();
        let (mut small, mut held) = (Vec::new(), 0);
        for own in self.params.parameters.iter().filter(|own| !self.is_part(&own.name)) {
            let count = own.count();
            if count >= BUCKET {
                buckets.push(vec![own]);
                continue;
            }
            if held + count > BUCKET {
                buckets.push(std::mem::take(&mut small));
                held = 0;
            }
            small.push(own);
            held += count;
        }
        if !small.is_empty() {
            buckets.push(small);
        }
        buckets
    }
}
