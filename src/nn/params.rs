//! What a network is made of: parameters, running statistics, and their first values.

use crate::seed::Seed;

/// How a tensor begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// All one number.
    Constant(f32),
    /// Normal draws of deviation √(2/fan-out), fan-out being the outputs times the kernel's pixels
    /// (He et al. 2015; `net.py`: initialize_weights).
    KaimingFanOut,
    /// Normal draws of this deviation.
    Normal(f64),
    /// Uniform draws between this number and its negative.
    Uniform(f64),
    /// Uniform draws from −1 to 1, each column then divided by its length (`head.py`: the kernels): of
    /// so many columns those from `first` on, as many as the tensor has.
    UnitColumns {
        /// The number of the first.
        first: usize,
        /// Of how many.
        of: usize,
    },
}

impl Initial {
    /// The numbers of the tensor `name`, from a stream of the seed that bears the tensor's name.
    pub fn draw(self, name: &str, shape: &[usize], seed: Seed) -> Vec<f32> {
        let count = shape.iter().product();
        let mut stream = seed.stream(&format!("initial {name}"));
        match self {
            Self::Constant(number) => vec![number; count],
            Self::KaimingFanOut => {
                let fan_out: usize = shape[0] * shape[2..].iter().product::<usize>();
                let deviation = (2.0 / fan_out as f64).sqrt();
                (0..count).map(|_| (deviation * stream.normal()) as f32).collect()
            }
            Self::Normal(deviation) => {
                (0..count).map(|_| (deviation * stream.normal()) as f32).collect()
            }
            Self::Uniform(bound) => {
                (0..count).map(|_| stream.uniform(-bound, bound) as f32).collect()
            }
            Self::UnitColumns { first, of } => {
                let columns = shape[1];
                let mut draws: Vec<f64> = Vec::with_capacity(count);
                for row in 0..shape[0] {
                    stream.go_to((row * of + first) as u64);
                    draws.extend((0..columns).map(|_| stream.uniform(-1.0, 1.0)));
                }
                let mut squares = vec![0.0; columns];
                for row in draws.chunks(columns) {
                    row.iter().zip(&mut squares).for_each(|(x, sum)| *sum += x * x);
                }
                let unit = |(at, x): (usize, &f64)| (x / squares[at % columns].sqrt()) as f32;
                draws.iter().enumerate().map(unit).collect()
            }
        }
    }
}

/// Whether weight decay pulls at a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// Yes: convolutions, the linear layer with its bias, slopes, the head.
    Decayed,
    /// No: scale and shift of batch normalisation.
    Free,
}

/// A tensor that is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name in the `state_dict`.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// How it begins.
    pub initial: Initial,
    /// Its weight decay.
    pub decay: Decay,
}

impl Parameter {
    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A tensor that a step replaces without a gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// Its extents; none for a number.
    pub shape: Vec<usize>,
    /// The number that it is filled with at first.
    pub initial: f32,
}

/// All tensors of a network, in the order in which they were declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params {
    /// Those that are trained.
    pub parameters: Vec<Parameter>,
    /// Those that are replaced.
    pub buffers: Vec<Buffer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_begin_with_the_deviation_of_their_fan_out() {
        let draws = Initial::KaimingFanOut.draw("w", &[32, 16, 3, 3], Seed::new(1));
        let square = draws.iter().map(|x| f64::from(x * x)).sum::<f64>() / draws.len() as f64;
        let expected = 2.0 / (32.0 * 9.0);
        assert!((square / expected - 1.0).abs() < 0.1, "{square} for {expected}");
    }

    #[test]
    fn columns_begin_with_length_one_and_a_part_of_them_with_the_same_numbers() {
        let all = Initial::UnitColumns { first: 0, of: 5 };
        let draws = all.draw("kernel", &[8, 5], Seed::new(1));
        let part = Initial::UnitColumns { first: 2, of: 5 }.draw("kernel", &[8, 3], Seed::new(1));
        for (row, part) in draws.chunks(5).zip(part.chunks(3)) {
            assert_eq!(row[2..], *part);
        }
        for column in 0..5 {
            let square: f32 = (0..8).map(|row| draws[row * 5 + column].powi(2)).sum();
            assert!((square - 1.0).abs() < 1e-6, "{square}");
        }
    }
}
