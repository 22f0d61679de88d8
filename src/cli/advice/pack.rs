//! On packs that cannot be made, read or verified.

use qgface_data::pack::verify_order::NotChecked;
use qgface_data::pack::{
    Error, InsideError, MakeError, Parting, PlanError, ProofError, WriteError, align, inspect,
    merge, reindex, unpack, verify_order,
};
use qgface_data::pack::{Part, SheetError};

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::NoFile { path } if path.to_string_lossy().ends_with(Part::Idx.ending()) => {
            Some("make it with `qgface-data reindex`".to_owned())
        }
        Error::NoFile { .. } => {
            Some("name a pack by any of its files, or by their name without ending".to_owned())
        }
        Error::NoPack { .. } => Some("`qgface-data make-rec` makes a pack".to_owned()),
        Error::NoManifest { path } => {
            let rec = path.display().to_string();
            let rec = rec.replace(Part::Manifest.ending(), Part::Rec.ending());
            Some(format!(
                "make it with `qgface-data make-rec`, or give a pack made elsewhere its manifest with \
                 `qgface-data verify-order --adopt {rec}`"
            ))
        }
        Error::Unfinished { .. } => {
            Some("`qgface-data make-rec` with --resume continues it".to_owned())
        }
        Error::Files(_)
        | Error::Name { .. }
        | Error::Folder { .. }
        | Error::BadManifest { .. }
        | Error::BadRow { .. }
        | Error::Record { .. } => None,
    }
}

pub(super) fn of_plan(error: &PlanError) -> Option<String> {
    let text = match error {
        PlanError::Pack(error) => return advice(error),
        PlanError::AlignedOrigin => "store them with --encode png or jpeg:QUALITY",
        PlanError::AlignedTwice { .. } => "leave out --align",
        PlanError::LandmarksUnused => "--landmarks goes with --align",
        PlanError::PairsParted { by } => {
            let option = match by {
                Parting::Shuffle => "--shuffle",
                Parting::Shard => "--shard",
                Parting::Insightface => "--insightface",
                Parting::Skip => "--on-error skip",
            };
            return Some(format!("{option} would part them; leave it out"));
        }
        PlanError::EmptyShard { .. } => "use fewer shards",
        PlanError::Changed { .. } => CHANGED,
        PlanError::DataSet(_)
        | PlanError::Label(_)
        | PlanError::Pairs(_)
        | PlanError::Layout { .. }
        | PlanError::AlignedSize(_) => return None,
    };
    Some(text.to_owned())
}

const CHANGED: &str = "`qgface-data verify-order` says where it differs";
const OVERWRITE: &str = "--overwrite replaces it";

pub(super) fn of_write(error: &WriteError) -> Option<String> {
    let text = match error {
        WriteError::Pack(error) => return advice(error),
        WriteError::PropertyTaken { .. } => "choose another --out, or remove it",
        WriteError::OntoItself { .. } => "choose another --name or --out",
        WriteError::Exists { .. } => OVERWRITE,
        WriteError::InTheWay { .. } => "remove it or choose another --name",
        WriteError::Busy { .. } => "wait for it to end",
        WriteError::Layout { .. } => return None,
    };
    Some(text.to_owned())
}

pub(super) fn of_make(error: &MakeError) -> Option<String> {
    let text = match error {
        MakeError::Pack(error) => return advice(error),
        MakeError::Plan(error) => return of_plan(error),
        MakeError::Write(error) => return of_write(error),
        MakeError::Verify(error) => return of_verify(error),
        MakeError::Image { .. } => LEAVE_OUT,
        MakeError::Unfit { .. } => "mend them, or leave out such files with --on-error skip",
        MakeError::OtherPlan { .. } => "run without --resume to start anew",
        MakeError::AllSkipped { .. } => return None,
    };
    Some(text.to_owned())
}

const LEAVE_OUT: &str = "mend it, or leave out such files with --on-error skip";

/// What would let a proof compare more.
pub(super) fn of_not_checked(what: &NotChecked) -> Option<String> {
    let text = match what {
        NotChecked::List => "--list names it",
        NotChecked::Labels => "--labels names it",
        NotChecked::Landmarks => "--landmarks names it",
        NotChecked::Adopted => "--adopt with --root finds its pictures in a tree",
        NotChecked::OtherTree { .. } => "--root names another",
        NotChecked::Pictures | NotChecked::Records | NotChecked::NoTree { .. } => return None,
    };
    Some(text.to_owned())
}

