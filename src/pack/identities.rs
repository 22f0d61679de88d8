//! The records of an InsightFace training pack that are no images.
//!
//! The images have the keys 1 to N and those of one identity stand together. An identity record for
//! each follows, flag 2, labels `(first key, last key + 1)`, no payload; then a record under key 0, flag
//! 2, labels `(N + 1, N + 1 + identities)`. `property` says `classes,height,width` (insightface
//! `rec_builder.py`, `image_iter.py`; readers of today use key 0 and `property`).

use crate::recordio::{Header, Label};
use std::collections::HashSet;

/// The largest whole number up to which 32-bit floats hold all: ranges of keys are such labels.
const LARGEST_EXACT: u64 = 1 << 24;

/// Why images cannot stand in this layout.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A class is negative or broken.
    #[error(
        "expected a class from 0 on as (first) label, found {class}; choose another --label, such as \
         rank"
    )]
    Class {
        /// The label.
        class: f32,
    },
    /// An identity's images do not stand together.
    #[error(
        "class {class} stood before with other classes in between; InsightFace wants the images of one \
         identity together, so put the list in the order of its labels"
    )]
    Apart {
        /// The class.
        class: f32,
    },
    /// There are more records than ranges can tell.
    #[error(
        "images and identities together are more than {LARGEST_EXACT}, and the ranges of InsightFace's \
         layout are 32-bit floats; leave out --insightface"
    )]
    TooMany,
}

/// The identities of a pack while its images pass, in their order.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// First key and class of each identity.
    starts: Vec<(u64, f32)>,
    seen: HashSet<u32>,
    images: u64,
    largest: f32,
}

impl Identities {
    /// Takes the class of the next image, whose key is one more than the last one's.
    pub(super) fn add(&mut self, class: f32) -> Result<(), LayoutError> {
        if !(class >= 0.0 && class.fract() == 0.0 && class <= LARGEST_EXACT as f32) {
            return Err(LayoutError::Class { class });
        }
        self.images += 1;
        // 0 and −0 are one class.
        let bits = (class + 0.0).to_bits();
        if self.starts.last().is_none_or(|&(_, last)| last != class) {
            if !self.seen.insert(bits) {
                return Err(LayoutError::Apart { class });
            }
            self.starts.push((self.images, class));
            self.largest = self.largest.max(class);
        }
        if self.images + 1 + self.count() > LARGEST_EXACT {
            return Err(LayoutError::TooMany);
        }
        Ok(())
    }

    /// Identities so far.
    pub(super) fn count(&self) -> u64 {
        self.starts.len() as u64
    }

    /// Classes a network needs: one more than the largest.
    pub(super) fn classes(&self) -> u64 {
        if self.starts.is_empty() { 0 } else { self.largest as u64 + 1 }
    }

    /// The identity records, then that of key 0: key and header of each.
    pub(super) fn records(&self) -> impl Iterator<Item = (u64, Header)> {
        let first = self.images + 1;
        let ends = self.starts.iter().skip(1).map(|&(start, _)| start).chain([first]);
        let header = |id: u64, (from, to): (u64, u64)| {
            (id, Header { label: Label::Vector(vec![from as f32, to as f32]), id, id2: 0 })
        };
        let ranges = self.starts.iter().zip(ends).enumerate();
        ranges
            .map(move |(i, (&(start, _), end))| header(first + i as u64, (start, end)))
            .chain([header(0, (first, first + self.count()))])
    }

    /// The text of `property`.
    pub(super) fn property(&self, height: u32, width: u32) -> String {
        format!("{},{height},{width}\n", self.classes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(classes: &[f32]) -> Result<Identities, LayoutError> {
        let mut identities = Identities::default();
        classes.iter().try_for_each(|&class| identities.add(class))?;
        Ok(identities)
    }

    #[test]
    fn ranges_part_the_keys_from_1_and_key_0_names_the_ranges() {
        let identities = of(&[4.0, 4.0, 0.0]).unwrap();
        let records: Vec<_> = identities.records().collect();
        let expected = [(4, vec![1.0, 3.0]), (5, vec![3.0, 4.0]), (0, vec![4.0, 6.0])];
        let header =
            |(id, label): (u64, Vec<f32>)| (id, Header { label: Label::Vector(label), id, id2: 0 });
        assert_eq!(records, expected.map(header));
        assert_eq!(identities.property(112, 96), "5,112,96\n");
    }

    #[test]
    fn an_identity_that_comes_back_is_refused() {
        assert_eq!(of(&[1.0, 2.0, 1.0]).err(), Some(LayoutError::Apart { class: 1.0 }));
        assert_eq!(of(&[0.0, -0.0, 1.0]).unwrap().count(), 2);
    }

    #[test]
    fn a_label_that_is_no_class_is_refused() {
        for class in [-100.0, 0.5, f32::NAN, f32::INFINITY] {
            assert!(matches!(of(&[class]), Err(LayoutError::Class { .. })), "{class}");
        }
    }
}
