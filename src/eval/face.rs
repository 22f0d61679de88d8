//! A face as a model is fed it.

use super::conventions::Conventions;
use super::sets::FACE_PX;
use crate::image::Pixels;
use serde::{Deserialize, Serialize};

/// Which way round a face is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum View {
    /// As it is.
    Plain,
    /// Mirrored.
    Mirrored,
}

impl View {
    /// Its name in the cache and in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mirrored => "mirrored",
        }
    }
}

/// `(x − mean) / std` of each channel, channel after channel.
pub(super) fn normalise(face: &Pixels, view: View, conventions: &Conventions, place: &mut [f32]) {
    let width = FACE_PX as usize;
    let area = width * width;
    for channel in 0..3 {
        let (mean, std) = (conventions.mean[channel], conventions.std[channel]);
        let mut table = [0.0f32; 256];
        for (value, out) in table.iter_mut().enumerate() {
            *out = ((value as f64 - mean) / std) as f32;
        }
        let plane = &mut place[channel * area..(channel + 1) * area];
        for (row, out) in face.data.chunks_exact(3 * width).zip(plane.chunks_exact_mut(width)) {
            let values = row.chunks_exact(3).map(|pixel| table[usize::from(pixel[channel])]);
            match view {
                View::Plain => out.iter_mut().zip(values).for_each(|(out, value)| *out = value),
                View::Mirrored => {
                    out.iter_mut().rev().zip(values).for_each(|(out, value)| *out = value)
                }
            }
        }
    }
}
