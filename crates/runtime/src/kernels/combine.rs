//! `ChannelProducts` and `ChannelCombine`: what the gradient of a normalisation sums, and what it
//! makes of the sums.

use super::call::Call;
use super::formula::{Formula, compute};
use super::image::Image;
use super::number::Number;
use super::operator::Channelwise;
use super::port::Port;
use super::rows::Rows;
use super::vector::Lanes;
use ort::Error;
use ort::operator::KernelContext;
use std::marker::PhantomData;

/// Σ dy and Σ dy·x by channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Products;

/// It makes no image.
const NONE: [Image<'static>; 0] = [];

impl Formula<2, 0, 0, 2> for Products {
    #[inline(always)]
    fn of<V: Lanes>(self, [dy, x]: [V; 2], []: [V; 0]) -> ([V; 0], [V; 2]) {
        ([], [dy, dy.mul(x)])
    }
}

impl Channelwise for Products {
    const NAME: &'static str = "ChannelProducts";
    const INPUTS: &'static [Port] = &[Port::image("dy"), Port::image("x")];
    const OUTPUTS: &'static [Port] = &[Port::channels("sum"), Port::channels("products")];

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let images = [call.image(0)?, call.image(1)?];
        let [sum, products] = compute(call.context, &rows, *self, images, [], NONE)?;
        call.write_channels(0, &sum)?;
        call.write_channels(1, &products)
    }
}

/// p·dy + q·x + r, and one image more that is added where it is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Combine;

impl Formula<2, 3, 1, 0> for Combine {
    #[inline(always)]
    fn of<V: Lanes>(self, [x, dy]: [V; 2], [p, q, r]: [V; 3]) -> ([V; 1], [V; 0]) {
        ([p.mul(dy).add(q.mul(x).add(r))], [])
    }
}

impl Formula<3, 3, 1, 0> for Combine {
    #[inline(always)]
    fn of<V: Lanes>(self, [x, dy, more]: [V; 3], parameters: [V; 3]) -> ([V; 1], [V; 0]) {
        let ([made], []) = self.of([x, dy], parameters);
        ([made.add(more)], [])
    }
}

/// [`Combine`] of images, made of numbers of a kind.
#[derive(Debug)]
pub(super) struct ChannelCombine<N>(PhantomData<fn() -> N>);

impl<N: Number> Channelwise for ChannelCombine<N> {
    const NAME: &'static str =
        if N::IS_ROUNDED { "ChannelCombineRounded" } else { "ChannelCombine" };
    const INPUTS: &'static [Port] = &[
        Port::image("x"),
        Port::image("dy"),
        Port::channels("p"),
        Port::channels("q"),
        Port::channels("r"),
        Port::image("more").optional(),
    ];
    const OUTPUTS: &'static [Port] = &[Port::image("dx").of::<N>()];
    const INPLACES: &'static [(u32, u32)] = if N::IS_ROUNDED { &[] } else { &[(1, 0), (0, 0)] };

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self(PhantomData))
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        let parameters = [call.numbers(2)?, call.numbers(3)?, call.numbers(4)?];
        let (x, dy) = (call.image(0)?, call.image(1)?);
        let outputs = [call.output_image::<N>(0)?];
        if call.has(5) {
            let images = [x, dy, call.image(5)?];
            return compute(call.context, &rows, Combine, images, parameters, outputs).map(|[]| ());
        }
        compute(call.context, &rows, Combine, [x, dy], parameters, outputs).map(|[]| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, assert_near, numbers, refusal, run, run_inplace, tensor};
    use crate::Runtime;

    #[test]
    fn products_are_summed_by_channel() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let c = shape[3];
            let count = shape.iter().product();
            let inputs = [tensor(1, &shape), (shape.to_vec(), numbers(2, count, 1e3, 1.0))];
            let made = run(&runtime, "ChannelProducts", vec![], &inputs, &[&[c], &[c]]);
            let of = |input: usize, at: usize| f64::from(inputs[input].1[at]);
            let sum = |channel: usize, term: &dyn Fn(usize) -> f64| {
                let terms = (channel..count).step_by(c).map(term);
                let (sum, amount) =
                    terms.fold((0.0, 0.0), |(sum, all), term| (sum + term, all + term.abs()));
                (sum, amount * 2_f64.powi(-18))
            };
            let what = format!("{shape:?}");
            let sums = (0..c).map(|channel| sum(channel, &|at| of(0, at)));
            assert_near(&what, &made[0], sums);
            let products = (0..c).map(|channel| sum(channel, &|at| of(0, at) * of(1, at)));
            assert_near(&what, &made[1], products);
        }
    }

    #[test]
    fn a_combination_is_that_of_the_formula() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let c = shape[3];
            let by_channel = |seed| tensor(seed, &[c]);
            let image = |seed| tensor(seed, &shape);
            let all = [image(1), image(2), by_channel(3), by_channel(4), by_channel(5), image(6)];
            for inputs in [&all[..5], &all] {
                let made = run(&runtime, "ChannelCombine", vec![], inputs, &[&shape]);
                let of = |input: usize, at: usize| f64::from(inputs[input].1[at]);
                let expected = (0..inputs[0].1.len()).map(|at| {
                    let more = if inputs.len() == 6 { of(5, at) } else { 0.0 };
                    let terms =
                        [of(2, at % c) * of(1, at), of(3, at % c) * of(0, at), of(4, at % c), more];
                    let amount: f64 = terms.iter().map(|term| term.abs()).sum();
                    // Each term goes through four roundings at most.
                    (terms.iter().sum(), amount * 2_f64.powi(-22))
                });
                assert_near(&format!("{shape:?} of {}", inputs.len()), &made[0], expected);
                for inplace in [(0, 0), (1, 0)] {
                    let node = ("ChannelCombine", vec![]);
                    let own = run_inplace(&runtime, 2, node, inputs, &[&shape], &[inplace]);
                    assert!(own.unwrap() == made, "{shape:?} {inplace:?}");
                }
            }
        }
    }

    #[test]
    fn images_of_other_shapes_are_refused_by_name() {
        let Some(runtime) = Runtime::installed() else { return };
        let (image, c): (&[usize], &[usize]) = (&[2, 3, 4, 5], &[5]);
        let inputs = [image, image, c, c, c, &[2, 3, 4, 4]];
        let said = refusal(&runtime, ("ChannelCombine", vec![]), &inputs, &[image]);
        let expected = "ChannelCombine: more: expected [2, 3, 4, 5], found [2, 3, 4, 4]";
        assert!(said.contains(expected), "{said}");
        let node = ("ChannelProducts", vec![]);
        let said = refusal(&runtime, node, &[image, &[3, 2, 4, 5]], &[c, c]);
        let expected = "ChannelProducts: x: expected [2, 3, 4, 5], found [3, 2, 4, 5]";
        assert!(said.contains(expected), "{said}");
    }
}
