//! The features a set is scored by: from a model, through the cache, or from files made elsewhere.

use super::cache::Slot;
use super::conventions::OrderBy;
use super::embed::{Pace, ViewFeatures, Weighing, embed};
use super::error::{Error, FeaturesError, ModelError};
use super::face::View;
use super::fusion::fuse;
use super::images::Images;
use super::lengths::{Lengths, all_lengths, is_divisor};
use super::matrix::Matrix;
use super::model::Model;
use super::ranks::{self, Asked, Order};
use super::results::OutputForm;
use super::rewriting::Load;
use super::selection::Selection;
use super::settings::{Fusion, Protocol};
use super::sink::Sink;
use crate::causes::chain;
use crate::image::ChannelOrder;
use crate::progress::Progress;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// One feature an image.
pub(super) struct Features {
    /// A row an image.
    pub(super) rows: Matrix,
    /// What each is worth, where it is known.
    pub(super) norms: Option<Vec<f32>>,
    /// How long the rows are.
    pub(super) lengths: Lengths,
    /// Whether no image had to be embedded.
    pub(super) cached: bool,
    /// What the model had been made into, if it was.
    pub(super) rewriting: Option<String>,
    /// The files of features, where they came from files.
    pub(super) files: Vec<PathBuf>,
}

/// Where features come from.
pub(super) enum Origin<'a> {
    /// A model embeds the images.
    Model(Box<Maker<'a>>),
    /// Files hold them.
    Files {
        /// A row an image.
        features: PathBuf,
        /// A number an image.
        norms: Option<PathBuf>,
    },
}

/// A model, and how it is put to work.
pub(super) struct Maker<'a> {
    pub(super) model: Model<'a>,
    pub(super) pace: Pace<'a>,
    /// Where features are kept.
    pub(super) cache: Option<PathBuf>,
    /// Images of all that is to be scored.
    pub(super) expected: usize,
    /// What the model made, once it is known.
    pub(super) made: Option<Made>,
    /// Whether it was said that features are not kept.
    pub(super) told_unkept: bool,
}

/// The views of images, and how they were come by.
struct Views {
    views: Vec<ViewFeatures>,
    /// Whether all were in the cache.
    cached: bool,
    /// What the model had been made into, if it was.
    rewriting: Option<&'static str>,
}

/// What a model made.
pub(super) struct Made {
    /// The form in which it returned the features.
    pub(super) form: OutputForm,
    /// Numbers in a feature.
    pub(super) width: usize,
    /// Library and version that ran it.
    pub(super) runtime: Option<String>,
}

impl Origin<'_> {
    /// The features of the chosen images, the views of each fused.
    pub(super) fn features(
        &mut self,
        images: &Images,
        selection: Selection,
        protocol: &Protocol,
        weighing: Weighing,
        progress: &dyn Progress,
    ) -> Result<Features, Error> {
        match self {
            Self::Files { features, norms } => from_files(images, features, norms.as_deref()),
            Self::Model(maker) => maker.features(images, selection, protocol, weighing, progress),
        }
    }
}

