//! `ChannelRound`: an image rounded to bfloat16.

use super::call::Call;
use super::formula::{Formula, compute};
use super::operator::Channelwise;
use super::port::Port;
use super::rows::Rows;
use super::vector::Lanes;
use half::bf16;
use ort::Error;
use ort::operator::KernelContext;

/// y = x, to the nearest number of 8 bits, of two to the even one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round;

impl Formula<1, 0, 1, 0> for Round {
    #[inline(always)]
    fn of<V: Lanes>(self, x: [V; 1], []: [V; 0]) -> ([V; 1], [V; 0]) {
        (x, [])
    }
}

impl Channelwise for Round {
    const NAME: &'static str = "ChannelRound";
    const INPUTS: &'static [Port] = &[Port::image("x")];
    const OUTPUTS: &'static [Port] = &[Port::image("y").of::<bf16>()];

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        // No element differs from another by where it lies.
        let rows = Rows::new(call.elements(), 1);
        let (x, y) = (call.image(0)?, call.output_image::<bf16>(0)?);
        compute(call.context, &rows, *self, [x], [], [y]).map(|[]| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, Tensor, bits, run, tensor};
    use crate::Runtime;
    use half::bf16;

    /// What an operator makes in floats is what its rounded form rounds: to the bit, of numbers with all
    /// kinds of neighbours.
    #[test]
    fn a_rounded_form_makes_what_the_other_makes_rounded() {
        let Some(runtime) = Runtime::installed() else { return };
        for shape in SHAPES {
            let c = &shape[3..];
            let by_channel = |seed| tensor(seed, c);
            let mut x = tensor(1, &shape);
            for (number, odd) in x.1.iter_mut().zip(ODD) {
                *number = f32::from_bits(odd);
            }
            let image = |seed| tensor(seed, &shape);
            let slopes = [x.clone(), by_channel(2)];
            let sums = [x.clone(), image(2), by_channel(3), by_channel(4), by_channel(5), image(6)];
            let lines = [x.clone(), by_channel(2), by_channel(3), image(4)];
            let cases: [(&str, &str, Vec<Tensor>); 6] = [
                ("Identity", "ChannelRound", vec![x]),
                ("ChannelAffine", "ChannelAffineRounded", lines[..3].to_vec()),
                ("ChannelAffine", "ChannelAffineRounded", lines.to_vec()),
                ("ChannelPRelu", "ChannelPReluRounded", slopes.to_vec()),
                ("ChannelCombine", "ChannelCombineRounded", sums[..5].to_vec()),
                ("ChannelCombine", "ChannelCombineRounded", sums.to_vec()),
            ];
            for (plain, rounded, inputs) in cases {
                let expected = match plain {
                    "Identity" => vec![inputs[0].1.clone()],
                    _ => run(&runtime, plain, vec![], &inputs, &[&shape]),
                };
                let made = run(&runtime, rounded, vec![], &inputs, &[&shape]);
                let nearest = expected[0].iter().map(|&number| bf16::from_f32(number).to_f32());
                assert!(bits(&made) == bits(&[nearest.collect()]), "{rounded} {shape:?}");
            }
        }
    }

    /// Halves above even and odd numbers, what lies beside them, the largest, the smallest, none.
    const ODD: [u32; 12] = [
        0x3f80_8000,
        0x3f81_8000,
        0x3f80_7fff,
        0x3f80_8001,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7f80_0001,
        0xffc0_0000,
        0x0000_0001,
        0x8000_8000,
        0x0080_0000,
    ];
}
