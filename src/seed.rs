//! One seed, and named streams of random numbers that do not depend on each other.
//!
//! A stream is the extendable output of BLAKE3 keyed by the seed and the stream's name, so it is the
//! same on every machine, and one more draw in one stream moves no other.

/// The number all randomness of a run comes from.
#[derive(Debug, Clone, Copy)]
pub struct Seed(u64);

impl Seed {
    /// Wraps the seed a user gave.
    pub fn new(value: u64) -> Self {
        Self(value)
    }

    /// Opens the stream called `name` at its beginning.
    ///
    /// ```
    /// # use qgface_data::seed::Seed;
    /// let draw = |name| Seed::new(1).stream(name).below(1000);
    /// assert_eq!(draw("order"), draw("order"));
    /// assert_ne!(draw("order"), draw("views"));
    /// ```
    pub fn stream(&self, name: &str) -> Stream {
        let mut hasher = blake3::Hasher::new_derive_key("qgface-data random stream, version 1");
        hasher.update(&self.0.to_le_bytes());
        hasher.update(name.as_bytes());
        Stream { output: hasher.finalize_xof(), block: [0; BLOCK], used: BLOCK }
    }
}

/// Bytes drawn from the hash at a time.
const BLOCK: usize = 64;

/// A sequence of random numbers.
#[derive(Debug)]
pub struct Stream {
    output: blake3::OutputReader,
    block: [u8; BLOCK],
    used: usize,
}

impl Stream {
    /// Draws 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        if self.used == BLOCK {
            self.output.fill(&mut self.block);
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }

    /// Goes to where `draws` draws of 64 bits have been made, in no time.
    pub fn go_to(&mut self, draws: u64) {
        let bytes = draws * 8;
        let inside = bytes % BLOCK as u64;
        self.output.set_position(bytes - inside);
        self.output.fill(&mut self.block);
        self.used = inside as usize;
    }

    /// Fills `bytes` with the uniform ones of the stream from a position on.
    pub fn fill_from(&mut self, position: u64, bytes: &mut [u8]) {
        self.output.set_position(position);
        self.output.fill(bytes);
        self.used = BLOCK;
    }

    /// Draws from `[low, high)` with 53 bits.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Draws a whole number below `n`, each equally likely.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no number lies below 0");
        let excess = (u64::MAX % n + 1) % n;
        loop {
            let draw = self.next_u64();
            if draw <= u64::MAX - excess {
                return draw % n;
            }
        }
    }

    /// Draws from the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform(0.0, 1.0)));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform(0.0, 1.0))
    }

    /// Puts `items` in a random order (Fisher and Yates).
    ///
    /// ```
    /// # use qgface_data::seed::Seed;
    /// let mut items = [0, 1, 2, 3];
    /// Seed::new(1).stream("order").shuffle(&mut items);
    /// items.sort_unstable();
    /// assert_eq!(items, [0, 1, 2, 3]);
    /// ```
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_by_name_and_repeat_by_seed() {
        let draw = |seed, name| Seed::new(seed).stream(name).next_u64();
        assert_eq!(draw(1, "augment"), draw(1, "augment"));
        assert_ne!(draw(1, "augment"), draw(1, "order"));
        assert_ne!(draw(1, "augment"), draw(2, "augment"));
    }

    #[test]
    fn a_stream_goes_on_from_anywhere() {
        let mut stream = Seed::new(1).stream("draws");
        let draws: Vec<u64> = (0..40).map(|_| stream.next_u64()).collect();
        for start in [0, 1, 7, 8, 9, 31, 39] {
            stream.go_to(start);
            assert_eq!(stream.next_u64(), draws[start as usize]);
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_and_deviation_one() {
        let mut stream = Seed::new(7).stream("normal");
        let draws: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        // Five standard errors of 20,000 draws.
        assert!(mean.abs() < 0.036, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Seed::new(3).stream("order").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
