//! From options to a report: find and check, embed, score.

use super::averages::averages;
use super::conventions::Conventions;
use super::embed::{Pace, embed_share};
use super::error::{Error, PlanError};
use super::features::{Features, Maker, Origin};
use super::images::Images;
use super::model::Model;
use super::options::{FeatureOptions, Options, Say};
use super::plan::{Plan, Scoring};
use super::ranks::{self, Asked};
use super::results::{EvalReport, FORMAT, FeatureSource, ModelReport, SetResult};
use super::score::Scored;
use super::selection::Selection;
use super::settings::{Protocol, Settings};
use super::subject::Subject;
use super::warning::{Warning, WarningKind};
use super::{curves, identification, matrix, pairs};
use crate::metrics::Metric;
use crate::metrics::table::REDUCED;
use crate::progress::Progress;
use std::path::Path;

/// Embeds and scores. Everything that can be wrong with packs, files and the model is looked at before
/// the first image is embedded.
///
/// # Errors
/// Any [`Error`].
pub fn evaluate(
    options: &Options,
    progress: &dyn Progress,
    say: &Say<'_>,
) -> Result<EvalReport, Error> {
    let mut origin = origin(options, say)?;
    let plans = plans(options, &origin, progress)?;
    if let Origin::Model(maker) = &mut origin {
        maker.expected = plans.iter().flat_map(|plan| &plan.images).map(Images::len).sum();
        for images in plans.iter().flat_map(|plan| &plan.images) {
            maker.check_colours(images)?;
            images.check_faces()?;
        }
        let decided = maker.model.conventions().decided.join(", ");
        say(&format!("{}: {decided}", maker.model.path().display()));
    }
    if let Some(folder) = &options.save {
        std::fs::create_dir_all(folder).map_err(crate::fs::io_error("make the folder", folder))?;
    }
    let mut results = Vec::with_capacity(plans.len());
    let mut saved = Vec::new();
    for mut plan in plans {
        plan.warnings.extend(other_family(&plan, options, &origin));
        results.push(run(plan, options, &mut origin, &mut saved, progress)?);
    }
    if options.group.size() > 1 {
        ranks::ask(&options.group, &Asked::Nothing)?;
    }
    let results: Vec<SetResult> = results.into_iter().flatten().collect();
    let averages = averages(results.iter());
    Ok(EvalReport {
        format: FORMAT.to_owned(),
        tool: concat!("qgface-data ", env!("CARGO_PKG_VERSION")).to_owned(),
        model: model_report(&origin),
        results,
        averages,
        saved,
    })
}

/// Embeds for the first rank what it asks for, on another one, until it asks for nothing more.
///
/// # Errors
/// As [`evaluate`] where a rank's own images or model cannot be had.
pub fn assist(options: &Options, say: &Say<'_>) -> Result<(), Error> {
    let mut origin = origin(options, say)?;
    let plans = plans(options, &origin, &())?;
    let all: Vec<&Images> = plans.iter().flat_map(|plan| &plan.images).collect();
    while let Asked::Embed(order) = ranks::heard(&options.group)? {
        let (Origin::Model(maker), Some(images)) = (&mut origin, all.get(order.images)) else {
            return Err(Error::OfRank { rank: 0 });
        };
        maker.model.start_as(order.rewriting.as_deref())?;
        embed_share(&maker.model, images, &order, maker.pace)?;
    }
    Ok(())
}

/// What is scored, with all images numbered.
fn plans(
    options: &Options,
    origin: &Origin<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Plan>, Error> {
    let mut plans = Plan::of_task(options, origin, progress)?;
    let all = plans.iter_mut().flat_map(|plan| &mut plan.images);
    all.enumerate().for_each(|(number, images)| images.number = number);
    Ok(plans)
}

fn origin<'a>(options: &'a Options, say: &'a Say<'a>) -> Result<Origin<'a>, Error> {
    match &options.features {
        FeatureOptions::Files { features, norms } => {
            Ok(Origin::Files { features: features.clone(), norms: norms.clone() })
        }
        FeatureOptions::Model(model) => {
            let model = Model::open(model.clone(), say)?;
            let pace = Pace { batch: options.batch, jobs: options.jobs, ranks: &options.group };
            let cache = options.cache.clone();
            let (expected, made, told_unkept) = (0, None, false);
            let maker = Maker { model, pace, cache, expected, made, told_unkept };
            Ok(Origin::Model(Box::new(maker)))
        }
    }
}

