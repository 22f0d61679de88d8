//! What goes into a session and what comes out.

use std::fmt;

/// A tensor that came out of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The output's name.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its numbers in row-major order.
    pub data: Vec<f32>,
}

/// An input or output of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its extents, absent where the model leaves them open.
    pub extents: Vec<Option<usize>>,
    /// Whether its numbers have 16 bits; they are converted on the way.
    pub half: bool,
}

impl Port {
    /// Whether a tensor of `shape` fits.
    pub fn takes(&self, shape: &[usize]) -> bool {
        let fits = |(own, extent): (&Option<usize>, &usize)| own.is_none_or(|own| own == *extent);
        self.extents.len() == shape.len() && self.extents.iter().zip(shape).all(fits)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = |extent: &Option<usize>| extent.map_or_else(|| "N".into(), |n| n.to_string());
        let extents: Vec<String> = self.extents.iter().map(extent).collect();
        write!(f, "{} [{}]", self.name, extents.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_extents_take_any_number_and_fixed_ones_their_own() {
        let port =
            Port { name: "input".into(), extents: vec![None, Some(3), Some(112)], half: false };
        assert!(port.takes(&[1, 3, 112]) && port.takes(&[32, 3, 112]));
        assert!(!port.takes(&[1, 3, 224]) && !port.takes(&[1, 3]) && !port.takes(&[1, 3, 112, 1]));
        assert_eq!(port.to_string(), "input [N, 3, 112]");
    }
}
