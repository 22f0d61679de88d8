//! The head in space: turns a face by its pose and projects it into a picture.

use super::face::{CHEEK_Y, Face};
use super::geometry::{Landmarks, Point, Similarity, point, template};
use super::look::{Expression, Pose};

/// Half depth of the head's ellipsoid, in head units.
const DEPTH: f64 = 38.0;
/// Half width and half height of the ellipsoid the features lie on, in head units.
const SURFACE: Point = point(46.0, 72.0);
/// How far the tip of the nose stands out of the ellipsoid, in head units.
const NOSE_OUT: f64 = 9.0;

/// A posed head, projected orthographically.
pub(super) struct Head {
    yaw: (f64, f64),
    pitch: (f64, f64),
    /// From the view (head units, roll and place removed) to the picture.
    pub(super) placing: Similarity,
}

impl Head {
    /// A head turned by `pose`, placed in a picture by `placing`.
    pub(super) fn new(pose: &Pose, placing: Similarity) -> Head {
        let turn = |angle: f64| (libm::sin(angle), libm::cos(angle));
        Head { yaw: turn(pose.yaw), pitch: turn(pose.pitch), placing }
    }

    /// A head whose landmarks fall on the template of an aligned picture of `edge` pixels.
    pub(super) fn aligned(pose: &Pose, face: &Face, expression: &Expression, edge: f64) -> Head {
        let identity = Similarity { a: 1.0, b: 0.0, shift: point(0.0, 0.0) };
        let head = Head::new(pose, identity);
        let placing = Similarity::fit(&head.landmarks(face, expression), &template(edge));
        Head { placing, ..head }
    }

    /// The landmarks of `face` with this `expression`, in picture coordinates.
    pub(super) fn landmarks(&self, face: &Face, expression: &Expression) -> Landmarks {
        let (half, corner_y) = mouth_corner(face, expression);
        [
            self.on_face(-face.eye_x, 0.0),
            self.on_face(face.eye_x, 0.0),
            self.nose(0.0, face.nose_length, 1.0),
            self.on_face(-half, corner_y),
            self.on_face(half, corner_y),
        ]
    }

    /// A point on the front of the head.
    pub(super) fn on_face(&self, x: f64, y: f64) -> Point {
        self.project(x, y, surface(x, y))
    }

    /// A point on the nose; `out` is 0 at its root and 1 at its tip.
    pub(super) fn nose(&self, x: f64, y: f64, out: f64) -> Point {
        self.project(x, y, surface(x, y) + NOSE_OUT * out)
    }

    /// A point of the head's outline, which keeps its place while the features turn.
    pub(super) fn on_outline(&self, x: f64, y: f64) -> Point {
        let width = silhouette(self.yaw, DEPTH / SURFACE.x);
        let height = silhouette(self.pitch, DEPTH / SURFACE.y);
        self.placing.apply(point(x * width, (y - CHEEK_Y) * height + CHEEK_Y))
    }

    /// Where the point (`x`, `y`) at depth `z` (towards the viewer) is seen.
    pub(super) fn project(&self, x: f64, y: f64, z: f64) -> Point {
        let turned_x = x * self.yaw.1 + z * self.yaw.0;
        let turned_z = z * self.yaw.1 - x * self.yaw.0;
        let turned_y = (y - CHEEK_Y) * self.pitch.1 - turned_z * self.pitch.0 + CHEEK_Y;
        self.placing.apply(point(turned_x, turned_y))
    }

    /// Sine of the yaw: positive when the nose points to the viewer's right.
    pub(super) fn yaw_sine(&self) -> f64 {
        self.yaw.0
    }
}

/// Half width of the mouth and y of its corners.
pub(super) fn mouth_corner(face: &Face, expression: &Expression) -> (f64, f64) {
    let half = face.mouth_width * (1.0 + 0.1 * expression.smile);
    (half, face.mouth_y - face.mouth_curve - 1.6 * expression.smile)
}

/// Depth of the ellipsoid's front at (`x`, `y`).
fn surface(x: f64, y: f64) -> f64 {
    let (u, v) = (x / SURFACE.x, (y - CHEEK_Y) / SURFACE.y);
    DEPTH * (1.0 - u * u - v * v).max(0.02).sqrt()
}

/// Half width of the outline of an ellipse turned by an angle, over its width unturned.
fn silhouette((sine, cosine): (f64, f64), depth_over_width: f64) -> f64 {
    (cosine * cosine + depth_over_width * depth_over_width * sine * sine).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_landmarks_of_an_aligned_head_lie_near_the_template() {
        let mut stream = Seed::new(1).stream("head");
        for _ in 0..200 {
            let face = Face::draw(&mut stream);
            let pose = Pose { yaw: stream.uniform(-0.3, 0.3), pitch: 0.1, roll: 0.0 };
            let expression = Expression::draw(&mut stream);
            let head = Head::aligned(&pose, &face, &expression, 112.0);
            for (found, want) in head.landmarks(&face, &expression).iter().zip(template(112.0)) {
                assert!((*found - want).length() < 12.0, "{found:?} is far from {want:?}");
            }
        }
    }

    #[test]
    fn a_turned_head_moves_its_nose_against_its_eyes() {
        let mut stream = Seed::new(2).stream("head");
        let (face, expression) = (Face::draw(&mut stream), Expression::draw(&mut stream));
        let unmoved = Similarity::placing(point(0.0, 0.0), point(0.0, 0.0), 1.0, 0.0);
        let head = Head::new(&Pose { yaw: 0.3, pitch: 0.0, roll: 0.0 }, unmoved);
        let [left, right, nose, ..] = head.landmarks(&face, &expression);
        assert!(nose.x > (left.x + right.x) / 2.0 + 1.0);
    }
}
