//! A pack's pictures as files again; nothing is written outside the folder, whatever its paths say.

use super::records::RowReader;
use super::{Error, PackFiles, Part, Previous};
use crate::datasets::ImageRecords;
use crate::fs;
use crate::image::probe::probe_within;
use crate::limits::Limits;
use crate::progress::Progress;
use crate::recordio::Record;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// What was extracted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnpackReport {
    /// The folder.
    pub out: String,
    /// Files written.
    pub files: u64,
    /// Records without a picture, such as InsightFace's identity records.
    pub without_picture: u64,
    /// Where the names came from: `records.csv`, or `keys` for a pack made elsewhere.
    pub names: String,
}

/// Writes every picture of a pack below `out`, with the bytes it has in the pack.
///
/// # Errors
/// Damage of the pack, [`Error::Escapes`], [`Error::Exists`] for a file that may not be replaced.
pub fn unpack(
    files: &PackFiles,
    out: &Path,
    previous: Previous,
    progress: &dyn Progress,
) -> Result<UnpackReport, Error> {
    super::recover(files)?;
    let pack = super::open(files)?;
    let damaged = |source| Error::Record { path: files.path(Part::Rec), source };
    let mut starts = pack.index().offsets().to_vec();
    starts.sort_unstable();
    let table = files.path(Part::Records);
    let mut rows = if table.exists() { Some(RowReader::open(&table)?) } else { None };
    let names = if rows.is_some() { "records.csv" } else { "keys" };
    let mut report = UnpackReport {
        out: out.display().to_string(),
        files: 0,
        without_picture: 0,
        names: names.to_owned(),
    };
    std::fs::create_dir_all(out).map_err(fs::io_error("make the folder", out))?;
    let root = out.canonicalize().map_err(fs::io_error("find", out))?;
    progress.start("unpack", pack.index().len() as u64);
    let images = ImageRecords::of(&pack).map_err(damaged)?;
    report.without_picture = (pack.index().len() - images.count()) as u64;
    for position in 0..images.count() {
        let line = images.position(&pack, position).map_err(damaged)?;
        let record = pack.get(line).map_err(damaged)?;
        if record.end < pack.reader().length() && starts.binary_search(&record.end).is_err() {
            return Err(damaged(record.unlisted_after()));
        }
        let (_, payload) = record.image().map_err(damaged)?;
        let key = pack.index().key(line).unwrap_or_default();
        let name = match &mut rows {
            Some(rows) => Some(path_of(rows, &table, position as u64, key, &record, payload)?),
            None => None,
        };
        if payload.is_empty() {
            report.without_picture += 1;
        } else {
            let name = name.unwrap_or_else(|| format!("{key}.{}", ending(payload)));
            write_inside(&root, &name, position as u64, payload, previous)?;
            report.files += 1;
        }
        progress.advance(1);
    }
    progress.finish();
    Ok(report)
}

/// The path that the next row gives the record, which must be the record the row describes.
fn path_of(
    rows: &mut RowReader<File>,
    table: &Path,
    position: u64,
    key: u64,
    record: &Record<'_>,
    payload: &[u8],
) -> Result<String, Error> {
    let other = |found: String| Error::BadRow {
        path: table.to_path_buf(),
        line: position + 2,
        expected: "the row of the record at this position of the index",
        found,
    };
    let row = rows.next_row().ok_or_else(|| other("the end of the file".to_owned()))??;
    let same = row.position == position
        && row.key == key
        && row.offset == record.offset
        && row.length == payload.len() as u64
        && row.digest == blake3::hash(payload);
    if same { Ok(row.path) } else { Err(other(format!("that of {}", row.path))) }
}

fn ending(payload: &[u8]) -> &'static str {
    probe_within(payload, &Limits::NONE).map_or("bin", |found| found.format.ending())
}

/// Writes a file under `name` below `root`, and nowhere else.
pub(super) fn write_inside(
    root: &Path,
    name: &str,
    position: u64,
    bytes: &[u8],
    previous: Previous,
) -> Result<(), Error> {
    write(root, &inside(root, name, position)?, bytes, previous)
}

/// The path of `name` below `root`, refused when it is absolute, climbs, or is empty.
fn inside(root: &Path, name: &str, position: u64) -> Result<PathBuf, Error> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() || name.ends_with('/') || name.contains('\0') {
        return Err(Error::Escapes { position, path: name.to_owned() });
    }
    Ok(root.join(path))
}

/// Writes one file, making its folders; a link among them that leads out of `root` is refused.
fn write(root: &Path, target: &Path, bytes: &[u8], previous: Previous) -> Result<(), Error> {
    let folder = target.parent().unwrap_or(root);
    let mut made = root.to_path_buf();
    for part in folder.strip_prefix(root).unwrap_or(Path::new("")).components() {
        made.push(part);
        if made.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(Error::Link { path: made });
        }
        if !made.is_dir() {
            std::fs::create_dir(&made).map_err(fs::io_error("make the folder", &made))?;
        }
    }
    let there = target.symlink_metadata().is_ok();
    if there && previous == Previous::Keep && !std::fs::read(target).is_ok_and(|old| old == bytes) {
        return Err(Error::Exists { path: target.to_path_buf() });
    }
    Ok(fs::write_renamed(target, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_refused() {
        let root = Path::new("/out");
        for name in ["../x", "/etc/x", "a/../../x", "", "a/", "./../x", "a\0b"] {
            assert!(inside(root, name, 3).is_err(), "{name:?}");
        }
        assert_eq!(inside(root, "a/b.jpg", 3).unwrap(), Path::new("/out/a/b.jpg"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_inside_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.join("a")).unwrap();
        assert!(write(&root, &root.join("a/x.jpg"), b"x", Previous::Keep).is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