/// Embeds and scores one plan; none where nothing is scored.
fn run(
    mut plan: Plan,
    options: &Options,
    origin: &mut Origin<'_>,
    saved: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<Option<SetResult>, Error> {
    let protocol = &options.protocol;
    let weighing = plan.weighing(protocol);
    let packs = plan.images.iter();
    let features = packs
        .map(|images| origin.features(images, Selection::All, protocol, weighing, progress))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(folder) = &options.save {
        for (at, (images, features)) in plan.images.iter().zip(&features).enumerate() {
            let stem = images.stem(&plan.name);
            // Packs of one's own may be called alike.
            let name = match plan.roles.get(at) {
                Some(role) => format!("{}_{stem}", role.name()),
                None => stem,
            };
            saved.extend(save(folder, &name, features)?);
        }
    }
    let features = Features::joined(features)?;
    let images = &plan.images[0];
    let Some((subject, scoring)) = plan.scoring.take() else { return Ok(None) };
    let scored = match scoring {
        Scoring::Identification(parts) => identification::score(subject, &parts, &features)?,
        Scoring::Templates(templates) => templates.score(images, &features, protocol)?,
        Scoring::Pairs(pairs) => pairs::score(subject, &pairs, &features)?,
        Scoring::OwnPairs(pairs) => pairs::score_own(&pairs, &features, protocol)?,
        Scoring::ReducedPairs(pairs) => {
            let Origin::Model(_) = origin else {
                return Err(PlanError::ReducedWithoutModel.into());
            };
            let mut reduced = Vec::new();
            for px in REDUCED.measured().into_iter().map(Metric::number) {
                let selection = Selection::ReducedFirsts(px);
                let features = origin.features(images, selection, protocol, weighing, progress)?;
                reduced.push((px, features));
            }
            pairs::score_reduced(subject, &pairs, &features, &reduced)?
        }
    };
    Ok(Some(result(subject, plan, options, origin, &features, scored)))
}

fn result(
    subject: Subject,
    plan: Plan,
    options: &Options,
    origin: &Origin<'_>,
    features: &Features,
    scored: Scored,
) -> SetResult {
    let Scored { counts, metrics, mut curves, warnings, .. } = scored;
    curves.norms = features.norms.as_deref().and_then(curves::norm_histogram);
    let images = &plan.images;
    let packs = images.iter().filter_map(Images::pack);
    let read = images.iter().flat_map(|images| images.files.clone());
    let made = features.files.iter().map(|path| path.display().to_string());
    SetResult {
        set: subject,
        protocol: options.protocol.name.to_owned(),
        switched: options.protocol.switched.clone(),
        settings: settings(&options.protocol, origin),
        images: images.iter().map(|images| images.len() as u64).sum(),
        features: FeatureSource {
            files: read.chain(made).collect(),
            orders: packs.map(|pack| pack.manifest.order.clone()).collect(),
            alignment: images[0].alignment_told(),
            cached: features.cached,
            rewriting: features.rewriting.clone(),
        },
        counts,
        metrics,
        curves,
        warnings: plan.warnings.into_iter().chain(warnings).collect(),
    }
}

/// Every switch; what files of features do not tell stays open.
fn settings(protocol: &Protocol, origin: &Origin<'_>) -> Settings {
    let conventions: Option<&Conventions> = match origin {
        Origin::Model(maker) => Some(maker.model.conventions()),
        Origin::Files { .. } => None,
    };
    Settings {
        fusion: conventions.map(|_| protocol.fusion),
        flip: conventions.map(|_| protocol.flip),
        norm: protocol.norm,
        detector_score: protocol.detector_score,
        flipud: protocol.flipud,
        channel_order: conventions.map(|own| own.channel_order),
        mean: conventions.map(|own| own.mean),
        std: conventions.map(|own| own.std),
    }
}

/// Writes features and norms; the names of the files.
fn save(folder: &Path, name: &str, features: &Features) -> Result<Vec<String>, Error> {
    let rows = &features.rows;
    let mut files = vec![folder.join(format!("{name}_embeddings.npy"))];
    matrix::write(&files[0], rows.values(), rows.width)?;
    if let Some(norms) = &features.norms {
        files.push(folder.join(format!("{name}_norms.npy")));
        matrix::write(&files[1], norms, 1)?;
    }
    Ok(files.iter().map(|path| path.display().to_string()).collect())
}

/// A model that takes its colours in another order than those that a preset of IJB is from.
fn other_family(plan: &Plan, options: &Options, origin: &Origin<'_>) -> Option<Warning> {
    let Origin::Model(maker) = origin else { return None };
    let own = maker.model.conventions().channel_order;
    let Protocol { name, family, .. } = options.protocol;
    let other = matches!(plan.scoring, Some((_, Scoring::Templates(_)))) && own != family;
    other.then(|| {
        let (own, family) = (own.name(), family.name());
        let told = format!(
            "the model takes {own}, and the models that the protocol {name} is from take {family}"
        );
        Warning::new(WarningKind::OtherColours, told)
    })
}

fn model_report(origin: &Origin<'_>) -> Option<ModelReport> {
    let Origin::Model(maker) = origin else { return None };
    let made = maker.made.as_ref()?;
    Some(ModelReport {
        path: maker.model.path().display().to_string(),
        blake3: maker.model.digest(),
        width: made.width as u64,
        output: made.form,
        runtime: made.runtime.clone(),
        device: maker.model.device().to_string(),
    })
}
