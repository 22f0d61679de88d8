//! On packs made elsewhere that get no manifest.

use super::pack;
use qgface_data::pack::adopt::Error;

pub(super) fn advice(error: &Error) -> Option<String> {
    let text = match error {
        Error::Pack(error) => return pack::advice(error),
        Error::Plan(error) => return pack::of_plan(error),
        Error::Write(error) => return pack::of_write(error),
        Error::NotForeign { .. } => "`qgface-data verify-order` verifies it",
        Error::OtherList { .. } => {
            "name the pack's list with --list, or move its own away to adopt it without one"
        }
        Error::Alien { .. } => {
            "name the tree the pack was made from with --root and its set with --dataset, or adopt it \
             without --root"
        }
        Error::OtherColours { found, .. } => {
            return Some(format!("say --stored-order {}", found.name()));
        }
        Error::SkinColours { .. } => {
            "look with `qgface-data stats` or `inspect --sheet` and declare --stored-order bgr, or rgb if \
             they are not"
        }
        Error::Unreadable { .. } => {
            "`qgface-data make-rec --dataset rec --on-error skip` packs the others"
        }
        Error::Kept { .. } => "move it away",
        Error::DataSet(_) | Error::Label(_) | Error::NoTree { .. } => return None,
    };
    Some(text.to_owned())
}
