//! What the network will see, as a picture for a person: a column an image, a row a view.

use super::Error;
use crate::fs;
use crate::image::{Pixels, encode};
use crate::loader::{Batches, EDGE_PX, epoch_order};
use std::path::Path;

/// Images of a sheet.
const COLUMNS: usize = 12;

/// Writes the views of the first images of the first epoch to a PNG.
///
/// # Errors
/// Damage of an image, and whatever the system refuses with.
pub(super) fn write(batches: &Batches, path: &Path) -> Result<(), Error> {
    let order = epoch_order(batches.seed, 0, batches.packs.len());
    let columns = order.iter().take(COLUMNS).map(|&image| batches.views_of(0, image as usize));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let sheet = sheet(&columns);
    let png =
        encode::png(&sheet).map_err(|source| Error::Sheet { path: path.to_path_buf(), source })?;
    Ok(fs::write_whole(path, &png)?)
}

/// Joins pictures of [`EDGE_PX`] an edge: the outer list from left to right, the inner downwards.
fn sheet(columns: &[Vec<Pixels>]) -> Pixels {
    let rows = columns.first().map_or(0, Vec::len);
    let order = columns[0][0].order;
    let row_bytes = 3 * EDGE_PX as usize;
    let mut data = Vec::with_capacity(rows * columns.len() * row_bytes * EDGE_PX as usize);
    for row in 0..rows {
        for y in 0..EDGE_PX as usize {
            for column in columns {
                data.extend_from_slice(&column[row].data[y * row_bytes..][..row_bytes]);
            }
        }
    }
    Pixels { width: columns.len() as u32 * EDGE_PX, height: rows as u32 * EDGE_PX, order, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    #[test]
    fn a_picture_stands_in_its_column_and_row() {
        let grey = |level: u8| Pixels {
            width: EDGE_PX,
            height: EDGE_PX,
            order: ChannelOrder::Bgr,
            data: vec![level; 3 * (EDGE_PX * EDGE_PX) as usize],
        };
        let sheet = sheet(&[vec![grey(1), grey(2)], vec![grey(3), grey(4)]]);
        assert_eq!((sheet.width, sheet.height), (2 * EDGE_PX, 2 * EDGE_PX));
        let at = |x: u32, y: u32| sheet.data[((y * sheet.width + x) * 3) as usize];
        let second = EDGE_PX;
        assert_eq!([at(0, 0), at(0, second), at(second, 0), at(second, second)], [1, 2, 3, 4]);
    }
}
