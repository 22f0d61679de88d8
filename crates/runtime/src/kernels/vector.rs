//! Sixteen floats at a time, in the widest registers that the processor has.
//!
//! Every operation is that of one element, rounded once: nothing is fused and nothing is added
//! across lanes, so what is computed is the same to the bit on every machine.

use half::bf16;
use std::cell::Cell;

/// Floats that are computed with at a time.
pub(super) const LANES: usize = 16;

/// Numbers of a table, as many as are computed with at a time.
pub(super) type Numbers = [f32; LANES];

/// Numbers of an image; an output may lie where an input does.
pub(super) type Block = [Cell<f32>; LANES];

/// Sixteen floats in registers.
pub(super) trait Lanes: Copy {
    /// One number in all lanes.
    fn splat(number: f32) -> Self;
    /// Reads numbers of a table.
    fn of(numbers: &Numbers) -> Self;
    /// Writes numbers of a table.
    fn put(self, numbers: &mut Numbers);
    /// Reads numbers of an image.
    fn load(block: &Block) -> Self;
    /// Writes numbers of an image.
    fn store(self, block: &Block);
    /// Writes them rounded to bfloat16: to the nearest, of two to the even one.
    fn store_rounded(self, block: &[Cell<bf16>; LANES]);
    /// The sum.
    fn add(self, other: Self) -> Self;
    /// The difference.
    fn sub(self, other: Self) -> Self;
    /// The product.
    fn mul(self, other: Self) -> Self;
    /// `yes` where a number is above 0, else `no`.
    fn if_positive(self, yes: Self, no: Self) -> Self;
}

/// A loop over numbers. `run` must be `#[inline(always)]`: only then is it compiled for the
/// registers that it is called for.
pub(super) trait Work {
    /// What it makes.
    type Made;
    /// Does it, in lanes of one kind.
    fn run<V: Lanes>(self) -> Self::Made;
}

/// Lanes that the compiler makes what it can of.
#[derive(Clone, Copy)]
pub(super) struct Plain(Numbers);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, of: impl Fn(f32, f32) -> f32) -> Self {
        let mut made = self.0;
        for (own, other) in made.iter_mut().zip(other.0) {
            *own = of(*own, other);
        }
        Self(made)
    }
}

impl Lanes for Plain {
    #[inline(always)]
    fn splat(number: f32) -> Self {
        Self([number; LANES])
    }
    #[inline(always)]
    fn of(numbers: &Numbers) -> Self {
        Self(*numbers)
    }
    #[inline(always)]
    fn put(self, numbers: &mut Numbers) {
        *numbers = self.0;
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        let mut made = [0.0; LANES];
        for (own, cell) in made.iter_mut().zip(block) {
            *own = cell.get();
        }
        Self(made)
    }
    #[inline(always)]
    fn store(self, block: &Block) {
        for (own, cell) in self.0.iter().zip(block) {
            cell.set(*own);
        }
    }
    #[inline(always)]
    fn store_rounded(self, block: &[Cell<bf16>; LANES]) {
        for (own, cell) in self.0.iter().zip(block) {
            cell.set(bf16::from_f32(*own));
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        let mut made = no.0;
        for ((own, yes), number) in made.iter_mut().zip(yes.0).zip(self.0) {
            *own = if number > 0.0 { yes } else { *own };
        }
        Self(made)
    }
}
