//! Pictures of a pack on one sheet, so that a person sees its colours and crops.

use super::{Error, PackFiles, Part};
use crate::fs;
use crate::image::{self, ChannelOrder, Pixels, decode::decode, encode, resize};
use crate::recordio::IndexedReader;
use std::path::Path;

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The pack cannot be read, or the sheet not be written.
    #[error(transparent)]
    Pack(#[from] Error),
    /// A picture cannot be decoded, or the sheet not be encoded.
    #[error("{place}: cannot put this picture on a sheet")]
    Picture {
        /// Where it is.
        place: String,
        /// Why not.
        source: image::Error,
    },
}

/// Pictures on a sheet, in columns of this many.
const COLUMNS: usize = 12;

/// Rows of a full sheet.
const ROWS: usize = 6;

/// Edge of a picture's place on the sheet.
const PLACE_PX: u32 = 96;

/// Background, a middle grey.
const GREY: u8 = 119;

/// Writes a PNG of pictures spread evenly over the pack, in its order, row by row.
///
/// # Errors
/// Damage of the pack or of a picture, and whatever the system refuses with.
pub(super) fn write(files: &PackFiles, pack: &IndexedReader, out: &Path) -> Result<(), SheetError> {
    let count = pack.index().len();
    let shown = count.min(COLUMNS * ROWS);
    let rows = shown.div_ceil(COLUMNS);
    let (width, height) = (COLUMNS as u32 * PLACE_PX, rows as u32 * PLACE_PX);
    let data = vec![GREY; width as usize * height as usize * 3];
    let mut sheet = Pixels { width, height, order: ChannelOrder::Rgb, data };
    for place in 0..shown {
        let position = place * count / shown;
        let damaged = |source| Error::Record { path: files.path(Part::Rec), source };
        let record = pack.get(position).map_err(damaged)?;
        let (_, payload) = record.image().map_err(damaged)?;
        // InsightFace's identity records have no picture.
        if payload.is_empty() {
            continue;
        }
        let bad = |source| SheetError::Picture { place: format!("position {position}"), source };
        let picture = decode(payload).and_then(|picture| fitted(&picture));
        paste(&mut sheet, &picture.map_err(bad)?, place);
    }
    let bad = |source| SheetError::Picture { place: out.display().to_string(), source };
    let png = encode::png(&sheet).map_err(bad)?;
    Ok(fs::write_whole(out, &png).map_err(Error::from)?)
}

/// The picture at the size of its place, its sides in proportion.
fn fitted(picture: &Pixels) -> Result<Pixels, image::Error> {
    let longer = picture.width.max(picture.height);
    let scaled = |edge: u32| (edge * PLACE_PX / longer).max(1);
    resize::fast(picture, scaled(picture.width), scaled(picture.height))
}

fn paste(sheet: &mut Pixels, picture: &Pixels, place: usize) {
    let left = (place % COLUMNS) as u32 * PLACE_PX + (PLACE_PX - picture.width) / 2;
    let top = (place / COLUMNS) as u32 * PLACE_PX + (PLACE_PX - picture.height) / 2;
    let row_bytes = picture.width as usize * 3;
    for (y, row) in picture.data.chunks_exact(row_bytes).enumerate() {
        let start = ((top as usize + y) * sheet.width as usize + left as usize) * 3;
        sheet.data[start..start + row_bytes].copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_proportions_and_its_place() {
        let data = [10, 20, 30].repeat(50 * 100);
        let tall = Pixels { width: 50, height: 100, order: ChannelOrder::Rgb, data };
        let fitted = fitted(&tall).unwrap();
        assert_eq!((fitted.width, fitted.height), (48, 96));
        let (width, height) = (COLUMNS as u32 * PLACE_PX, 2 * PLACE_PX);
        let data = vec![GREY; (width * height * 3) as usize];
        let mut sheet = Pixels { width, height, order: ChannelOrder::Rgb, data };
        paste(&mut sheet, &fitted, COLUMNS + 1);
        let pixel = |x: u32, y: u32| &sheet.data[((y * width + x) * 3) as usize..][..3];
        assert_eq!(pixel(PLACE_PX + 48, PLACE_PX), [10, 20, 30]);
        assert_eq!(pixel(PLACE_PX + 23, PLACE_PX), [GREY; 3]);
        assert_eq!(pixel(PLACE_PX + 48, PLACE_PX - 1), [GREY; 3]);
    }
}
