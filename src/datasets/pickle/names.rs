//! The names that verification sets use, and what they stand for: NumPy's dtypes and arrays. NumPy 2 moved
//! `numpy.core` to `numpy._core`.

use super::payload::Payload;

/// The modules and names that a pickle may hold.
const NAMES: &[(&str, &str, Name)] = &[
    ("_codecs", "encode", Name::Encode),
    ("numpy", "dtype", Name::Dtype),
    ("numpy", "ndarray", Name::Ndarray),
    ("numpy.core.multiarray", "_reconstruct", Name::Reconstruct),
    ("numpy.core.multiarray", "scalar", Name::Scalar),
    ("numpy.core.numeric", "_frombuffer", Name::FromBuffer),
    ("numpy._core.multiarray", "_reconstruct", Name::Reconstruct),
    ("numpy._core.multiarray", "scalar", Name::Scalar),
    ("numpy._core.numeric", "_frombuffer", Name::FromBuffer),
];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Encode,
    Dtype,
    Ndarray,
    Reconstruct,
    Scalar,
    FromBuffer,
}

/// What an array is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dtype {
    U1,
    B1,
}

/// An array with one axis, or a second of length 1, where memory order makes no difference.
#[derive(Debug, Clone, Copy)]
pub(super) enum Array {
    /// Made, and not yet given its state.
    Empty,
    Bytes(Payload),
    Bools(Payload),
}

impl Name {
    /// Finds the name that `is_module` and `is_name` recognise.
    pub(super) fn find(
        is_module: impl Fn(&str) -> bool,
        is_name: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let row = NAMES.iter().find(|(module, name, _)| is_module(module) && is_name(name));
        row.map(|&(_, _, name)| name)
    }

    /// Its last part.
    pub(super) fn spelt(self) -> &'static str {
        NAMES.iter().find(|row| row.2 == self).map_or("", |row| row.1)
    }

    /// The call of it that a verification set has.
    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::Encode => "encode(text, 'latin1')",
            Self::Dtype => "dtype('u1' or 'b1', False, True)",
            Self::Ndarray => "no call of ndarray",
            Self::Reconstruct => "_reconstruct(ndarray, (0,), b'b')",
            Self::Scalar => "scalar(dtype b1, one byte 0 or 1)",
            Self::FromBuffer => "_frombuffer(n bytes, dtype, (n,), 'C')",
        }
    }
}

impl Dtype {
    /// NumPy's code for it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::U1 => "u1",
            Self::B1 => "b1",
        }
    }
}
