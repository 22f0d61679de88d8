//! The image records of a pack made elsewhere, what they are of a tree, and the tables told of them.

use super::listed::Listed;
use super::tree::{Match, Tree};
use super::{Displaced, Found, TreeReport};
use crate::datasets::{ImageRecords, LabelError};
use crate::image::{ChannelOrder, decode::decode, probe::probe};
use crate::pack::manifest::{FileDigest, OrderDigest};
use crate::pack::records::{Row, RowWriter};
use crate::pack::write::{Output, Staging, csv_error};
use crate::pack::{Error, ImageError, PackFiles, Part};
use crate::progress::Progress;
use crate::recordio::{self, Header, IndexedReader, Record};
use rayon::prelude::*;
use std::collections::HashMap;

/// Records worked on in parallel before the next are.
const AT_A_TIME: usize = 4096;

/// The images of a pack.
pub(super) struct ForeignImages<'a> {
    pub(super) files: &'a PackFiles,
    pub(super) pack: &'a IndexedReader,
    pub(super) images: ImageRecords,
}

/// Digests of what was written.
pub(super) struct Written {
    pub(super) lst: FileDigest,
    pub(super) records: FileDigest,
    pub(super) order: String,
    pub(super) reoriented: u64,
}

/// Which picture of the tree each record is.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Position in the tree's list of every record.
    at: Vec<u32>,
    keys: Vec<u64>,
    same_bytes: u64,
    same_picture: u64,
    doubles: u64,
    /// Records encoded anew whose colours tell the order RGB, and BGR.
    rgb: u64,
    bgr: u64,
    /// The first record of each order.
    first_of: [Option<(u64, String)>; 2],
}

