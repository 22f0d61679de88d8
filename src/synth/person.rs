//! Draws one person: hair, head, ears, neck and clothes, and the features between them.

use super::face::CHEEK_Y;
use super::features;
use super::geometry::Point;
use super::look::{Occluder, any_colour};
use super::painter::Painter;
use super::portrait::Portrait;
use crate::seed::Stream;

/// Points along one side of a head's outline.
const SIDE_POINTS: usize = 16;

/// Paints the person over what is there.
pub(super) fn paint(portrait: &Portrait<'_>, painter: &mut Painter, stream: &mut Stream) {
    portrait.hair_behind(painter);
    portrait.shoulders(painter);
    let turned = portrait.head.yaw_sine();
    let near = if turned > 0.0 { -1.0 } else { 1.0 };
    portrait.ear(painter, -near);
    if turned.abs() < 0.2 {
        portrait.ear(painter, near);
    }
    portrait.skin(painter);
    if turned.abs() >= 0.2 {
        portrait.ear(painter, near);
    }
    features::paint(portrait, painter);
    portrait.hair_in_front(painter, stream);
    portrait.covering(painter, stream);
}

impl Portrait<'_> {
    /// The outline from height `top` on the left over the skull to `top` on the right,
    /// `out` head units outside the skull.
    fn over_the_skull(&self, top: f64, out: f64) -> Vec<Point> {
        let skull = self.face.skull_y;
        let side = |i: usize| {
            let rise = i as f64 / SIDE_POINTS as f64;
            let y = top + (skull - top) * rise * (2.0 - rise);
            let outwards = out * (1.0 - rise * rise * rise * rise);
            (self.face.half_width(y) + outwards, y - out * rise)
        };
        let left = (0..SIDE_POINTS).map(side).map(|(x, y)| self.head.on_outline(-x, y));
        let right = (0..SIDE_POINTS).rev().map(side).map(|(x, y)| self.head.on_outline(x, y));
        left.chain(right).collect()
    }

    fn hair_behind(&self, painter: &mut Painter) {
        let out = self.look.hair_volume + 1.0;
        let mut outline = self.over_the_skull(self.look.hair_length.clamp(-6.0, CHEEK_Y), out);
        let (half, length) = (self.face.cheek + out, self.look.hair_length);
        if length > CHEEK_Y {
            let corner = (length - CHEEK_Y).min(9.0);
            outline.push(self.head.on_outline(half + 1.0, length - corner));
            outline.push(self.head.on_outline(half - corner, length));
            outline.push(self.head.on_outline(corner - half, length));
            outline.push(self.head.on_outline(-half - 1.0, length - corner));
        }
        let colour = self.look.colours.hair * 0.75;
        painter.fill(&outline, 1.0, |x, y| self.lit(colour, x, y));
    }

    fn shoulders(&self, painter: &mut Painter) {
        let neck = self.face.cheek * 0.62;
        let chin = self.face.chin_y;
        let at = |x: f64, y: f64| self.head.project(x, y, -10.0);
        let collar = chin + 22.0;
        let body = [
            at(-neck * 0.9, collar - 6.0),
            at(0.0, collar + 3.0),
            at(neck * 0.9, collar - 6.0),
            at(62.0, collar + 14.0),
            at(82.0, collar + 120.0),
            at(-82.0, collar + 120.0),
            at(-62.0, collar + 14.0),
        ];
        let throat = [
            at(-neck, CHEEK_Y + 10.0),
            at(neck, CHEEK_Y + 10.0),
            at(neck, collar),
            at(neck * 1.2, collar + 12.0),
            at(-neck * 1.2, collar + 12.0),
            at(-neck, collar),
        ];
        let skin = self.look.colours.skin * 0.72;
        painter.fill(&throat, 1.0, |x, y| self.lit(skin, x, y));
        let clothes = self.look.colours.clothes;
        painter.fill(&body, 1.0, |x, y| self.lit(clothes, x, y));
    }

    fn ear(&self, painter: &mut Painter, side: f64) {
        let (half, y) = (self.face.half_width(self.face.ear_y), self.face.ear_y);
        let middle = self.head.project(side * (half + 0.5), y, -4.0);
        let ellipse = self.ellipse(middle, self.face.ear * 0.42, self.face.ear);
        let skin = self.look.colours.skin * 0.93;
        painter.fill(&ellipse.outline(), 1.0, |x, y| self.lit(skin, x, y));
        painter.shade(&self.ellipse(middle, self.face.ear * 0.35, self.face.ear * 0.75), 0.35);
    }

    fn skin(&self, painter: &mut Painter) {
        let mut outline = self.over_the_skull(CHEEK_Y, 0.0);
        let chin = self.face.chin_y;
        let below = |i: usize| {
            let t = 1.0 - i as f64 / SIDE_POINTS as f64;
            let y = CHEEK_Y + (chin - CHEEK_Y) * (1.0 - t * t);
            (self.face.half_width(y), y)
        };
        outline.extend((1..=SIDE_POINTS).map(below).map(|(x, y)| self.head.on_outline(x, y)));
        outline.extend((1..SIDE_POINTS).rev().map(below).map(|(x, y)| self.head.on_outline(-x, y)));
        let (skin, shading) = (self.look.colours.skin, self.shading());
        painter.fill(&outline, 1.0, |x, y| skin * shading.at(x, y));
    }

    /// The hair between the skull and the hairline, with a few strands.
    fn hair_in_front(&self, painter: &mut Painter, stream: &mut Stream) {
        let temple_y = self.face.hairline(1.0).min(4.0);
        let mut outline = self.over_the_skull(temple_y, self.look.hair_volume);
        for i in 0..=2 * SIDE_POINTS {
            let u = 1.0 - i as f64 / SIDE_POINTS as f64;
            let y = self.face.hairline(u);
            let x = u * self.face.half_width(y);
            let line = self.head.on_face(x, y);
            let border = self.head.on_outline(x, y);
            let side = u * u * u * u;
            outline.push(line * (1.0 - side) + border * side);
        }
        let (hair, shading) = (self.look.colours.hair, self.shading());
        painter.fill(&outline, 1.0, |x, y| hair * shading.at(x, y));
        painter.set_clip(&outline);
        for _ in 0..7 {
            let (u, tone) = (stream.uniform(-0.9, 0.9), stream.uniform(0.75, 1.3) as f32);
            let (half, low) = (self.face.half_width(self.face.hairline_y), self.face.hairline(u));
            let root = self.head.on_outline(u * 8.0, self.face.skull_y - 10.0);
            let middle = self.head.on_outline(u * half * 0.8, self.face.skull_y * 0.6 + low * 0.4);
            let end = self.head.on_outline(u * half, low + 4.0);
            let strand = super::painter::ribbon(&[root, middle, end], |_| 1.6 * self.scale);
            painter.fill_clipped(&strand, self.lit_at(hair * tone, middle));
        }
    }

    fn covering(&self, painter: &mut Painter, stream: &mut Stream) {
        let Some(occluder) = self.look.occluder else { return };
        let at = |x: f64, y: f64| self.head.on_outline(x, y);
        let outline = match occluder {
            Occluder::Bar { y, slant } => {
                let (rise, half) = (slant * 70.0, 7.0);
                vec![
                    at(-70.0, y - rise - half),
                    at(70.0, y + rise - half),
                    at(70.0, y + rise + half),
                    at(-70.0, y - rise + half),
                ]
            }
            Occluder::Mask { y } => {
                let half = self.face.half_width(y) + 1.5;
                let low = self.face.chin_y + 5.0;
                vec![
                    at(-half, y - 4.0),
                    at(0.0, y - 9.0),
                    at(half, y - 4.0),
                    at(half * 0.85, low - 8.0),
                    at(0.0, low),
                    at(-half * 0.85, low - 8.0),
                ]
            }
        };
        let colour = any_colour(stream);
        painter.fill(&outline, 1.0, |x, y| self.lit(colour, x, y));
    }
}
