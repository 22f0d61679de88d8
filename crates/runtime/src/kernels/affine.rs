//! `ChannelAffine`: normalisation as a scale and a shift by channel.

use super::call::Call;
use super::formula::{Formula, compute};
use super::operator::Channelwise;
use super::port::Port;
use super::rows::Rows;
use super::vector::Lanes;
use ort::Error;
use ort::operator::KernelContext;

/// y = scale·x + shift.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine;

impl Formula<1, 2, 1, 0> for Affine {
    #[inline(always)]
    fn of<V: Lanes>(self, [x]: [V; 1], [scale, shift]: [V; 2]) -> ([V; 1], [V; 0]) {
        ([scale.mul(x).add(shift)], [])
    }
}

impl Channelwise for Affine {
    const NAME: &'static str = "ChannelAffine";
    const INPUTS: &'static [Port] =
        &[Port::image("x"), Port::channels("scale"), Port::channels("shift")];
    const OUTPUTS: &'static [Port] = &[Port::image("y")];
    const INPLACES: &'static [(u32, u32)] = &[(0, 0)];

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let parameters = [call.numbers(1)?, call.numbers(2)?];
        let (images, outputs) = ([call.image(0)?], [call.output_image(0)?]);
        compute(call.context, &rows, *self, images, parameters, outputs).map(|[]| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, Tensor, assert_near, refusal, run, run_inplace, tensor};
    use crate::Runtime;

    /// y by the formula in f64 and its bound, that of two roundings.
    fn expected(inputs: &[Tensor], at: usize) -> (f64, f64) {
        let of = |input: usize, at: usize| f64::from(inputs[input].1[at]);
        let channel = at % inputs[1].1.len();
        let product = of(1, channel) * of(0, at);
        let z = product + of(2, channel);
        (z, (product.abs() + z.abs()) * 2_f64.powi(-23))
    }

    #[test]
    fn a_scale_and_a_shift_are_those_of_the_formula() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let by_channel = |seed| tensor(seed, &shape[3..]);
            let inputs = [tensor(1, &shape), by_channel(2), by_channel(3)];
            let made = run(&runtime, "ChannelAffine", vec![], &inputs, &[&shape]);
            let all = (0..inputs[0].1.len()).map(|at| expected(&inputs, at));
            assert_near(&format!("{shape:?}"), &made[0], all);
            let node = ("ChannelAffine", vec![]);
            let inplace = run_inplace(&runtime, 2, node, &inputs, &[&shape], &[(0, 0)]);
            assert!(inplace.unwrap() == made, "{shape:?}");
        }
    }

    #[test]
    fn numbers_by_channel_of_another_count_are_refused_by_name() {
        let Some(runtime) = Runtime::installed() else { return };
        let refused = |scale: &[usize], shift: &[usize]| {
            let inputs: [&[usize]; 3] = [&[2, 3, 3, 5], scale, shift];
            refusal(&runtime, ("ChannelAffine", vec![]), &inputs, &[&[2, 3, 3, 5]])
        };
        let said = refused(&[4], &[5]);
        assert!(said.contains("ChannelAffine: scale: expected [5], found [4]"), "{said}");
        let said = refused(&[5], &[5, 1]);
        assert!(said.contains("ChannelAffine: shift: expected [5], found [5, 1]"), "{said}");
    }
}
