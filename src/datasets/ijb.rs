//! The layout IJB-B and IJB-C share (insightface `recognition/_evaluation_/ijb`).
//!
//! `loose_crop/` holds the faces, `meta/` text files separated by spaces. The order is that of
//! `*_name_5pts_score.txt`, and a face's landmarks are those of its own line.

use super::edition::{Edition, ProtocolFile};
use super::list::in_folder;
use super::published::count_warning;
use super::text::read_text;
use super::{Alignment, Error, Image, ImageList, Landmarks, Request};
use crate::fs;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Form of a line of `*_name_5pts_score.txt`.
const FACE_FORM: &str =
    "a name, ten landmark coordinates and a detector score, separated by spaces";

pub(super) fn list(edition: &Edition, request: &Request<'_>) -> Result<ImageList, Error> {
    let set = locate(edition, request.root)?;
    let crops = fs::walk(&set.join("loose_crop"))?;
    let faces_path = set.join("meta").join(format!("{}_name_5pts_score.txt", edition.prefix));
    let mut missing = Vec::new();
    let images = read_faces(&faces_path, edition.crops, &mut |at, name| {
        if crops.files.binary_search_by(|own| own.as_str().cmp(name)).is_err() {
            missing.push(at);
        }
    })?;
    let mut warnings = Vec::new();
    let unlisted = (crops.files.len() + missing.len()).saturating_sub(images.len());
    if unlisted > 0 {
        let name = faces_path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        warnings.push(format!("{unlisted} crops are not in {name} and are not packed"));
    }
    warnings.extend(count_warning("images", images.len() as u64, edition.images));
    let mut protocol_files = Vec::new();
    for name in ProtocolFile::ALL.map(|file| edition.name(file)) {
        let path = set.join("meta").join(&name);
        if path.is_file() {
            check_protocol_file(edition, &name, &path, &images, &mut warnings)?;
            protocol_files.push(format!("{}meta/{name}", edition.folder));
        } else {
            warnings.push(format!("meta/{name} is not there; what needs it cannot be evaluated"));
        }
    }
    Ok(ImageList {
        pictures: edition.crops,
        prefix: edition.folder,
        missing,
        alignment: Alignment::Landmarks,
        protocol_files,
        unlisted: in_folder("loose_crop", crops.unlisted),
        ignored: crops.ignored,
        warnings,
        ..ImageList::of(set, images)
    })
}

/// Finds the set's folder: below `root`, or `root` itself, whatever it is called.
fn locate(edition: &Edition, root: &Path) -> Result<PathBuf, Error> {
    let candidates = [root.join(edition.folder), root.to_path_buf()];
    let found = candidates.into_iter().find(|folder| folder.join("loose_crop").is_dir());
    found.ok_or_else(|| Error::Missing {
        root: root.to_path_buf(),
        what: format!("the folder {}loose_crop", edition.folder),
        note: "it holds the faces of the insightface IJB release, beside the folder meta",
        pictures: None,
    })
}

/// The faces' list, read without looking for the crops.
#[derive(Debug)]
pub struct FacesFile {
    /// The faces in order, with landmarks and detector scores; paths as in a pack.
    pub images: Vec<Image>,
}

impl FacesFile {
    /// Reads `*_name_5pts_score.txt`.
    ///
    /// # Errors
    /// A file that cannot be read, a line of another form, a name that comes twice.
    pub fn read(edition: &Edition, path: &Path) -> Result<Self, Error> {
        Ok(Self { images: read_faces(path, edition.crops, &mut |_, _| {})? })
    }
}

/// Reads the faces; `told` hears of every position and name.
fn read_faces(
    path: &Path,
    within: &str,
    told: &mut dyn FnMut(usize, &str),
) -> Result<Vec<Image>, Error> {
    let text = read_text(path)?;
    let mut images: Vec<Image> = Vec::new();
    let mut seen = HashSet::new();
    for (i, line) in numbered_lines(&text) {
        let bad = |expected| Error::BadLine {
            path: path.to_path_buf(),
            line: i as u64 + 1,
            expected,
            found: format!("{line:?}"),
        };
        let (name, landmarks) = parse_face(line).ok_or_else(|| bad(FACE_FORM))?;
        told(images.len(), name);
        if !seen.insert(name) {
            return Err(bad("each name once"));
        }
        images.push(Image {
            landmarks: Some(Box::new(landmarks)),
            ..Image::at(format!("{within}{name}"))
        });
    }
    Ok(images)
}

fn parse_face(line: &str) -> Option<(&str, Landmarks)> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?;
    let numbers: Vec<f64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let (&score, coordinates) = numbers.split_last()?;
    let finite = numbers.iter().all(|number| number.is_finite());
    let points = coordinates.as_chunks::<2>().0.iter().map(|&[x, y]| (x, y)).collect();
    (finite && coordinates.len() == 10).then_some((name, Landmarks { points, score: Some(score) }))
}

/// Lines that are not blank, numbered from 0.
fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
}

/// Compares a protocol file with the published counts and with the faces.
fn check_protocol_file(
    edition: &Edition,
    name: &str,
    path: &Path,
    images: &[Image],
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    if name.ends_with("_face_tid_mid.txt") {
        let text = read_text(path)?;
        let mut templates = HashSet::new();
        let mut faces = 0;
        let mut first_other = None;
        for (i, line) in numbered_lines(&text) {
            let mut words = line.split_ascii_whitespace();
            let (face, template) = (words.next().unwrap_or_default(), words.next());
            templates.insert(template.ok_or_else(|| Error::BadLine {
                path: path.to_path_buf(),
                line: i as u64 + 1,
                expected: "a name, a template and a media, separated by spaces",
                found: format!("{line:?}"),
            })?);
            let own = images.get(faces).and_then(|image| image.path.rsplit('/').next());
            if own != Some(face) && first_other.is_none() {
                let own = own.unwrap_or("nothing");
                first_other =
                    Some(format!("{name}: line {} names {face}, the faces' list {own}", i + 1));
            }
            faces += 1;
        }
        if first_other.is_none() && faces != images.len() {
            first_other =
                Some(format!("{name} has {faces} faces, the faces' list {}", images.len()));
        }
        warnings.extend(first_other);
        warnings.extend(count_warning("templates", templates.len() as u64, edition.templates));
    }
    if name.ends_with("_template_pair_label.txt") {
        let pairs = count_lines(path).map_err(fs::io_error("read", path))?;
        warnings.extend(count_warning("template pairs", pairs, edition.pairs));
    }
    Ok(())
}

/// Counts lines in bounded memory; the pair file of IJB-C has 15 million.
fn count_lines(path: &Path) -> std::io::Result<u64> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let (mut lines, mut last) = (0, b'\n');
    loop {
        let count = file.read(&mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(lines + u64::from(last != b'\n'));
        };
        lines += memchr::memchr_iter(b'\n', read).count() as u64;
        last = read.last().copied().unwrap_or(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_line_is_a_name_five_points_and_a_score() {
        let (name, landmarks) = parse_face("7.jpg 1 2 3 4 5 6 7 8 9 10 0.5").unwrap();
        assert_eq!((name, landmarks.points[4], landmarks.score), ("7.jpg", (9.0, 10.0), Some(0.5)));
        assert!(parse_face("7.jpg 1 2 3 4 5 6 7 8 9 10").is_none());
        assert!(parse_face("7.jpg 1 2 3 4 5 6 7 8 9 nan 0.5").is_none());
    }
}
