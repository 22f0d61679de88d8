//! What the numbers of an image are stored as.

use super::vector::{LANES, Lanes};
use half::bf16;
use ort::value::TensorElementType;
use std::cell::Cell;

/// A number of an image that an operator makes.
pub(super) trait Number: Copy + Default + Send + Sync + 'static {
    /// What the runtime calls it.
    const ELEMENT: TensorElementType;
    /// Whether floats are rounded to it.
    const IS_ROUNDED: bool;

    /// Stores floats.
    fn store<V: Lanes>(lanes: V, block: &[Cell<Self>; LANES]);
}

impl Number for f32 {
    const ELEMENT: TensorElementType = TensorElementType::Float32;
    const IS_ROUNDED: bool = false;

    #[inline(always)]
    fn store<V: Lanes>(lanes: V, block: &[Cell<Self>; LANES]) {
        lanes.store(block);
    }
}

impl Number for bf16 {
    const ELEMENT: TensorElementType = TensorElementType::Bfloat16;
    const IS_ROUNDED: bool = true;

    #[inline(always)]
    fn store<V: Lanes>(lanes: V, block: &[Cell<Self>; LANES]) {
        lanes.store_rounded(block);
    }
}
