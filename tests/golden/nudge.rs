//! Inputs moved within their last bits, as another machine's arithmetic would move what is computed
//! from them, while what is expected stays.
//!
//! `QGFACE_GOLDEN_NUDGE=SEED` asks for it. A comparison that then fails hangs on luck: on the order
//! of a sum, on the width of vectors. Moved are features, norms, kernels, qualities and states, in
//! the precision in which they are read. Not moved is what decides exactly by design: bytes and
//! pictures, labels and tables, scores that are stored to be ranked (their ties are meant), landmarks
//! (f64 in JSON, compared within 1e-4) and distances on the grid of thresholds.

use crate::reference::Tensor;
use qgface_data::seed::Seed;
use std::sync::LazyLock;

/// Neighbours that a number is moved by at most. With two, gradients that are zero but for rounding
/// leave the oracle's absolute tolerance by what the inputs are, not by what is made of them.
const MOST: u64 = 1;

static ASKED: LazyLock<Option<Seed>> = LazyLock::new(|| {
    let seed = std::env::var("QGFACE_GOLDEN_NUDGE").ok()?;
    Some(Seed::new(seed.parse().unwrap_or_else(|_| panic!("QGFACE_GOLDEN_NUDGE={seed}: a number"))))
});

/// A float whose neighbours have neighbouring bits.
pub(crate) trait Nudge: Copy {
    /// The number so many neighbours farther from zero; zero stays.
    fn moved(self, steps: i64) -> Self;
}

impl Nudge for f32 {
    fn moved(self, steps: i64) -> Self {
        if self.is_normal() {
            Self::from_bits((i64::from(self.to_bits()) + steps) as u32)
        } else {
            self
        }
    }
}

impl Nudge for f64 {
    fn moved(self, steps: i64) -> Self {
        if self.is_normal() {
            Self::from_bits(self.to_bits().wrapping_add_signed(steps))
        } else {
            self
        }
    }
}

/// Moves numbers if that is asked for, each by its place in what is called `name`.
pub(crate) fn nudge<T: Nudge>(numbers: &mut [T], name: &str) {
    let Some(seed) = &*ASKED else { return };
    let mut stream = seed.stream(name);
    for number in numbers {
        *number = number.moved(stream.below(2 * MOST + 1) as i64 - MOST as i64);
    }
}

/// The same of a tensor that is read in 32 bits, or in 64.
pub(crate) fn nudge_tensor(tensor: &mut Tensor, in_f32: bool, name: &str) {
    if !in_f32 {
        return nudge(&mut tensor.data, name);
    }
    let mut narrow: Vec<f32> = tensor.data.iter().map(|&x| x as f32).collect();
    nudge(&mut narrow, name);
    if ASKED.is_some() {
        tensor.data = narrow.into_iter().map(f64::from).collect();
    }
}
