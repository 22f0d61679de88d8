//! The pairs file of a verification set, beside a pack or of one's own: `position position 0|1`, one pair a
//! line.

use crate::causes::excerpt;
use crate::fs::{self, io_error};
use crate::protocol::Pairs;
use std::path::{Path, PathBuf};

/// Why a file tells no pairs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairsError {
    /// It cannot be read.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// A line names no two images.
    #[error(
        "{path}: line {line}: expected two positions below {images} and 0 or 1, separated by blanks, found \
         {:?}",
        excerpt(found)
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// How many images there are.
        images: usize,
        /// What stands there.
        found: String,
    },
}

/// The pairs of images that follow each other: pair i is of images 2i and 2i + 1.
pub fn pairs_in_turn(same: &[bool]) -> Pairs {
    let positions = (0..same.len()).map(|pair| [2 * pair, 2 * pair + 1]).collect();
    Pairs { positions, same: same.to_vec() }
}

/// The file's text for images that follow each other, two a pair.
pub fn pairs_text(same: &[bool]) -> String {
    let Pairs { positions, same } = pairs_in_turn(same);
    let lines = positions.iter().zip(&same);
    lines.map(|([first, second], same)| format!("{first} {second} {}\n", *same as u8)).collect()
}

/// Reads a file of pairs of `images` images.
///
/// # Errors
/// A file that cannot be read, and [`PairsError::Line`] for a line that names no two of the images.
pub fn read_pairs(path: &Path, images: usize) -> Result<Pairs, PairsError> {
    let text = std::fs::read_to_string(path).map_err(io_error("read", path))?;
    let mut pairs = Pairs::default();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (positions, same) = parse(line, images).ok_or_else(|| PairsError::Line {
            path: path.to_path_buf(),
            line: at as u64 + 1,
            images,
            found: line.to_owned(),
        })?;
        pairs.positions.push(positions);
        pairs.same.push(same);
    }
    Ok(pairs)
}

fn parse(line: &str, images: usize) -> Option<([usize; 2], bool)> {
    let mut words = line.split_ascii_whitespace();
    let mut position = || words.next()?.parse().ok().filter(|position| *position < images);
    let positions = [position()?, position()?];
    let same = match words.next()? {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    words.next().is_none().then_some((positions, same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_positions_and_a_verdict() {
        assert_eq!(parse("3 7 1", 8), Some(([3, 7], true)));
        assert_eq!(parse(" 0\t1  0 ", 2), Some(([0, 1], false)));
        for line in ["3 8 1", "3 7", "3 7 2", "3 7 1 1", "a 7 1", "-1 7 1"] {
            assert_eq!(parse(line, 8), None, "{line}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let same = [true, false, true];
        std::fs::write(file.path(), pairs_text(&same)).unwrap();
        let pairs = read_pairs(file.path(), 6).unwrap();
        assert_eq!((pairs.positions, pairs.same), (vec![[0, 1], [2, 3], [4, 5]], same.to_vec()));
        let error = read_pairs(file.path(), 5).unwrap_err();
        assert!(error.to_string().contains("line 3: expected two positions below 5"), "{error}");
    }
}
