//! A pack's order against another pack's manifest.

use super::Error;
use super::findings::Findings;
use crate::pack::records::{Row, RowReader};
use crate::pack::{Error as PackError, Manifest, PackFiles, Part};
use std::path::Path;

/// Holds a pack's order against another manifest's.
pub(super) fn against(
    files: &PackFiles,
    manifest: &Manifest,
    other_path: &Path,
    findings: &mut Findings,
) -> Result<(), Error> {
    let (other_files, other) = match PackFiles::of(other_path) {
        Ok(files) if files.path(Part::Manifest).is_file() => {
            let manifest = Manifest::open(&files)?;
            (Some(files), manifest)
        }
        // A published manifest may have any name, and comes without its pack.
        _ if other_path.is_file() => (None, Manifest::read(other_path)?),
        _ => {
            return Err(Error::NoOther { path: other_path.to_path_buf() });
        }
    };
    let name = other_path.display().to_string();
    if other.count != manifest.count {
        let records = |count: u64| format!("{count} records");
        findings.differs(name.clone(), None, records(other.count), records(manifest.count));
    }
    if other.order != manifest.order {
        let (position, expected, found) = first_difference(files, other_files.as_ref())?;
        findings.differs(name.clone(), position, expected, found);
    }
    findings.check(format!("the order against {name}"));
    Ok(())
}

/// The first position at which two packs' rows differ, where both tables are there.
fn first_difference(
    files: &PackFiles,
    other: Option<&PackFiles>,
) -> Result<(Option<u64>, String, String), PackError> {
    let unknown = (None, "the same order".to_owned(), "another".to_owned());
    let table = other.map(|other| other.path(Part::Records)).filter(|path| path.is_file());
    let Some(table) = table else { return Ok(unknown) };
    let mut own = RowReader::open(&files.path(Part::Records))?;
    let mut theirs = RowReader::open(&table)?;
    let text = |row: Option<&Row>| row.map_or("no more records".to_owned(), |row| row.order_line());
    for position in 0.. {
        let (a, b) = (own.next_row().transpose()?, theirs.next_row().transpose()?);
        if a.is_none() && b.is_none() {
            break;
        }
        let (a, b) = (text(a.as_ref()), text(b.as_ref()));
        if a != b {
            let clean = |line: String| line.trim_end().replace('\t', " ");
            return Ok((Some(position), clean(b), clean(a)));
        }
    }
    Ok(unknown)
}
