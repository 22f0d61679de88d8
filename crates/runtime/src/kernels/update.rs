//! `MomentumUpdate`: a step of stochastic gradient descent with momentum and weight decay.

use super::call::Call;
use super::formula::{Formula, compute};
use super::operator::Channelwise;
use super::port::{Port, refuse};
use super::rows::Rows;
use super::vector::Lanes;
use ort::Error;
use ort::operator::KernelContext;

/// With d = gradient + weight_decay·parameter: m' = momentum·m + d and p' = p − m'·rate, each
/// operation rounded once and in this order, as the nodes of `optim` compute it. A weight decay of 0
/// is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    momentum: f32,
    weight_decay: f32,
}

/// An update at a rate.
#[derive(Debug, Clone, Copy)]
struct AtRate {
    update: Update,
    rate: f32,
}

impl Formula<3, 0, 2, 0> for AtRate {
    #[inline(always)]
    fn of<V: Lanes>(self, [parameter, momentum, gradient]: [V; 3], []: [V; 0]) -> ([V; 2], [V; 0]) {
        let pulled = match self.update.weight_decay {
            0.0 => gradient,
            decay => gradient.add(parameter.mul(V::splat(decay))),
        };
        let momentum = momentum.mul(V::splat(self.update.momentum)).add(pulled);
        let way = momentum.mul(V::splat(self.rate));
        ([parameter.sub(way), momentum], [])
    }
}

impl Channelwise for Update {
    const NAME: &'static str = "MomentumUpdate";
    const INPUTS: &'static [Port] = &[
        Port::image("parameter"),
        Port::image("momentum"),
        Port::image("gradient"),
        Port::number("rate"),
    ];
    const OUTPUTS: &'static [Port] = &[Port::image("new parameter"), Port::image("new momentum")];
    const INPLACES: &'static [(u32, u32)] = &[(0, 0), (1, 1)];

    fn new(attributes: &KernelContext<'_>) -> Result<Self, Error> {
        let share = |name: &str| match attributes.get::<f32>(name) {
            Some(share) if share.is_finite() => Ok(share),
            Some(share) => Err(refuse(Self::NAME, name, "a number", &share.to_string())),
            None => Err(refuse(Self::NAME, name, "a float", "none")),
        };
        Ok(Self { momentum: share("momentum")?, weight_decay: share("weight_decay")? })
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        // No element differs from another by where it lies.
        let rows = Rows::new(call.elements(), 1);
        let formula = AtRate { update: *self, rate: call.numbers(3)?[0] };
        let images = [call.image(0)?, call.image(1)?, call.image(2)?];
        let outputs = [call.output_image::<f32>(0)?, call.output_image::<f32>(1)?];
        compute(call.context, &rows, formula, images, [], outputs).map(|[]| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Tensor, float, refusal, run, run_inplace, tensor};
    use crate::Runtime;

    /// As `optim` has it computed, node by node.
    fn by_nodes(inputs: &[Tensor], momentum: f32, decay: f32) -> [Vec<f32>; 2] {
        let (rate, mut made) = (inputs[3].1[0], [vec![], vec![]]);
        for ((&p, &m), &g) in inputs[0].1.iter().zip(&inputs[1].1).zip(&inputs[2].1) {
            let pulled = if decay == 0.0 { g } else { g + p * decay };
            let new = m * momentum + pulled;
            made[0].push(p - new * rate);
            made[1].push(new);
        }
        made
    }

    #[test]
    fn an_update_is_that_of_the_nodes_to_the_bit_also_in_place() {
        let Some(runtime) = Runtime::installed() else { return };
        let shapes: [&[usize]; 5] = [&[1], &[], &[64, 3, 3, 3], &[401, 512], &[3, 7, 100, 100]];
        for shape in shapes {
            let inputs = [tensor(1, shape), tensor(2, shape), tensor(3, shape), tensor(4, &[])];
            for decay in [5e-4, 0.0] {
                let attributes = vec![float("momentum", 0.9), float("weight_decay", decay)];
                let outputs = [shape, shape];
                let made = run(&runtime, "MomentumUpdate", attributes.clone(), &inputs, &outputs);
                assert!(made == by_nodes(&inputs, 0.9, decay), "{shape:?} {decay}");
                let node = ("MomentumUpdate", attributes);
                let inplace = [(0, 0), (1, 1)];
                let own = run_inplace(&runtime, 2, node, &inputs, &outputs, &inplace);
                assert!(own.unwrap() == made, "{shape:?} {decay}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let Some(runtime) = Runtime::installed() else { return };
        let shape: &[usize] = &[4, 3];
        let refused = |names: &[&str], gradient: &[usize], rate: &[usize]| {
            let attributes = names.iter().map(|name| float(name, 0.5)).collect();
            let node = ("MomentumUpdate", attributes);
            refusal(&runtime, node, &[shape, shape, gradient, rate], &[shape, shape])
        };
        let both = ["momentum", "weight_decay"];
        let said = refused(&both, &[3, 4], &[]);
        let expected = "MomentumUpdate: gradient: expected [4, 3], found [3, 4]";
        assert!(said.contains(expected), "{said}");
        let said = refused(&both, shape, &[1]);
        assert!(said.contains("MomentumUpdate: rate: expected [], found [1]"), "{said}");
        let said = refused(&both[..1], shape, &[]);
        let expected = "MomentumUpdate: weight_decay: expected a float, found none";
        assert!(said.contains(expected), "{said}");
    }
}
