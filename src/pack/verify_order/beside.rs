//! The records beside the images of an InsightFace pack.

use super::findings::Findings;
use crate::causes::chain;
use crate::datasets::Identities;
use crate::pack::{Manifest, PackFiles, Part};
use crate::recordio::{Header, IndexedReader};

/// Compares the records after the images of an InsightFace pack.
///
/// `first` is the position after the last image.
pub(super) fn check_beside(
    pack: &IndexedReader,
    files: &PackFiles,
    manifest: &Manifest,
    identities: &Identities,
    first: usize,
    findings: &mut Findings,
) {
    let place = files.path(Part::Rec).display().to_string();
    for (i, (key, header)) in identities.records().enumerate() {
        let found = match pack.get(first + i) {
            Ok(record) => match record.image() {
                Ok((own, payload)) => {
                    let own_key =
                        pack.index().key(first + i).expect("a record that was read has a line");
                    describe(own_key, &own, payload.len())
                }
                Err(error) => chain(&error),
            },
            Err(error) => chain(&error),
        };
        let expected = describe(key, &header, 0);
        if expected != found {
            findings.differs(place.clone(), Some((first + i) as u64), expected, found);
        }
    }
    let lines = first as u64 + identities.count() + 1;
    if pack.index().len() as u64 != lines {
        let place = files.path(Part::Idx).display().to_string();
        let found = format!("{} lines", pack.index().len());
        findings.differs(place, None, format!("{lines} lines"), found);
    }
    let stated = manifest.files.property.as_ref();
    let classes = identities.classes();
    let property = std::fs::read_to_string(files.path(Part::Property));
    let own = property.unwrap_or_default();
    if stated.is_some() && !own.starts_with(&format!("{classes},")) {
        let place = files.path(Part::Property).display().to_string();
        findings.differs(place, None, format!("{classes} classes"), format!("{:?}", own.trim()));
    }
    findings.check(format!(
        "the records of {} identities and key 0 against the labels",
        identities.count()
    ));
}

/// A record beside the images in words.
fn describe(key: u64, header: &Header, payload_bytes: usize) -> String {
    format!(
        "key {key}, flag {}, labels {}, id {}, id2 {}, {payload_bytes} bytes",
        header.flag(),
        header.label,
        header.id,
        header.id2
    )
}