impl ForeignImages<'_> {
    fn damaged(&self, source: recordio::Error) -> Error {
        Error::Record { path: self.files.path(Part::Rec), source }
    }

    /// Line of the index of the image at `position`.
    fn line(&self, position: usize) -> Result<usize, Error> {
        self.images.position(self.pack, position).map_err(|error| self.damaged(error))
    }

    pub(super) fn key(&self, position: usize) -> Result<u64, Error> {
        Ok(self.pack.index().key(self.line(position)?).unwrap_or_default())
    }

    /// Calls `look` with the header and the payload of the image at `position`.
    fn look<T>(
        &self,
        position: usize,
        look: impl FnOnce(&Record<'_>, &Header, &[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let record = self.pack.get(self.line(position)?).map_err(|error| self.damaged(error))?;
        let (header, payload) = record.image().map_err(|error| self.damaged(error))?;
        look(&record, &header, payload)
    }

    /// Positions that are worked on at a time.
    fn chunks(&self) -> impl Iterator<Item = Vec<usize>> {
        let count = self.images.count();
        let chunk = move |from| (from..count.min(from + AT_A_TIME)).collect();
        (0..count).step_by(AT_A_TIME).map(chunk)
    }

    /// Calls `work` for all positions in parallel, a chunk after the other, and `take` in their order.
    fn each<T: Send>(
        &self,
        chunks: impl Iterator<Item = Vec<usize>>,
        progress: &dyn Progress,
        work: impl Fn(usize) -> Result<T, Error> + Sync,
        mut take: impl FnMut(usize, T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for chunk in chunks {
            let done: Vec<T> =
                chunk.par_iter().map(|&position| work(position)).collect::<Result<_, Error>>()?;
            progress.advance(chunk.len() as u64);
            chunk.into_iter().zip(done).try_for_each(|(position, done)| take(position, done))?;
            // Records of other programs lie in any order, so all pages are let go of.
            self.pack.reader().release(0, self.pack.reader().length());
        }
        Ok(())
    }

    /// What every record is of the tree.
    pub(super) fn find(
        &self,
        tree: &mut Tree,
        progress: &dyn Progress,
    ) -> Result<Vec<Match>, Error> {
        let count = self.images.count();
        let mut matches = vec![Match::Nothing; count];
        progress.start("finding the records", count as u64);
        let by_bytes = |position| {
            self.look(position, |_, _, payload| Ok(tree.with_digest(&blake3::hash(payload))))
        };
        self.each(self.chunks(), progress, by_bytes, |position, found| {
            matches[position] = found;
            Ok(())
        })?;
        progress.finish();
        let unknown: Vec<usize> = (0..count).filter(|&at| matches[at] == Match::Nothing).collect();
        if unknown.is_empty() {
            return Ok(matches);
        }
        tree.look(progress);
        progress.start("comparing pictures", unknown.len() as u64);
        let by_looks = |position| {
            self.look(position, |_, _, payload| {
                Ok(decode(payload).map_or(Match::Nothing, |stored| tree.showing(&stored)))
            })
        };
        let chunks = unknown.chunks(AT_A_TIME).map(<[usize]>::to_vec);
        self.each(chunks, progress, by_looks, |position, found| {
            matches[position] = found;
            Ok(())
        })?;
        progress.finish();
        Ok(matches)
    }

    /// Gives every record one picture of the tree: of several that fit, the one its list names, else the one
    /// at its position, else the one its key names, else the first that no record before it has.
    pub(super) fn assign(
        &self,
        tree: &Tree,
        list: Option<&Listed>,
        matches: &[Match],
    ) -> Result<Known, Error> {
        let mut known = Known::default();
        let mut by_path: HashMap<&str, u32> = HashMap::new();
        if list.is_some() {
            by_path.extend(tree.plan.list.images.iter().map(|image| &*image.path).zip(0..));
        }
        let mut used = vec![false; tree.plan.list.images.len()];
        let path = |at: u32| tree.plan.image(at as usize).path.to_string();
        // Of each group the first source that may be free.
        let mut next_of = vec![0; tree.groups.len()];
        let first_key = match self.images {
            ImageRecords::All { .. } => 0,
            ImageRecords::Keyed { .. } => 1,
        };
        let mut alien = Vec::new();
        for (position, found) in matches.iter().enumerate() {
            let key = self.key(position)?;
            let named = key.checked_sub(first_key);
            let listed = list.and_then(|list| by_path.get(&*list.image(position).path).copied());
            let hints = [listed.map(u64::from), Some(position as u64), named]
                .map(|at| at.map_or(u32::MAX, |at| at as u32));
            let at = match found {
                Match::Bytes { group } => {
                    let sources = &tree.groups[*group as usize];
                    let next = &mut next_of[*group as usize];
                    known.same_bytes += 1;
                    known.doubles += u64::from(sources.len() > 1);
                    while sources.get(*next).is_some_and(|&at| used[at as usize]) {
                        *next += 1;
                    }
                    let is_free =
                        |at: &u32| sources.binary_search(at).is_ok() && !used[*at as usize];
                    let hinted = hints.into_iter().find(is_free);
                    hinted.or_else(|| sources.get(*next).copied()).unwrap_or(sources[0])
                }
                Match::Shown { sources, order } => {
                    known.same_picture += 1;
                    known.doubles += u64::from(sources.len() > 1);
                    let is_free = |at: &u32| sources.contains(at) && !used[*at as usize];
                    let free = || sources.iter().copied().find(|&at| !used[at as usize]);
                    let hinted = hints.into_iter().find(is_free);
                    let at = hinted.or_else(free).unwrap_or(sources[0]);
                    known.count_colours(*order, position as u64, path(at));
                    at
                }
                Match::Nothing => {
                    alien.push(position as u64);
                    continue;
                }
            };
            used[at as usize] = true;
            known.at.push(at);
            known.keys.push(key);
        }
        match alien.first() {
            Some(&first) => {
                let root = tree.plan.list.base.clone();
                Err(Error::Alien { count: alien.len() as u64, first, root })
            }
            None => Ok(known),
        }
    }

    /// Writes the `.lst` and the `.records.csv`.
    pub(super) fn write_tables(
        &self,
        staging: &Staging,
        found: &Found<'_>,
        progress: &dyn Progress,
    ) -> Result<Written, Error> {
        let note = found.tree.and_then(|tree| tree.plan.points_note());
        let mut rows = RowWriter::new(note.is_some()).map_err(csv_error)?;
        let mut lst = Output::create(&staging.path(Part::Lst))?;
        let mut records = Output::create(&staging.path(Part::Records))?;
        let mut order = OrderDigest::default();
        let mut reoriented = 0;
        progress.start("writing the tables", self.images.count() as u64);
        self.each(
            self.chunks(),
            progress,
            |position| self.row(position, found),
            |_, (row, turned)| {
                lst.append(row.list_line().as_bytes());
                rows.append(&row).map_err(csv_error)?;
                order.add(&row);
                reoriented += u64::from(turned);
                if lst.is_full() {
                    lst.flush()?;
                    records.append(&rows.take().map_err(csv_error)?);
                    records.flush()?;
                }
                Ok(())
            },
        )?;
        progress.finish();
        records.append(&rows.take().map_err(csv_error)?);
        let order = order.finish();
        Ok(Written { lst: lst.finish()?, records: records.finish()?, order, reoriented })
    }

    /// The row of the image at `position`, and whether its EXIF data asks to turn it.
    fn row(&self, position: usize, found: &Found<'_>) -> Result<(Row, bool), Error> {
        let Found { tree, list, known } = *found;
        let key = self.key(position)?;
        self.look(position, |record, header, payload| {
            let bad = |error| Error::Unreadable { position: position as u64, key, source: error };
            let found = probe(payload).map_err(ImageError::Picture).map_err(bad)?;
            if !header.label.values().iter().all(|label| label.is_finite()) {
                let (path, found) = (format!("key {key}"), header.label.to_string());
                return Err(LabelError::NotExact { path, found }.into());
            }
            let image = tree.map(|tree| tree.plan.image(known.at[position] as usize));
            if let Some(list) = list {
                list.check((position, key), &header.label, image.map(|image| &*image.path))?;
            }
            let path = match (image, list) {
                (Some(image), _) => image.path.to_string(),
                (None, Some(list)) => list.image(position).path.to_string(),
                (None, None) => format!("{key}.{}", found.format.ending()),
            };
            let row = Row {
                position: position as u64,
                key,
                label: header.label.clone(),
                path,
                offset: record.offset,
                length: payload.len() as u64,
                digest: blake3::hash(payload),
                width: found.width,
                height: found.height,
                landmarks: image.and_then(|image| image.landmarks.as_deref().cloned()),
            };
            Ok((row, found.reoriented))
        })
    }
}

impl Known {
    fn count_colours(&mut self, order: Option<ChannelOrder>, position: u64, path: String) {
        let (count, first) = match order {
            Some(ChannelOrder::Rgb) => (&mut self.rgb, &mut self.first_of[0]),
            Some(ChannelOrder::Bgr) => (&mut self.bgr, &mut self.first_of[1]),
            None => return,
        };
        *count += 1;
        first.get_or_insert((position, path));
    }

    /// Whether every record has the bytes of a file.
    pub(super) fn all_are_original(&self) -> bool {
        self.same_bytes > 0 && self.same_picture == 0
    }

    /// Whether the tree tells the order of the colours.
    pub(super) fn tells_colours(&self) -> bool {
        self.rgb + self.bgr > 0
    }

    /// Refuses a declared order that the sources contradict.
    pub(super) fn check_colours(&self, declared: ChannelOrder) -> Result<(), Error> {
        let (against, first, found) = match declared {
            ChannelOrder::Rgb => (self.bgr, &self.first_of[1], ChannelOrder::Bgr),
            ChannelOrder::Bgr => (self.rgb, &self.first_of[0], ChannelOrder::Rgb),
        };
        match first {
            Some((position, path)) => Err(Error::OtherColours {
                count: against,
                position: *position,
                path: path.clone(),
                declared,
                found,
            }),
            None => Ok(()),
        }
    }

    /// What the tree cannot tell of the declared colours.
    pub(super) fn warning(&self, declared: ChannelOrder) -> Option<String> {
        (declared == ChannelOrder::Bgr && self.all_are_original()).then(|| {
            "every record has the bytes of its file, so red and blue are exchanged in the pack only if \
             they are in the files"
                .to_owned()
        })
    }

    pub(super) fn report(&self, images: &ForeignImages<'_>, tree: &Tree) -> TreeReport {
        let listed = &tree.plan.list.images;
        let displaced = |(position, at): &(usize, &u32)| *position != **at as usize;
        let mut by_key: Vec<usize> = (0..self.at.len()).collect();
        by_key.sort_by_key(|&position| self.keys[position]);
        let ascending = by_key.windows(2).all(|pair| self.at[pair[0]] < self.at[pair[1]]);
        let mut packed = vec![false; listed.len()];
        self.at.iter().for_each(|&at| packed[at as usize] = true);
        let first_displaced = self.at.iter().enumerate().find(displaced).map(|(position, &at)| {
            let expected = listed.get(position).map(|image| image.path.to_string());
            let path = listed[at as usize].path.to_string();
            Displaced { position: position as u64, key: self.keys[position], path, expected }
        });
        TreeReport {
            images: listed.len() as u64,
            same_bytes: self.same_bytes,
            same_picture: self.same_picture,
            coloured: self.rgb + self.bgr,
            in_list_order: first_displaced.is_none() && self.at.len() == images.images.count(),
            in_list_order_by_key: ascending,
            displaced: self.at.iter().enumerate().filter(displaced).count() as u64,
            first_displaced,
            not_packed: packed.iter().filter(|packed| !**packed).count() as u64,
            first_not_packed: packed
                .iter()
                .position(|packed| !packed)
                .map(|at| listed[at].path.to_string()),
            doubles: self.doubles,
        }
    }
}
