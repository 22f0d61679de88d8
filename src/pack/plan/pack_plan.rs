//! The images of a pack in their order, with keys and labels.

use super::error::{ImageError, PlanError};
use super::picture::{Picture, picture};
use super::recipe::Recipe;
use crate::datasets::{Alignment, Identities, Image, ImageList, LabelFunction, pairs_text};
use crate::image::ChannelOrder;
use crate::pack::manifest::{Layout, PointsNote, Shard, Skipped};
use crate::pack::records::list_line;
use crate::recordio::Label;
use std::collections::HashSet;
use std::ops::Range;

/// What will be packed.
pub(in crate::pack) struct PackPlan {
    pub(in crate::pack) recipe: Recipe,
    pub(in crate::pack) list: ImageList,
    /// The images of the list that are packed.
    pub(in crate::pack) part: Range<usize>,
    pub(in crate::pack) stored_order: ChannelOrder,
    /// How the images are labelled.
    pub(in crate::pack) function: LabelFunction,
    /// Files of the set that cannot be images of a pack: their names or their labels.
    pub(in crate::pack) left_out: Vec<Skipped>,
    /// Identities and classes of an InsightFace pack with nothing skipped.
    pub(in crate::pack) identities: Option<(u64, u64)>,
    pub(super) labels: Vec<Label>,
    /// Digest of the whole list; known to shards alone.
    pub(super) whole: Option<String>,
}

impl PackPlan {
    pub(in crate::pack) fn image(&self, at: usize) -> &Image {
        &self.list.images[at]
    }

    /// What is stored of the image at `at`.
    pub(in crate::pack) fn picture(&self, at: usize) -> Result<Picture, ImageError> {
        let bytes = self.list.bytes(at)?;
        let landmarks = self.image(at).landmarks.as_deref();
        picture(bytes, self.recipe.encoding, self.recipe.align, landmarks)
    }

    /// Key and label of the image at `at` when it becomes record `position` of this pack.
    pub(in crate::pack) fn name(&self, at: usize, position: u64) -> (u64, Label) {
        let position = self.part.start as u64 + position;
        let key = match self.recipe.layout {
            Layout::Plain => self.image(at).key.unwrap_or(position),
            Layout::Insightface => position + 1,
        };
        let label = match self.function {
            LabelFunction::Index => Label::Scalar(position as f32),
            _ => self.labels[at].clone(),
        };
        (key, label)
    }

    /// What the landmarks of the set are, if it has any.
    pub(in crate::pack) fn points_note(&self) -> Option<PointsNote> {
        let landmarks = self.list.images.iter().find_map(|image| image.landmarks.as_deref())?;
        let picture = match self.list.alignment {
            Alignment::Folder(_) | Alignment::Warped { .. } => "original",
            Alignment::Landmarks | Alignment::Unknown => "stored",
        };
        Some(PointsNote { points: landmarks.points.len() as u64, picture: picture.to_owned() })
    }

    /// Digest of the `.lst` that results when the images named by `skipped` are left out.
    pub(in crate::pack) fn list_digest(&self, skipped: &[Skipped]) -> String {
        let mut hasher = blake3::Hasher::new();
        for (position, at) in self.without(skipped).enumerate() {
            let (key, label) = self.name(at, position as u64);
            hasher.update(list_line(key, &label, &self.image(at).path).as_bytes());
        }
        hasher.finalize().to_string()
    }

    /// Positions in the list of the images that are packed when those named by `skipped` are left out.
    pub(in crate::pack) fn without(&self, skipped: &[Skipped]) -> impl Iterator<Item = usize> {
        let left_out: HashSet<&str> = skipped.iter().map(|skipped| &*skipped.path).collect();
        self.part.clone().filter(move |&at| !left_out.contains(&*self.image(at).path))
    }

    /// Which part of the list this is.
    pub(in crate::pack) fn shard(&self) -> Option<Shard> {
        let (number, list) = (self.recipe.shard?, self.whole.clone()?);
        Some(Shard {
            index: number.index,
            count: number.count,
            first: self.part.start as u64,
            images: self.list.images.len() as u64,
            list,
        })
    }

    /// The records beside the images that are written; a shard has none, as `merge` adds them.
    pub(in crate::pack) fn identities(&self) -> Option<Identities> {
        let whole = self.recipe.shard.is_none();
        (whole && self.recipe.layout == Layout::Insightface).then(Identities::default)
    }

    /// The text of the pairs file, where the set has pairs.
    pub(in crate::pack) fn pairs(&self) -> Option<String> {
        (!self.list.pairs.is_empty()).then(|| pairs_text(&self.list.pairs))
    }

    /// Identities and classes of InsightFace's layout; refuses labels it cannot hold, before any work.
    pub(in crate::pack) fn count_identities(
        &self,
        images: impl Iterator<Item = usize>,
    ) -> Result<Option<(u64, u64)>, PlanError> {
        if self.recipe.layout == Layout::Plain {
            return Ok(None);
        }
        let mut identities = Identities::default();
        for (position, at) in images.enumerate() {
            let (_, label) = self.name(at, position as u64);
            let path = || self.list.images[at].path.to_string();
            identities
                .add(label.class())
                .map_err(|source| PlanError::Layout { path: path(), source })?;
        }
        Ok(Some((identities.count(), identities.classes())))
    }
}
