//! On data sets that cannot be listed or labelled.

use qgface_data::datasets::{Error, LabelError, LayoutError, Pictures};

pub(super) fn advice(error: &Error) -> Option<String> {
    let text = match error {
        Error::NoRoot { .. } => "give it with --root",
        Error::NoFile { set, .. } => return Some(format!("give the file of {set} with --root")),
        Error::NoIndex { .. } => "make it with `qgface-data reindex`",
        Error::NoLandmarks { .. } => {
            "give a csv of path and x1 y1 … x5 y5 (left eye, right eye, nose, left and right corner of the \
             mouth, as seen in the picture; or x4 y4, the middle of the mouth last) with --landmarks"
        }
        Error::Missing { pictures: Some(Pictures::Packed), .. } => {
            "name another with --aligned-dir, or let --align cut the faces out of the pictures as they were \
             taken"
        }
        Error::Missing { pictures: Some(Pictures::Original), .. } => {
            "--align reads the pictures in it; without --align the aligned copies are packed"
        }
        Error::ListMissing { .. } => "give it with --list FILE",
        Error::ListUnused { .. } => "--list goes with --dataset list",
        Error::AlignedDirName { .. } => "--root names the root",
        Error::NoAlignedDir { .. } => "--aligned-dir goes with tinyface and scface",
        Error::Missing { pictures: None, .. }
        | Error::Files(_)
        | Error::Pickle { .. }
        | Error::Record { .. }
        | Error::NoRow { .. }
        | Error::Csv { .. }
        | Error::NoImages { .. }
        | Error::BadLine { .. }
        | Error::Mat { .. } => return None,
    };
    Some(text.to_owned())
}

pub(super) fn of_label(error: &LabelError) -> Option<String> {
    match error {
        LabelError::NoIdentities => Some("use --label index, regex: or csv:".to_owned()),
        LabelError::Unknown { .. }
        | LabelError::Expression { .. }
        | LabelError::Groups { .. }
        | LabelError::None { .. }
        | LabelError::SameNumber { .. }
        | LabelError::NotExact { .. }
        | LabelError::Csv { .. }
        | LabelError::CsvForm { .. } => None,
    }
}

pub(super) fn of_layout(error: &LayoutError) -> Option<String> {
    match error {
        LayoutError::Class { .. } => Some("choose another --label, such as rank".to_owned()),
        LayoutError::TooMany => Some("leave out --insightface".to_owned()),
        LayoutError::Apart { .. } => None,
    }
}
