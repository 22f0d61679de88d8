//! One pass over all records of a pack.

use super::beside::check_beside;
use super::findings::Findings;
use super::lines::Lines;
use super::listed_tree::ListedTree;
use super::not_checked::NotChecked;
use super::options::{Depth, Options};
use super::places::Places;
use super::report::Difference;
use crate::causes::chain;
use crate::datasets::Identities;
use crate::image::probe::probe;
use crate::pack::digest::{FileDigest, OrderDigest, hash_from};
use crate::pack::manifest::{Layout, Manifest, Provenance};
use crate::pack::open::open;
use crate::pack::records::{Row, RowReader};
use crate::pack::{Error, PackFiles, Part};
use crate::progress::Progress;
use crate::recordio::{IndexedReader, Label};
use rayon::prelude::*;

/// The identities that the records beside the images must tell, gathered from nothing.
fn expected_identities(manifest: &Manifest) -> Option<Identities> {
    let made_here = manifest.source == Provenance::List;
    let whole = made_here && manifest.shard.is_none();
    (whole && manifest.layout == Layout::Insightface).then(Identities::default)
}

/// Rows verified in parallel before the next are read.
const ROWS_AT_A_TIME: usize = 4096;

/// Goes through all records once.
pub(super) fn check_records(
    files: &PackFiles,
    manifest: &Manifest,
    tree: Option<&ListedTree>,
    options: &Options,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let pack = open(files)?;
    findings.report.index_memory_bytes = pack.index().memory_bytes();
    let mut pass = Pass {
        files,
        manifest,
        tree,
        depth: options.depth,
        places: Places::of(&pack, manifest)
            .map_err(|source| Error::Record { path: files.path(Part::Rec), source })?,
        identities: expected_identities(manifest),
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
    tree: Option<&'a ListedTree>,
    depth: Depth,
    pack: &'a IndexedReader,
    places: Places,
    /// Of an InsightFace pack of this program, its identities so far.
    identities: Option<Identities>,
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
            if let Some(identities) = &mut self.identities
                && let Err(error) = identities.add(row.label.class())
            {
                let place = self.files.path(Part::Records).display().to_string();
                findings.differs(
                    place,
                    Some(self.position),
                    "a label of InsightFace's layout",
                    error.to_string(),
                );
            }
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
        let line = self.places.line(self.pack, position);
        let index = match line {
            Some(line) => (self.pack.index().key(line), self.pack.index().offset(line)),
            None => (None, None),
        };
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
            let number = line.map_or(position, |line| line as u64) + 1;
            let place = format!("{}: line {number}", self.files.path(Part::Idx).display());
            found.push(at(place, text(stated), text(index)));
        }
        match self.record_differences(position, row) {
            Ok(more) => {
                found.extend(more.into_iter().map(|(expected, own)| at(place(), expected, own)))
            }
            Err(error) => found.push(at(place(), "a whole record".to_owned(), chain(&error))),
        }
        if let Some(tree) = self.tree {
            let record = || line.and_then(|line| self.pack.get(line).ok());
            found.extend(tree.compare(row, record, self.depth));
        }
        found
    }

    /// Pairs of expected and found of one record and its row.
    fn record_differences(
        &self,
        position: u64,
        row: &Row,
    ) -> Result<Vec<(String, String)>, crate::recordio::Error> {
        let line = self.places.line(self.pack, position).unwrap_or(usize::MAX);
        let record = self.pack.get(line)?;
        let (header, payload) = record.image()?;
        let mut found = Vec::new();
        let mut hold = |what: &str, expected: String, own: String| {
            if expected != own {
                found.push((format!("{what} {expected}"), format!("{what} {own}")));
            }
        };
        let end = self.places.end(self.pack, line, record.offset);
        hold("the next record at byte", end.to_string(), record.end.to_string());
        // Other programs put other numbers there; their bytes are held by the digest of the .rec.
        if self.manifest.source == Provenance::List {
            hold("id", row.key.to_string(), header.id.to_string());
            hold("id2", "0".to_owned(), header.id2.to_string());
        }
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
        // Records of other programs may lie in any order: they are hashed at the end.
        if self.places.is_scattered() {
            return reader.release(0, reader.length());
        }
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
        let counts =
            [(path(Part::Records), self.position), (path(Part::Idx), self.places.images())];
        for (place, count) in counts {
            if count != self.manifest.count {
                let position = Some(count.min(self.manifest.count));
                let expected = format!("{} records", self.manifest.count);
                findings.differs(place, position, expected, format!("{count} records"));
            }
        }
        if let Some(identities) = self.identities.take() {
            let (files, manifest, first) = (self.files, self.manifest, self.position as usize);
            check_beside(self.pack, files, manifest, &identities, first, findings);
        }
        if let Some(next) = self.tree.and_then(|tree| tree.after(self.position)) {
            let place = format!("{next} in the source tree");
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
        if let Some(tree) = self.tree {
            let what = match self.depth {
                Depth::Full => "every position and its picture",
                Depth::Quick => "every position",
            };
            let base = tree.base().display();
            findings.check(format!("{what} against the source tree {base}"));
        }
        if self.depth == Depth::Full {
            hash_from(self.pack.reader(), self.hashed, &mut self.hasher);
            let blake3 = self.hasher.finalize().to_string();
            let own = FileDigest { bytes: self.pack.reader().length(), blake3 };
            findings.compare_digest(&self.files.path(Part::Rec), &self.manifest.files.rec, &own);
            findings.check("every picture's and the whole .rec's digest");
        } else {
            findings.not_checked(NotChecked::Pictures);
        }
    }
}

/// A label with its bits, so that −0 and 0 differ.
fn bits(label: &Label) -> String {
    let bits: Vec<String> =
        label.values().iter().map(|value| format!("{:08x}", value.to_bits())).collect();
    format!("{label} (bits {})", bits.join(" "))
}
