//! What stands beside the images of an InsightFace pack.

use super::output::{Output, write_small};
use super::staging::Staging;
use super::tables::Tables;
use crate::pack::digest::FileDigest;
use crate::pack::{Error, Part};
use crate::recordio::{Header, Writer};

/// What an InsightFace pack has beside its images; of another pack nothing.
#[derive(Default)]
pub(in crate::pack) struct FinishedLayout {
    pub(in crate::pack) identities: Option<u64>,
    pub(in crate::pack) classes: Option<u64>,
    pub(in crate::pack) property: Option<FileDigest>,
    pub(in crate::pack) warnings: Vec<String>,
}

/// Writes the identity records, key 0 and `property` after the last image.
pub(in crate::pack) fn finish_layout(
    rec: &mut Writer<Output>,
    tables: &mut Tables,
    staging: &Staging,
) -> Result<FinishedLayout, Error> {
    let Some(identities) = tables.identities() else { return Ok(FinishedLayout::default()) };
    let ((width, height), sizes_differ) = tables.size();
    let (count, classes) = (identities.count(), identities.classes());
    let mut warnings = Vec::new();
    if classes > count {
        warnings.push(format!(
            "{count} identities have labels up to {}, so a network needs {classes} classes; --label \
             rank numbers them without a gap",
            classes - 1
        ));
    }
    if sizes_differ {
        warnings.push(format!(
            "the pictures differ in size; property says {height} by {width}, the size of the first"
        ));
    }
    let property = identities.property(height, width);
    let records: Vec<(u64, Header)> = identities.records().collect();
    for (key, header) in records {
        let path = staging.path(Part::Rec);
        let offset = rec.append(&header, &[]).map_err(|source| Error::Record { path, source })?;
        tables.append_beside(key, offset)?;
    }
    Ok(FinishedLayout {
        identities: Some(count),
        classes: Some(classes),
        property: Some(write_small(&staging.path(Part::Property), &property)?),
        warnings,
    })
}
