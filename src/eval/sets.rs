//! What can be evaluated: one line a set.

use crate::datasets::{self, Alignment, DataSet};
use crate::metrics::Experiment;

/// Pixels an edge of the faces that every protocol scores.
pub(super) const FACE_PX: u32 = 112;

/// A set with its protocol.
#[derive(Debug)]
pub struct EvalSet {
    /// The name users type.
    pub name: &'static str,
    /// Its name as the field writes it.
    pub title: &'static str,
    /// What is scored, in one line.
    pub about: &'static str,
    /// The data set of its images.
    pub dataset: &'static str,
    /// What its pack is called.
    pub stem: &'static str,
    /// How it is scored.
    pub kind: Kind,
    /// What must have been done to its faces.
    pub(super) alignment: Expected,
    /// Pairs of the published set, where it is one of pairs.
    pub(super) pairs: Option<u64>,
}

/// How a set is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Closed-set identification, all probes together.
    ClosedSet,
    /// Closed-set identification, probes by their distance from the camera.
    Distances,
    /// Templates 1:1, and 1:N where the files are there.
    Templates,
    /// Pairs in ten folds.
    Pairs,
    /// Pairs of which the first picture is reduced to 8, 12, 16 and 20 pixels.
    ReducedPairs,
}

impl Kind {
    /// The experiment, which says what is measured.
    pub fn experiment(self) -> Experiment {
        match self {
            Self::ClosedSet => Experiment::ClosedSet,
            Self::Distances => Experiment::Distances,
            Self::Templates => Experiment::Templates,
            Self::Pairs => Experiment::Folds,
            Self::ReducedPairs => Experiment::ReducedPairs,
        }
    }
}

