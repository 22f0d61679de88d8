//! What stands beside the `.rec` of a pack being written: index, list and rows.

use super::error::WriteError;
use super::output::Output;
use super::staging::Staging;
use crate::datasets::Identities;
use crate::fs::{self, io_error};
use crate::pack::digest::{FileDigest, OrderDigest};
use crate::pack::records::{Row, RowWriter};
use crate::pack::{Error, Part};
use crate::recordio::IndexWriter;
use std::path::Path;

/// The `.idx`, the `.lst` and the `.records.csv`, and the digest of the order.
pub(in crate::pack) struct Tables {
    idx: IndexWriter<Output>,
    lst: Output,
    records: Output,
    rows: RowWriter,
    order: OrderDigest,
    count: u64,
    first_and_last: [String; 2],
    /// Of an InsightFace pack, the identities so far.
    identities: Option<Identities>,
    /// Width and height of the first picture, and whether another has others.
    size: Option<(u32, u32)>,
    sizes_differ: bool,
}

/// The tables of a whole pack.
pub(in crate::pack) struct Finished {
    pub(in crate::pack) idx: FileDigest,
    pub(in crate::pack) lst: FileDigest,
    pub(in crate::pack) records: FileDigest,
    pub(in crate::pack) order: String,
    pub(in crate::pack) count: u64,
    pub(in crate::pack) first_and_last: [String; 2],
}

impl Tables {
    /// Starts the three files anew; `identities` are gathered where a pack needs them.
    pub(in crate::pack) fn create(
        staging: &Staging,
        rows: RowWriter,
        identities: Option<Identities>,
    ) -> Result<Self, Error> {
        Ok(Self {
            idx: IndexWriter::new(Output::create(&staging.path(Part::Idx))?),
            lst: Output::create(&staging.path(Part::Lst))?,
            records: Output::create(&staging.path(Part::Records))?,
            rows,
            order: OrderDigest::default(),
            count: 0,
            first_and_last: Default::default(),
            identities,
            size: None,
            sizes_differ: false,
        })
    }

    /// Rows so far, which is the position of the next.
    pub(in crate::pack) fn count(&self) -> u64 {
        self.count
    }

    pub(in crate::pack) fn append(&mut self, row: &Row) -> Result<(), WriteError> {
        self.append_beside(row.key, row.offset)?;
        self.lst.append(row.list_line().as_bytes());
        self.rows.append(row).map_err(csv_error)?;
        self.order.add(row);
        if self.count == 0 {
            self.first_and_last[0].clone_from(&row.path);
        }
        self.first_and_last[1].clone_from(&row.path);
        let size = (row.width, row.height);
        self.sizes_differ |= *self.size.get_or_insert(size) != size;
        if let Some(identities) = &mut self.identities {
            let path = || row.path.clone();
            identities
                .add(row.label.class())
                .map_err(|source| WriteError::Layout { path: path(), source })?;
        }
        self.count += 1;
        if self.idx.get_mut().is_full() { Ok(self.flush()?) } else { Ok(()) }
    }

    /// The identities of an InsightFace pack.
    pub(in crate::pack) fn identities(&self) -> Option<&Identities> {
        self.identities.as_ref()
    }

    /// Width and height of the pictures, and whether they differ.
    pub(in crate::pack) fn size(&self) -> ((u32, u32), bool) {
        (self.size.unwrap_or_default(), self.sizes_differ)
    }

    /// Lists a record that has no row, as it is no image.
    pub(in crate::pack) fn append_beside(&mut self, key: u64, offset: u64) -> Result<(), Error> {
        let refused = io_error("write", Path::new(Part::Idx.ending()));
        Ok(self.idx.append(key, offset).map_err(refused)?)
    }

    /// Hands everything to the operating system.
    pub(in crate::pack) fn flush(&mut self) -> Result<(), Error> {
        self.records.append(&self.rows.take().map_err(csv_error)?);
        for output in [self.idx.get_mut(), &mut self.lst, &mut self.records] {
            output.flush()?;
        }
        Ok(())
    }

    /// Makes the files durable.
    pub(in crate::pack) fn finish(mut self) -> Result<Finished, Error> {
        self.flush()?;
        Ok(Finished {
            idx: self.idx.into_inner().finish()?,
            lst: self.lst.finish()?,
            records: self.records.finish()?,
            order: self.order.finish(),
            count: self.count,
            first_and_last: self.first_and_last,
        })
    }
}

pub(in crate::pack) fn csv_error(error: csv::Error) -> Error {
    let path = Path::new(Part::Records.ending());
    fs::Error::Io { action: "write", path: path.to_path_buf(), source: error.into() }.into()
}
