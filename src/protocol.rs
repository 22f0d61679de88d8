//! Who is compared with whom: plain data, no file and no score.

/// A closed-set identification: every probe is searched in one gallery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identification {
    /// What is searched, distractors included.
    pub gallery: Members,
    /// What is looked for, in groups that are scored by themselves.
    pub probes: Vec<Probes>,
    /// Images that take no part.
    pub left_out: u64,
    /// Counts that differ from those of the published set.
    pub other_counts: Vec<OtherCount>,
}

/// A count that differs from the published one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCount {
    /// What is counted, in the plural.
    pub what: String,
    /// How many there are.
    pub found: u64,
    /// How many the published set has.
    pub published: u64,
}

impl OtherCount {
    /// The count, where it differs.
    pub fn of(what: impl Into<String>, found: u64, published: u64) -> Option<Self> {
        (found != published).then(|| Self { what: what.into(), found, published })
    }
}

impl std::fmt::Display for OtherCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, found, published } = self;
        write!(f, "{found} {what}, the published set has {published}")
    }
}

/// Probes that are scored by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probes {
    /// Their distance from the camera, 1 the farthest; none where there is one group.
    pub distance: Option<u32>,
    /// The images.
    pub members: Members,
}

/// Images by position, in the order of the pack or list, and who is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Positions.
    pub positions: Vec<usize>,
    /// The identity of each.
    pub identities: Vec<i64>,
}

impl Members {
    /// Adds an image.
    pub fn push(&mut self, position: usize, identity: i64) {
        self.positions.push(position);
        self.identities.push(identity);
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }
}

/// Which pairs of images are compared, and which of them are of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Two positions each.
    pub positions: Vec<[usize; 2]>,
    /// Whether they show one person.
    pub same: Vec<bool>,
}

/// Why images cannot be put together by a protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path does not tell its part in the protocol.
    #[error("position {position}: expected {expected}, found {path}")]
    Path {
        /// Position in the pack or list.
        position: usize,
        /// The form a path must have.
        expected: &'static str,
        /// The path.
        path: String,
    },
    /// A part of the protocol has no image.
    #[error("no image is {what}; expected {expected}")]
    Empty {
        /// The part.
        what: &'static str,
        /// What its paths look like.
        expected: &'static str,
    },
}