/// What must have been done to the faces of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The copies of this folder.
    Folder(&'static str),
    /// The copies of this folder, or faces that this program cut out by the set's landmarks.
    FolderOrWarped(&'static str),
    /// Faces that this program cuts out, or has cut out, by the set's landmarks.
    Warped,
    /// The pictures come aligned.
    AsTheyAre,
}

impl Expected {
    /// Whether faces treated so are those of the protocol.
    pub(super) fn allows(self, found: &Alignment) -> bool {
        let warped = *found == Alignment::Warped { size: FACE_PX };
        match (self, found) {
            (Self::Folder(own), Alignment::Folder(name)) => own == name,
            (Self::FolderOrWarped(own), Alignment::Folder(name)) => own == name,
            (Self::FolderOrWarped(_), _) => warped,
            (Self::Warped, found) => warped || *found == Alignment::Landmarks,
            (Self::AsTheyAre, found) => *found == Alignment::Unknown,
            (Self::Folder(_), _) => false,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(name) => write!(f, "the aligned copies of {name}"),
            Self::FolderOrWarped(name) => {
                write!(
                    f,
                    "the aligned copies of the folder {name}, or faces cut out by their landmarks"
                )
            }
            Self::Warped => f.write_str("loose crops with landmarks, or faces cut out by them"),
            Self::AsTheyAre => f.write_str("the pictures of the .bin"),
        }
    }
}

/// All sets, in the order of the help text.
pub static EVAL_SETS: [&EvalSet; 10] =
    [&TINYFACE, &SCFACE, &IJBB, &IJBC, &LFW, &CFP_FP, &AGEDB_30, &CALFW, &CPLFW, &CRLFW];

/// TinyFace.
pub static TINYFACE: EvalSet = EvalSet {
    name: "tinyface",
    title: "TinyFace",
    about: "TinyFace, closed-set identification: ranks 1, 5, 20 and mAP",
    dataset: "tinyface",
    stem: "tinyface",
    kind: Kind::ClosedSet,
    alignment: Expected::Folder("aligned_pad_0.1_pad_high"),
    pairs: None,
};

/// SCface.
pub static SCFACE: EvalSet = EvalSet {
    name: "scface",
    title: "SCface",
    about: "SCface, rank 1 at three distances",
    dataset: "scface",
    stem: "scface",
    kind: Kind::Distances,
    alignment: Expected::FolderOrWarped("aligned"),
    pairs: None,
};

/// IJB-B.
pub static IJBB: EvalSet = EvalSet {
    name: "ijbb",
    title: "IJB-B",
    about: "IJB-B, templates 1:1 and 1:N",
    dataset: "ijbb",
    stem: "ijbb",
    kind: Kind::Templates,
    alignment: Expected::Warped,
    pairs: None,
};

/// IJB-C.
pub static IJBC: EvalSet = EvalSet {
    name: "ijbc",
    title: "IJB-C",
    about: "IJB-C, templates 1:1 and 1:N",
    dataset: "ijbc",
    stem: "ijbc",
    kind: Kind::Templates,
    alignment: Expected::Warped,
    pairs: None,
};

/// LFW.
pub static LFW: EvalSet = EvalSet::pairs("lfw", "LFW", "LFW, ten folds of pairs", LFW_PAIRS);

/// CFP-FP.
pub static CFP_FP: EvalSet =
    EvalSet::pairs("cfp_fp", "CFP-FP", "CFP-FP, frontal against profile, ten folds of pairs", 7000);

/// AgeDB-30.
pub static AGEDB_30: EvalSet = EvalSet::pairs(
    "agedb_30",
    "AgeDB-30",
    "AgeDB-30, thirty years apart, ten folds of pairs",
    6000,
);

/// CALFW.
pub static CALFW: EvalSet =
    EvalSet::pairs("calfw", "CALFW", "CALFW, across age, ten folds of pairs", 6000);

/// CPLFW.
pub static CPLFW: EvalSet =
    EvalSet::pairs("cplfw", "CPLFW", "CPLFW, across pose, ten folds of pairs", 6000);

/// CR-LFW.
pub static CRLFW: EvalSet = EvalSet {
    name: "crlfw",
    title: "CR-LFW",
    about: "CR-LFW: LFW with one picture of each pair reduced to 8, 12, 16 and 20 pixels",
    dataset: "bin",
    stem: "lfw",
    kind: Kind::ReducedPairs,
    alignment: Expected::AsTheyAre,
    pairs: Some(LFW_PAIRS),
};

/// Pairs of LFW, as many in each fold as of each kind: ten times 300 and 300.
const LFW_PAIRS: u64 = 6000;

/// The five sets of HQ Avg.
pub(crate) static HQ: [&EvalSet; 5] = [&LFW, &CFP_FP, &AGEDB_30, &CALFW, &CPLFW];

/// The sets of All Avg.
static ALL: [&EvalSet; 8] = [&SCFACE, &TINYFACE, &IJBB, &LFW, &CFP_FP, &AGEDB_30, &CALFW, &CPLFW];

/// Names that stand for several sets.
static GROUPS: [(&str, &[&EvalSet]); 2] = [("hq", &HQ), ("all", &ALL)];

impl EvalSet {
    const fn pairs(
        name: &'static str,
        title: &'static str,
        about: &'static str,
        published: u64,
    ) -> Self {
        let (kind, alignment) = (Kind::Pairs, Expected::AsTheyAre);
        let pairs = Some(published);
        Self { name, title, about, dataset: "bin", stem: name, kind, alignment, pairs }
    }

    /// Finds a set.
    pub fn find(name: &str) -> Option<&'static Self> {
        EVAL_SETS.into_iter().find(|set| set.name == name)
    }

    /// Finds the sets of a name: one, or those of a group.
    pub fn named(name: &str) -> Option<Vec<&'static Self>> {
        match GROUPS.iter().find(|(group, _)| *group == name) {
            Some((_, sets)) => Some(sets.to_vec()),
            None => Self::find(name).map(|set| vec![set]),
        }
    }

    /// All names users type.
    pub fn names() -> Vec<&'static str> {
        let groups = GROUPS.iter().map(|(name, _)| *name);
        EVAL_SETS.iter().map(|set| set.name).chain(groups).collect()
    }

    /// The data set of the images.
    ///
    /// # Panics
    /// Never: a test finds every row's set.
    pub fn data_set(&self) -> &'static DataSet {
        datasets::find(self.dataset).unwrap_or(datasets::DATASETS[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_data_set() {
        for set in EVAL_SETS {
            assert_eq!(set.data_set().name, set.dataset);
        }
    }

    #[test]
    fn all_is_what_the_average_is_of() {
        let names: Vec<&str> = EvalSet::named("all").unwrap().iter().map(|set| set.name).collect();
        assert_eq!(names.len(), 8);
        assert!(EvalSet::named("nonsense").is_none());
    }

    #[test]
    fn another_alignment_than_the_protocols_is_not_allowed() {
        let tinyface = EvalSet::named("tinyface").unwrap()[0].alignment;
        assert!(tinyface.allows(&Alignment::Folder("aligned_pad_0.1_pad_high".to_owned())));
        assert!(!tinyface.allows(&Alignment::Folder("aligned".to_owned())));
        assert!(!tinyface.allows(&Alignment::Warped { size: 112 }));
        let ijbb = EvalSet::named("ijbb").unwrap()[0].alignment;
        assert!(ijbb.allows(&Alignment::Landmarks) && !ijbb.allows(&Alignment::Unknown));
        assert!(!ijbb.allows(&Alignment::Warped { size: 128 }));
    }
}
