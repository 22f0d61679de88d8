//! Loops in the widest lanes of the processor at hand.

use super::vector::{Plain, Work};
#[cfg(target_arch = "x86_64")]
use super::x86;

/// Does work in the widest lanes that the processor has.
pub(super) fn widest<W: Work>(work: W) -> W::Made {
    #[cfg(target_arch = "x86_64")]
    let work = match x86::in_avx512(work) {
        Ok(made) => return made,
        Err(work) => work,
    };
    #[cfg(target_arch = "x86_64")]
    let work = match x86::in_avx2(work) {
        Ok(made) => return made,
        Err(work) => work,
    };
    work.run::<Plain>()
}

#[cfg(test)]
mod tests {
    use super::super::vector::{Block, LANES, Lanes, Numbers};
    use super::*;
    use half::bf16;
    use std::cell::Cell;

    /// All that lanes can do, on numbers of which some are no numbers.
    struct Everything<'a>(&'a Numbers, &'a Numbers);

    impl Work for Everything<'_> {
        type Made = Vec<u32>;
        #[inline(always)]
        fn run<V: Lanes>(self) -> Vec<u32> {
            let (a, b) = (V::of(self.0), V::of(self.1));
            let mut bits = Vec::new();
            for lanes in [a.add(b), a.sub(b), a.mul(b), a.if_positive(a, b), V::splat(0.1).mul(a)] {
                let block: Block = Default::default();
                lanes.store(&block);
                let mut numbers = [0.0; LANES];
                V::load(&block).put(&mut numbers);
                bits.extend(numbers.map(f32::to_bits));
                let rounded: [Cell<bf16>; LANES] = Default::default();
                lanes.store_rounded(&rounded);
                bits.extend(rounded.map(|number| u32::from(number.get().to_bits())));
            }
            bits
        }
    }

    #[test]
    fn lanes_of_every_width_make_the_same_bits() {
        let a = std::array::from_fn(|at| (at as f32 - 7.5) * 0.37);
        let mut b: Numbers = std::array::from_fn(|at| 1.0 / (at as f32 + 3.0));
        b[3] = f32::INFINITY;
        b[4] = f32::from_bits(0x7f80_0001);
        b[5] = f32::from_bits(0x3f80_8000);
        b[6] = f32::MAX;
        let work = || Everything(&a, &b);
        let plain = work().run::<Plain>();
        assert_eq!(f32::from_bits(plain[0]), a[0] + b[0]);
        assert_eq!(f32::from_bits(plain[6 * LANES]), b[0]);
        assert_eq!(f32::from_bits(plain[7 * LANES - 1]), a[15]);
        assert_eq!(plain[8 * LANES - 1], u32::from(bf16::from_f32(a[15]).to_bits()));
        #[cfg(target_arch = "x86_64")]
        for wide in [x86::in_avx512(work()), x86::in_avx2(work())] {
            assert!(wide.map_or(true, |bits| bits == plain));
        }
    }
}
