//! A pack made elsewhere against the tree its pictures were found in: the order is its own, and every
//! record must still show the picture its row names.

use super::options::Depth;
use crate::causes::chain;
use crate::datasets::Landmarks;
use crate::image::{ChannelOrder, decode::decode};
use crate::pack::adopt::likeness;
use crate::pack::plan::PackPlan;
use crate::pack::records::Row;
use crate::pack::{Encoding, Manifest};
use crate::recordio::Record;
use std::collections::HashMap;

/// The images of the tree by path.
pub(super) struct Adopted {
    by_path: HashMap<Box<str>, usize>,
    /// Whether the records are the files' own bytes.
    original_bytes: bool,
    stored_order: ChannelOrder,
}

impl Adopted {
    pub(super) fn of(plan: &PackPlan, manifest: &Manifest) -> Self {
        let images = plan.list.images.iter().enumerate();
        Self {
            by_path: images.map(|(at, image)| (image.path.clone(), at)).collect(),
            original_bytes: manifest.encoding == Some(Encoding::Origin),
            stored_order: manifest.stored_channel_order,
        }
    }

    /// Pairs of expected and found of a record and the file its row names.
    pub(super) fn compare<'a>(
        &self,
        plan: &PackPlan,
        row: &Row,
        record: impl Fn() -> Option<Record<'a>>,
        depth: Depth,
    ) -> Vec<(String, String)> {
        let Some(&at) = self.by_path.get(row.path.as_str()) else {
            return vec![(
                "this picture in the source tree".to_owned(),
                "no such picture".to_owned(),
            )];
        };
        let mut found = Vec::new();
        let landmarks = plan.image(at).landmarks.as_deref();
        if landmarks != row.landmarks.as_ref() {
            let text = |points: Option<&Landmarks>| format!("landmarks {points:?}");
            found.push((text(landmarks), text(row.landmarks.as_ref())));
        }
        if depth == Depth::Full {
            found.extend(self.compare_picture(plan, at, row, record));
        }
        found
    }

    fn compare_picture<'a>(
        &self,
        plan: &PackPlan,
        at: usize,
        row: &Row,
        record: impl Fn() -> Option<Record<'a>>,
    ) -> Option<(String, String)> {
        let bytes = match plan.list.bytes(at) {
            Ok(bytes) => bytes,
            Err(error) => return Some(("the source file".to_owned(), chain(&error))),
        };
        let digest = blake3::hash(&bytes);
        if digest == row.digest {
            return None;
        }
        let other = || {
            let source = format!("the source file, BLAKE3 {digest}");
            Some((source, format!("BLAKE3 {}", row.digest)))
        };
        if self.original_bytes {
            return other();
        }
        // A damaged record is told by the pass itself.
        let record = record();
        let payload = record.as_ref().and_then(|record| record.image().ok());
        let payload = payload.map_or(&[][..], |(_, payload)| payload);
        match (decode(payload), decode(&bytes)) {
            (Ok(stored), Ok(source)) if likeness::same(&stored, self.stored_order, &source) => None,
            (Ok(_), Ok(_)) => other(),
            (Err(error), _) | (_, Err(error)) => {
                Some(("two pictures to compare".to_owned(), error.to_string()))
            }
        }
    }
}