impl Maker<'_> {
    /// Refuses a pack whose declared colours contradict the model's own word, before any image is read.
    pub(super) fn check_colours(&self, images: &Images) -> Result<(), ModelError> {
        let conventions = self.model.conventions();
        let stored = images.stored_order();
        let contradicted = conventions.order_by == OrderBy::Metadata
            && conventions.channel_order == ChannelOrder::Rgb
            && stored == ChannelOrder::Bgr;
        match contradicted {
            false => Ok(()),
            true => Err(ModelError::ColoursDiffer {
                path: self.model.path().to_path_buf(),
                model: conventions.channel_order,
                pack: images.files[0].clone(),
                stored,
            }),
        }
    }

    fn features(
        &mut self,
        images: &Images,
        selection: Selection,
        protocol: &Protocol,
        weighing: Weighing,
        progress: &dyn Progress,
    ) -> Result<Features, Error> {
        let count = selection.len(images.len());
        let Views { views, cached, rewriting } =
            self.views(images, selection, protocol, weighing, progress)?;
        let first = views.first().expect("the image as it is, is always embedded");
        let (form, width) = (first.form, first.features.width);
        if let Some(other) = views.iter().find(|view| view.features.width != width) {
            let other = other.features.width;
            return Err(FeaturesError::Widths { first: width, other }.into());
        }
        weighing.check(form).map_err(|fault| self.model.refused(fault))?;
        self.made = Some(Made { form, width, runtime: first.runtime.clone() });
        let width = match protocol.fusion {
            Fusion::Concat => 2 * width,
            _ => width,
        };
        let mut rows = vec![0.0; count * width];
        let mut norms = vec![0.0; count];
        let places = rows.par_chunks_exact_mut(width.max(1)).zip(&mut norms).enumerate();
        places.try_for_each(|(at, (row, norm))| -> Result<(), FeaturesError> {
            let (feature, own) = fused(images, selection, &views, protocol, at)?;
            row.copy_from_slice(&feature);
            *norm = own;
            Ok(())
        })?;
        let rows = Matrix::new(rows, width);
        let lengths = Lengths::of(&rows);
        // The length of a sum of unit vectors is nobody's norm.
        let norms = (form != OutputForm::Unit).then_some(norms);
        let rewriting = rewriting.map(str::to_owned);
        Ok(Features { rows, norms, lengths, cached, rewriting, files: Vec::new() })
    }

    /// The views of the images: those that the cache holds, and the others embedded.
    fn views(
        &mut self,
        images: &Images,
        selection: Selection,
        protocol: &Protocol,
        weighing: Weighing,
        progress: &dyn Progress,
    ) -> Result<Views, Error> {
        let count = selection.len(images.len());
        let wanted: &[View] =
            if protocol.flip { &[View::Plain, View::Mirrored] } else { &[View::Plain] };
        for rewriting in self.model.rewritings() {
            let (_, found) = self.kept(images, selection, wanted, rewriting);
            if let Some(views) = found.into_iter().collect::<Option<Vec<_>>>() {
                return Ok(Views { views, cached: true, rewriting });
            }
        }
        let load = Load {
            images: wanted.len() * self.expected.max(count),
            batch: self.pace.batch_of(self.model.conventions()),
        };
        self.model.start(load)?;
        let rewriting = self.model.sessions().rewriting;
        let (mut slots, mut found) = self.kept(images, selection, wanted, rewriting);
        let mut missing = Vec::new();
        for ((view, found), slot) in wanted.iter().zip(&found).zip(&mut slots) {
            if found.is_none() {
                let sink = slot.as_mut().map(|slot| slot.sink(count)).transpose();
                let sink = sink.unwrap_or_else(|error| {
                    self.say_unkept(&chain(&error));
                    None
                });
                missing.push((*view, sink.unwrap_or_else(Sink::memory)));
            }
        }
        let Self { model, pace, .. } = self;
        if pace.ranks.size() > 1 {
            let views = missing.iter().map(|(view, _)| *view).collect();
            let rewriting = rewriting.map(str::to_owned);
            let order = Order { images: images.number, selection, views, rewriting };
            ranks::ask(pace.ranks, &Asked::Embed(order))?;
        }
        let made = embed(model, images, selection, missing, weighing, *pace, progress)?;
        for (view, features) in made {
            let at = wanted.iter().position(|wanted| *wanted == view).unwrap_or(0);
            let kept = match (&features.unkept, slots[at].take()) {
                (Some(reason), _) => Err(reason.clone()),
                (None, Some(slot)) => slot.commit(&features).map_err(|error| chain(&error)),
                (None, None) => Ok(()),
            };
            kept.unwrap_or_else(|reason| self.say_unkept(&reason));
            found[at] = Some(features);
        }
        Ok(Views { views: found.into_iter().flatten().collect(), cached: false, rewriting })
    }

    /// The places of views in the cache, and what is there.
    fn kept(
        &self,
        images: &Images,
        selection: Selection,
        wanted: &[View],
        rewriting: Option<&str>,
    ) -> (Vec<Option<Slot>>, Vec<Option<ViewFeatures>>) {
        let count = selection.len(images.len());
        let place = self.cache.as_deref().zip(images.pack());
        let slot = |view: &View| {
            let (cache, pack) = place?;
            Some(Slot::new(cache, &self.model, pack, selection, *view, rewriting))
        };
        let slots: Vec<Option<Slot>> = wanted.iter().map(slot).collect();
        let found = slots.iter().map(|slot| slot.as_ref().and_then(|slot| slot.open(count)));
        let found = found.collect();
        (slots, found)
    }

    /// Says once that features are not kept: nothing else changes for it.
    fn say_unkept(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.told_unkept, true) {
            self.model.say(&format!("the features are not kept: {reason}"));
        }
    }
}

