//! What stands beside the `.rec` of a pack being written: index, list and rows.

use crate::fs;
use crate::pack::manifest::{FileDigest, OrderDigest};
use crate::pack::output::Output;
use crate::pack::records::{Row, RowWriter};
use crate::pack::staging::Staging;
use crate::pack::{Error, Part};
use std::path::Path;

/// The `.idx`, the `.lst` and the `.records.csv`, and the digest of the order.
pub(super) struct Tables {
    idx: Output,
    lst: Output,
    records: Output,
    rows: RowWriter,
    order: OrderDigest,
    count: u64,
    first_and_last: [String; 2],
}

/// The tables of a whole pack.
pub(super) struct Finished {
    pub(super) idx: FileDigest,
    pub(super) lst: FileDigest,
    pub(super) records: FileDigest,
    pub(super) order: String,
    pub(super) count: u64,
    pub(super) first_and_last: [String; 2],
}

impl Tables {
    /// Starts the three files anew.
    pub(super) fn create(staging: &Staging, rows: RowWriter) -> Result<Self, Error> {
        Ok(Self {
            idx: Output::create(&staging.path(Part::Idx))?,
            lst: Output::create(&staging.path(Part::Lst))?,
            records: Output::create(&staging.path(Part::Records))?,
            rows,
            order: OrderDigest::default(),
            count: 0,
            first_and_last: Default::default(),
        })
    }

    /// Rows so far, which is the position of the next.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn append(&mut self, row: &Row) -> Result<(), Error> {
        self.idx.append(format!("{}\t{}\n", row.key, row.offset).as_bytes());
        self.lst.append(row.list_line().as_bytes());
        self.rows.append(row).map_err(csv_error)?;
        self.order.add(row);
        if self.count == 0 {
            self.first_and_last[0].clone_from(&row.path);
        }
        self.first_and_last[1].clone_from(&row.path);
        self.count += 1;
        if self.idx.is_full() { self.flush() } else { Ok(()) }
    }

    /// Hands everything to the operating system.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.records.append(&self.rows.take().map_err(csv_error)?);
        for output in [&mut self.idx, &mut self.lst, &mut self.records] {
            output.flush()?;
        }
        Ok(())
    }

    /// Makes the files durable.
    pub(super) fn finish(mut self) -> Result<Finished, Error> {
        self.flush()?;
        Ok(Finished {
            idx: self.idx.finish()?,
            lst: self.lst.finish()?,
            records: self.records.finish()?,
            order: self.order.finish(),
            count: self.count,
            first_and_last: self.first_and_last,
        })
    }
}

pub(super) fn csv_error(error: csv::Error) -> Error {
    let path = Path::new(Part::Records.ending());
    fs::Error::Io { action: "write", path: path.to_path_buf(), source: error.into() }.into()
}
