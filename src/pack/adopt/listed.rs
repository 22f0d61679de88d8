//! The list that a pack made elsewhere came with, or that somebody gives: its images' keys, labels and
//! paths, against which every record is held.

use super::Error;
use super::foreign::ForeignImages;
use super::report::ListReport;
use crate::causes::chain;
use crate::datasets::{self, Image, ImageRecords};
use crate::pack::digest::digest_file;
use crate::pack::manifest::Manifest;
use crate::pack::{Error as PackError, PackFiles, Part};
use crate::recordio::Label;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A list, and which of its lines each record of the pack is.
pub(super) struct Listed {
    file: PathBuf,
    images: Vec<Image>,
    /// The line, from 0, of the record at each position.
    lines: Vec<u32>,
}

/// The list to hold a pack against: `given`, or the pack's own that this program has not written.
pub(super) fn list_of(
    files: &PackFiles,
    given: Option<&Path>,
) -> Result<Option<PathBuf>, PackError> {
    if let Some(given) = given {
        return Ok(Some(given.to_path_buf()));
    }
    let own = files.path(Part::Lst);
    let kept = files.kept(Part::Lst);
    if kept.is_file() {
        return Ok(Some(kept));
    }
    if !own.is_file() {
        return Ok(None);
    }
    let stated = Manifest::open(files).ok().map(|manifest| manifest.files.lst);
    let of_this_program = match stated {
        Some(stated) => stated == digest_file(&own)?,
        None => false,
    };
    Ok((!of_this_program).then_some(own))
}

impl Listed {
    /// Reads a list, whose paths are relative to `root`, and finds the line of every record: by its key,
    /// or, where the list has none of its own, by its position.
    ///
    /// # Errors
    /// A file that is no list; [`Error::OtherList`] for one that is of another pack.
    pub(super) fn read(
        file: &Path,
        root: &Path,
        images: &ForeignImages<'_>,
    ) -> Result<Self, Error> {
        let listed = datasets::read_list(file, root)?;
        let mut list = Self { file: file.to_path_buf(), images: listed, lines: Vec::new() };
        let (lines, records) = (list.images.len(), images.images.count());
        if lines != records {
            return Err(list.other(None, format!("{lines} images"), format!("{records} records")));
        }
        let by_key: HashMap<Option<u64>, u32> =
            list.images.iter().map(|image| image.key).zip(0..).collect();
        // InsightFace's lists count their lines, and its packs count keys from 1.
        let counts = matches!(images.images, ImageRecords::Keyed { .. });
        for position in 0..records {
            let key = images.key(position)?;
            let line = if counts { Some(position as u32) } else { by_key.get(&Some(key)).copied() };
            let line = line.ok_or_else(|| {
                let expected = "a line with the key of this record".to_owned();
                list.other(Some((position, key)), expected, "none".to_owned())
            })?;
            list.lines.push(line);
        }
        Ok(list)
    }

    /// What the list says of the record at `position`.
    pub(super) fn image(&self, position: usize) -> &Image {
        &self.images[self.lines[position] as usize]
    }

    /// Refuses a record with another label than the list's, or whose picture the tree has under another
    /// path.
    pub(super) fn check(
        &self,
        (position, key): (usize, u64),
        label: &Label,
        in_tree: Option<&str>,
    ) -> Result<(), Error> {
        let listed = self.image(position);
        let at = Some((position, key));
        match &listed.label {
            Some(own) if own.class().to_bits() != label.class().to_bits() => {
                return Err(self.other(at, format!("label {own}"), format!("label {label}")));
            }
            _ => {}
        }
        match in_tree {
            Some(path) if !is_end_of(path, &listed.path) => {
                let expected = format!("the picture {}", listed.path);
                Err(self.other(at, expected, format!("that of {path}")))
            }
            _ => Ok(()),
        }
    }

    fn other(&self, at: Option<(usize, u64)>, expected: String, found: String) -> Error {
        let at = at.map(|(position, key)| (position as u64, key));
        Error::OtherList { list: self.file.clone(), at, expected, found }
    }

    pub(super) fn report(&self) -> ListReport {
        let displaced = || (0..).zip(&self.lines).filter(|(position, line)| *position != **line);
        let first = displaced().next().map(|(position, _)| u64::from(position));
        ListReport {
            file: self.file.display().to_string(),
            images: self.images.len() as u64,
            in_list_order: first.is_none(),
            displaced: displaced().count() as u64,
            first_displaced: first,
        }
    }
}

/// Whether one path is the other, or the end of it from a folder on: a list may begin its paths above or
/// below the folder that is named.
fn is_end_of(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    long.strip_suffix(short).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Why the pack's own list was not used, where nobody named it.
pub(super) fn passed_over(list: &Path, error: &Error) -> String {
    format!("{} was passed over: {}", list.display(), chain(error))
}

#[cfg(test)]
mod tests {
    use super::is_end_of;

    #[test]
    fn paths_may_begin_at_another_folder() {
        assert!(is_end_of("a/b.jpg", "a/b.jpg"));
        assert!(is_end_of("imgs/a/b.jpg", "a/b.jpg"));
        assert!(is_end_of("a/b.jpg", "imgs/a/b.jpg"));
        assert!(!is_end_of("xa/b.jpg", "a/b.jpg"));
        assert!(!is_end_of("a/c.jpg", "a/b.jpg"));
    }
}
