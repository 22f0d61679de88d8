//! Flags that several subcommands have: how their values are read.

use qgface_data::datasets::{self, DATASETS, DataSet};
use qgface_data::image::ChannelOrder;
use qgface_data::pack::{Encoding, OnError, Previous};

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
