//! One pass over all records of a pack.

use super::findings::Findings;
use super::source::Source;
use super::{Depth, Difference, Options, compare_digest};
use crate::fs::io_error;
use crate::image::probe::probe;
use crate::pack::manifest::{FileDigest, Manifest, OrderDigest};
use crate::pack::records::{Row, RowReader};
use crate::pack::{Error, PackFiles, Part, chain};
use crate::progress::Progress;
use crate::recordio::{IndexedReader, Label};
use rayon::prelude::*;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Rows verified in parallel before the next are read.
const ROWS_AT_A_TIME: usize = 4096;

/// Goes through all records once.
pub(super) fn check_records(
    files: &PackFiles,
    manifest: &Manifest,
    source: Option<&Source>,
    options: &Options,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let pack = crate::pack::open(files)?;
    findings.report.index_memory_bytes = pack.index().memory_bytes();
    let mut pass = Pass {
        files,
        manifest,
        source,
        depth: options.depth,
        pack: &pack,
        lines: Lines::open(&files.path(Part::Lst))?,
        order: OrderDigest::default(),
        hasher: blake3::Hasher::new(),
        hashed: 0,
        position: 0,
    };
    let mut rows = RowReader::open(&files.path(Part::Records))?;
    progress.start(&manifest.set, manifest.count);
    loop {
        let mut chunk = Vec::with_capacity(ROWS_AT_A_TIME);
        while chunk.len() < ROWS_AT_A_TIME {
            match rows.next_row() {
                Some(row) => chunk.push(row?),
                None => break,
            }
        }
        if chunk.is_empty() {
            break;
        }
        pass.check(&chunk, findings)?;
        progress.advance(chunk.len() as u64);
    }
    progress.finish();
    pass.finish(findings);
    Ok(())
}

/// One pass over a pack.
struct Pass<'a> {
    files: &'a PackFiles,
    manifest: &'a Manifest,
    source: Option<&'a Source>,
    depth: Depth,
    pack: &'a IndexedReader,
    lines: Lines,
    order: OrderDigest,
    hasher: blake3::Hasher,
    /// Bytes of the `.rec` that went into `hasher`.
    hashed: u64,
    position: u64,
}

