//! Pixels that plotters draws on: shapes and texts stand where plotters' SVG has them.

use super::font::Font;
use super::text::PLOTTERS_SIZE;
use super::unit::UNITS;
use crate::image::{MAX_EDGE_PX, Pixels};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::convert::Infallible;
use zeno::{Command, Fill, Mask, PathBuilder, Point, Stroke, Style};

/// Pixels of a bitmap for each of the SVG: text and thin lines are smooth on a screen and in print.
const DENSITY: u32 = 2;

/// Pixels a unit.
const SCALE: f64 = DENSITY as f64 / UNITS as f64;

/// What covers a pixel wholly: full coverage by full opacity.
const WHOLE: u32 = 255 * 255;

/// A page that is drawn on in units. Painting takes one byte more for each pixel of a shape's box.
pub(super) struct Bitmap<'a>(&'a mut Pixels);

/// Width and height of a page in pixels.
pub(super) fn size((width, height): (u32, u32)) -> (u32, u32) {
    (width * DENSITY / UNITS as u32, height * DENSITY / UNITS as u32)
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl Bitmap<'_> {
    pub(super) fn on(pixels: &mut Pixels) -> Bitmap<'_> {
        Bitmap(pixels)
    }

    /// Paints what a path holds, or what a stroke along it covers.
    fn paint<'s>(&mut self, path: &[Command], style: impl Into<Style<'s>>, colour: BackendColor) {
        let (mask, place) = Mask::new(path).style(style).render();
        let opacity = (colour.alpha * 255.0).round() as u32;
        let rows = mask.chunks_exact(place.width.max(1) as usize);
        for (row, y) in rows.zip(place.top..) {
            for (coverage, x) in row.iter().zip(place.left..) {
                let share = u32::from(*coverage) * opacity;
                if share > 0
                    && let Some(pixel) = self.pixel(x, y)
                {
                    mix(pixel, colour.rgb, share);
                }
            }
        }
    }

    /// Paints a shape, filled or as a line around it.
    fn shape(&mut self, path: &[Command], style: &impl BackendStyle, fill: bool) -> Drawn {
        if fill {
            self.paint(path, Fill::NonZero, style.color());
        } else {
            let width = f64::from(style.stroke_width()) * SCALE;
            self.paint(path, Stroke::new(width as f32), style.color());
        }
        Ok(())
    }

    /// None beyond the page.
    fn pixel(&mut self, x: i32, y: i32) -> Option<&mut [u8]> {
        let (x, y) = (u32::try_from(x).ok()?, u32::try_from(y).ok()?);
        let start = 3 * (y as usize * self.0.width as usize + x as usize);
        if x < self.0.width { self.0.data.get_mut(start..start + 3) } else { None }
    }
}

fn mix(pixel: &mut [u8], (red, green, blue): (u8, u8, u8), share: u32) {
    for (old, new) in pixel.iter_mut().zip([red, green, blue]) {
        let sum = u32::from(*old) * (WHOLE - share) + u32::from(new) * share;
        *old = ((sum + WHOLE / 2) / WHOLE) as u8;
    }
}

/// A point in pixels, pressed into what a page may be: `zeno` reckons in 256ths of a pixel, unchecked.
fn point(x: f64, y: f64) -> Point {
    let [x, y] = [x, y].map(|edge| (edge * SCALE).clamp(0.0, f64::from(MAX_EDGE_PX)) as f32);
    Point::new(x, y)
}

fn line(corners: impl IntoIterator<Item = BackendCoord>) -> Vec<Command> {
    let mut points = corners.into_iter().map(|(x, y)| point(x.into(), y.into()));
    let start = points.next().map(Command::MoveTo);
    start.into_iter().chain(points.map(Command::LineTo)).collect()
}

fn closed(corners: impl IntoIterator<Item = BackendCoord>) -> Vec<Command> {
    let mut path = line(corners);
    path.push(Command::Close);
    path
}

