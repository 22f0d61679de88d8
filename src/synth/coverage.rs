//! How much of each pixel a polygon covers, exactly.
//!
//! The signed-area method of font rasterisers: every edge adds its area and its height to
//! the cells it crosses, and a running sum along each row turns them into coverage. A shape
//! smaller than a pixel still gets its true weight, so tiny faces need no supersampling.

use super::geometry::Point;

/// The coverage of one polygon at a time.
pub(super) struct Coverage {
    width: usize,
    height: usize,
    /// One row is `width + 2` cells: an edge at the right border writes beyond it.
    cells: Vec<f32>,
    rows: (usize, usize),
    columns: (usize, usize),
}

impl Coverage {
    /// For pictures of `width` × `height`.
    pub(super) fn new(width: usize, height: usize) -> Coverage {
        let cells = vec![0.0; (width + 2) * height];
        Coverage { width, height, cells, rows: (0, 0), columns: (0, 0) }
    }

    /// Replaces the coverage by that of the closed polygon through `points`.
    pub(super) fn fill(&mut self, points: &[Point]) {
        self.clear();
        let clip = |value: f64, limit: usize| value.clamp(0.0, limit as f64);
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut top, mut bottom) = (f64::INFINITY, f64::NEG_INFINITY);
        for p in points {
            (left, right) = (left.min(p.x + 0.5), right.max(p.x + 0.5));
            (top, bottom) = (top.min(p.y + 0.5), bottom.max(p.y + 0.5));
        }
        self.columns =
            (clip(left.floor(), self.width) as usize, clip(right.ceil(), self.width) as usize);
        self.rows =
            (clip(top.floor(), self.height) as usize, clip(bottom.ceil(), self.height) as usize);
        for (i, from) in points.iter().enumerate() {
            self.edge(*from, points[(i + 1) % points.len()]);
        }
        self.accumulate();
    }

    /// The rows that may be covered.
    pub(super) fn rows(&self) -> std::ops::Range<usize> {
        self.rows.0..self.rows.1
    }

    /// The columns that may be covered.
    pub(super) fn columns(&self) -> std::ops::Range<usize> {
        self.columns.0..self.columns.1
    }

    /// Coverage of the pixels of row `y` in `columns()`.
    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.cells[y * (self.width + 2)..][self.columns.0..self.columns.1]
    }

    /// Coverage of the pixel (`x`, `y`), 0 to 1.
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        let inside = self.columns().contains(&x) && self.rows().contains(&y);
        if inside { self.cells[y * (self.width + 2) + x] } else { 0.0 }
    }

    fn clear(&mut self) {
        for y in self.rows() {
            let end = (self.columns.1 + 2).min(self.width + 2);
            self.cells[y * (self.width + 2)..][self.columns.0..end].fill(0.0);
        }
    }

    fn edge(&mut self, from: Point, to: Point) {
        let (sign, upper, lower) = if from.y < to.y { (1.0, from, to) } else { (-1.0, to, from) };
        let (top, bottom) = ((upper.y + 0.5).max(0.0), (lower.y + 0.5).min(self.height as f64));
        if top >= bottom {
            return;
        }
        let slope = (lower.x - upper.x) / (lower.y - upper.y);
        let x_at = |y: f64| upper.x + 0.5 + (y - upper.y - 0.5) * slope;
        for row in top as usize..(bottom.ceil() as usize).min(self.height) {
            let (start, end) = ((row as f64).max(top), (row as f64 + 1.0).min(bottom));
            self.edge_in_row(row, sign * (end - start), x_at(start), x_at(end));
        }
    }

    /// An edge of signed height `rise` that runs from `x0` to `x1` within one row.
    fn edge_in_row(&mut self, row: usize, rise: f64, x0: f64, x1: f64) {
        let limit = self.width as f64;
        let (left, right) = (x0.min(x1).clamp(0.0, limit), x0.max(x1).clamp(0.0, limit));
        let cells = &mut self.cells[row * (self.width + 2)..][..self.width + 2];
        let first = left as usize;
        if right <= first as f64 + 1.0 {
            let outside = (left + right) / 2.0 - first as f64;
            cells[first] += (rise * (1.0 - outside)) as f32;
            cells[first + 1] += (rise * outside) as f32;
            return;
        }
        let per_column = rise / (right - left);
        let mut done = 0.0;
        for column in first..(right.ceil() as usize).min(self.width) {
            let (a, b) = ((column as f64).max(left), (column as f64 + 1.0).min(right));
            let (height, middle) = (per_column * (b - a), (a + b) / 2.0 - column as f64);
            cells[column] += (height * (1.0 - middle)) as f32;
            cells[column + 1] += (height * middle) as f32;
            done += height;
        }
        cells[self.width] += (rise - done) as f32;
    }

    fn accumulate(&mut self) {
        for y in self.rows.0..self.rows.1 {
            let mut sum = 0.0f32;
            for cell in &mut self.cells[y * (self.width + 2)..][self.columns.0..self.columns.1] {
                sum += *cell;
                *cell = sum.abs().min(1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::point;
    use super::*;

    fn total(coverage: &Coverage) -> f32 {
        coverage.rows().map(|y| coverage.row(y).iter().sum::<f32>()).sum()
    }

    #[test]
    fn coverage_of_a_rectangle_is_its_area_in_each_pixel() {
        let mut coverage = Coverage::new(6, 5);
        // From 1.25 to 3.5 across and from 1 to 2.5 down, where pixel 0 spans -0.5 to 0.5.
        let corners = [(0.75, 0.5), (3.0, 0.5), (3.0, 2.0), (0.75, 2.0)];
        coverage.fill(&corners.map(|(x, y)| point(x, y)));
        let expected = [(1, 1, 0.75), (2, 1, 1.0), (3, 1, 0.5), (1, 2, 0.375), (0, 1, 0.0)];
        for (x, y, area) in expected {
            assert!((coverage.at(x, y) - area).abs() < 1e-6, "({x}, {y})");
        }
    }

    #[test]
    fn coverage_of_a_triangle_sums_to_its_area_however_small() {
        let mut coverage = Coverage::new(20, 20);
        for scale in [0.1, 1.0, 10.0] {
            let corners = [(0.0, 0.0), (1.0, 0.2), (0.3, 1.0)];
            coverage.fill(&corners.map(|(x, y)| point(5.3 + scale * x, 4.1 + scale * y)));
            let area = (scale * scale * (1.0 - 0.06) / 2.0) as f32;
            assert!((total(&coverage) - area).abs() < 1e-4 * area.max(1.0), "scale {scale}");
        }
    }

    #[test]
    fn a_polygon_beyond_the_borders_covers_the_whole_picture() {
        let mut coverage = Coverage::new(7, 4);
        let corners = [(-50.0, -40.0), (60.0, -30.0), (55.0, 70.0), (-45.0, 60.0)];
        coverage.fill(&corners.map(|(x, y)| point(x, y)));
        assert!((total(&coverage) - 28.0).abs() < 1e-4);
    }
}
