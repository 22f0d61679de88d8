//! What is behind the person: a gradient, a few large shapes, sometimes stripes.

use super::geometry::{Point, point};
use super::look::any_colour;
use super::painter::{Ellipse, Painter};
use super::picture::Picture;
use crate::seed::Stream;

/// Paints a backdrop for a picture of `width` × `height` pixels.
pub(super) fn paint(stream: &mut Stream, width: usize, height: usize) -> Painter {
    let mut picture = Picture::new(width, height);
    gradient(&mut picture, stream);
    let mut painter = Painter::new(picture);
    let size = point(width as f64, height as f64);
    for _ in 0..stream.below(5) {
        shape(&mut painter, stream, size);
    }
    painter
}

fn gradient(picture: &mut Picture, stream: &mut Stream) {
    let corners = [(); 4].map(|()| any_colour(stream));
    let (width, height) = (picture.width.max(2) - 1, picture.height.max(2) - 1);
    for y in 0..picture.height {
        let down = y as f32 / height as f32;
        let left = corners[0].lerp(corners[2], down);
        let step = (corners[1].lerp(corners[3], down) + left * -1.0) * (1.0 / width as f32);
        for (x, colour) in picture.row_mut(y).iter_mut().enumerate() {
            *colour = left + step * x as f32;
        }
    }
}

fn shape(painter: &mut Painter, stream: &mut Stream, size: Point) {
    let within = |stream: &mut Stream| {
        point(stream.uniform(-0.2, 1.2) * size.x, stream.uniform(-0.2, 1.2) * size.y)
    };
    let colour = any_colour(stream);
    let middle = within(stream);
    let outline = match stream.below(3) {
        0 => {
            let (across, down) = (stream.uniform(0.05, 0.4), stream.uniform(0.05, 0.4));
            let angle = stream.uniform(0.0, 3.0);
            Ellipse { middle, across: across * size.x, down: down * size.x, angle }.outline()
        }
        1 => vec![middle, within(stream), within(stream)],
        _ => stripe(stream, middle, size),
    };
    painter.fill(&outline, stream.uniform(0.4, 1.0) as f32, |_, _| colour);
}

/// A band through `middle` that crosses the whole picture.
fn stripe(stream: &mut Stream, middle: Point, size: Point) -> Vec<Point> {
    let angle = stream.uniform(0.0, 3.2);
    let along = point(libm::cos(angle), libm::sin(angle)) * (2.0 * (size.x + size.y));
    let half = stream.uniform(0.02, 0.12) * size.x;
    super::painter::ribbon(&[middle - along, middle + along], |_| half)
}
