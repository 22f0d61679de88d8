//! Text in one font: its styles, its width, and what of it fits.

use super::font::Font;
use super::unit::UNITS;
use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, TextStyle};

/// The embedded font, and what a reader of the SVG without it has instead.
const FAMILY: &str = "Noto Sans, sans-serif";

/// Size of everything but titles.
pub(super) const SMALL: f64 = 10.5;

/// From the middle of a row of small text down to where plotters must set it to stand there.
pub(super) const BASE_LINE: i32 = UNITS;

/// What plotters divides a font's size by in an SVG.
pub(super) const PLOTTERS_SIZE: f64 = 1.24;

/// Share by which another font, where the SVG's reader lacks this one, is wider.
const WIDER_FONT: f64 = 1.1;

/// Nearly black.
pub(super) const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);

const ELLIPSIS: char = '…';

/// Of letters.
pub(super) use plotters::style::FontStyle as Weight;

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
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    Font::of(weight).width(text) * size * f64::from(UNITS)
}

/// The text without control characters, which no XML holds; or, where that takes more than `room`
/// units, its beginning and end around `…`.
pub(super) fn shorten(text: &str, size: f64, weight: Weight, room: f64) -> String {
    let odd = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    let letters: Vec<char> =
        text.chars().map(|c| if odd(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let cut = |kept: usize| -> String {
        let (head, tail) = (&letters[..kept.div_ceil(2)], &letters[letters.len() - kept / 2..]);
        let ellipsis = (kept < letters.len()).then_some(&ELLIPSIS);
        head.iter().chain(ellipsis).chain(tail).collect()
    };
    let fits = |kept| width(&cut(kept), size, weight) * WIDER_FONT <= room;
    if fits(letters.len()) {
        return cut(letters.len());
    }
    let (mut kept, mut more) = (0, letters.len());
    while kept + 1 < more {
        let middle = kept.midpoint(more);
        if fits(middle) { kept = middle } else { more = middle }
    }
    cut(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_ends() {
        let path = "/home/somebody/packs/of/a/very/long/name/tinyface.rec";
        let room = f64::from(120 * UNITS);
        let short = shorten(path, 10.0, Weight::Normal, room);
        assert!(width(&short, 10.0, Weight::Normal) <= room);
        assert!(short.starts_with("/home") && short.ends_with("face.rec"), "{short}");
        assert_eq!(shorten("short", 10.0, Weight::Normal, room), "short");
        assert_eq!(shorten("none", 10.0, Weight::Normal, 0.0), "…");
    }
}
