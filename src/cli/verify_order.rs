//! `verify-order`

use super::output::{counted, grouped, sized};
use super::{Context, Error, Outcome};
use qgface_data::datasets;
use qgface_data::pack::verify_order::{
    Depth, Difference, Options, OrderReport, PackOrder, SourceTree, verify_order,
};
use qgface_data::pack::{self, PackFiles};
use qgface_data::settings::Settings;
use std::path::{Path, PathBuf};

/// Prove that record i of a pack is image i of its list, byte for byte
///
/// Holds the .rec, .idx, .lst, .records.csv and manifest of every pack against each other and, where
/// the source tree is there, against the tree. Exit code 1 when a difference is found.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Packs to verify, by any of their files or their stem [default: every pack in packs/]
    #[arg(value_name = "PACK")]
    packs: Vec<PathBuf>,
    /// The source tree; it must be there [default: the set's folder in
    /// data/, or the one with the pack's name, if it is there]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Another pack's manifest that must describe the same order
    #[arg(long, value_name = "MANIFEST")]
    against: Option<PathBuf>,
    /// The list the pack was made from, when it does not lie in the source tree
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The csv of labels the pack was made with, when it does not lie in the source tree
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Read neither the pictures in the pack nor the source files
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = context.settings()?;
    let packs = if args.packs.is_empty() {
        every_pack(&settings.path("pack.out"), context)?
    } else {
        named(&args.packs, context)?
    };
    let depth = if args.quick { Depth::Quick } else { Depth::Full };
    let mut report = OrderReport { in_order: true, packs: Vec::new() };
    for files in packs {
        let options = Options {
            source: match &args.root {
                Some(root) => SourceTree::At(root.clone()),
                None => SourceTree::Perhaps(likely_source(&files, &settings)),
            },
            list: args.list.clone(),
            label_csv: args.labels.clone(),
            against: args.against.clone(),
            depth,
        };
        // One bad pack must not hide what is known of the others.
        let pack = verify_order(&files, &options, context.output.progress())
            .unwrap_or_else(|error| PackOrder::failed(&files, &error));
        report.in_order &= pack.in_order;
        report.packs.push(pack);
    }
    context.output.report(&report, text)?;
    let failed: Vec<&String> = report.packs.iter().filter_map(|pack| pack.error.as_ref()).collect();
    match failed.first() {
        Some(first) => Err(Error::NotVerified { first: (*first).clone(), more: failed.len() - 1 }),
        None if report.in_order => Ok(Outcome::Success),
        None => Ok(Outcome::No),
    }
}

/// The packs named; a folder stands for all packs in it.
fn named(packs: &[PathBuf], context: &Context) -> Result<Vec<PackFiles>, Error> {
    let mut found = Vec::new();
    for pack in packs {
        match PackFiles::of(pack) {
            Err(_) if pack.is_dir() => found.extend(every_pack(pack, context)?),
            named => found.push(named?),
        }
    }
    Ok(found)
}

fn every_pack(folder: &Path, context: &Context) -> Result<Vec<PackFiles>, Error> {
    let found = pack::packs_in(folder)?;
    for stem in &found.interrupted {
        context.output.say(&format!("{stem} is unfinished; make-rec --resume continues it"));
    }
    if found.packs.is_empty() {
        return Err(Error::Arguments(format!(
            "{}: expected packs, found none; make one with `qgface-data make-rec`",
            folder.display()
        )));
    }
    Ok(found.packs)
}

/// The folder of the pack's own name below the data folder; for a set of one tree, else that tree.
fn likely_source(files: &PackFiles, settings: &Settings) -> PathBuf {
    let own = settings.path("data.root").join(&files.stem);
    let set = pack::Manifest::open(files).map(|manifest| manifest.set).unwrap_or_default();
    let one_tree = datasets::find(&set).is_some_and(|set| set.one_tree);
    if !one_tree && own.is_dir() { own } else { settings.set_root(&set) }
}

pub(super) fn text(report: &OrderReport) -> String {
    report.packs.iter().map(pack_text).collect()
}

fn pack_text(pack: &PackOrder) -> String {
    let count = counted(pack.count, "record");
    let index = format!("index {} in memory", sized(pack.index_memory_bytes));
    let mut text = match &pack.error {
        Some(error) => format!("{}: NOT verified: {error}\n", pack.pack),
        None if pack.in_order => {
            format!("{}: {count} in order ({index})\n  order {}\n", pack.pack, pack.order)
        }
        None => {
            let differences = counted(pack.difference_count, "difference");
            format!("{}: NOT in order, {differences} in {count}\n", pack.pack)
        }
    };
    pack.differences.iter().for_each(|difference| text += &difference_text(difference));
    let hidden = pack.difference_count.saturating_sub(pack.differences.len() as u64);
    if hidden > 0 {
        text += &format!("  … and {} more\n", grouped(hidden));
    }
    pack.checks.iter().for_each(|what| text += &format!("  compared {what}\n"));
    pack.not_checked.iter().for_each(|what| text += &format!("  NOT compared: {what}\n"));
    text
}

fn difference_text(difference: &Difference) -> String {
    let position = difference.position.map_or(String::new(), |at| format!("position {at}: "));
    let Difference { place, expected, found, .. } = difference;
    format!("  {position}{place}: expected {expected}, found {found}\n")
}
