//! The table of exchanges.

use qgface_group::{Error, Group, Reduction};

/// Makes the second of the first; the number is the node's.
type Exchange = fn(&Group, &[f32], &mut [f32], usize) -> Result<(), Error>;

/// An exchange, by the name that nodes call it by.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The number that a node must tell.
    pub(super) attribute: Option<&'static str>,
    /// What becomes of the first extent.
    pub(super) first: First,
    pub(super) exchange: Exchange,
}

/// What becomes of the first extent on several ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// It stays.
    Same,
    /// It is that of all ranks.
    Joined,
    /// It is the rank's part.
    Parted,
}

pub(super) const ROWS: [Row; 5] = [
    Row {
        name: "AllReduceSum",
        attribute: None,
        first: First::Same,
        exchange: |group, x, y, _| reduce(group, x, y, Reduction::Sum),
    },
    Row {
        name: "AllReduceMax",
        attribute: None,
        first: First::Same,
        exchange: |group, x, y, _| reduce(group, x, y, Reduction::Max),
    },
    Row {
        name: "AllGather",
        attribute: Some("ranks"),
        first: First::Joined,
        exchange: |group, x, y, _| group.all_gather(x, y),
    },
    Row {
        name: "ReduceScatter",
        attribute: Some("ranks"),
        first: First::Parted,
        exchange: |group, x, y, _| group.reduce_scatter(x, y),
    },
    Row {
        name: "Broadcast",
        attribute: Some("root"),
        first: First::Same,
        exchange: |group, x, y, root| {
            y.copy_from_slice(x);
            group.broadcast(y, root)
        },
    },
];

fn reduce(group: &Group, x: &[f32], y: &mut [f32], how: Reduction) -> Result<(), Error> {
    y.copy_from_slice(x);
    group.all_reduce(y, how)
}

impl First {
    /// The extents of what is made; nothing where they have no such first one.
    pub(super) fn made(self, extents: &[i64], ranks: i64) -> Option<Vec<i64>> {
        let mut extents = extents.to_vec();
        match self {
            Self::Same => {}
            Self::Joined => *extents.first_mut()? *= ranks,
            Self::Parted => {
                let first = extents.first_mut()?;
                *first = (*first % ranks == 0).then(|| *first / ranks)?;
            }
        }
        Some(extents)
    }
}
