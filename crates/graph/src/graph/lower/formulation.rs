//! The formulations of a problem, and a model of each.

use super::layout::Layout;
use super::lowering::{Lowering, info, model};
use super::problem::{Arrangement, Formulations, Problem};
use super::ways::{BFLOAT16, FLOAT32, IN_PLANES, OWN, Ways};
use super::{batch_norm, conv_input, conv_weight, prelu};
use crate::graph::{Builder, Element, Graph, Op, Value};
use crate::onnx;
use std::collections::HashMap;

impl Problem {
    /// The ways to lower it, by name; the first is the reference, the simplest.
    pub fn formulations(&self) -> Vec<&'static str> {
        self.ways().names
    }

    /// The way that is taken unless another was chosen.
    pub fn built_in(&self) -> &'static str {
        self.ways().built_in
    }

    fn ways(&self) -> Ways {
        let is_product =
            matches!(self.op, Op::Conv(_) | Op::ConvInputGradient(..) | Op::ConvWeightGradient(_));
        match (self.layout, is_product) {
            (Layout::Planes | Layout::VendorPlanes, _) => self.ways_in_planes(),
            (_, false) => Ways { names: vec![IN_PLANES, OWN], built_in: OWN },
            (Layout::Pixels, true) => Ways { names: vec![IN_PLANES, FLOAT32], built_in: FLOAT32 },
            (Layout::RoundedPixels, true) => {
                Ways { names: vec![IN_PLANES, FLOAT32, BFLOAT16], built_in: BFLOAT16 }
            }
        }
    }

    fn ways_in_planes(&self) -> Ways {
        let extents = &self.extents;
        match self.op {
            Op::ConvWeightGradient(window) => conv_weight::ways(window, &extents[0], &extents[1]),
            Op::ConvInputGradient(window, x) => {
                conv_input::ways(window, &extents[0], &extents[1], x)
            }
            Op::BatchNormTraining { .. } => batch_norm::ways(&extents[0]),
            Op::PRelu => prelu::ways(),
            Op::PReluInputGradient => prelu::gradient_ways(),
            _ => panic!("{self}: lowered in one way"),
        }
    }

    /// The whole of what a formulation computes, as a graph of its own.
    fn graph(&self) -> Graph {
        let mut g = Builder::new();
        let inputs = self.extents.iter().enumerate();
        let inputs: Vec<Value> = inputs
            .map(|(at, extents)| g.input(&format!("input {at}"), Element::Float, extents))
            .collect();
        let x = inputs[0];
        let extents = &self.extents[0];
        let mut made = match &self.op {
            Op::BatchNormTraining { .. } => {
                let line =
                    ["scale", "shift"].map(|name| g.input(name, Element::Float, &extents[1..2]));
                let op = Op::BatchNormTraining { epsilon: 1e-5 };
                vec![g.apply(op, &[x, line[0], line[1]]), g.apply(Op::BatchVariance, &[x])]
            }
            Op::PRelu | Op::PReluInputGradient => {
                let slope = g.input("slope", Element::Float, &extents[1..2]);
                let dy = g.input("dy", Element::Float, extents);
                let slopes = g.apply(Op::PReluSlopeGradient, &[x, dy]);
                match self.op {
                    // Slopes are learned where they have a gradient, which is none of its outputs.
                    Op::PRelu => vec![g.apply(Op::PRelu, &[x, slope])],
                    _ => vec![g.apply(Op::PReluInputGradient, &[x, slope, dy]), slopes],
                }
            }
            op => vec![g.apply(op.clone(), &inputs)],
        };
        let outputs = made.drain(..).enumerate();
        let outputs = outputs.map(|(at, value)| (format!("output {at}"), value)).collect();
        g.finish(outputs)
    }

    /// Extents of an image as the layout has them; of others as they are.
    fn lie(&self, extents: &[usize]) -> Vec<usize> {
        match (self.layout, extents) {
            (Layout::Pixels | Layout::RoundedPixels, &[n, c, height, width]) => {
                vec![n, height, width, c]
            }
            _ => extents.to_vec(),
        }
    }

    /// The problem alone, solved by a formulation. Images that it takes and makes lie as the layout has
    /// them; the extents of inputs and outputs are the model's, and all are floats: an image that a step would
    /// make in bfloat16 is rounded here, which is to the disadvantage of the formulation that reads it so.
    ///
    /// # Panics
    /// For a formulation that is none of [`Problem::formulations`].
    pub fn alone(&self, formulation: &str) -> onnx::Model {
        let known = self.formulations();
        assert!(known.contains(&formulation), "{self}: {formulation} is none of {known:?}");
        let graph = self.graph();
        let formulations = Formulations::from([(self.to_string(), formulation.to_owned())]);
        let arrangement = Arrangement { layout: self.layout, formulations };
        let mut lowering = Lowering::new(&graph, &arrangement);
        let mut inputs = Vec::new();
        for (at, (value, node)) in graph.inputs().into_iter().enumerate() {
            let is_kernel = self.kernel() == Some(at);
            let extents = if is_kernel { node.shape.clone() } else { self.lie(&node.shape) };
            if extents != node.shape {
                lowering.take_pixels(value);
            }
            inputs.push(info(&node.name, node.element, &extents, None));
        }
        lowering.nodes();
        let makes_kernel = matches!(self.op, Op::ConvWeightGradient(_));
        let mut outputs = Vec::new();
        let mut renamed = HashMap::new();
        for (output, value) in graph.outputs() {
            let node = graph.node(*value);
            let extents = if makes_kernel { node.shape.clone() } else { self.lie(&node.shape) };
            let own = match extents == node.shape {
                true => lowering.name(*value),
                false => lowering.pixels(*value),
            };
            outputs.push(info(output, node.element, &extents, None));
            renamed.insert(own, output.clone());
        }
        lowering.emitter.rename(&renamed);
        model(onnx::Graph {
            name: format!("{self}, {formulation}"),
            node: lowering.emitter.nodes,
            initializer: lowering.emitter.initializers,
            input: inputs,
            output: outputs,
            ..onnx::Graph::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;

    const WINDOW: Window = Window { kernel: 3, stride: 1, pad: 1 };

    fn problem(op: Op, layout: Layout) -> Problem {
        let extents = vec![vec![2, 5, 8, 6], vec![2, 4, 8, 6]];
        Problem { op, extents, layout }
    }

    #[test]
    fn a_problem_is_written_with_all_that_its_good_form_depends_on() {
        let by_kernels = problem(Op::ConvWeightGradient(WINDOW), Layout::Planes);
        assert_eq!(
            by_kernels.to_string(),
            "ConvWeightGradient 3/1+1 of 2x5x8x6, 2x4x8x6 in planes"
        );
        let op = Op::ConvInputGradient(Window { stride: 2, ..WINDOW }, [15, 12]);
        let extents = vec![vec![4, 5, 3, 3], vec![2, 4, 8, 6]];
        let by_images = Problem { op, extents, layout: Layout::RoundedPixels };
        assert_eq!(
            by_images.to_string(),
            "ConvInputGradient 3/2+1 of 4x5x3x3, 2x4x8x6 for 15x12 in rounded pixels"
        );
    }

    #[test]
    fn the_built_in_way_is_one_that_fits() {
        let windows = [(3, 1, 1), (3, 2, 1), (1, 1, 0), (1, 2, 0), (2, 1, 1), (1, 1, 1)];
        for (kernel, stride, pad) in windows {
            let op = Op::ConvWeightGradient(Window { kernel, stride, pad });
            for layout in [Layout::Planes, Layout::Pixels, Layout::RoundedPixels] {
                let problem = problem(op.clone(), layout);
                assert!(problem.formulations().contains(&problem.built_in()), "{problem}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "taps is none of [\"gathered\"]")]
    fn a_formulation_that_does_not_fit_is_refused() {
        let op = Op::ConvWeightGradient(Window { stride: 2, ..WINDOW });
        _ = problem(op, Layout::Planes).alone("taps");
    }
}
