//! The pictures of a set cut out by their landmarks, as files.

use super::inside::{InsideError, make_root, write_inside};
use super::manifest::Skipped;
use super::plan::{ImageError, PlanError, Recipe, plan};
use super::{Encoding, OnError, Previous};
use crate::causes::chain;
use crate::ordered::{Bound, in_order};
use crate::progress::Progress;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;

/// How the pictures of a set are aligned.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the files go.
    pub out: PathBuf,
    /// What an image that cannot be aligned does.
    pub on_error: OnError,
    /// What becomes of other files that are there.
    pub previous: Previous,
    /// Threads that read and draw.
    pub jobs: usize,
}

/// What was aligned.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlignReport {
    /// The data set.
    pub set: String,
    /// The folder.
    pub out: String,
    /// Files in it.
    pub files: u64,
    /// Pixels an edge.
    pub size: u32,
    /// How they are encoded.
    pub encoding: Encoding,
    /// Images that could not be aligned.
    pub skipped: Vec<Skipped>,
    /// What differs from the published set, and other things to be told.
    pub warnings: Vec<String>,
}

/// Why the pictures of a set are not all aligned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be decided what to align.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file cannot be written.
    #[error(transparent)]
    Inside(#[from] InsideError),
    /// An image cannot be aligned.
    #[error("{path}: cannot pack this image")]
    Image {
        /// The image, relative to the base of its list.
        path: String,
        /// Why not.
        source: ImageError,
    },
    /// Every image was skipped.
    #[error("all {count} images were skipped, the first {path}; nothing is left to pack")]
    AllSkipped {
        /// Images listed.
        count: u64,
        /// The first.
        path: String,
    },
    /// Two pictures would be aligned to one file.
    #[error("{first} and {second} would both become {target}; rename one")]
    SameTarget {
        /// One picture.
        first: String,
        /// The other.
        second: String,
        /// The file.
        target: String,
    },
}

/// Images a thread works on at a time.
const CHUNK: usize = 16;

/// Bytes of aligned pictures that wait to be written.
const IN_FLIGHT_BYTES: u64 = 64 << 20;

/// Writes an aligned copy of every picture of a set, with its landmarks, the size and the encoding of
/// `recipe`, below `out`, under the path it has in the set
/// without the folder of the originals, with the ending of the encoding.
///
/// Memory: the list, the names of the files, `IN_FLIGHT_BYTES`, and one chunk of images a thread.
///
/// # Errors
/// [`Error::Image`] for the first image that cannot be aligned, coincident landmarks among them, and
/// [`InsideError::Exists`] for a file that may not be replaced. Files written before stay.
///
/// # Panics
/// Where the recipe aligns nothing.
pub fn align(
    recipe: Recipe,
    options: &Options,
    progress: &dyn Progress,
) -> Result<AlignReport, Error> {
    let Options { out, on_error, previous, jobs } = options;
    let size = recipe.align.expect("a recipe that aligns");
    let plan = plan(recipe)?;
    let (recipe, count) = (&plan.recipe, plan.list.images.len());
    let name = |at: usize| target(&plan.image(at).path, plan.list.pictures, recipe.encoding);
    check_different((0..count).map(|at| (name(at), &*plan.image(at).path)))?;
    let root = make_root(out)?;
    let mut skipped = Vec::new();
    let mut files = 0;
    progress.start("align", count as u64);
    let images = |chunk: usize| chunk * CHUNK..count.min((chunk + 1) * CHUNK);
    let bound = Bound { items: 4 * (*jobs).max(1), bytes: IN_FLIGHT_BYTES };
    let work = |chunk: usize| {
        let pictures: Vec<_> = images(chunk).map(|at| plan.picture(at)).collect();
        let bytes = pictures.iter().flatten().map(|picture| picture.bytes.len() as u64).sum();
        (pictures, bytes)
    };
    in_order(*jobs, 0..count.div_ceil(CHUNK), bound, work, |chunk, pictures| {
        for (at, picture) in images(chunk).zip(pictures) {
            let path = plan.image(at).path.to_string();
            match (picture, on_error) {
                (Ok(picture), _) => {
                    write_inside(&root, &name(at), at as u64, &picture.bytes, *previous)?;
                    files += 1;
                }
                (Err(error), OnError::Skip) => {
                    skipped.push(Skipped { path, reason: chain(&error) });
                }
                (Err(source), OnError::Stop) => return Err(Error::Image { path, source }),
            }
        }
        progress.advance(images(chunk).len() as u64);
        Ok(())
    })?;
    progress.finish();
    if files == 0 {
        let path = plan.image(0).path.to_string();
        return Err(Error::AllSkipped { count: count as u64, path });
    }
    Ok(AlignReport {
        set: recipe.dataset.name.to_owned(),
        out: out.display().to_string(),
        files,
        size,
        encoding: recipe.encoding,
        skipped,
        warnings: plan.list.warnings,
    })
}

/// Refuses two pictures that would become one file, before any work.
fn check_different<'a>(targets: impl Iterator<Item = (String, &'a str)>) -> Result<(), Error> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (target, path) in targets {
        if let Some(first) = seen.insert(target.clone(), path) {
            let (first, second) = (first.to_owned(), path.to_owned());
            return Err(Error::SameTarget { first, second, target });
        }
    }
    Ok(())
}

/// `original/a/b.jpg` to `a/b.png`.
fn target(path: &str, pictures: &str, encoding: Encoding) -> String {
    let below = path.strip_prefix(pictures).unwrap_or(path);
    let folders = below.rfind('/').map_or(0, |slash| slash + 1);
    let stem = below.rfind('.').filter(|dot| *dot > folders).unwrap_or(below.len());
    format!("{}.{}", &below[..stem], encoding.ending())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_path_of_its_original_below_the_pictures() {
        let name = |path, encoding| target(path, "original/", encoding);
        assert_eq!(name("original/cam.1/a.JPG", Encoding::Png), "cam.1/a.png");
        assert_eq!(name("original/cam.1/a", Encoding::Jpeg(95)), "cam.1/a.jpg");
        assert_eq!(name("other/a.b.jpeg", Encoding::Png), "other/a.b.png");
    }
}
