//! What Pillow resizes with.

/// A filter of Pillow's; all but the nearest neighbour are widened when shrinking (antialiased).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The pixel below the middle, without any mean.
    Nearest,
    /// The mean of the pixels below.
    Box,
    /// A triangle.
    Bilinear,
    /// Cubic with a = −0.5.
    Bicubic,
    /// A sinc in a window of three lobes.
    Lanczos,
}

impl Filter {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 5] =
        [Self::Nearest, Self::Box, Self::Bilinear, Self::Bicubic, Self::Lanczos];
}
