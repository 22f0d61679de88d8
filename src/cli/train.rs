//! `train`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags;
use super::interrupt::interrupted;
use super::output::grouped;
use super::ranks;
use qgface_data::report::training;
use qgface_data::runtime::Device;
use qgface_data::settings::{Given, PRESETS, Section, Settings, keys};
use qgface_data::train::plan::PlanReport;
use qgface_data::train::{self, Config, Start, Surroundings, TrainReport};
use std::path::{Path, PathBuf};

/// Train a backbone by the QGFace joint loss, from packs with a manifest
///
/// Writes runs/NAME: config.toml, metrics.jsonl, checkpoints/, samples/, plots/, eval/ and, at the end,
/// model.onnx. An interrupt ends the run after the step at work, with a checkpoint; --resume goes on from
/// there, to the bit.
#[derive(clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    /// Settings, above those of the file: preset=D, batch=128, backbone.architecture=ir50 … (`init` writes
    /// all of them with what they mean)
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Go on with the run in this folder, by its own config.toml
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DEVICE",
        value_parser = flags::of(&keys::TRAIN_DEVICE),
        help = flags::help(&keys::TRAIN_DEVICE, "")
    )]
    device: Option<Device>,
    /// Begin with the weights of a checkpoint, a model.onnx, or a safetensors file with PyTorch's names
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Say what the run would take, and make no step: its memory, and the time that its steps take where
    /// that was measured; exit code 1 where it does not fit, with what to change
    #[arg(long)]
    plan: bool,
}

/// The sections of settings that a run is made from; validation is by the settings of `eval`.
const SECTIONS: [Section; 12] = [
    Section::Data,
    Section::Pack,
    Section::Eval,
    Section::Train,
    Section::Backbone,
    Section::Head,
    Section::Contrast,
    Section::Queue,
    Section::Views,
    Section::Checkpoint,
    Section::Validation,
    Section::Plan,
];

fn help() -> String {
    let mut text = String::from("Presets:\n");
    for preset in &PRESETS {
        text += &format!(
            "  {:<10} views {}{}, contrast {}, quality scale of the head {}\n",
            preset.name,
            preset.high,
            if preset.low == "none" { String::new() } else { format!(" and {}", preset.low) },
            preset.queue,
            preset.quality_scale,
        );
    }
    text
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = settings(&args, context)?;
    let config = Config::new(&settings)?;
    let group = &context.group;
    let start = match &args.resume {
        Some(run) => Start::Resume(run.clone()),
        None => Start::New,
    };
    if args.plan {
        let (config, jobs) = match group.size() {
            1 => {
                let config = ranks::planned(&settings, config)?;
                // They share the cores of their machine, unless it was said how many each has.
                let share = if context.jobs_given { 1 } else { config.local_ranks.max(1) };
                (config, (context.jobs / share).max(1))
            }
            _ => (config.of_rank(group), context.jobs),
        };
        let report = train::planned(&config, &start, jobs).map_err(Box::new)?;
        context.output.report(&report, PlanReport::to_string)?;
        return Ok(if report.fits { Outcome::Success } else { Outcome::No });
    }
    let say = |text: &str| context.output.say(text);
    ranks::start(&settings, group, &say)?;
    group.set_patience(config.patience);
    let config = config.of_rank(group);
    let stop = interrupted()?;
    let warn = |text: &str| context.output.warn(&[text.to_owned()]);
    let draw = |run: &Path| training::draw(run, &warn);
    let around = Surroundings {
        jobs: context.jobs,
        progress: context.output.progress(),
        say: &say,
        stop: &stop,
        after_checkpoint: &draw,
        group,
    };
    let report = train::train(&config, &start, &around).map_err(Box::new)?;
    context.output.report(&report, text)?;
    Ok(if report.finished { Outcome::Success } else { Outcome::No })
}

fn settings(args: &Args, context: &Context) -> Result<Settings, Error> {
    let mut settings = match &args.resume {
        Some(run) => Settings::load(Some(&run.join(train::SETTINGS)), std::iter::empty())?,
        None => context.told_settings(&SECTIONS)?.clone(),
    };
    for assignment in &args.settings {
        settings.assign(assignment)?;
    }
    if let Some(device) = &args.device {
        settings.give(&keys::TRAIN_DEVICE, Given::One(device.to_string()), "--device")?;
    }
    if let Some(init) = &args.init {
        settings.give(&keys::TRAIN_INIT, Given::One(init.display().to_string()), "--init")?;
    }
    Ok(settings)
}

pub(super) fn text(report: &TrainReport) -> String {
    let mut text = format!(
        "{}: preset {}, {} of {} steps, {} images of {} people, {} parameters, fed {}\n",
        report.run,
        report.preset,
        grouped(report.steps),
        grouped(report.of_steps),
        grouped(report.images),
        grouped(report.classes),
        grouped(report.parameters),
        report.channel_order,
    );
    if let Some(adopted) = &report.init {
        let unused = adopted.unused.len();
        text += &format!(
            "began with {} tensors of {}, {unused} of its tensors unused{}\n",
            adopted.taken,
            adopted.file,
            if unused > 0 { format!(": {}", adopted.unused.join(", ")) } else { String::new() },
        );
    }
    if let Some(line) = &report.last {
        text += &format!(
            "last step: loss {:.4} (head {:.4}, contrast {:.4}), gradient {:.2}, rate {}\n",
            line.loss, line.loss_cla, line.loss_con, line.grad_norm, line.lr
        );
        text += &format!(
            "pairs with a weight {:.1} %, waited for images {:.1} % of the time\n",
            100.0 * report.weighted_pairs,
            100.0 * report.waited
        );
    }
    if let Some(exchanged) = report.exchanged {
        text += &format!("exchanged with other processes {:.1} % of the time\n", 100.0 * exchanged);
    }
    if let Some(steps) = report.skipped_steps {
        text += &format!("steps skipped, since gradients overflowed float16: {}\n", grouped(steps));
    }
    for (measure, value) in &report.scores {
        text += &format!("  {measure:<28} {}\n", measure.metric().told(*value));
    }
    if let Some(step) = report.best_step {
        text += &format!("best checkpoint: step {step}\n");
    }
    text += &format!("checkpoint {}\n", report.checkpoint);
    match &report.model {
        Some(model) => text + &format!("model {model}\n"),
        None => {
            text + &format!("interrupted; go on with: qgface-data train --resume {}\n", report.run)
        }
    }
}
