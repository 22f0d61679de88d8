//! Who is drawn: the shape of one face, and nothing that changes from picture to picture.
//!
//! The head's frame has its origin midway between the eyes, x to the viewer's right, y down,
//! and the unit of the ArcFace template: an average face drawn at scale 1 has its eyes,
//! nose and mouth where the template of edge 112 has them.

use crate::seed::Stream;

/// The geometry of one identity; lengths in head units, angles in radians.
#[derive(Debug, Clone)]
pub(super) struct Face {
    /// Half width at the cheek bones.
    pub(super) cheek: f64,
    /// How much narrower the head is at the temples than at the cheek bones (0 to 1).
    pub(super) temple_narrowing: f64,
    /// How long the jaw keeps its width: 1.5 is a wedge, 4 a box.
    pub(super) jaw: f64,
    /// How blunt the chin is: 1.2 is pointed, 2.6 round.
    pub(super) chin: f64,
    /// y of the chin's lowest point.
    pub(super) chin_y: f64,
    /// y of the skull's top.
    pub(super) skull_y: f64,
    /// y of the hairline over the nose.
    pub(super) hairline_y: f64,
    /// How far the hairline falls towards the temples.
    pub(super) hairline_fall: f64,
    /// How far a widow's peak hangs (negative: the line recedes there).
    pub(super) hairline_peak: f64,
    /// Half the distance between the eyes.
    pub(super) eye_x: f64,
    /// Half width of an eye.
    pub(super) eye_width: f64,
    /// Height of the upper lid over the half width.
    pub(super) eye_open: f64,
    /// Slant; positive lifts the outer corner.
    pub(super) eye_tilt: f64,
    /// From the eye to the brow's middle.
    pub(super) brow_gap: f64,
    /// Thickest part of the brow.
    pub(super) brow_thickness: f64,
    /// Slant; positive lifts the outer end.
    pub(super) brow_tilt: f64,
    /// How far the brow's middle rises over its ends.
    pub(super) brow_arch: f64,
    /// Half length of a brow.
    pub(super) brow_length: f64,
    /// From the line of the eyes to the tip of the nose.
    pub(super) nose_length: f64,
    /// Half width at the wings.
    pub(super) nose_width: f64,
    /// Half width of the bridge.
    pub(super) nose_bridge: f64,
    /// Radius of a nostril.
    pub(super) nostril: f64,
    /// y of the line between the lips.
    pub(super) mouth_y: f64,
    /// Half width of the mouth.
    pub(super) mouth_width: f64,
    /// Thickness of the upper lip.
    pub(super) upper_lip: f64,
    /// Thickness of the lower lip.
    pub(super) lower_lip: f64,
    /// How deep the cupid's bow is (0 to 1).
    pub(super) lip_bow: f64,
    /// How far the middle of the mouth hangs below its corners.
    pub(super) mouth_curve: f64,
    /// Half height of an ear.
    pub(super) ear: f64,
    /// y of an ear's middle.
    pub(super) ear_y: f64,
}

impl Face {
    /// Draws an identity from its own stream.
    ///
    /// Every parameter is uniform over a range far wider than that of real people:
    /// at 16 pixels a small difference is no difference.
    pub(super) fn draw(stream: &mut Stream) -> Face {
        let mut within = |low: f64, high: f64| stream.uniform(low, high);
        let hairline_y = within(-36.0, -17.0);
        let mouth_y = within(35.5, 45.0);
        Face {
            cheek: within(28.0, 39.0),
            temple_narrowing: within(0.0, 0.18),
            jaw: within(1.5, 4.0),
            chin: within(1.3, 2.7),
            chin_y: mouth_y + within(13.0, 24.0),
            skull_y: within(-54.0, -45.0),
            hairline_y,
            hairline_fall: within(-5.0, 16.0),
            hairline_peak: within(-6.0, 7.0),
            eye_x: within(14.5, 20.5),
            eye_width: within(4.6, 8.4),
            eye_open: within(0.34, 0.74),
            eye_tilt: within(-0.28, 0.28),
            brow_gap: within(6.5, 12.5),
            brow_thickness: within(1.3, 5.2),
            brow_tilt: within(-0.3, 0.3),
            brow_arch: within(0.0, 4.0),
            brow_length: within(6.5, 11.0),
            nose_length: within(14.5, 25.0),
            nose_width: within(4.0, 10.0),
            nose_bridge: within(1.5, 4.5),
            nostril: within(0.8, 2.2),
            mouth_y,
            mouth_width: within(9.0, 19.5),
            upper_lip: within(1.0, 4.5),
            lower_lip: within(1.6, 6.0),
            lip_bow: within(0.0, 0.7),
            mouth_curve: within(-2.5, 3.0),
            ear: within(6.0, 12.0),
            ear_y: within(3.0, 13.0),
        }
    }

    /// Half width of the head at height `y`; 0 above the skull and below the chin.
    ///
    /// Above the cheek bones a blunt ellipse that narrows at the temples, below them the
    /// superellipse `(1 − t^jaw)^(1/chin)`.
    pub(super) fn half_width(&self, y: f64) -> f64 {
        if y < CHEEK_Y {
            let t = ((CHEEK_Y - y) / (CHEEK_Y - self.skull_y)).min(1.0);
            let narrowing = 1.0 - self.temple_narrowing * 4.0 * t * (1.0 - t);
            self.cheek * (1.0 - t * t * (0.5 + 0.5 * t)).max(0.0).sqrt() * narrowing
        } else {
            let t = ((y - CHEEK_Y) / (self.chin_y - CHEEK_Y)).min(1.0);
            self.cheek * libm::pow((1.0 - libm::pow(t, self.jaw)).max(0.0), 1.0 / self.chin)
        }
    }

    /// The hairline's height at `u`, from −1 at the left temple to 1 at the right one.
    pub(super) fn hairline(&self, u: f64) -> f64 {
        let side = u * u;
        let near = (1.0 - 2.2 * u.abs()).max(0.0);
        let peak = near * near * (3.0 - 2.0 * near);
        let y = self.hairline_y + self.hairline_fall * side * side + self.hairline_peak * peak;
        y.max(self.skull_y + 4.0)
    }
}

/// Height of the cheek bones, where the head is widest, in head units.
pub(super) const CHEEK_Y: f64 = 8.0;
/// Height of an average face with its hair, in head units.
pub(super) const HEIGHT: f64 = 92.0;
/// Height of its middle, in head units.
pub(super) const MIDDLE_Y: f64 = 10.0;
