//! From the arguments of `eval` and the settings to what is evaluated, and how.

use super::args::Args;
use crate::cli::context::Context;
use crate::cli::error::Error;
use crate::cli::model_path::model_path;
use qgface_data::eval::settings::{Protocol, Switches};
use qgface_data::eval::{
    EvalSet, FeatureOptions, Flags, ModelOptions, Options, OtherAlignment, Place, Rewriting, Task,
};
use qgface_data::pack::PackFiles;
use qgface_data::settings::{Settings, keys};
use std::num::NonZeroUsize;

/// Joins arguments and settings.
pub(super) fn options(
    args: &Args,
    settings: &Settings,
    context: &Context,
) -> Result<Options, Error> {
    let preset = args.protocol.unwrap_or_else(|| settings.get(&keys::EVAL_PROTOCOL));
    let switches = Switches {
        fusion: args.switches.fusion,
        flip: either(args.switches.flip, args.switches.no_flip),
        norm: either(args.switches.norm, args.switches.no_norm),
        detector_score: either(args.switches.detector_score, args.switches.no_detector_score),
        flipud: either(args.switches.flipud, args.switches.no_flipud),
    };
    let cache = (!args.feeding.no_cache).then(|| settings.get(&keys::EVAL_CACHE));
    Ok(Options {
        group: std::sync::Arc::clone(&context.group),
        task: task(args, settings)?,
        features: features(args, settings, context)?,
        protocol: Protocol::new(preset, &switches),
        batch: args.feeding.batch.unwrap_or_else(|| settings.get(&keys::EVAL_BATCH)),
        jobs: context.jobs,
        cache,
        save: args.save_embeddings.clone(),
        alignment: if args.accept_alignment {
            OtherAlignment::Accept
        } else {
            OtherAlignment::Refuse
        },
    })
}

/// Of a flag and its opposite, which was said.
fn either(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
}

fn features(args: &Args, settings: &Settings, context: &Context) -> Result<FeatureOptions, Error> {
    match (&args.model, &args.from_files.embeddings) {
        (Some(path), _) => Ok(FeatureOptions::Model(ModelOptions {
            path: model_path(path)?,
            flags: Flags {
                channel_order: args.feeding.channel_order,
                mean: args.feeding.mean,
                std: args.feeding.std,
            },
            device: args.device.unwrap_or_else(|| settings.get(&keys::EVAL_DEVICE)),
            threads: NonZeroUsize::new(context.jobs).unwrap_or(NonZeroUsize::MIN),
            time_limit: args
                .feeding
                .time_limit
                .unwrap_or_else(|| settings.get(&keys::EVAL_TIME_LIMIT)),
            rewriting: match args.feeding.no_rewrite {
                true => Rewriting::Never,
                false => Rewriting::WhereFaster {
                    threads: NonZeroUsize::new(context.jobs_together).unwrap_or(NonZeroUsize::MIN),
                },
            },
        })),
        (None, Some(features)) => Ok(FeatureOptions::Files {
            features: features.clone(),
            norms: args.from_files.norms.clone(),
        }),
        (None, None) => Err(Error::Arguments("expected a model or --embeddings".to_owned())),
    }
}

fn task(args: &Args, settings: &Settings) -> Result<Task, Error> {
    if let Some(path) =
        args.place.pack.as_ref().filter(|path| path.extension() == Some("bin".as_ref()))
    {
        let advice = "expected a pack, found a .bin; name it with --root, or pack it with `qgface-data make-rec \
                      --dataset bin`";
        return Err(Error::Arguments(format!("{}: {advice}", path.display())));
    }
    let pack = args.place.pack.as_deref().map(PackFiles::of).transpose()?;
    let mut sets: Vec<&'static EvalSet> = Vec::new();
    for set in args.sets.iter().flat_map(|named| &named.0) {
        if !sets.iter().any(|known| known.name == set.name) {
            sets.push(set);
        }
    }
    if let (Some(gallery), Some(probe)) = (&args.own.gallery, &args.own.probe) {
        if args.from_files.embeddings.is_some() {
            let told = "--gallery and --probe want a model: --embeddings are of one pack";
            return Err(Error::Arguments(told.to_owned()));
        }
        return Ok(Task::Identification {
            gallery: PackFiles::of(gallery)?,
            probe: PackFiles::of(probe)?,
            distractor: args.own.distractor.as_deref().map(PackFiles::of).transpose()?,
        });
    }
    if let (Some(pairs), Some(pack)) = (&args.own.pairs, &pack) {
        return Ok(Task::Verification { pack: pack.clone(), pairs: pairs.clone() });
    }
    match (&sets[..], pack) {
        ([], Some(pack)) if args.save_embeddings.is_some() => Ok(Task::Features { pack }),
        ([], _) => {
            let told = "expected --set NAME, or --gallery and --probe, or --pack with --pairs or \
                        --save-embeddings";
            Err(Error::Arguments(told.to_owned()))
        }
        (several, pack) => {
            let one = several.len() == 1;
            let bound_to_one = [
                (pack.is_some(), "--pack"),
                (args.place.root.is_some(), "--root"),
                (args.place.list.is_some(), "--list"),
                (args.from_files.embeddings.is_some(), "--embeddings"),
            ];
            if let Some((_, flag)) = bound_to_one.iter().find(|(given, _)| *given && !one) {
                let count = several.len();
                return Err(Error::Arguments(format!("{flag} goes with one set, found {count}")));
            }
            let place = |set: &&'static EvalSet| -> Result<_, Error> {
                let (root, list) = (args.place.root.clone(), args.place.list.clone());
                let usual = settings.eval_place(set)?;
                Ok((*set, Place { pack: pack.clone(), root, list, ..usual }))
            };
            Ok(Task::Sets(several.iter().map(place).collect::<Result<_, _>>()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flag_and_its_opposite_the_said_one_counts() {
        assert_eq!((either(true, false), either(false, true)), (Some(true), Some(false)));
        assert_eq!(either(false, false), None);
    }
}
