//! Points of the plane and similarities between frames: head, picture, ArcFace template.

use std::ops::{Add, Mul, Sub};

/// A point; y points down. In pictures, pixel (0, 0) has its centre at (0, 0).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The point (`x`, `y`).
pub(super) const fn point(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    /// Euclidean length.
    pub(super) fn length(self) -> f64 {
        (self.x * self.x + self.y * self.y).sqrt()
    }
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        point(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        point(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Point {
    type Output = Point;
    fn mul(self, factor: f64) -> Point {
        point(self.x * factor, self.y * factor)
    }
}

/// Left eye, right eye, nose, left and right mouth corner, as a viewer sees them.
pub(super) type Landmarks = [Point; 5];

/// Where the landmarks lie in an aligned picture of edge 112 (ArcFace).
const TEMPLATE_112: Landmarks = [
    point(38.2946, 51.6963),
    point(73.5318, 51.5014),
    point(56.0252, 71.7366),
    point(41.5493, 92.3655),
    point(70.7299, 92.2041),
];

/// The ArcFace template for an aligned picture of `edge` pixels.
pub(super) fn template(edge: f64) -> Landmarks {
    TEMPLATE_112.map(|p| p * (edge / 112.0))
}

/// `(x, y) -> (a·x − b·y + shift.x, b·x + a·y + shift.y)`: rotation, scale and shift.
#[derive(Debug, Clone, Copy)]
pub(super) struct Similarity {
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) shift: Point,
}

impl Similarity {
    /// Turns by `angle` radians, scales by `scale`, and takes `anchor` to `target`.
    pub(super) fn placing(anchor: Point, target: Point, scale: f64, angle: f64) -> Similarity {
        let (a, b) = (scale * libm::cos(angle), scale * libm::sin(angle));
        let turned = Similarity { a, b, shift: point(0.0, 0.0) };
        Similarity { shift: target - turned.apply(anchor), ..turned }
    }

    /// The least-squares similarity that takes `from` to `to`.
    ///
    /// With both centred, `a = Σ(x·x' + y·y')/Σ|p|²` and `b = Σ(x·y' − y·x')/Σ|p|²`.
    pub(super) fn fit(from: &Landmarks, to: &Landmarks) -> Similarity {
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (p, q) = (*p - from_mean, *q - to_mean);
            dot += p.x * q.x + p.y * q.y;
            cross += p.x * q.y - p.y * q.x;
            spread += p.x * p.x + p.y * p.y;
        }
        let turned = Similarity { a: dot / spread, b: cross / spread, shift: point(0.0, 0.0) };
        Similarity { shift: to_mean - turned.apply(from_mean), ..turned }
    }

    /// Where `p` goes.
    pub(super) fn apply(&self, p: Point) -> Point {
        point(self.a * p.x - self.b * p.y, self.b * p.x + self.a * p.y) + self.shift
    }

    /// The similarity that undoes this one.
    pub(super) fn inverse(&self) -> Similarity {
        let square = self.a * self.a + self.b * self.b;
        let back = Similarity { a: self.a / square, b: -self.b / square, shift: point(0.0, 0.0) };
        Similarity { shift: back.apply(self.shift) * -1.0, ..back }
    }

    /// How much longer lengths become.
    pub(super) fn scale(&self) -> f64 {
        point(self.a, self.b).length()
    }
}

fn mean(points: &Landmarks) -> Point {
    points.iter().fold(point(0.0, 0.0), |sum, p| sum + *p) * (1.0 / points.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_finds_the_similarity_that_moved_the_points() {
        let moved = Similarity::placing(point(3.0, 4.0), point(-7.0, 20.0), 1.7, 0.4);
        let from = template(112.0);
        let found = Similarity::fit(&from, &from.map(|p| moved.apply(p)));
        assert!((found.a - moved.a).abs() < 1e-12 && (found.b - moved.b).abs() < 1e-12);
        assert!((found.shift - moved.shift).length() < 1e-9);
    }

    #[test]
    fn inverse_brings_a_point_back() {
        let there = Similarity::placing(point(1.0, 2.0), point(30.0, 40.0), 0.3, -1.0);
        let p = point(11.0, -5.0);
        assert!((there.inverse().apply(there.apply(p)) - p).length() < 1e-9);
        assert!((there.scale() - 0.3).abs() < 1e-12);
    }
}
