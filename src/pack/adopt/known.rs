//! Which picture of a tree each record of a pack is.

use super::Error;
use super::foreign::{AT_A_TIME, ForeignImages};
use super::listed::Listed;
use super::report::{Displaced, TreeReport};
use super::tree::{Match, Tree};
use crate::datasets::ImageRecords;
use crate::image::{ChannelOrder, decode::decode};
use crate::pack::Error as PackError;
use crate::progress::Progress;
use std::collections::HashMap;

/// Which picture of the tree each record is.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Position in the tree's list of every record.
    pub(super) at: Vec<u32>,
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

/// What every record is of the tree.
pub(super) fn find(
    images: &ForeignImages<'_>,
    tree: &mut Tree,
    progress: &dyn Progress,
) -> Result<Vec<Match>, PackError> {
    let count = images.images.count();
    let mut matches = vec![Match::Nothing; count];
    progress.start("finding the records", count as u64);
    let by_bytes = |position| -> Result<Match, PackError> {
        images.look(position, |_, _, payload| Ok(tree.with_digest(&blake3::hash(payload))))
    };
    images.each(images.chunks(), progress, by_bytes, |position, found| {
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
    let by_looks = |position| -> Result<Match, PackError> {
        images.look(position, |_, _, payload| {
            Ok(decode(payload).map_or(Match::Nothing, |stored| tree.showing(&stored)))
        })
    };
    let chunks = unknown.chunks(AT_A_TIME).map(<[usize]>::to_vec);
    images.each(chunks, progress, by_looks, |position, found| {
        matches[position] = found;
        Ok(())
    })?;
    progress.finish();
    Ok(matches)
}

/// Gives every record one picture of the tree: of several that fit, the one its list names, else the one
/// at its position, else the one its key names, else the first that no record before it has.
pub(super) fn assign(
    images: &ForeignImages<'_>,
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
    let first_key = match images.images {
        ImageRecords::All { .. } => 0,
        ImageRecords::Keyed { .. } => 1,
    };
    let mut alien = Vec::new();
    for (position, found) in matches.iter().enumerate() {
        let key = images.key(position)?;
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
                let is_free = |at: &u32| sources.binary_search(at).is_ok() && !used[*at as usize];
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