impl DrawingBackend for Bitmap<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let units = |pixels| pixels * UNITS as u32 / DENSITY;
        (units(self.0.width), units(self.0.height))
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.shape(&line([from, to]), style, false)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        self.shape(&closed(corners), style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.shape(&line(path), style, false)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let mut path = Vec::new();
        path.add_circle(point(x.into(), y.into()), (f64::from(radius) * SCALE) as f32);
        self.shape(&path, style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.shape(&closed(corners), style, true)
    }

    /// Sets the text where the SVG has it: its base line is 0.76 em below an anchor at the top, or half an
    /// ex, taken for a quarter of an em, below one in the middle and above one at the bottom.
    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (left, top): BackendCoord,
    ) -> Drawn {
        let (font, size) = (Font::of(style.style()), style.size() / PLOTTERS_SIZE);
        let across = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => font.width(text) / -2.0,
            HPos::Right => -font.width(text),
        };
        let down = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.25,
            VPos::Bottom => -0.25,
        };
        let path = font.outline(text, |x, y| {
            let (x, y) = (size * (x + across), size * (y + down));
            let (x, y) = match style.transform() {
                FontTransform::None => (x, y),
                FontTransform::Rotate90 => (-y, x),
                FontTransform::Rotate180 => (-x, -y),
                FontTransform::Rotate270 => (y, -x),
            };
            point(f64::from(left) + x, f64::from(top) + y)
        });
        self.paint(&path, Fill::NonZero, style.color());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    const BLACK: BackendColor = BackendColor { alpha: 1.0, rgb: (0, 0, 0) };

    struct Pencil(u32);

    impl BackendStyle for Pencil {
        fn color(&self) -> BackendColor {
            BLACK
        }

        fn stroke_width(&self) -> u32 {
            self.0
        }
    }

    /// The rows' values in the middle of a white page of 16 × 16 units.
    fn column(draw: impl Fn(&mut Bitmap<'_>) -> Drawn) -> Vec<u8> {
        let data = vec![255; 3 * 8 * 8];
        let mut pixels = Pixels { width: 8, height: 8, order: ChannelOrder::Rgb, data };
        draw(&mut Bitmap::on(&mut pixels)).unwrap();
        pixels.data.chunks_exact(3 * 8).map(|row| row[3 * 4]).collect()
    }

    #[test]
    fn a_line_is_as_wide_as_it_is_said_to_be() {
        // Around the fourth row's lower edge, two units a row: what the line leaves white of rows 2 to 5.
        let whites =
            [(4, [1.0, 0.0, 0.0, 1.0]), (2, [1.0, 0.5, 0.5, 1.0]), (5, [0.75, 0.0, 0.0, 0.75])];
        for (width, white) in whites {
            let path = [(0, 8), (8, 8), (8, 8), (16, 8)];
            let found = column(|bitmap| bitmap.draw_path(path, &Pencil(width)));
            for (found, white) in found[2..6].iter().zip(white) {
                // Coverage is one of 256 steps.
                assert!((f64::from(*found) - 255.0 * white).abs() <= 1.0, "{width}: {found}");
            }
        }
    }

    #[test]
    fn what_is_not_opaque_is_mixed_and_what_is_beyond_the_page_is_left_out() {
        let faint = BackendColor { alpha: 0.2, ..BLACK };
        let found = column(|bitmap| bitmap.draw_rect((-40, -40), (40, 8), &faint, true));
        assert_eq!(found, [204, 204, 204, 204, 255, 255, 255, 255]);
    }

    #[test]
    fn lines_that_cross_leave_no_holes() {
        let found = column(|bitmap| {
            let path = [(0, 8), (16, 8), (16, 0), (8, 0), (8, 16), (9, 0), (10, 16)];
            bitmap.draw_path(path, &Pencil(4))
        });
        assert_eq!(found, [0; 8]);
    }
}
