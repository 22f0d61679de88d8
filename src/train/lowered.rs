//! A step's two graphs as a device runs them.

use super::StepGraph;
use super::names::{GRADIENT, MOMENTUM, NEXT, RATE};
use crate::graph::lower::{
    ANNOUNCE, Arrangement, ByRow, DOMAIN, Layout, MomentumUpdate, Rows, lower_by_row,
    lower_updates, lower_with_rows, rows_of,
};
use crate::nn::{Decay, Parameter};
use crate::onnx;
use crate::runtime::Device;
use std::slice;

/// The models of a step.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// Forward and backward.
    pub gradients: onnx::Model,
    /// The optimiser.
    pub update: onnx::Model,
    /// Parameters and momenta that lie as rows, between the two models and in them.
    pub rows: Rows,
}

impl StepGraph {
    /// The models for a device. In ONNX's operators a processor keeps large parameters and their momenta
    /// as rows and updates them row by row; elsewhere there is no cache that this would serve, and an
    /// operator of our own updates them in one pass.
    ///
    /// # Panics
    /// Where the arrangement names a formulation that there is not, and for a step of half width with channels
    /// last: the program's own operators have none.
    pub fn lowered(&self, device: Device, arrangement: &Arrangement) -> Lowered {
        let layout = arrangement.layout;
        assert!(layout.has(self.width), "{:?} floats in {layout:?}", self.width);
        let rows = match (device, layout) {
            (Device::Cpu, Layout::Planes | Layout::VendorPlanes) => self.large_as_rows(),
            (Device::Cpu, Layout::Pixels | Layout::RoundedPixels) => {
                let rows = Rows::new();
                let gradients = lower_with_rows(&self.gradients, "gradients", &rows, arrangement);
                return Lowered { gradients, update: self.update_in_one_pass(), rows };
            }
            (Device::Cuda(_), _) => Rows::new(),
        };
        let mut gradients = lower_with_rows(&self.gradients, "gradients", &rows, arrangement);
        if device != Device::Cpu {
            unannounced(&mut gradients);
        }
        let (large, small): (Vec<_>, Vec<_>) =
            self.params.parameters.iter().cloned().partition(|own| rows.contains_key(&own.name));
        let by_row: Vec<ByRow> =
            large.iter().map(|own| self.update_by_row(own, rows[&own.name])).collect();
        let update = lower_by_row(&self.update(&small), "update", &by_row);
        Lowered { gradients, update, rows }
    }

    fn update_in_one_pass(&self) -> onnx::Model {
        let sgd = &self.options.sgd;
        let update = |own: &Parameter| {
            let [parameter, momentum, gradient] =
                ["", MOMENTUM, GRADIENT].map(|prefix| format!("{prefix}{}", own.name));
            MomentumUpdate {
                outputs: [format!("{NEXT}{parameter}"), format!("{NEXT}{momentum}")],
                inputs: [parameter, momentum, gradient],
                shape: own.shape.clone(),
                momentum: sgd.momentum,
                weight_decay: if own.decay == Decay::Decayed { sgd.weight_decay } else { 0.0 },
            }
        };
        let updates: Vec<_> = self.params.parameters.iter().map(update).collect();
        lower_updates("update", RATE, &updates)
    }

    fn large_as_rows(&self) -> Rows {
        let mut all = Rows::new();
        for own in &self.params.parameters {
            if let Some(rows) = rows_of(&own.shape) {
                all.insert(own.name.clone(), rows);
                all.insert(format!("{MOMENTUM}{}", own.name), rows);
            }
        }
        all
    }

    /// The update of one parameter, one of its rows after the other.
    fn update_by_row(&self, parameter: &Parameter, [count, elements]: [usize; 2]) -> ByRow {
        let row = Parameter { shape: vec![elements], ..parameter.clone() };
        // Gradients lie as they are made.
        let whole = vec![(format!("{GRADIENT}{}", parameter.name), parameter.shape.clone())];
        ByRow { body: self.update(slice::from_ref(&row)), count, whole }
    }
}

/// Has nothing announced: what devices have made is summed when all of it is there.
fn unannounced(model: &mut onnx::Model) {
    let nodes = model.graph.iter_mut().flat_map(|graph| &mut graph.node);
    for node in nodes.filter(|node| node.domain == DOMAIN && node.op_type == ANNOUNCE) {
        (node.domain, node.op_type) = (String::new(), "Identity".to_owned());
        node.input.truncate(1);
        node.attribute.clear();
    }
    let is_used = model.graph().node.iter().any(|node| node.domain == DOMAIN);
    model.opset_import.retain(|own| is_used || own.domain != DOMAIN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::World;
    use crate::nn::{
        Architecture, Backbone, HeadKind, HeadOptions, JointOptions, Normalisation, Sharing,
    };
    use crate::optim::Sgd;
    use crate::train::{Scales, StepOptions};

    /// A step of one of two ranks, with so many gradients that they are summed in several goes.
    fn of_two(normalisation: Normalisation) -> StepGraph {
        let sharing =
            Sharing { world: World { ranks: 2, rank: 1 }, normalisation, ..Sharing::default() };
        StepGraph::new(StepOptions {
            backbone: Backbone::new(Architecture::Ir18, 0.5),
            joint: JointOptions { head: HeadOptions::new(HeadKind::AdaFace), contrast: None },
            classes: 16,
            batch: 2,
            accumulate: 1,
            views: 1,
            scales: Scales::Fixed { head: 0.0, contrast: 0.0 },
            sgd: Sgd::default(),
            sharing,
            sample: None,
        })
        .unwrap()
    }

    fn announced(lowered: &Lowered) -> usize {
        let nodes = &lowered.gradients.graph().node;
        nodes.iter().filter(|node| node.op_type == ANNOUNCE).count()
    }

    #[test]
    fn processors_hear_of_every_bucket_and_devices_of_none() {
        for normalisation in [Normalisation::Local, Normalisation::Synchronised] {
            let step = of_two(normalisation);
            let buckets = step.buckets().len();
            assert!(buckets > 3, "{buckets}");
            for layout in [Layout::Planes, Layout::Pixels] {
                let lowered = step.lowered(Device::Cpu, &layout.into());
                assert_eq!(announced(&lowered), buckets, "{normalisation:?}, {layout:?}");
            }
            let lowered = step.lowered(Device::Cuda(0), &Layout::Planes.into());
            assert_eq!(announced(&lowered), 0);
            let imports = &lowered.gradients.opset_import;
            let has_own = imports.iter().any(|own| own.domain == DOMAIN);
            assert_eq!(has_own, normalisation == Normalisation::Synchronised);
        }
    }
}
