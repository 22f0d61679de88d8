//! `ChannelAffine`: normalisation as a scale and a shift by channel.

use super::call::Call;
use super::formula::{Formula, compute};
use super::number::Number;
use super::operator::Channelwise;
use super::port::Port;
use super::rows::Rows;
use super::vector::Lanes;
use ort::Error;
use ort::operator::KernelContext;
use std::marker::PhantomData;

/// y = scale·x + shift, and one image more that is added where it is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine;

impl Formula<1, 2, 1, 0> for Affine {
    #[inline(always)]
    fn of<V: Lanes>(self, [x]: [V; 1], [scale, shift]: [V; 2]) -> ([V; 1], [V; 0]) {
        ([scale.mul(x).add(shift)], [])
    }
}

impl Formula<2, 2, 1, 0> for Affine {
    #[inline(always)]
    fn of<V: Lanes>(self, [x, more]: [V; 2], parameters: [V; 2]) -> ([V; 1], [V; 0]) {
        let ([made], []) = self.of([x], parameters);
        ([made.add(more)], [])
    }
}

/// [`Affine`] of images, made of numbers of a kind.
#[derive(Debug)]
pub(super) struct ChannelAffine<N>(PhantomData<fn() -> N>);

impl<N: Number> Channelwise for ChannelAffine<N> {
    const NAME: &'static str = if N::IS_ROUNDED { "ChannelAffineRounded" } else { "ChannelAffine" };
    const INPUTS: &'static [Port] = &[
        Port::image("x"),
        Port::channels("scale"),
        Port::channels("shift"),
        Port::image("more").optional(),
    ];
    const OUTPUTS: &'static [Port] = &[Port::image("y").of::<N>()];
    const INPLACES: &'static [(u32, u32)] = if N::IS_ROUNDED { &[] } else { &[(0, 0), (3, 0)] };

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self(PhantomData))
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let parameters = [call.numbers(1)?, call.numbers(2)?];
        let (x, outputs) = (call.image(0)?, [call.output_image::<N>(0)?]);
        if call.has(3) {
            let images = [x, call.image(3)?];
            return compute(call.context, &rows, Affine, images, parameters, outputs).map(|[]| ());
        }
        compute(call.context, &rows, Affine, [x], parameters, outputs).map(|[]| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, Tensor, assert_near, refusal, run, run_inplace, tensor};
    use crate::Runtime;

    /// y by the formula in f64 and its bound, that of a rounding for each operation.
    fn expected(inputs: &[Tensor], at: usize) -> (f64, f64) {
        let of = |input: usize, at: usize| f64::from(inputs[input].1[at]);
        let channel = at % inputs[1].1.len();
        let product = of(1, channel) * of(0, at);
        let z = product + of(2, channel);
        let sum = z + if inputs.len() == 4 { of(3, at) } else { 0.0 };
        (sum, (product.abs() + z.abs() + sum.abs()) * 2_f64.powi(-23))
    }

    #[test]
    fn a_scale_and_a_shift_are_those_of_the_formula() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let by_channel = |seed| tensor(seed, &shape[3..]);
            let all = [tensor(1, &shape), by_channel(2), by_channel(3), tensor(4, &shape)];
            for (inputs, places) in [(&all[..3], &[0][..]), (&all, &[0, 3])] {
                let made = run(&runtime, "ChannelAffine", vec![], inputs, &[&shape]);
                let all = (0..inputs[0].1.len()).map(|at| expected(inputs, at));
                assert_near(&format!("{shape:?} of {}", inputs.len()), &made[0], all);
                for &place in places {
                    let node = ("ChannelAffine", vec![]);
                    let own = run_inplace(&runtime, 2, node, inputs, &[&shape], &[(place, 0)]);
                    assert!(own.unwrap() == made, "{shape:?} {place}");
                }
            }
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
