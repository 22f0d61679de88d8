//! `ChannelPRelu` and `ChannelPReluGradient`: slopes by channel where numbers are not above 0.

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

/// y = x where x is above 0, else slope·x.
#[derive(Debug, Clone, Copy)]
pub(super) struct PRelu;

impl Formula<1, 1, 1, 0> for PRelu {
    #[inline(always)]
    fn of<V: Lanes>(self, [x]: [V; 1], [slope]: [V; 1]) -> ([V; 1], [V; 0]) {
        ([x.if_positive(x, slope.mul(x))], [])
    }
}

/// [`PRelu`] of images, made of numbers of a kind.
#[derive(Debug)]
pub(super) struct ChannelPRelu<N>(PhantomData<fn() -> N>);

impl<N: Number> Channelwise for ChannelPRelu<N> {
    const NAME: &'static str = if N::IS_ROUNDED { "ChannelPReluRounded" } else { "ChannelPRelu" };
    const INPUTS: &'static [Port] = &[Port::image("x"), Port::channels("slope")];
    const OUTPUTS: &'static [Port] = &[Port::image("y").of::<N>()];
    const INPLACES: &'static [(u32, u32)] = if N::IS_ROUNDED { &[] } else { &[(0, 0)] };

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self(PhantomData))
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let (x, y) = (call.image(0)?, call.output_image::<N>(0)?);
        compute(call.context, &rows, PRelu, [x], [call.numbers(1)?], [y]).map(|[]| ())
    }
}

/// dx = dy where x is above 0, else slope·dy; and the sum of dy·x over what is not above 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gradient;

impl Formula<2, 1, 1, 1> for Gradient {
    #[inline(always)]
    fn of<V: Lanes>(self, [x, dy]: [V; 2], [slope]: [V; 1]) -> ([V; 1], [V; 1]) {
        let term = x.if_positive(V::splat(0.0), dy.mul(x));
        ([x.if_positive(dy, slope.mul(dy))], [term])
    }
}

impl Channelwise for Gradient {
    const NAME: &'static str = "ChannelPReluGradient";
    const INPUTS: &'static [Port] = &[Port::image("x"), Port::channels("slope"), Port::image("dy")];
    const OUTPUTS: &'static [Port] = &[Port::image("dx"), Port::channels("dslope")];
    const INPLACES: &'static [(u32, u32)] = &[(2, 0), (0, 0)];

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let (images, slope) = ([call.image(0)?, call.image(2)?], call.numbers(1)?);
        let outputs = [call.output_image::<f32>(0)?];
        let [sums] = compute(call.context, &rows, *self, images, [slope], outputs)?;
        call.write_channels(1, &sums)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, Tensor, assert_near, refusal, run, run_inplace, tensor};
    use crate::Runtime;

    /// One rounding.
    const ROUNDED: f64 = 1.0 / (1 << 24) as f64;

    fn slope(inputs: &[Tensor]) -> impl Iterator<Item = (f64, f64)> {
        inputs[0].1.iter().enumerate().map(move |(at, &x)| {
            let slope = f64::from(inputs[1].1[at % inputs[1].1.len()]);
            let y = f64::from(x) * if x > 0.0 { 1.0 } else { slope };
            (y, y.abs() * ROUNDED)
        })
    }

    #[test]
    fn a_slope_is_that_of_the_channel() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let inputs = [tensor(1, &shape), tensor(2, &shape[3..])];
            let made = run(&runtime, "ChannelPRelu", vec![], &inputs, &[&shape]);
            assert_near(&format!("{shape:?}"), &made[0], slope(&inputs));
            let node = ("ChannelPRelu", vec![]);
            let inplace = run_inplace(&runtime, 2, node, &inputs, &[&shape], &[(0, 0)]);
            assert!(inplace.unwrap() == made, "{shape:?}");
        }
    }

    #[test]
    fn a_gradient_passes_above_zero_and_is_inclined_elsewhere() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let c = shape[3];
            let mut inputs = [tensor(1, &shape), tensor(2, &[c]), tensor(3, &shape)];
            inputs[0].1[0] = 0.0;
            let outputs: [&[usize]; 2] = [&shape, &[c]];
            let made = run(&runtime, "ChannelPReluGradient", vec![], &inputs, &outputs);
            let [(_, x), (_, slope), (_, dy)] = &inputs;
            let all = x.iter().zip(dy).enumerate().map(|(at, (&x, &dy))| {
                let dx = f64::from(dy) * if x > 0.0 { 1.0 } else { f64::from(slope[at % c]) };
                (dx, dx.abs() * ROUNDED)
            });
            assert_near(&format!("dx {shape:?}"), &made[0], all);
            let sums = (0..c).map(|channel| {
                let own = x.iter().zip(dy).skip(channel).step_by(c);
                let terms = own.filter(|(x, _)| **x <= 0.0);
                let terms = terms.map(|(&x, &dy)| f64::from(x) * f64::from(dy));
                let (sum, amount) =
                    terms.fold((0.0, 0.0), |(sum, all), term| (sum + term, all + term.abs()));
                (sum, amount * 2_f64.powi(-18))
            });
            assert_near(&format!("dslope {shape:?}"), &made[1], sums);
            for inplace in [(2, 0), (0, 0)] {
                let node = ("ChannelPReluGradient", vec![]);
                let own = run_inplace(&runtime, 2, node, &inputs, &outputs, &[inplace]);
                assert!(own.unwrap() == made, "{shape:?} {inplace:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let Some(runtime) = Runtime::installed() else { return };
        let inputs: [&[usize]; 2] = [&[2, 3, 4, 5], &[3]];
        let said = refusal(&runtime, ("ChannelPRelu", vec![]), &inputs, &[&[2, 3, 4, 5]]);
        assert!(said.contains("ChannelPRelu: slope: expected [5], found [3]"), "{said}");
        let inputs: [&[usize]; 3] = [&[2, 3, 4, 5], &[5], &[2, 3, 5, 5]];
        let outputs: [&[usize]; 2] = [&[2, 3, 4, 5], &[5]];
        let said = refusal(&runtime, ("ChannelPReluGradient", vec![]), &inputs, &outputs);
        let expected = "ChannelPReluGradient: dy: expected [2, 3, 4, 5], found [2, 3, 5, 5]";
        assert!(said.contains(expected), "{said}");
    }
}