impl Pass<'_> {
    fn check(&mut self, rows: &[Row], findings: &mut Findings) -> Result<(), Error> {
        let first = self.position;
        let numbered = rows.par_iter().enumerate();
        let found: Vec<Difference> =
            numbered.flat_map_iter(|(i, row)| self.differences(first + i as u64, row)).collect();
        found.into_iter().for_each(|difference| findings.add(difference));
        for row in rows {
            self.order.add(row);
            let expected = row.list_line();
            let line = self.lines.next_line()?;
            if line != expected.as_bytes() {
                let place =
                    format!("{}: line {}", self.files.path(Part::Lst).display(), self.lines.number);
                let text = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
                findings.differs(
                    place,
                    Some(self.position),
                    text(expected.as_bytes()),
                    text(&line),
                );
            }
            self.position += 1;
        }
        self.hash_to_position();
        Ok(())
    }

    /// What is wrong with the record at `position`.
    fn differences(&self, position: u64, row: &Row) -> Vec<Difference> {
        let place = || self.files.path(Part::Rec).display().to_string();
        let at = |place: String, expected: String, found: String| Difference {
            place,
            position: Some(position),
            expected,
            found,
        };
        let table =
            || format!("{}: line {}", self.files.path(Part::Records).display(), position + 2);
        let index =
            (self.pack.index().key(position as usize), self.pack.index().offset(position as usize));
        let stated = (Some(row.key), Some(row.offset));
        let mut found = Vec::new();
        if row.position != position {
            let (expected, own) =
                (format!("position {position}"), format!("position {}", row.position));
            found.push(at(table(), expected, own));
        }
        if index != stated {
            let text = |(key, offset): (Option<u64>, Option<u64>)| match (key, offset) {
                (Some(key), Some(offset)) => format!("key {key} at byte {offset}"),
                _ => "no such line".to_owned(),
            };
            let place = format!("{}: line {}", self.files.path(Part::Idx).display(), position + 1);
            found.push(at(place, text(stated), text(index)));
        }
        match self.record_differences(position, row) {
            Ok(more) => {
                found.extend(more.into_iter().map(|(expected, own)| at(place(), expected, own)))
            }
            Err(error) => found.push(at(place(), "a whole record".to_owned(), chain(&error))),
        }
        if let Some(source) = self.source {
            found.extend(source.compare(row, self.manifest, self.depth));
        }
        found
    }

    /// Pairs of expected and found of one record and its row.
    fn record_differences(
        &self,
        position: u64,
        row: &Row,
    ) -> Result<Vec<(String, String)>, crate::recordio::Error> {
        let record = self.pack.get(position as usize)?;
        let (header, payload) = record.image()?;
        let mut found = Vec::new();
        let mut hold = |what: &str, expected: String, own: String| {
            if expected != own {
                found.push((format!("{what} {expected}"), format!("{what} {own}")));
            }
        };
        let next = self.pack.index().offset(position as usize + 1);
        let end = next.unwrap_or_else(|| self.pack.reader().length());
        hold("the next record at byte", end.to_string(), record.end.to_string());
        hold("id", row.key.to_string(), header.id.to_string());
        hold("id2", "0".to_owned(), header.id2.to_string());
        hold("label", bits(&row.label), bits(&header.label));
        hold("a picture of bytes", row.length.to_string(), payload.len().to_string());
        if self.depth == Depth::Full {
            hold("BLAKE3", row.digest.to_string(), blake3::hash(payload).to_string());
            let size = |width: u32, height: u32| format!("{width}x{height}");
            match probe(payload) {
                Ok(own) => hold("size", size(row.width, row.height), size(own.width, own.height)),
                Err(error) => hold("a picture:", "whole".to_owned(), error.to_string()),
            }
        }
        Ok(found)
    }

    /// Hashes the `.rec` up to the record at the current position, and lets go of its pages.
    fn hash_to_position(&mut self) {
        let reader = self.pack.reader();
        let next = self.pack.index().offset(self.position as usize);
        let to = next.unwrap_or_else(|| reader.length()).clamp(self.hashed, reader.length());
        if self.depth == Depth::Full
            && let Some(bytes) = reader.bytes().get(self.hashed as usize..to as usize)
        {
            self.hasher.update_rayon(bytes);
        }
        reader.release(self.hashed, to);
        self.hashed = to;
    }

    /// Compares what is known only at the end.
    fn finish(mut self, findings: &mut Findings) {
        let path = |part| self.files.path(part).display().to_string();
        let counts = [
            (path(Part::Records), self.position),
            (path(Part::Idx), self.pack.index().len() as u64),
        ];
        for (place, count) in counts {
            if count != self.manifest.count {
                let position = Some(count.min(self.manifest.count));
                let expected = format!("{} records", self.manifest.count);
                findings.differs(place, position, expected, format!("{count} records"));
            }
        }
        if let Some(source) = self.source
            && source.packed.len() as u64 > self.position
        {
            let next = &source.plan.list.images[source.packed[self.position as usize]];
            let place = format!("{} in the source tree", next.path);
            findings.differs(place, Some(self.position), "a record of it", "no more records");
        }
        if let Ok(line) = self.lines.next_line()
            && !line.is_empty()
        {
            let place = format!("{}: line {}", path(Part::Lst), self.lines.number);
            findings.differs(place, Some(self.position), "the end of the file", "more lines");
        }
        let order = self.order.finish();
        if order != self.manifest.order {
            let stated = format!("the order {}", self.manifest.order);
            findings.differs(path(Part::Manifest), None, stated, format!("the order {order}"));
        }
        findings
            .check(format!("{} records: framing, headers, index, lists and order", self.position));
        if let Some(source) = self.source {
            let what = match self.depth {
                Depth::Full => "every position and its picture",
                Depth::Quick => "every position",
            };
            let base = source.plan.list.base.display();
            findings.check(format!("{what} against the source tree {base}"));
        }
        if self.depth == Depth::Full {
            let rest = self.pack.reader().bytes().get(self.hashed as usize..).unwrap_or_default();
            self.hasher.update_rayon(rest);
            let blake3 = self.hasher.finalize().to_string();
            let own = FileDigest { bytes: self.pack.reader().length(), blake3 };
            compare_digest(&self.files.path(Part::Rec), &self.manifest.files.rec, &own, findings);
            findings.check("every picture's and the whole .rec's digest");
        } else {
            findings.not_checked("the bytes of the pictures and of the source files (--quick)");
        }
    }
}

/// A label with its bits, so that −0 and 0 differ.
fn bits(label: &Label) -> String {
    let bits: Vec<String> =
        label.values().iter().map(|value| format!("{:08x}", value.to_bits())).collect();
    format!("{label} (bits {})", bits.join(" "))
}

/// The lines of a `.lst`, each with its line feed.
struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(io_error("read", path))?;
        Ok(Self { file: BufReader::new(file), path: path.to_path_buf(), number: 0 })
    }

    /// The next line; empty at the end.
    fn next_line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line).map_err(io_error("read", &self.path))?;
        self.number += 1;
        Ok(line)
    }
}
