//! What ranks exchange: numbers of six kinds, and what is made of those of all ranks.

/// What an element of a collective is.
pub trait Number: Copy + Default + Send + Sync + 'static + sealed::Kinded {}

/// What becomes of the numbers that ranks have at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// They are added; whole numbers wrap.
    Sum,
    /// The largest is taken. Which it is where one is not a number depends on the library.
    Max,
    /// The smallest is taken. Which it is where one is not a number depends on the library.
    Min,
}

/// A [`Number`] by the name that MPI has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Double,
    Int32,
    Int64,
    Uint64,
    Uint8,
    Int8,
}

impl Kind {
    /// Bytes of one.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Float | Self::Int32 => 4,
            Self::Double | Self::Int64 | Self::Uint64 => 8,
            Self::Uint8 | Self::Int8 => 1,
        }
    }
}

mod sealed {
    /// Keeps [`super::Number`] to types of which every pattern of bits is a value.
    pub trait Kinded {
        #[doc(hidden)]
        #[allow(private_interfaces)]
        const KIND: super::Kind;

        #[doc(hidden)]
        fn plus(self, other: Self) -> Self;
    }
}

macro_rules! numbers {
    ($($number:ty: $kind:ident, $plus:expr;)*) => {$(
        impl Number for $number {}
        #[allow(private_interfaces)]
        impl sealed::Kinded for $number {
            const KIND: Kind = Kind::$kind;

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }
        }
    )*};
}

numbers! {
    f32: Float, |a, b| a + b;
    f64: Double, |a, b| a + b;
    i32: Int32, i32::wrapping_add;
    i64: Int64, i64::wrapping_add;
    u64: Uint64, u64::wrapping_add;
    u8: Uint8, u8::wrapping_add;
}

/// The bytes of numbers.
#[allow(unsafe_code)]
pub(crate) fn bytes<T: Number>(numbers: &[T]) -> &[u8] {
    // SAFETY: the trait is sealed; its types have no padding, and the slice covers these bytes.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// The bytes of numbers, to be changed.
#[allow(unsafe_code)]
pub(crate) fn bytes_mut<T: Number>(numbers: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and every pattern of bits is a number of the sealed types.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_kind<T: Number>() -> (usize, usize) {
        (T::KIND.size(), size_of::<T>())
    }

    #[test]
    fn a_kind_is_as_long_as_its_number() {
        let sizes = [
            size_of_kind::<f32>(),
            size_of_kind::<f64>(),
            size_of_kind::<i32>(),
            size_of_kind::<i64>(),
            size_of_kind::<u64>(),
            size_of_kind::<u8>(),
        ];
        assert!(sizes.iter().all(|(kind, number)| kind == number), "{sizes:?}");
    }

    #[test]
    fn bytes_are_those_of_the_numbers_in_memory() {
        let mut numbers = [1_i32, -2];
        assert_eq!(bytes(&numbers), [1, 0, 0, 0, 254, 255, 255, 255]);
        bytes_mut(&mut numbers)[0] = 7;
        assert_eq!(numbers, [7, -2]);
    }
}
