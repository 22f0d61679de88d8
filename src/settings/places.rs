//! Where the settings say that sets lie.

use super::table::root_name;
use super::{Settings, keys};
use crate::datasets::{DataSet, Root};
use crate::eval::{EvalSet, Place};
use crate::pack::{self, PackFiles};
use std::path::PathBuf;

impl Settings {
    /// The root of a data set: its own setting, else its folder below `data.root`, or the file there
    /// that is called as the pack.
    pub fn set_root(&self, set: &DataSet, pack: &str) -> PathBuf {
        let data = || self.get(&keys::DATA_ROOT);
        let own = self.values.get(root_name(set).as_str());
        let own = own.and_then(|own| Some(own.folder.join(own.given.one()?)));
        own.unwrap_or_else(|| match set.root {
            Root::Folder => data().join(set.name),
            Root::File { folder, ending } => data().join(folder).join(format!("{pack}{ending}")),
        })
    }

    /// Where a set that is evaluated lies: its pack in `pack.out`, and its root.
    ///
    /// # Errors
    /// A folder of packs that cannot be one.
    pub fn eval_place(&self, set: &EvalSet) -> Result<Place, pack::Error> {
        Ok(Place {
            pack: None,
            root: None,
            list: None,
            usual_pack: Some(PackFiles::new(&self.get(&keys::PACK_OUT), set.stem)?),
            usual_root: self.set_root(set.data_set(), set.stem),
        })
    }
}
