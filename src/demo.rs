//! From nothing to proved packs of drawn faces: the tool's own tour.

use crate::datasets::find;
use crate::fs;
use crate::pack::verify_order::{self, Depth, OrderReport, SourceTree};
use crate::pack::{self, PackFiles, PackReport, make_rec};
use crate::progress::Progress;
use crate::settings;
use crate::synth::{self, SynthReport};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;

/// What the tour takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for all it makes.
    pub out: PathBuf,
    /// Threads to work with.
    pub jobs: usize,
}

/// What the tour made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DemoReport {
    /// The folder.
    pub out: String,
    /// The drawn sets; none when an earlier tour had drawn them.
    pub synth: Option<SynthReport>,
    /// One pack a set.
    pub packs: Vec<PackReport>,
    /// The proof of their order.
    pub order: OrderReport,
}

/// Why the tour ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings could not be written.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The faces could not be drawn.
    #[error(transparent)]
    Synth(#[from] synth::Error),
    /// A pack could not be made or verified.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// A set is not known: a fault of this program.
    #[error("no data set {name} is known")]
    Set {
        /// Its name.
        name: &'static str,
    },
}

/// Data set, folder below `data`, and name of each pack.
const PACKS: [(&str, &str, &str); 4] = [
    ("tinyface", "tinyface", "tinyface"),
    ("scface", "scface", "scface"),
    ("ijbb", "ijbb", "ijbb"),
    ("folder", "train", "train"),
];

/// Folders of the drawn sets; each is there only when it is whole.
const DRAWN: [&str; 5] = ["tinyface", "scface", "ijbb", "hq", "train"];

/// Draws faces in every layout, packs every set and proves every pack's order. Leaves `data/`,
/// `packs/` and `qgface.toml`, so that the commands of the README work as typed in the folder.
///
/// # Errors
/// Any [`Error`].
pub fn demo(options: &Options, progress: &dyn Progress) -> Result<DemoReport, Error> {
    let out = &options.out;
    let data = out.join("data");
    let drawn = DRAWN.iter().all(|set| data.join(set).is_dir());
    let synth = match drawn {
        true => None,
        false => Some(synth::synth(&synth::Options::new(data.clone()), progress)?),
    };
    let settings = settings::template(&[("folder", "data/train")]);
    fs::write_whole(&out.join(settings::FILE_NAME), settings.as_bytes())?;
    let mut packs = Vec::new();
    let mut order = OrderReport { in_order: true, packs: Vec::new() };
    for (name, folder, stem) in PACKS {
        let dataset = find(name).ok_or(Error::Set { name })?;
        let files = PackFiles::new(&out.join("packs"), stem)?;
        let options = pack::Options {
            jobs: options.jobs,
            ..pack::Options::new(dataset, data.join(folder), files)
        };
        packs.push(make_rec(&options, progress)?);
        let verify = verify_order::Options {
            source: SourceTree::At(options.root.clone()),
            list: None,
            label_csv: None,
            against: None,
            depth: Depth::Full,
        };
        let pack = verify_order::verify_order(&options.files, &verify, progress)?;
        order.in_order &= pack.in_order;
        order.packs.push(pack);
    }
    Ok(DemoReport { out: out.display().to_string(), synth, packs, order })
}
