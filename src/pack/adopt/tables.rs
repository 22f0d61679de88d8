//! The list and the rows of a pack made elsewhere.

use super::Error;
use super::foreign::ForeignImages;
use super::known::Known;
use super::listed::Listed;
use super::tree::Tree;
use crate::datasets::LabelError;
use crate::image::probe::probe;
use crate::pack::Part;
use crate::pack::digest::{FileDigest, OrderDigest};
use crate::pack::records::{Row, RowWriter};
use crate::pack::write::{Output, Staging, csv_error};
use crate::progress::Progress;

/// What was found of a pack's pictures.
pub(super) struct Found<'a> {
    pub(super) tree: Option<&'a Tree>,
    pub(super) list: Option<&'a Listed>,
    pub(super) known: &'a Known,
}

/// Digests of what was written.
pub(super) struct Written {
    pub(super) lst: FileDigest,
    pub(super) records: FileDigest,
    pub(super) order: String,
    pub(super) reoriented: u64,
}

/// Writes the `.lst` and the `.records.csv`.
pub(super) fn write_tables(
    images: &ForeignImages<'_>,
    staging: &Staging,
    found: &Found<'_>,
    progress: &dyn Progress,
) -> Result<Written, Error> {
    let note = found.tree.and_then(|tree| tree.plan.points_note());
    let mut rows = RowWriter::new(note.is_some()).map_err(csv_error)?;
    let mut lst = Output::create(&staging.path(Part::Lst))?;
    let mut records = Output::create(&staging.path(Part::Records))?;
    let mut order = OrderDigest::default();
    let mut reoriented = 0;
    progress.start("writing the tables", images.images.count() as u64);
    images.each(
        images.chunks(),
        progress,
        |position| row(images, position, found),
        |_, (row, turned)| {
            lst.append(row.list_line().as_bytes());
            rows.append(&row).map_err(csv_error)?;
            order.add(&row);
            reoriented += u64::from(turned);
            if lst.is_full() {
                lst.flush()?;
                records.append(&rows.take().map_err(csv_error)?);
                records.flush()?;
            }
            Ok(())
        },
    )?;
    progress.finish();
    records.append(&rows.take().map_err(csv_error)?);
    let order = order.finish();
    Ok(Written { lst: lst.finish()?, records: records.finish()?, order, reoriented })
}

/// The row of the image at `position`, and whether its EXIF data asks to turn it.
fn row(
    images: &ForeignImages<'_>,
    position: usize,
    found: &Found<'_>,
) -> Result<(Row, bool), Error> {
    let Found { tree, list, known } = *found;
    let key = images.key(position)?;
    images.look(position, |record, header, payload| {
        let bad = |source| Error::Unreadable { position: position as u64, key, source };
        let found = probe(payload).map_err(bad)?;
        if !header.label.values().iter().all(|label| label.is_finite()) {
            let (path, found) = (format!("key {key}"), header.label.to_string());
            return Err(LabelError::NotExact { path, found }.into());
        }
        let image = tree.map(|tree| tree.plan.image(known.at[position] as usize));
        if let Some(list) = list {
            list.check((position, key), &header.label, image.map(|image| &*image.path))?;
        }
        let path = match (image, list) {
            (Some(image), _) => image.path.to_string(),
            (None, Some(list)) => list.image(position).path.to_string(),
            (None, None) => format!("{key}.{}", found.format.ending()),
        };
        let row = Row {
            position: position as u64,
            key,
            label: header.label.clone(),
            path,
            offset: record.offset,
            length: payload.len() as u64,
            digest: blake3::hash(payload),
            width: found.width,
            height: found.height,
            landmarks: image.and_then(|image| image.landmarks.as_deref().cloned()),
        };
        Ok((row, found.reoriented))
    })
}
