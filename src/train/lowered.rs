//! A step's two graphs as a device runs them.

use super::StepGraph;
use super::step::{GRADIENT, MOMENTUM};
use crate::graph::lower::{ByRow, Rows, lower_by_row, lower_with_rows, rows_of};
use crate::nn::Parameter;
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
    /// The models for a device. A processor keeps large parameters and their momenta as rows and
    /// updates them row by row; elsewhere there is no cache that this would serve.
    pub fn lowered(&self, device: Device) -> Lowered {
        let rows = match device {
            Device::Cpu => self.large_as_rows(),
            Device::Cuda(_) => Rows::new(),
        };
        let gradients = lower_with_rows(&self.gradients, "gradients", &rows);
        let (large, small): (Vec<_>, Vec<_>) =
            self.params.parameters.iter().cloned().partition(|own| rows.contains_key(&own.name));
        let by_row: Vec<ByRow> =
            large.iter().map(|own| self.update_by_row(own, rows[&own.name])).collect();
        let update = lower_by_row(&self.update(&small), "update", &by_row);
        Lowered { gradients, update, rows }
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
