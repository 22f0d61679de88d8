//! The embedded fonts: where the letters of a line stand, and their outlines. All lengths are in shares
//! of the size that a text is set in.

use plotters_backend::FontStyle;
use std::sync::LazyLock;
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, GlyphId, OutlineBuilder, Tag};
use zeno::{Command, PathBuilder, Point};

/// A weight of Noto Sans.
pub(super) struct Font(Face<'static>);

static REGULAR: LazyLock<Font> = LazyLock::new(|| Font::read(notosans::REGULAR_TTF));
static BOLD: LazyLock<Font> = LazyLock::new(|| Font::read(notosans::BOLD_TTF));

impl Font {
    /// Returns the font of that weight; slanted ones are not embedded.
    pub(super) fn of(weight: FontStyle) -> &'static Font {
        match weight {
            FontStyle::Bold => &BOLD,
            FontStyle::Normal | FontStyle::Oblique | FontStyle::Italic => &REGULAR,
        }
    }

    fn read(file: &'static [u8]) -> Font {
        Font(Face::parse(file, 0).expect("the embedded fonts are whole"))
    }

    pub(super) fn width(&self, line: &str) -> f64 {
        self.share(self.set(line).1)
    }

    /// Outlines the letters of a line that begins at the origin and has its base line on `y = 0`, below
    /// which `y` is positive. Each point of the outlines is where `place` puts it.
    pub(super) fn outline(&self, line: &str, place: impl Fn(f64, f64) -> Point) -> Vec<Command> {
        let mut path = Vec::new();
        for (glyph, x) in self.set(line).0 {
            let at = |dx: f32, y: f32| {
                place(self.share(x) + f64::from(dx) / self.size(), -f64::from(y) / self.size())
            };
            self.0.outline_glyph(glyph, &mut Pen { path: &mut path, at });
        }
        path
    }

    /// The glyphs of a line, each with where it begins, and the line's width, in units of the font.
    /// Glyph 0 is the box that stands for a missing one.
    fn set(&self, line: &str) -> (Vec<(GlyphId, i64)>, i64) {
        let mut glyphs: Vec<(GlyphId, i64)> = Vec::new();
        let mut end = 0;
        for letter in line.chars() {
            let glyph = self.0.glyph_index(letter).unwrap_or_default();
            let kerning = glyphs.last().and_then(|(last, _)| self.kerning(*last, glyph));
            let start = end + i64::from(kerning.unwrap_or(0));
            glyphs.push((glyph, start));
            end = start + i64::from(self.0.glyph_hor_advance(glyph).unwrap_or(0));
        }
        (glyphs, end)
    }

    /// What the font adds between two letters. It says so pair by pair, the first of the two formats
    /// there are (OpenType, "GPOS", lookup type 2); it has no ligatures.
    fn kerning(&self, left: GlyphId, right: GlyphId) -> Option<i16> {
        let table = self.0.tables().gpos?;
        let lookups = table.features.find(Tag::from_bytes(b"kern"))?.lookup_indices;
        let lookups = lookups.into_iter().filter_map(|index| table.lookups.get(index));
        let mut parts = lookups.flat_map(|lookup| lookup.subtables.into_iter());
        parts.find_map(|part| match part {
            PositioningSubtable::Pair(PairAdjustment::Format1 { coverage, sets }) => {
                let pair = sets.get(coverage.get(left)?)?.get(right)?;
                Some(pair.0.x_advance)
            }
            _ => None,
        })
    }

    fn share(&self, units: i64) -> f64 {
        units as f64 / self.size()
    }

    /// Units of the font in the size that a text is set in.
    fn size(&self) -> f64 {
        f64::from(self.0.units_per_em())
    }
}

/// Draws outlines on a path, with each point where `at` puts it.
struct Pen<'a, F> {
    path: &'a mut Vec<Command>,
    at: F,
}

impl<F: Fn(f32, f32) -> Point> OutlineBuilder for Pen<'_, F> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to((self.at)(x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to((self.at)(x, y));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to((self.at)(x1, y1), (self.at)(x, y));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.curve_to((self.at)(x1, y1), (self.at)(x2, y2), (self.at)(x, y));
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: [FontStyle; 2] = [FontStyle::Normal, FontStyle::Bold];

    #[test]
    fn the_width_is_the_sum_of_the_fonts_advances_and_kernings() {
        // 1171 of the 2048 units of the size for every digit; 1139, 1309 and 1274 for T, A and R, and -70
        // between T and A (fontTools: "hmtx" and "GPOS" of NotoSans-Regular.ttf).
        for (line, units) in [("", 0.0), ("0", 1171.0), ("1234", 4684.0), ("TAR", 3652.0)] {
            assert_eq!(Font::of(FontStyle::Normal).width(line), units / 2048.0);
        }
    }

    #[test]
    fn the_fonts_have_the_signs_that_axes_and_names_use() {
        for font in WEIGHTS.map(Font::of) {
            let (glyphs, _) = font.set("−…×·µ°±≤äßéłøČЖω");
            assert!(glyphs.iter().all(|(glyph, _)| glyph.0 != 0), "{glyphs:?}");
        }
    }

    #[test]
    fn a_letter_that_a_font_lacks_is_a_box() {
        // A frame of two rectangles (fontTools: "glyf" of NotoSans-Regular.ttf).
        let corners = [(193, 0), (193, 1462), (1034, 1462), (1034, 0)];
        let hole = [(297, 104), (930, 104), (930, 1358), (297, 1358)];
        let place = |x: f64, y: f64| Point::new((2048.0 * x) as f32, (-2048.0 * y) as f32);
        let path = Font::of(FontStyle::Normal).outline("人", place);
        for (x, y) in corners.into_iter().chain(hole) {
            let at = Point::new(x as f32, y as f32);
            assert!(path.contains(&Command::LineTo(at)) || path.contains(&Command::MoveTo(at)));
        }
    }
}
