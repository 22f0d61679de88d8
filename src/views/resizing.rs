//! Which resampling a view is made with.

use crate::image::resize::{self, Filter};
use crate::image::{Error, Pixels};

/// Who resizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resizing {
    /// [`resize::pillow`]: the reference's pixels, bit for bit.
    #[default]
    Pillow,
    /// [`resize::fast_with`]: nearly the same pixels.
    Fast,
}

impl Resizing {
    /// Resizes to `width × height` pixels.
    ///
    /// # Errors
    /// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
    pub fn resize(
        self,
        pixels: &Pixels,
        width: u32,
        height: u32,
        filter: Filter,
    ) -> Result<Pixels, Error> {
        match self {
            Self::Pillow => resize::pillow(pixels, width, height, filter),
            Self::Fast => resize::fast_with(pixels, width, height, filter),
        }
    }
}
