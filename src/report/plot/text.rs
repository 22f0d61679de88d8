//! Text in one font, measured by the library that sets it in the bitmap.

use super::error::Error;
use super::unit::UNITS;
use plotters::prelude::{IntoDrawingArea, RGBColor, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, TextStyle};
use resvg::usvg::{self, fontdb};
use std::sync::{Arc, LazyLock};

/// The font that [`options`] embed, and what a reader of the SVG without it has instead.
const FAMILY: &str = "Noto Sans, sans-serif";

/// Size of everything but titles.
pub(super) const SMALL: f64 = 10.5;

/// From the middle of a row of small text down to where plotters must set it to stand there.
pub(super) const BASE_LINE: i32 = UNITS;

/// What plotters divides a font's size by in an SVG.
const PLOTTERS_SIZE: f64 = 1.24;

/// Share by which another font, where the SVG's reader lacks this one, is wider.
const WIDER_FONT: f64 = 1.1;

/// Nearly black.
pub(super) const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);

const ELLIPSIS: char = '…';

/// Of letters.
pub(super) use plotters::style::FontStyle as Weight;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_font_data(notosans::BOLD_TTF.to_vec());
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// Reads an SVG with the embedded font and no other.
pub(super) fn parsed(document: &str) -> Result<usvg::Tree, Error> {
    let options = usvg::Options { fontdb: Arc::clone(&FONTS), ..usvg::Options::default() };
    usvg::Tree::from_str(document, &options).map_err(Error::draw)
}

/// The style of text of `size` pixels that hangs from, stands on or runs along its anchor.
pub(super) fn style(
    size: f64,
    weight: Weight,
    colour: RGBColor,
    anchor: (HPos, VPos),
) -> TextStyle<'static> {
    let size = size * f64::from(UNITS) * PLOTTERS_SIZE;
    let font = FontDesc::new(FontFamily::Name(FAMILY), size, weight);
    let pos = Pos::new(anchor.0, anchor.1);
    TextStyle { font, color: colour.to_backend_color(), pos }
}

/// Width of `text` in units.
pub(super) fn width(text: &str, size: f64, weight: Weight) -> Result<f64, Error> {
    let mut document = String::new();
    let area = SVGBackend::with_string(&mut document, (1, 1)).into_drawing_area();
    let style = style(size, weight, INK, (HPos::Left, VPos::Top));
    area.draw_text(text, &style, (0, 0))?;
    drop(area);
    let tree = parsed(&document)?;
    let texts = tree.root().children().iter().map(|node| node.bounding_box().width());
    Ok(f64::from(texts.fold(0.0, f32::max)))
}

/// The text without control characters, which no XML holds; or, where that takes more than `room`
/// units, its beginning and end around `…`.
pub(super) fn shorten(text: &str, size: f64, weight: Weight, room: f64) -> Result<String, Error> {
    let odd = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    let letters: Vec<char> =
        text.chars().map(|c| if odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let cut = |kept: usize| -> String {
        let (head, tail) = (&letters[..kept.div_ceil(2)], &letters[letters.len() - kept / 2..]);
        let ellipsis = (kept < letters.len()).then_some(&ELLIPSIS);
        head.iter().chain(ellipsis).chain(tail).collect()
    };
    let fits = |kept| width(&cut(kept), size, weight).map(|width| width * WIDER_FONT <= room);
    if fits(letters.len())? {
        return Ok(cut(letters.len()));
    }
    let (mut kept, mut more) = (0, letters.len());
    while kept + 1 < more {
        let middle = kept.midpoint(more);
        if fits(middle)? { kept = middle } else { more = middle }
    }
    Ok(cut(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_fonts_table_of_advances() {
        // 1171 of the 2048 units of the font's size for every digit.
        for (text, size, expected) in [("0", 2048.0, 1171.0), ("1234", 1024.0, 2342.0)] {
            let found = width(text, size, Weight::Normal).unwrap() / f64::from(UNITS);
            // Single precision of sizes and sums.
            assert!((found - expected).abs() < 0.01, "{found}");
        }
        assert_eq!(width("", 10.0, Weight::Bold).unwrap(), 0.0);
    }

    #[test]
    fn the_font_has_the_signs_that_axes_and_names_use() {
        let signs = "−…×·µ°±≤äßéłøČЖω";
        let document = format!(
            "<svg xmlns='http://www.w3.org/2000/svg'><text font-family='{FAMILY}'>{signs}</text></svg>"
        );
        let tree = parsed(&document).unwrap();
        let [usvg::Node::Text(text)] = tree.root().children() else { panic!("{document}") };
        let glyphs = text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
        // Glyph 0 is the box that stands for a missing one.
        let known = glyphs.filter(|glyph| glyph.id.0 != 0).count();
        assert_eq!(known, signs.chars().count());
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        let path = "/home/somebody/packs/of/a/very/long/name/tinyface.rec";
        let room = f64::from(120 * UNITS);
        let short = shorten(path, 10.0, Weight::Normal, room).unwrap();
        assert!(width(&short, 10.0, Weight::Normal).unwrap() <= room);
        assert!(short.starts_with("/home") && short.ends_with("face.rec"), "{short}");
        assert_eq!(shorten("short", 10.0, Weight::Normal, room).unwrap(), "short");
        assert_eq!(shorten("none", 10.0, Weight::Normal, 0.0).unwrap(), "…");
    }
}
