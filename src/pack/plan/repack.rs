//! What a pack that is packed again says of its own pictures.

use super::error::PlanError;
use super::recipe::Recipe;
use crate::datasets::{Alignment, ImageList, ImageSource, pairs_in_turn, read_pairs};
use crate::image::ChannelOrder;
use crate::pack::digest::digest_file;
use crate::pack::manifest::Manifest;
use crate::pack::records::RowReader;
use crate::pack::{Error, PackFiles, Part};
use std::path::Path;

/// Adds to the list of a pack what its manifest and its `records.csv` tell: paths, landmarks, alignment
/// and stored colours, once its files are proved to be those of the manifest. Returns the colours.
///
/// A list of files is left alone, as is a pack without a manifest, whose colours nobody declared: they
/// are taken for what a decoder returns.
pub(super) fn take_description(
    list: &mut ImageList,
    recipe: &Recipe,
) -> Result<ChannelOrder, PlanError> {
    let ImageSource::Records(_) = list.source else { return Ok(ChannelOrder::Rgb) };
    let files = PackFiles::of(&list.base)?;
    let manifest = match Manifest::open(&files) {
        Err(Error::NoManifest { .. }) => {
            list.warnings.push(format!(
                "{} has no manifest, so nobody declared its colours and its order; `qgface-data \
                 verify-order --adopt` gives it one",
                list.base.display()
            ));
            return Ok(ChannelOrder::Rgb);
        }
        opened => opened?,
    };
    for part in Part::ALL.into_iter().chain([Part::Pairs]) {
        let Some(stated) = manifest.files.of(part) else { continue };
        let path = files.path(part);
        if digest_file(&path)? != *stated {
            return Err(PlanError::Changed { path });
        }
    }
    let mut rows = RowReader::open(&files.path(Part::Records))?;
    for image in &mut list.images {
        let Some(row) = rows.next_row().transpose()? else { break };
        image.path = row.path.into();
        image.landmarks = row.landmarks.map(Box::new);
    }
    if recipe.align.is_some() && manifest.landmarks.is_some_and(|note| note.picture != "stored") {
        return Err(PlanError::AlignedTwice { folder: files.stem });
    }
    if let (Some(_), Alignment::Folder(folder)) = (recipe.align, &manifest.alignment) {
        return Err(PlanError::AlignedTwice { folder: folder.clone() });
    }
    if manifest.files.pairs.is_some() {
        list.pairs = pairs(&files.path(Part::Pairs), list.images.len())?;
    }
    list.alignment = manifest.alignment;
    Ok(manifest.stored_channel_order)
}

/// Whether each pair is of one person, pair i of the images 2i and 2i + 1.
fn pairs(path: &Path, images: usize) -> Result<Vec<bool>, PlanError> {
    let read = read_pairs(path, images)?;
    let in_turn = pairs_in_turn(&read.same);
    let mut pairs = read.positions.iter().zip(&in_turn.positions);
    match pairs.position(|(own, in_turn)| own != in_turn) {
        None => Ok(read.same),
        Some(pair) => {
            let [first, second] = read.positions[pair];
            Err(Error::BadRow {
                path: path.to_path_buf(),
                line: pair as u64 + 1,
                expected: "the positions of the next two pictures and 0 or 1",
                found: format!("the positions {first} and {second}"),
            }
            .into())
        }
    }
}
