//! `verify-order`

use super::advice::told;
use super::context::{Context, Outcome};
use super::error::Error;
use super::flags;
use super::output::{counted, grouped, sized};
use qgface_data::datasets::{self, DataSet};
use qgface_data::image::ChannelOrder;
use qgface_data::pack::adopt::{self, AdoptReport, Displaced, TreeReport};
use qgface_data::pack::verify_order::{
    Depth, Difference, Options, OrderReport, PackOrder, SourceTree, verify_order,
};
use qgface_data::pack::{self, Layout, PackFiles, Role};
use qgface_data::settings::{Section, Settings, keys};
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
    /// The list the pack was made from, when it does not lie in the source tree; with --adopt the list to
    /// hold its records against [default: the .lst beside it, if there is one]
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The csv of labels the pack was made with, when it does not lie in the source tree
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The csv of landmarks the pack was aligned with (left eye, right eye, nose, corners of the mouth as
    /// seen in the picture), when it does not lie in the source tree
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,
    /// Write a manifest for a pack made elsewhere; with --root its records are found in that tree by
    /// their content and the order it really has is told
    #[arg(long, value_name = "PACK", conflicts_with_all = ["packs", "against", "quick", "labels", "landmarks"])]
    adopt: Option<PathBuf>,
    /// With --adopt: which colours the pack's pictures have where a decoder says red, green, blue;
    /// bgr for packs that hold red and blue exchanged [default: rgb]
    #[arg(long, value_name = "ORDER", requires = "adopt", value_parser = flags::channel_order)]
    stored_order: Option<ChannelOrder>,
    /// With --adopt and --root: the set that the tree is [default: told by its layout, else folder]
    #[arg(long, value_name = "NAME", requires_all = ["adopt", "root"], value_parser = flags::data_set)]
    dataset: Option<&'static DataSet>,
    /// Read neither the pictures in the pack nor the source files
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    match &args.adopt {
        Some(pack) => adopt_pack(pack, &args, context),
        None => verify(args, context),
    }
}

fn adopt_pack(pack: &Path, args: &Args, context: &Context) -> Result<Outcome, Error> {
    let options = adopt::Options {
        root: args.root.clone(),
        dataset: args.dataset,
        list: args.list.clone(),
        stored_order: args.stored_order,
    };
    let report = adopt::adopt(&PackFiles::of(pack)?, &options, context.output.progress())?;
    context.output.warn(&report.warnings);
    context.output.report(&report, adopted_text)?;
    Ok(Outcome::Success)
}

fn verify(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = context.told_settings(&[Section::Data, Section::Pack])?;
    let packs = if args.packs.is_empty() {
        every_pack(&settings.get(&keys::PACK_OUT), context)?
    } else {
        named(&args.packs, context)?
    };
    let depth = if args.quick { Depth::Quick } else { Depth::Full };
    let mut report = OrderReport { in_order: true, packs: Vec::new() };
    for files in packs {
        let options = Options {
            source: match &args.root {
                Some(root) => SourceTree::At(root.clone()),
                None => SourceTree::Perhaps(likely_source(&files, settings)),
            },
            list: args.list.clone(),
            label_csv: args.labels.clone(),
            landmarks: args.landmarks.clone(),
            against: args.against.clone(),
            depth,
        };
        // One bad pack must not hide what is known of the others.
        let pack = verify_order(&files, &options, context.output.progress())
            .unwrap_or_else(|error| PackOrder::failed(&files, told(&Error::from(error))));
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

/// Where the pictures of a pack may be: the file that held them all, below the data folder or beside the
/// pack; the folder of the pack's own name below the data folder; for a set of one tree, else that tree.
fn likely_source(files: &PackFiles, settings: &Settings) -> PathBuf {
    let data = settings.get(&keys::DATA_ROOT);
    let Ok(manifest) = pack::Manifest::open(files) else { return data };
    let Some(set) = datasets::find(&manifest.set) else { return data.join(&manifest.set) };
    let default = settings.set_root(set, &files.stem);
    if let Some(input) = manifest.input(Role::Pictures) {
        let beside = |path: &Path| path.parent().unwrap_or(Path::new("")).join(&input.path);
        let places = [beside(&default), files.folder.join(&input.path)];
        return places.into_iter().find(|path| path.is_file()).unwrap_or(default);
    }
    let own = data.join(&files.stem);
    if !set.one_tree && own.is_dir() { own } else { default }
}

fn adopted_text(report: &AdoptReport) -> String {
    let mut text = format!("adopted {} as {}\n", report.pack, report.set);
    let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    line("manifest", report.manifest.clone());
    line("records", counted(report.count, "image"));
    if report.layout == Layout::Insightface {
        let identities = counted(report.identities, "identity record");
        line("layout", format!("InsightFace, {identities}"));
    }
    line("colours", format!("{} stored", report.stored_channel_order.name()));
    line("order", report.order.clone());
    if let Some(list) = &report.list {
        let place = match list.first_displaced {
            None => "record i is line i, by key and label".to_owned(),
            Some(first) => format!(
                "every record by key and label; {} not at the position of their lines, the first at \
                 position {first}",
                grouped(list.displaced)
            ),
        };
        line("list", format!("{}: {place}", list.file));
    }
    match &report.tree {
        None => line("source", "the pack alone; --root finds its pictures in a tree".to_owned()),
        Some(tree) => tree_lines(tree).into_iter().for_each(|(name, value)| line(name, value)),
    }
    for kept in &report.kept {
        line("kept", format!("what was there before is {kept} now"));
    }
    text
}

/// What is told of the tree: names and values of lines.
fn tree_lines(tree: &TreeReport) -> Vec<(&'static str, String)> {
    let (same, shown) = (grouped(tree.same_bytes), grouped(tree.same_picture));
    let matched = format!("{same} records by their bytes, {shown} by what they show");
    let place = match &tree.first_displaced {
        None => "record i is image i of the tree's list".to_owned(),
        Some(Displaced { position, key, path, expected }) => {
            let expected = expected.as_deref().unwrap_or("the end");
            format!(
                "NOT the list's: {} displaced, the first at position {position} (key {key}): {path} \
                 where the list has {expected}",
                counted(tree.displaced, "record")
            )
        }
    };
    let by_key = match tree.in_list_order_by_key {
        true => "by ascending key the list's order",
        false => "by ascending key NOT the list's order either",
    };
    let mut lines = vec![("matched", matched), ("place", place), ("keys", by_key.to_owned())];
    if tree.not_packed > 0 {
        let first = tree.first_not_packed.as_deref().unwrap_or_default();
        let count = counted(tree.not_packed, "picture");
        lines.push(("left out", format!("{count} of the tree, the first {first}")));
    }
    if tree.doubles > 0 {
        let count = counted(tree.doubles, "record");
        lines.push(("doubles", format!("{count} whose picture the tree has more than once")));
    }
    lines
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
    pack.not_checked.iter().for_each(|what| text += &format!("  NOT compared: {}\n", told(what)));
    text
}

fn difference_text(difference: &Difference) -> String {
    let position = difference.position.map_or(String::new(), |at| format!("position {at}: "));
    let Difference { place, expected, found, .. } = difference;
    format!("  {position}{place}: expected {expected}, found {found}\n")
}
