//! Rates of errors that stand in the names of metrics.

use std::fmt;

/// A decimal digit times a power of ten, `1e-04`: a rate whose name says exactly which number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    digit: u8,
    /// The negated power of ten.
    power: u8,
}

impl Rate {
    /// The rate one in ten to the `power`: `1e-04` for 4.
    ///
    /// # Panics
    /// Above [`Self::LARGEST_POWER`].
    pub const fn one_in_ten_to(power: u8) -> Self {
        assert!(power <= Self::LARGEST_POWER, "a power of ten that a float holds exactly");
        Self { digit: 1, power }
    }

    /// Powers of ten up to it are exact as a float, so that the value of a rate is rounded once.
    pub const LARGEST_POWER: u8 = 22;

    /// The rate of a name: `1e-04`, with two digits for its power of ten.
    pub fn named(name: &str) -> Option<Self> {
        let (digit, power) = name.split_once("e-")?;
        let rate = Self { digit: digit.parse().ok()?, power: power.parse().ok()? };
        let known = (1..=9).contains(&rate.digit) && rate.power <= Self::LARGEST_POWER;
        (known && rate.to_string() == name).then_some(rate)
    }

    /// The float nearest to the rate.
    pub fn value(self) -> f64 {
        f64::from(self.digit) / 10f64.powi(self.power.into())
    }

    /// As people write it: `1e-4`.
    pub fn title(self) -> String {
        let Self { digit, power } = self;
        format!("{digit}e-{power}")
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digit, power } = self;
        write!(f, "{digit}e-{power:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_number_that_its_name_says() {
        for (power, name, value) in [(1, "1e-01", 0.1), (4, "1e-04", 1e-4), (6, "1e-06", 1e-6)] {
            let rate = Rate::one_in_ten_to(power);
            assert_eq!((rate.to_string().as_str(), rate.value()), (name, value));
            assert_eq!(Rate::named(name), Some(rate));
        }
        for power in 0..=Rate::LARGEST_POWER {
            for digit in 1..=9 {
                let name = format!("{digit}e-{power:02}");
                assert_eq!(Rate::named(&name).map(Rate::value), name.parse().ok());
            }
        }
        assert_eq!(Rate::one_in_ten_to(4).title(), "1e-4");
    }

    #[test]
    fn a_rate_has_one_name() {
        for name in
            ["1e-4", "0e-04", "10e-04", "1e-004", "+1e-04", "1e04", "0.1", "1e-0a", "1e-23", ""]
        {
            assert_eq!(Rate::named(name), None, "{name}");
        }
    }
}
