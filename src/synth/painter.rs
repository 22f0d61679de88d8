//! Paints shapes, strokes and soft spots on a picture.

use super::coverage::Coverage;
use super::geometry::{Point, point};
use super::picture::{Colour, Picture};

/// A picture being painted.
pub(super) struct Painter {
    pub(super) picture: Picture,
    coverage: Coverage,
    clip: Coverage,
}

/// An ellipse: middle, half axes, and the angle of the first axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ellipse {
    pub(super) middle: Point,
    pub(super) across: f64,
    pub(super) down: f64,
    pub(super) angle: f64,
}

impl Ellipse {
    /// A polygon close enough to be taken for the ellipse.
    pub(super) fn outline(&self) -> Vec<Point> {
        let (sine, cosine) = (libm::sin(self.angle), libm::cos(self.angle));
        UNIT_CIRCLE
            .iter()
            .map(|(x, y)| {
                let (x, y) = (self.across * x, self.down * y);
                self.middle + point(x * cosine - y * sine, x * sine + y * cosine)
            })
            .collect()
    }
}

/// 20 points of the unit circle: cosine and sine of 0°, 18°, 36° …
const UNIT_CIRCLE: [(f64, f64); 20] = unit_circle();

const fn unit_circle() -> [(f64, f64); 20] {
    const FIRST: [(f64, f64); 5] = [
        (1.0, 0.0),
        (0.951_056_516_295_153_5, 0.309_016_994_374_947_4),
        (0.809_016_994_374_947_5, 0.587_785_252_292_473_1),
        (0.587_785_252_292_473_1, 0.809_016_994_374_947_5),
        (0.309_016_994_374_947_4, 0.951_056_516_295_153_5),
    ];
    let mut circle = [(0.0, 0.0); 20];
    let mut i = 0;
    while i < 5 {
        let (x, y) = FIRST[i];
        circle[i] = (x, y);
        circle[i + 5] = (-y, x);
        circle[i + 10] = (-x, -y);
        circle[i + 15] = (y, -x);
        i += 1;
    }
    circle
}

impl Painter {
    /// Starts on `picture`.
    pub(super) fn new(picture: Picture) -> Painter {
        let (width, height) = (picture.width, picture.height);
        let (coverage, clip) = (Coverage::new(width, height), Coverage::new(width, height));
        Painter { picture, coverage, clip }
    }

    /// Fills the polygon with `paint(x, y)` at pixel (`x`, `y`), `alpha` opaque.
    pub(super) fn fill(
        &mut self,
        outline: &[Point],
        alpha: f32,
        paint: impl Fn(f32, f32) -> Colour,
    ) {
        self.coverage.fill(outline);
        let columns = self.coverage.columns();
        for y in self.coverage.rows() {
            let row = &mut self.picture.row_mut(y)[columns.clone()];
            for ((x, colour), covered) in columns.clone().zip(row).zip(self.coverage.row(y)) {
                if *covered > 0.0 {
                    *colour = colour.lerp(paint(x as f32, y as f32), covered * alpha);
                }
            }
        }
    }

    /// Fills the part of the polygon that lies in the last `set_clip`.
    pub(super) fn fill_clipped(&mut self, outline: &[Point], colour: Colour) {
        self.coverage.fill(outline);
        let columns = self.coverage.columns();
        for y in self.coverage.rows() {
            let row = &mut self.picture.row_mut(y)[columns.clone()];
            for ((x, below), covered) in columns.clone().zip(row).zip(self.coverage.row(y)) {
                *below = below.lerp(colour, covered * self.clip.at(x, y));
            }
        }
    }

    /// Chooses the polygon that `fill_clipped` stays in.
    pub(super) fn set_clip(&mut self, outline: &[Point]) {
        self.clip.fill(outline);
    }

    /// Draws a line along `path`; `width(t)` is its half width at `t`, 0 to 1 along it.
    pub(super) fn stroke(
        &mut self,
        path: &[Point],
        colour: Colour,
        alpha: f32,
        width: impl Fn(f64) -> f64,
    ) {
        self.fill(&ribbon(path, width), alpha, |_, _| colour);
    }

    /// Blends `colour` in, most at the ellipse's middle and not at all at its border.
    pub(super) fn spot(&mut self, ellipse: &Ellipse, colour: Colour, alpha: f32) {
        self.soften(ellipse, |below, share| below.lerp(colour, share * alpha));
    }

    /// Darkens (or with a negative `amount` lightens) softly within the ellipse.
    pub(super) fn shade(&mut self, ellipse: &Ellipse, amount: f32) {
        self.soften(ellipse, |below, share| below * (1.0 - share * amount));
    }

    /// Applies `change(colour, (1 − r²)²)` where `r`, the distance in half axes, is below 1.
    fn soften(&mut self, ellipse: &Ellipse, change: impl Fn(Colour, f32) -> Colour) {
        let (sine, cosine) = (libm::sin(ellipse.angle), libm::cos(ellipse.angle));
        let reach = ellipse.across.max(ellipse.down);
        let Point { x: middle_x, y: middle_y } = ellipse.middle;
        let (width, height) = (self.picture.width as f64, self.picture.height as f64);
        let columns =
            [middle_x - reach, middle_x + reach + 1.0].map(|x| x.clamp(0.0, width) as usize);
        let rows =
            [middle_y - reach, middle_y + reach + 1.0].map(|y| y.clamp(0.0, height) as usize);
        let (ux, uy) = ((cosine / ellipse.across) as f32, (sine / ellipse.across) as f32);
        let (vx, vy) = ((-sine / ellipse.down) as f32, (cosine / ellipse.down) as f32);
        for y in rows[0]..rows[1] {
            let dy = y as f32 - middle_y as f32;
            let row = &mut self.picture.row_mut(y)[columns[0]..columns[1]];
            for (x, colour) in (columns[0]..).zip(row) {
                let dx = x as f32 - middle_x as f32;
                let (u, v) = (ux * dx + uy * dy, vx * dx + vy * dy);
                let inside = 1.0 - u * u - v * v;
                if inside > 0.0 {
                    *colour = change(*colour, inside * inside);
                }
            }
        }
    }
}

/// The outline of a line along `path` with half width `width(t)`.
pub(super) fn ribbon(path: &[Point], width: impl Fn(f64) -> f64) -> Vec<Point> {
    let last = path.len().saturating_sub(1);
    let mut there = Vec::with_capacity(2 * path.len());
    let mut back = Vec::with_capacity(path.len());
    for (i, here) in path.iter().enumerate() {
        let along = path[(i + 1).min(last)] - path[i.saturating_sub(1)];
        let half = width(i as f64 / last.max(1) as f64) / along.length().max(1e-9);
        let side = point(-along.y * half, along.x * half);
        there.push(*here + side);
        back.push(*here - side);
    }
    there.extend(back.into_iter().rev());
    there
}
