//! Flags that several subcommands have: how their values are read, and their help where they carry a
//! setting.

use qgface_data::datasets::{self, DATASETS, DataSet};
use qgface_data::image::ChannelOrder;
use qgface_data::pack::{Encoding, OnError, Previous};
use qgface_data::settings::{Key, Kind, Row};

/// Reads the value of a flag that carries a setting, by the setting's own type and range.
pub(super) fn of<K: Kind>(
    key: &'static Key<K>,
) -> impl Fn(&str) -> Result<K::Value, String> + Clone + Send + Sync + 'static {
    |text: &str| key.parse(text)
}

/// The help of a flag that carries a setting: what the setting means, what more there is to say, and what
/// is in force where neither says anything.
pub(super) fn help(row: &dyn Row, more: &str) -> String {
    let mut letters = row.about().chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let (about, name, default) = (letters.as_str(), row.name(), row.default());
    format!("{first}{about}{more} [default: {name}, {default}]")
}

/// What `--overwrite`, given or not, does to what is there.
pub(super) fn previous(overwrite: bool) -> Previous {
    if overwrite { Previous::Replace } else { Previous::Keep }
}

/// Reads the name of a data set.
pub(super) fn data_set(name: &str) -> Result<&'static DataSet, String> {
    datasets::find(name).ok_or_else(|| {
        let names: Vec<&str> = DATASETS.iter().map(|set| set.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Reads an order of channels.
pub(super) fn channel_order(text: &str) -> Result<ChannelOrder, String> {
    text.parse().map_err(|unknown| format!("expected {unknown}"))
}

/// Reads how pictures are encoded anew.
pub(super) fn codec(text: &str) -> Result<Encoding, String> {
    match text.parse() {
        Ok(encoding) if encoding != Encoding::Origin => Ok(encoding),
        _ => Err("expected jpeg, jpeg:QUALITY (1 to 100) or png".to_owned()),
    }
}

/// What an image that cannot be used does.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum WhatThen {
    /// End the run, name the file, leave nothing behind
    Stop,
    /// Leave the file out and list it in the manifest
    Skip,
}

impl From<WhatThen> for OnError {
    fn from(what: WhatThen) -> Self {
        match what {
            WhatThen::Stop => Self::Stop,
            WhatThen::Skip => Self::Skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qgface_data::settings::keys;

    #[test]
    fn the_help_of_a_flag_is_that_of_its_setting() {
        assert_eq!(
            help(&keys::EVAL_BATCH, ", if any"),
            "Images a batch, if any [default: eval.batch, 32]"
        );
        let read = of(&keys::EVAL_BATCH);
        assert_eq!(read("32"), Ok(32));
        assert_eq!(read("0"), Err("expected a whole number from 1 to 65536".to_owned()));
    }
}
