//! Memory to work in, divided into pieces that begin where the library likes them to.

/// Floats of a piece's smallest step: 128 bytes, two lines of a cache.
const STEP: usize = 32;

/// Floats that hold so many bytes, in whole steps.
pub(super) fn floats(bytes: usize) -> usize {
    bytes.div_ceil(size_of::<f32>()).next_multiple_of(STEP)
}

/// Takes the first floats off, a number that [`floats`] gave or a sum of such.
///
/// # Panics
/// Where there are fewer.
pub(super) fn piece<'a>(rest: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    let (own, others) = std::mem::take(rest).split_at_mut(count);
    *rest = others;
    own
}

/// Memory that grows to the largest need and stays.
#[derive(Debug, Default)]
pub(super) struct Scratch(Vec<f32>);

impl Scratch {
    /// So many floats, from the beginning of a step; what they are is left from earlier work.
    pub(super) fn of(&mut self, count: usize) -> &mut [f32] {
        let needed = count + STEP;
        if self.0.len() < needed {
            // What is there is not worth copying.
            self.0 = Vec::new();
            self.0 = vec![0.0; needed];
        }
        let start = self.start();
        &mut self.0[start..][..count]
    }

    /// What was written last, and what is left behind it.
    pub(super) fn numbers(&self) -> &[f32] {
        &self.0[self.start()..]
    }

    fn start(&self) -> usize {
        self.0.as_ptr().align_offset(STEP * size_of::<f32>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_in_whole_steps() {
        assert_eq!([0, 1, 128, 129].map(floats), [0, STEP, STEP, 2 * STEP]);
        let mut scratch = Scratch::default();
        let mut rest = scratch.of(3 * STEP);
        assert_eq!(rest.as_ptr().addr() % 128, 0);
        assert_eq!(piece(&mut rest, 2 * STEP).len(), 2 * STEP);
        assert_eq!((rest.len(), rest.as_ptr().addr() % 128), (STEP, 0));
    }
}
