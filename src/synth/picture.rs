//! A picture in floating point, before it becomes 8-bit pixels.

use std::ops::{Add, Mul};

use crate::image::{ChannelOrder, Pixels};

use super::geometry::{Point, Similarity, point};

/// Red, green and blue; 0 to 1 where it can be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour(pub(super) [f32; 3]);

impl Colour {
    pub(super) const fn new(red: f32, green: f32, blue: f32) -> Colour {
        Colour([red, green, blue])
    }

    /// This colour at 0, `other` at 1.
    pub(super) fn lerp(self, other: Colour, share: f32) -> Colour {
        self * (1.0 - share) + other * share
    }

    /// Brightness as seen (BT.601).
    pub(super) fn luma(self) -> f32 {
        let [red, green, blue] = self.0;
        0.299 * red + 0.587 * green + 0.114 * blue
    }

    /// Component by component.
    pub(super) fn times(self, other: Colour) -> Colour {
        Colour([self.0[0] * other.0[0], self.0[1] * other.0[1], self.0[2] * other.0[2]])
    }
}

impl Add for Colour {
    type Output = Colour;
    fn add(self, other: Colour) -> Colour {
        Colour([self.0[0] + other.0[0], self.0[1] + other.0[1], self.0[2] + other.0[2]])
    }
}

impl Mul<f32> for Colour {
    type Output = Colour;
    fn mul(self, factor: f32) -> Colour {
        Colour(self.0.map(|component| component * factor))
    }
}

/// Row-major colours.
///
/// Only `+ − × ÷ √` touch them, so a picture is the same on every machine.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) colours: Vec<Colour>,
}

const BLACK: Colour = Colour::new(0.0, 0.0, 0.0);

impl Picture {
    /// A black picture.
    pub(super) fn new(width: usize, height: usize) -> Picture {
        Picture { width, height, colours: vec![BLACK; width * height] }
    }

    /// The rows, top to bottom.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [Colour] {
        &mut self.colours[y * self.width..(y + 1) * self.width]
    }

    /// Replaces every colour by `change` of it.
    pub(super) fn map(&mut self, mut change: impl FnMut(Colour) -> Colour) {
        for colour in &mut self.colours {
            *colour = change(*colour);
        }
    }

    /// Smooths once with `(w, 1 − 2w, w)` along rows and columns; `weight` is 0 to 1/3.
    pub(super) fn blur(&mut self, weight: f32) {
        let Picture { width, height, .. } = *self;
        let mut along_rows = Vec::with_capacity(self.colours.len());
        for row in self.colours.chunks_exact(width) {
            for x in 0..width {
                let around = row[x.saturating_sub(1)] + row[(x + 1).min(width - 1)];
                along_rows.push(row[x] * (1.0 - 2.0 * weight) + around * weight);
            }
        }
        for y in 0..height {
            let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
            for x in 0..width {
                let around = along_rows[above * width + x] + along_rows[below * width + x];
                let here = along_rows[y * width + x];
                self.colours[y * width + x] = here * (1.0 - 2.0 * weight) + around * weight;
            }
        }
    }

    /// Resamples bilinearly into `width` × `height`; black outside.
    ///
    /// `placing` takes this picture's points to the new one's.
    pub(super) fn warp(&self, placing: &Similarity, width: usize, height: usize) -> Picture {
        let back = placing.inverse();
        let mut warped = Picture::new(width, height);
        for y in 0..height {
            let start = back.apply(point(0.0, y as f64));
            for (x, colour) in warped.row_mut(y).iter_mut().enumerate() {
                let step = x as f64;
                *colour = self.bilinear(start + point(back.a * step, back.b * step));
            }
        }
        warped
    }

    /// Resamples bilinearly into a square of `edge` pixels; the edges are continued.
    pub(super) fn enlarge(&self, edge: usize) -> Picture {
        let mut large = Picture::new(edge, edge);
        let columns: Vec<Tap> = (0..edge).map(|x| Tap::new(x, edge, self.width)).collect();
        for y in 0..edge {
            let Tap { near, far, share } = Tap::new(y, edge, self.height);
            let above = &self.colours[near * self.width..][..self.width];
            let below = &self.colours[far * self.width..][..self.width];
            for (colour, column) in large.row_mut(y).iter_mut().zip(&columns) {
                let top = above[column.near].lerp(above[column.far], column.share);
                let bottom = below[column.near].lerp(below[column.far], column.share);
                *colour = top.lerp(bottom, share);
            }
        }
        large
    }

    /// The colour at `p`, bilinear; black beyond the edges.
    fn bilinear(&self, p: Point) -> Colour {
        let (left, top) = (p.x.floor(), p.y.floor());
        let (across, down) = ((p.x - left) as f32, (p.y - top) as f32);
        let at = |x: f64, y: f64| {
            let inside = x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64;
            if inside { self.colours[y as usize * self.width + x as usize] } else { BLACK }
        };
        let upper = at(left, top).lerp(at(left + 1.0, top), across);
        let lower = at(left, top + 1.0).lerp(at(left + 1.0, top + 1.0), across);
        upper.lerp(lower, down)
    }

    /// 8-bit pixels: each component clamped to 0..=1 and rounded.
    pub(super) fn to_pixels(&self) -> Pixels {
        let mut data = Vec::with_capacity(self.colours.len() * 3);
        for colour in &self.colours {
            data.extend(colour.0.map(|component| (component.clamp(0.0, 1.0) * 255.0 + 0.5) as u8));
        }
        let (width, height) = (self.width as u32, self.height as u32);
        Pixels { width, height, order: ChannelOrder::Rgb, data }
    }
}

/// Which two of `from` pixels the `x`-th of `to` pixels lies between.
struct Tap {
    near: usize,
    far: usize,
    share: f32,
}

impl Tap {
    fn new(x: usize, to: usize, from: usize) -> Tap {
        let position = (x as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        let position = position.clamp(0.0, (from - 1) as f64);
        let near = position as usize;
        Tap { near, far: (near + 1).min(from - 1), share: (position - near as f64) as f32 }
    }
}
