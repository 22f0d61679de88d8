//! One person in one look, posed and lit: what everything drawn of it asks.

use super::face::{CHEEK_Y, Face};
use super::geometry::{Landmarks, Point};
use super::head::Head;
use super::look::{Light, Look};
use super::painter::Ellipse;
use super::picture::Colour;

/// One person in one look, posed and placed.
pub(super) struct Portrait<'a> {
    pub(super) face: &'a Face,
    pub(super) look: &'a Look,
    pub(super) head: Head,
    /// Pixels a head unit.
    pub(super) scale: f64,
}

impl<'a> Portrait<'a> {
    pub(super) fn new(face: &'a Face, look: &'a Look, head: Head) -> Portrait<'a> {
        let scale = head.placing.scale();
        Portrait { face, look, head, scale }
    }

    /// Where the five landmarks are drawn.
    pub(super) fn landmarks(&self) -> Landmarks {
        self.head.landmarks(self.face, &self.look.expression)
    }

    /// `colour` as it looks at the pixel (`x`, `y`), on a head lit from one side.
    pub(super) fn lit(&self, colour: Colour, x: f32, y: f32) -> Colour {
        colour * self.shading().at(x, y)
    }

    /// `colour` as it looks around `p`.
    pub(super) fn lit_at(&self, colour: Colour, p: Point) -> Colour {
        self.lit(colour, p.x as f32, p.y as f32)
    }

    /// An ellipse on the face, with half axes in head units.
    pub(super) fn ellipse(&self, middle: Point, across: f64, down: f64) -> Ellipse {
        let angle = libm::atan2(self.head.placing.b, self.head.placing.a);
        Ellipse { middle, across: across * self.scale, down: down * self.scale, angle }
    }

    pub(super) fn shading(&self) -> Shading {
        let face = self.face;
        let middle = self.head.on_outline(0.0, CHEEK_Y);
        let back = self.head.placing.inverse();
        Shading {
            light: self.look.light,
            middle: (middle.x as f32, middle.y as f32),
            turn: (back.a as f32, back.b as f32),
            half: ((face.cheek * 1.15) as f32, 62.0),
        }
    }
}

/// Lambert shading of the ellipsoid behind the face.
pub(super) struct Shading {
    light: Light,
    middle: (f32, f32),
    /// From pixels to head units: `x = a·dx − b·dy`, `y = b·dx + a·dy`.
    turn: (f32, f32),
    /// The ellipsoid's half width and half height in head units.
    half: (f32, f32),
}

impl Shading {
    /// Brightness at the pixel (`x`, `y`): `1 − s + 1.25·s·max(0, n·l)`, and a darker border.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.middle.0, y - self.middle.1);
        let nx = (self.turn.0 * dx - self.turn.1 * dy) / self.half.0;
        let ny = (self.turn.1 * dx + self.turn.0 * dy) / self.half.1;
        let [lx, ly, lz] = self.light.direction;
        let nz = (1.0 - nx * nx - ny * ny).max(0.04).sqrt();
        let facing = (nx * lx + ny * ly + nz * lz).max(0.0);
        let strength = self.light.strength;
        (1.0 - strength + 1.25 * strength * facing) * (0.82 + 0.18 * nz)
    }
}