pub(super) fn of_verify(error: &verify_order::Error) -> Option<String> {
    match error {
        verify_order::Error::Pack(error) => advice(error),
        verify_order::Error::Plan(error) => of_plan(error),
        verify_order::Error::NoOther { .. } => {
            Some("--against takes the manifest of another pack".to_owned())
        }
        verify_order::Error::NoSet { .. } => None,
    }
}

pub(super) fn of_proof(error: &ProofError) -> Option<String> {
    match error {
        ProofError::Pack(error) => advice(error),
        ProofError::Verify(error) => of_verify(error),
        ProofError::NotInOrder { .. } => Some(
            "`qgface-data verify-order` tells all, pack again or take the pack from where it is whole"
                .to_owned(),
        ),
        ProofError::NoClass { .. } => {
            Some("pack again with --label that numbers the people".to_owned())
        }
    }
}

pub(super) fn of_merge(error: &merge::Error) -> Option<String> {
    match error {
        merge::Error::Pack(error) => advice(error),
        merge::Error::Write(error) => of_write(error),
        merge::Error::Changed { .. } => Some(CHANGED.to_owned()),
        // The shards' own error stands in the chain.
        merge::Error::Shard { .. } => None,
    }
}

pub(super) fn of_shard(error: &merge::ShardError) -> Option<String> {
    match error {
        merge::ShardError::NotAShard => {
            Some("make one with `qgface-data make-rec --shard I/N`".to_owned())
        }
        merge::ShardError::Missing { index, count } => {
            Some(format!("name it too, or make it with --shard {index}/{count}"))
        }
        merge::ShardError::None
        | merge::ShardError::OtherRun { .. }
        | merge::ShardError::Doubled { .. } => None,
    }
}

fn of_inside(error: &InsideError) -> Option<String> {
    match error {
        InsideError::Link { .. } => Some("remove it or choose another --out".to_owned()),
        InsideError::Exists { .. } => Some(OVERWRITE.to_owned()),
        InsideError::Files(_) | InsideError::Escapes { .. } => None,
    }
}

pub(super) fn of_align(error: &align::Error) -> Option<String> {
    match error {
        align::Error::Plan(error) => of_plan(error),
        align::Error::Inside(error) => of_inside(error),
        align::Error::Image { .. } => Some(LEAVE_OUT.to_owned()),
        align::Error::AllSkipped { .. } | align::Error::SameTarget { .. } => None,
    }
}

pub(super) fn of_unpack(error: &unpack::Error) -> Option<String> {
    match error {
        unpack::Error::Pack(error) => advice(error),
        unpack::Error::Inside(error) => of_inside(error),
    }
}

pub(super) fn of_inspect(error: &inspect::Error) -> Option<String> {
    match error {
        inspect::Error::Pack(error) | inspect::Error::Sheet(SheetError::Pack(error)) => {
            advice(error)
        }
        inspect::Error::Sheet(SheetError::Picture { .. }) => None,
    }
}

pub(super) fn of_reindex(error: &reindex::Error) -> Option<String> {
    match error {
        reindex::Error::Pack(error) => advice(error),
        reindex::Error::Exists { .. } => Some(OVERWRITE.to_owned()),
        reindex::Error::DoubledId { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::advice::of;
    use crate::cli::error::Error;
    use qgface_data::pack::{self, MakeError, PlanError};
    use qgface_data::{datasets, recordio};
    use std::path::PathBuf;

    #[test]
    fn a_file_that_is_not_there_is_made_or_named_by_what_it_is() {
        let advice =
            |name: &str| of(&Error::Pack(pack::Error::NoFile { path: PathBuf::from(name) }));
        assert!(advice("p.idx")[0].contains("reindex"));
        assert!(advice("p.rec")[0].contains("without ending"));
        let path = PathBuf::from("packs/p.manifest.json");
        let advice = of(&Error::Pack(pack::Error::NoManifest { path }));
        assert!(advice[0].ends_with("verify-order --adopt packs/p.rec`"), "{advice:?}");
    }

    #[test]
    fn the_cause_of_a_set_that_cannot_be_listed_is_advised_on() {
        let error = recordio::Error::Unlisted { offset: 8, expected: "a record", found: 1 };
        let damaged = datasets::Error::Record { path: PathBuf::from("p.rec"), source: error };
        let error = Error::Make(MakeError::Plan(PlanError::DataSet(damaged)));
        assert_eq!(of(&error), ["rebuild the index with `qgface-data reindex`"]);
    }
}
