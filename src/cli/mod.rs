//! One file a subcommand: arguments to options to one call of the library to a report.

mod advice;
mod align;
mod check;
mod completions;
mod context;
mod demo;
mod error;
mod eval;
mod export;
mod flags;
mod init;
mod inspect;
mod interrupt;
mod make_rec;
mod merge;
mod model_path;
mod output;
mod ranks;
mod reindex;
mod report;
mod runtime;
mod stats;
mod synth;
mod train;
mod tune;
mod unpack;
mod verify_order;

use clap::{CommandFactory, Parser, Subcommand};
use context::{Context, Outcome};
use error::Error;
use output::{Form, Format, Output, Verbosity};
use qgface_data::group::Group;
use qgface_data::limits;
use qgface_data::runtime::use_huge_pages;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Order-preserving packs for low- and mixed-quality face recognition research
#[derive(Parser)]
#[command(name = "qgface-data", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

/// What every subcommand takes.
#[derive(clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Write the result as text, or as one JSON document; the other forms are of `report` alone
    /// [default: text]
    #[arg(long, global = true, value_enum)]
    format: Option<Format>,
    /// Say more on stderr: every warning, the settings used, the time taken
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Settings file [default: qgface.toml in the working directory, when it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    MakeRec(make_rec::Args),
    VerifyOrder(verify_order::Args),
    Stats(stats::Args),
    Inspect(inspect::Args),
    Unpack(unpack::Args),
    Merge(merge::Args),
    Reindex(reindex::Args),
    Align(align::Args),
    Train(train::Args),
    Export(export::Args),
    Eval(Box<eval::Args>),
    Report(report::Args),
    Runtime(runtime::Args),
    Synth(synth::Args),
    Demo(demo::Args),
    Init(init::Args),
    Completions(completions::Args),
}

/// Runs the program: exit code 0 done, 1 the check itself said no, 2 an error.
pub(crate) fn main() -> ExitCode {
    qgface_data::fs::tell_of_truncated_files();
    let cli = Cli::parse();
    if matches!(cli.command, Command::Train(_) | Command::Demo(_)) {
        begin_again_in_huge_pages();
    }
    match start(cli) {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(error) => {
            ranks::end_of_error(&output::error_line(&error, &advice::of(&error)), ERROR);
            ExitCode::from(ERROR)
        }
    }
}

/// The exit code of an error.
const ERROR: u8 = 2;

/// Replaces this process by one that takes its memory in huge pages. Where that cannot be, it goes on.
fn begin_again_in_huge_pages() {
    use std::os::unix::process::CommandExt;
    let Ok(own) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(own);
    again.args(std::env::args_os().skip(1));
    if use_huge_pages(&mut again) {
        let _refused = again.exec();
    }
}

fn start(cli: Cli) -> Result<Outcome, Error> {
    let Global { format, verbose, quiet, jobs, config } = cli.global;
    let form = form(format, &cli.command)?;
    let verbosity = match (verbose, quiet) {
        (true, _) => Verbosity::Verbose,
        (_, true) => Verbosity::Quiet,
        _ => Verbosity::Normal,
    };
    let group = match cli.command {
        Command::Train(_) | Command::Eval(_) => ranks::join()?,
        _ => Arc::new(Group::alone()),
    };
    let jobs_given = jobs.is_some();
    let threads = ranks::threads(&group, jobs.map(usize::from))?;
    // Fails only when a pool was made before, which nothing does.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.own).build_global();
    let output = match group.rank() {
        0 => Output::new(form, verbosity),
        _ => Output::silent(form),
    };
    let mut context = Context::new(config, format, output, threads, group);
    context.jobs_given = jobs_given;
    if decodes_files(&cli.command) {
        limits::set(context.settings()?.limits());
    }
    let begun = Instant::now();
    let outcome = run(cli.command, &context)?;
    context.output.tell_time(begun.elapsed());
    ranks::leave()?;
    Ok(outcome)
}

/// Whether a command decodes files for which the settings have budgets; the others copy bytes as they are
/// or read none, and mind no broken settings.
fn decodes_files(command: &Command) -> bool {
    match command {
        Command::Completions(_)
        | Command::Export(_)
        | Command::Init(_)
        | Command::Merge(_)
        | Command::Reindex(_)
        | Command::Report(_)
        | Command::Runtime(_)
        | Command::Synth(_)
        | Command::Unpack(_) => false,
        Command::Align(_)
        | Command::Demo(_)
        | Command::Eval(_)
        | Command::Inspect(_)
        | Command::MakeRec(_)
        | Command::Stats(_)
        | Command::Train(_)
        | Command::VerifyOrder(_) => true,
    }
}

/// The form of the result of a command that has text and JSON; another is refused before any work.
fn form(format: Option<Format>, command: &Command) -> Result<Form, Error> {
    match format {
        Some(Format::Json) => Ok(Form::Json),
        None | Some(Format::Text) => Ok(Form::Text),
        // `report` writes its forms itself.
        Some(_) if matches!(command, Command::Report(_)) => Ok(Form::Text),
        Some(Format::Markdown | Format::Csv | Format::Html) => Err(Error::Arguments(
            "--format: expected text or json; markdown, csv and html are forms of `qgface-data \
             report`"
                .to_owned(),
        )),
    }
}

fn run(command: Command, context: &Context) -> Result<Outcome, Error> {
    match command {
        Command::MakeRec(args) => make_rec::run(args, context),
        Command::VerifyOrder(args) => verify_order::run(args, context),
        Command::Stats(args) => stats::run(args, context),
        Command::Inspect(args) => inspect::run(args, context),
        Command::Unpack(args) => unpack::run(args, context),
        Command::Merge(args) => merge::run(args, context),
        Command::Align(args) => align::run(args, context),
        Command::Report(args) => report::run(args, context),
        Command::Reindex(args) => reindex::run(args, context),
        Command::Train(args) => train::run(args, context),
        Command::Export(args) => export::run(args, context),
        Command::Eval(args) => eval::run(*args, context),
        Command::Runtime(args) => runtime::run(args, context),
        Command::Synth(args) => synth::run(args, context),
        Command::Demo(args) => demo::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::Completions(args) => completions::run(args, Cli::command()),
    }
}