/// The fused feature of item `at`, and its norm.
fn fused(
    images: &Images,
    selection: Selection,
    views: &[ViewFeatures],
    protocol: &Protocol,
    at: usize,
) -> Result<(Vec<f32>, f32), FeaturesError> {
    let wide = |row: &[f32]| row.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
    let features: Vec<Vec<f64>> = views.iter().map(|view| wide(view.features.row(at))).collect();
    let norms = views.iter().map(|view| f64::from(view.norms.row(at)[0]));
    let views: Vec<(&[f64], f64)> = features.iter().map(Vec::as_slice).zip(norms).collect();
    let position = selection.position(at);
    let path = || images.path(position).to_owned();
    let fused = fuse(protocol.fusion, &views, images.score(position))
        .map_err(|source| FeaturesError::Fusion { path: path(), source })?;
    if !fused.feature.iter().all(|value| value.is_finite()) {
        return Err(FeaturesError::NotFinite {
            place: images.files[0].clone(),
            row: position,
            path: path(),
            what: "direction of the fused views",
            found: "none, for they cancel out".to_owned(),
        });
    }
    Ok((fused.feature.iter().map(|value| *value as f32).collect(), fused.norm as f32))
}

impl Features {
    /// The features of several packs, one pack after the other.
    pub(super) fn joined(mut packs: Vec<Self>) -> Result<Self, FeaturesError> {
        if packs.len() == 1 {
            return Ok(packs.remove(0));
        }
        let width = packs.first().map_or(1, |first| first.rows.width);
        if let Some(other) = packs.iter().find(|pack| pack.rows.width != width) {
            return Err(FeaturesError::Widths { first: width, other: other.rows.width });
        }
        let rows: Vec<f32> = packs.iter().flat_map(|pack| pack.rows.values()).copied().collect();
        let norms = packs.iter().map(|pack| pack.norms.as_deref());
        let norms: Option<Vec<f32>> = norms.collect::<Option<Vec<_>>>().map(|all| all.concat());
        let rows = Matrix::new(rows, width);
        Ok(Self {
            lengths: Lengths::of(&rows),
            rows,
            norms,
            cached: packs.iter().all(|pack| pack.cached),
            rewriting: packs.iter().find_map(|pack| pack.rewriting.clone()),
            files: packs.into_iter().flat_map(|pack| pack.files).collect(),
        })
    }
}

fn from_files(images: &Images, path: &Path, norms_path: Option<&Path>) -> Result<Features, Error> {
    let open = |path: &Path| -> Result<(Matrix, Vec<f64>), Error> {
        let rows = Matrix::open(path)?;
        if rows.len() != images.len() {
            return Err(FeaturesError::Rows {
                path: path.to_path_buf(),
                images: images.len(),
                place: images.files[0].clone(),
                rows: rows.len(),
            }
            .into());
        }
        // A row of zeros has no direction, nor one whose length no number of 32 bits holds.
        let lengths = all_lengths(&rows);
        match lengths.iter().position(|length| !is_divisor(*length as f32)) {
            None => Ok((rows, lengths)),
            Some(at) => {
                let odd = rows.row(at).iter().find(|value| !value.is_finite());
                let (what, found) = match odd {
                    Some(value) => ("value", value.to_string()),
                    None if lengths[at] == 0.0 => {
                        ("direction of the feature", "none, all its numbers are 0".to_owned())
                    }
                    None => ("length", lengths[at].to_string()),
                };
                Err(FeaturesError::NotFinite {
                    place: path.display().to_string(),
                    row: at,
                    path: images.path(at).to_owned(),
                    what,
                    found,
                }
                .into())
            }
        }
    };
    let (rows, lengths) = open(path)?;
    if rows.width < 2 {
        return Err(FeaturesError::Npy {
            path: path.to_path_buf(),
            expected: "features of at least 2 numbers, an array [images, numbers]".to_owned(),
            found: "one number an image".to_owned(),
        }
        .into());
    }
    let norms = match norms_path {
        None => None,
        Some(path) => {
            let (norms, _) = open(path)?;
            if norms.width != 1 {
                return Err(FeaturesError::Npy {
                    path: path.to_path_buf(),
                    expected: "one norm an image, of shape [N] or [N, 1]".to_owned(),
                    found: format!("{} numbers an image", norms.width),
                }
                .into());
            }
            if let Some(row) = norms.values().iter().position(|norm| *norm <= 0.0) {
                let (path, found) = (path.to_path_buf(), norms.values()[row]);
                return Err(FeaturesError::BadNorm { path, row, found }.into());
            }
            Some(norms.values().to_vec())
        }
    };
    let lengths = Lengths::from(lengths);
    let files = [Some(path), norms_path].into_iter().flatten().map(Path::to_path_buf).collect();
    Ok(Features { rows, norms, lengths, cached: false, rewriting: None, files })
}
