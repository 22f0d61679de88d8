//! `stats`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags;
use super::output::{counted, grouped, sized};
use qgface_data::image::ChannelOrder;
use qgface_data::pack::PackFiles;
use qgface_data::pack::stats::{
    AgainstReport, ChannelStats, IdentityReport, Options, PackStats, SizeReport, SkinReport,
    StatsReport, Verdict, stats,
};
use qgface_data::report::{pack_stats, plot};
use std::path::{Path, PathBuf};

/// Count a pack: exact channel means and deviations, sizes, images an identity, and whether its red and
/// blue are what it says
///
/// Without --against the skin tones are asked, which say nothing of grey or few pictures. Exit code 1
/// when the pack of --against says that red and blue are exchanged.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The packs, by any of their files or their stems; without a manifest their colours are taken as a
    /// decoder returns them
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
    /// The order in which the channels are told first: as the network takes them
    #[arg(long, value_name = "ORDER", value_parser = flags::channel_order, default_value = "rgb")]
    channel_order: ChannelOrder,
    /// A pack of similar pictures whose colours are known to be true
    #[arg(long, value_name = "PACK")]
    against: Option<PathBuf>,
    /// Draw the distributions: FILE.svg or FILE.png; of several packs one file each, its name behind
    #[arg(long, value_name = "FILE", value_parser = figure_file)]
    plot: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let packs = args.packs.iter().map(|pack| PackFiles::of(pack)).collect::<Result<Vec<_>, _>>()?;
    let against = args.against.as_deref().map(PackFiles::of).transpose()?;
    let options = Options { packs, order: args.channel_order, against };
    let figures = match &args.plot {
        Some(file) => figure_files(file, &options.packs)?,
        None => Vec::new(),
    };
    let report = stats(&options, context.output.progress())?;
    for (pack, figure) in report.packs.iter().zip(&figures) {
        plot::write(&pack_stats::figure(pack), figure)?;
        context.output.say(&format!("wrote {}", figure.display()));
    }
    context.output.report(&report, text)?;
    let is_swapped = |against: &AgainstReport| matches!(against.verdict, Verdict::Swapped);
    let swapped = report.packs.iter().filter_map(|pack| pack.against.as_ref()).any(is_swapped);
    Ok(if swapped { Outcome::No } else { Outcome::Success })
}

/// Reads the name of a figure, so that a wrong ending is refused before any work.
fn figure_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    plot::Format::of(&path).map_err(|error| error.to_string())?;
    Ok(path)
}

/// The file of each pack's figure: the one that was named, or of several packs with the pack's name.
/// Refused before any work: a folder that is not there, and packs of one name.
fn figure_files(file: &Path, packs: &[PackFiles]) -> Result<Vec<PathBuf>, Error> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let expected = "expected a folder for the figures, found none";
        return Err(Error::Arguments(format!("{}: {expected}", folder.display())));
    }
    if let [_] = packs {
        return Ok(vec![file.to_path_buf()]);
    }
    let text =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (text(file.file_stem()), text(file.extension()));
    let mut files = Vec::new();
    for pack in packs {
        let figure = file.with_file_name(format!("{stem}-{}.{ending}", pack.stem));
        if files.contains(&figure) {
            let name = &pack.stem;
            let told =
                format!("two packs are called {name}, and one figure each is drawn; count one");
            return Err(Error::Arguments(told));
        }
        files.push(figure);
    }
    Ok(files)
}

pub(super) fn text(report: &StatsReport) -> String {
    report.packs.iter().map(pack_text).collect()
}

fn pack_text(pack: &PackStats) -> String {
    let mut text =
        format!("{}: {}, {}\n", pack.pack, counted(pack.images, "image"), sized(pack.bytes));
    let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    let declared = match pack.stored_channel_order {
        Some(order) => format!("{} stored, as the manifest declares", order.name()),
        None => "not declared (no manifest), taken as a decoder returns them".to_owned(),
    };
    line("colours", declared);
    for channels in [&pack.channels, &pack.channels_reversed] {
        line(channels.order.name(), channel_text(channels));
    }
    line("sizes", size_text(&pack.sizes));
    line("identities", identity_text(&pack.identities));
    if pack.unreadable > 0 {
        line("unreadable", counted(pack.unreadable, "picture"));
        for record in &pack.unreadable_records {
            let place = format!("position {} (key {})", record.position, record.key);
            line("", format!("{place}: {}", record.reason));
        }
    }
    line("skin", skin_text(&pack.skin));
    if let Some(against) = &pack.against {
        line("against", against_text(against));
    }
    text
}

/// `mean 104.91 88.12 78.40, deviation …; 0 to 1: …`.
fn channel_text(channels: &ChannelStats) -> String {
    let three =
        |values: [f64; 3], digits: usize| values.map(|value| format!("{value:.digits$}")).join(" ");
    let unit = |values: [f64; 3]| three(values.map(|value| value / 255.0), 4);
    format!(
        "mean {}, deviation {} (of 1: {}, {})",
        three(channels.mean, 3),
        three(channels.deviation, 3),
        unit(channels.mean),
        unit(channels.deviation)
    )
}

fn size_text(sizes: &SizeReport) -> String {
    let Some(first) = sizes.frequent.first() else { return "none".to_owned() };
    let often = format!("{}x{}", first.width, first.height);
    match sizes.different {
        1 => format!("all {often}"),
        different => {
            let ([w0, w1], [h0, h1]) = (sizes.width, sizes.height);
            let count = grouped(first.count);
            format!(
                "{} different, {w0} to {w1} wide, {h0} to {h1} high, most often {often} ({count})",
                grouped(different)
            )
        }
    }
}

fn identity_text(identities: &IdentityReport) -> String {
    let IdentityReport { identities, least, median, mean, most, .. } = identities;
    format!(
        "{} labels; images of each: {} to {}, median {}, mean {mean:.2}",
        grouped(*identities),
        grouped(*least),
        grouped(*most),
        grouped(*median)
    )
}

fn skin_text(skin: &SkinReport) -> String {
    let SkinReport { verdict, red, blue, neutral } = skin;
    let said = match verdict {
        Verdict::AsDeclared => "red and blue are as declared",
        Verdict::Swapped => "red and blue are probably SWAPPED",
        Verdict::Unknown => "cannot tell whether red and blue are swapped",
    };
    format!(
        "{said}: {} pictures redder in the middle, {} bluer, {} neither",
        grouped(*red),
        grouped(*blue),
        grouped(*neutral)
    )
}

fn against_text(against: &AgainstReport) -> String {
    let said = match against.verdict {
        Verdict::AsDeclared => "red and blue are as in",
        Verdict::Swapped => "red and blue are SWAPPED against",
        Verdict::Unknown => "red and blue cannot be told by",
    };
    format!(
        "{said} {}: distance {:.2} grey levels, exchanged {:.2}",
        against.pack, against.distance, against.distance_swapped
    )
}
