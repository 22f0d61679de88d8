//! What happens to a picture or does not.

use crate::image::{Pixels, crop};
use crate::seed::Stream;

/// True with this probability (torchvision, `RandomApply`).
pub(super) fn happens(probability: f64, stream: &mut Stream) -> bool {
    stream.uniform(0.0, 1.0) < probability
}

/// Whether a view is mirrored (torchvision, `RandomHorizontalFlip`).
pub(super) fn draw_flip(stream: &mut Stream) -> bool {
    happens(0.5, stream)
}

pub(super) fn mirror_if(flip: bool, picture: &mut Pixels) {
    if flip {
        crop::mirror(picture);
    }
}
