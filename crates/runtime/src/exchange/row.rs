//! The table of exchanges.

/// What ranks make of what each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collective {
    /// The sum, on each.
    Sum,
    /// The largest, on each.
    Max,
    /// All of it, one rank's behind the other's, on each.
    Gather,
    /// The sum, of which each gets its part.
    Scatter,
    /// What the rank has that the node tells.
    Tell,
}

/// An exchange, by the name that nodes call it by.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The number that a node must tell.
    pub(super) attribute: Option<&'static str>,
    /// What becomes of the first extent.
    pub(super) first: First,
    pub(super) collective: Collective,
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
    Row { name: "AllReduceSum", attribute: None, first: First::Same, collective: Collective::Sum },
    Row { name: "AllReduceMax", attribute: None, first: First::Same, collective: Collective::Max },
    Row {
        name: "AllGather",
        attribute: Some("ranks"),
        first: First::Joined,
        collective: Collective::Gather,
    },
    Row {
        name: "ReduceScatter",
        attribute: Some("ranks"),
        first: First::Parted,
        collective: Collective::Scatter,
    },
    Row {
        name: "Broadcast",
        attribute: Some("root"),
        first: First::Same,
        collective: Collective::Tell,
    },
];

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
