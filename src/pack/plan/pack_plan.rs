//! What will be packed, decided before any work.

use super::picture::{Picture, picture};
use super::recipe::Recipe;
use super::{Encoding, repack};
use crate::datasets::Identities;
use crate::datasets::{
    Alignment, Image, ImageList, ImageSource, LabelFunction, Labelled, pairs_text,
};
use crate::fs;
use crate::image::ChannelOrder;
use crate::pack::manifest::{
    FileDigest, Input, Layout, Manifest, NamedDigest, PointsNote, Provenance, Role, Shard, Skipped,
    digest_file,
};
use crate::pack::records::list_line;
use crate::pack::verify_order::{self, SourceTree, verify_order};
use crate::pack::{Error, ImageError, OnError, Options, PackReport, Part, Previous, chain};
use crate::progress::Progress;
use crate::recordio::Label;
use crate::seed::Seed;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What will be packed, decided before any work.
pub(in crate::pack) struct Plan {
    pub(in crate::pack) list: ImageList,
    /// The images of the list that are packed.
    pub(in crate::pack) part: Range<usize>,
    pub(in crate::pack) stored_order: ChannelOrder,
    recipe: Recipe,
    labels: Vec<Label>,
    function: LabelFunction,
    /// Files of the set that cannot be images of a pack: their names or their labels.
    left_out: Vec<Skipped>,
    /// Digest of the whole list; known to shards alone.
    whole: Option<String>,
    /// Identities and classes of an InsightFace pack with nothing skipped.
    identities: Option<(u64, u64)>,
}

impl Plan {
    /// Lists, labels, shuffles and parts a set.
    pub(in crate::pack) fn of(recipe: &Recipe) -> Result<Self, Error> {
        recipe.check()?;
        let mut list = recipe.dataset.list(&recipe.request())?;
        let stored_order = repack::take_description(&mut list, recipe)?;
        if let Some(csv) = &recipe.landmarks {
            recipe.dataset.take_landmarks(&mut list, csv)?;
        }
        if let Some(size) = recipe.align {
            recipe.dataset.check_landmarks(&list)?;
            list.alignment = Alignment::Warped { size };
        }
        let (function, told) = recipe.dataset.label_function(&list, recipe.label.as_ref());
        list.warnings.extend(told);
        let labelled = recipe.dataset.labels(&list, &function)?;
        let (labels, left_out) = labels(&mut list, labelled)?;
        let part = 0..list.images.len();
        let recipe = recipe.clone();
        let (whole, identities) = (None, None);
        let mut plan = Self {
            list,
            part,
            stored_order,
            recipe,
            labels,
            function,
            left_out,
            whole,
            identities,
        };
        plan.check_pairs()?;
        plan.identities = plan.count_identities(plan.part.clone())?;
        if let Some(seed) = plan.recipe.shuffle {
            plan.shuffle(seed);
        }
        if let Some(shard) = plan.recipe.shard {
            plan.whole = Some(plan.list_digest(&[]));
            plan.part = shard.of(plan.list.images.len());
            if plan.part.is_empty() {
                return Err(Error::EmptyShard { images: plan.list.images.len() as u64 });
            }
        }
        Ok(plan)
    }

    /// Pairs are told by position, so their pictures stay where they are.
    fn check_pairs(&self) -> Result<(), Error> {
        let Recipe { shuffle, shard, layout, .. } = self.recipe;
        let option = [
            (shuffle.is_some(), "--shuffle"),
            (shard.is_some(), "--shard"),
            (layout == Layout::Insightface, "--insightface"),
        ];
        match option.into_iter().find(|(is_set, _)| *is_set && !self.list.pairs.is_empty()) {
            Some((_, option)) => Err(Error::PairsParted { option }),
            None => Ok(()),
        }
    }

    /// Identities and classes of InsightFace's layout; refuses labels it cannot hold, before any work.
    fn count_identities(
        &self,
        images: impl Iterator<Item = usize>,
    ) -> Result<Option<(u64, u64)>, Error> {
        if self.recipe.layout == Layout::Plain {
            return Ok(None);
        }
        let mut identities = Identities::default();
        for (position, at) in images.enumerate() {
            let (_, label) = self.name(at, position as u64);
            let path = || self.list.images[at].path.to_string();
            identities
                .add(label.class())
                .map_err(|source| Error::Layout { path: path(), source })?;
        }
        Ok(Some((identities.count(), identities.classes())))
    }

    /// Puts the images in a random order; of an InsightFace pack the identities, each with its images as
    /// they were.
    fn shuffle(&mut self, seed: u64) {
        let mut units: Vec<Range<usize>> = match self.recipe.layout {
            Layout::Plain => (0..self.labels.len()).map(|at| at..at + 1).collect(),
            Layout::Insightface => self.runs(),
        };
        Seed::new(seed).stream("order").shuffle(&mut units);
        let order: Vec<usize> = units.into_iter().flatten().collect();
        let labels = &mut self.labels;
        let none = || Label::Scalar(0.0);
        *labels = order.iter().map(|&at| std::mem::replace(&mut labels[at], none())).collect();
        self.list.arrange(&order);
    }

    /// Images of one class that stand together.
    fn runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for at in 0..self.labels.len() {
            let class = |at: usize| self.name(at, at as u64).1.class();
            match runs.last_mut() {
                Some(run) if class(run.start) == class(at) => run.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }

    /// Refuses a list with images that are not there, and pairs that may lose one, before any work.
    pub(in crate::pack) fn check_missing(&self, on_error: OnError) -> Result<(), Error> {
        if on_error == OnError::Skip && !self.list.pairs.is_empty() {
            return Err(Error::PairsParted { option: "--on-error skip" });
        }
        if on_error == OnError::Stop && !self.left_out.is_empty() {
            return Err(Error::Unfit { files: self.left_out.clone() });
        }
        if self.list.images.is_empty() {
            let path = self.left_out.first().map(|first| first.path.clone()).unwrap_or_default();
            return Err(Error::AllSkipped { count: self.left_out.len() as u64, path });
        }
        match self.list.missing.iter().find(|at| self.part.contains(at)) {
            Some(&at) if on_error == OnError::Stop => {
                let path = self.image(at).path.to_string();
                Err(Error::Image { path, source: ImageError::Missing })
            }
            _ => Ok(()),
        }
    }

    /// Files of the set that are not in the list, with why.
    pub(in crate::pack) fn left_out(&self) -> &[Skipped] {
        &self.left_out
    }

    /// What is done to the pictures' bytes.
    pub(in crate::pack) fn encoding(&self) -> Encoding {
        self.recipe.encoding
    }

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
    fn list_digest(&self, skipped: &[Skipped]) -> String {
        let mut hasher = blake3::Hasher::new();
        for (position, at) in self.without(skipped).enumerate() {
            let (key, label) = self.name(at, position as u64);
            hasher.update(list_line(key, &label, &self.image(at).path).as_bytes());
        }
        hasher.finalize().to_string()
    }

    /// Positions in the list of the images that are packed when those named by `skipped` are left out.
    fn without(&self, skipped: &[Skipped]) -> impl Iterator<Item = usize> {
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

    /// What an interrupted pack must agree with.
    pub(in crate::pack) fn settings(&self) -> Vec<(&'static str, String)> {
        let Recipe { encoding, align, layout, shuffle, .. } = &self.recipe;
        // Original bytes are compared with their sources, wherever those lie now.
        let root = match encoding {
            Encoding::Origin => String::new(),
            Encoding::Jpeg(_) | Encoding::Png => {
                let root = &self.recipe.root;
                root.canonicalize().unwrap_or_else(|_| root.clone()).display().to_string()
            }
        };
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        vec![
            ("the data set", self.recipe.dataset.name.to_owned()),
            ("the encoding", encoding.to_string()),
            ("the root", root),
            ("the label function", self.function.to_string()),
            ("the aligned size", or_none(align.map(|size| size.to_string()))),
            ("the layout", format!("{layout:?}").to_lowercase()),
            ("the shuffle seed", or_none(shuffle.map(|seed| seed.to_string()))),
            ("the shard", or_none(self.recipe.shard.map(|shard| shard.to_string()))),
            ("landmarks with the digest", self.landmark_digest()),
            ("a list with the digest", self.list_digest(&[])),
        ]
    }

    /// Digest of the landmarks, on which warped pictures depend; nothing where no picture is warped.
    fn landmark_digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        if self.recipe.align.is_some() {
            for landmarks in self.list.images.iter().filter_map(|image| image.landmarks.as_ref()) {
                for (x, y) in &landmarks.points {
                    hasher.update(&x.to_le_bytes());
                    hasher.update(&y.to_le_bytes());
                }
            }
        }
        hasher.finalize().to_string()
    }

    pub(in crate::pack) fn report(&self, options: &Options) -> PackReport {
        let images = &self.list.images[self.part.clone()];
        let path =
            |image: Option<&Image>| image.map_or(String::new(), |image| image.path.to_string());
        let whole = self.recipe.shard.is_none();
        PackReport {
            set: self.recipe.dataset.name.to_owned(),
            pack: options.files.path(Part::Rec).display().to_string(),
            dry_run: options.dry_run,
            kept: false,
            interrupted: false,
            count: images.len() as u64,
            resumed: 0,
            bytes: 0,
            label: self.function.to_string(),
            encoding: self.recipe.encoding,
            stored_channel_order: self.stored_order,
            alignment: self.list.alignment.clone(),
            layout: self.recipe.layout,
            identities: self.identities.filter(|_| whole).map(|(identities, _)| identities),
            classes: self.identities.filter(|_| whole).map(|(_, classes)| classes),
            shuffle: self.recipe.shuffle,
            shard: self.shard(),
            first_and_last: [path(images.first()), path(images.last())],
            order: String::new(),
            skipped: self.left_out.clone(),
            ignored: self.list.ignored,
            reoriented: 0,
            warnings: self.warnings(options),
        }
    }

    fn warnings(&self, options: &Options) -> Vec<String> {
        let there =
            Part::ALL.map(|part| options.files.path(part)).into_iter().find(|path| path.exists());
        let told = there.filter(|_| options.dry_run && options.previous == Previous::Keep);
        let told = told.map(|path| format!("{} is there already", path.display()));
        self.list.warnings.iter().cloned().chain(told).collect()
    }

    /// The report of a pack that is there already, if it is the one this plan would give: of the same
    /// settings, and proved against the sources byte for byte.
    pub(in crate::pack) fn finished_before(
        &self,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Option<PackReport>, Error> {
        if options.previous == Previous::Replace {
            return Ok(None);
        }
        let Ok(manifest) = Manifest::open(&options.files) else { return Ok(None) };
        let same = manifest.source == Provenance::List
            && manifest.set == self.recipe.dataset.name
            && manifest.label == self.function.to_string()
            && manifest.encoding == Some(self.recipe.encoding)
            && manifest.align == self.recipe.align
            && manifest.alignment == self.list.alignment
            && manifest.layout == self.recipe.layout
            && manifest.shuffle == self.recipe.shuffle
            && manifest.shard == self.shard()
            && manifest.files.lst.blake3 == self.list_digest(&manifest.skipped);
        // A pack that lacks images is not what a run that stops at the first bad one would give.
        let lacks_images = !manifest.skipped.is_empty() && options.on_error == OnError::Stop;
        if !same || lacks_images {
            return Ok(None);
        }
        let proof = verify_order::Options {
            list: self.recipe.list.clone(),
            label_csv: match &self.function {
                LabelFunction::Csv(file) => Some(file.clone()),
                _ => None,
            },
            landmarks: self.recipe.landmarks.clone(),
            ..verify_order::Options::new(SourceTree::At(self.recipe.root.clone()))
        };
        let proved = verify_order(&options.files, &proof, progress)?;
        let kept: Vec<usize> = self.without(&manifest.skipped).collect();
        let path =
            |at: Option<&usize>| at.map_or(String::new(), |&at| self.image(at).path.to_string());
        let identities = match kept.len() == self.part.len() {
            true => self.identities,
            false => self.count_identities(kept.iter().copied())?,
        };
        let identities = identities.filter(|_| self.recipe.shard.is_none());
        Ok(proved.in_order.then(|| PackReport {
            identities: identities.map(|(identities, _)| identities),
            classes: identities.map(|(_, classes)| classes),
            first_and_last: [path(kept.first()), path(kept.last())],
            kept: true,
            count: manifest.count,
            resumed: manifest.count,
            bytes: manifest.files.rec.bytes,
            order: manifest.order,
            skipped: manifest.skipped,
            reoriented: manifest.reoriented,
            ..self.report(options)
        }))
    }

    /// Digests of the files the pack is made from beside its pictures, or that hold them all.
    pub(in crate::pack) fn inputs(&self) -> Result<Vec<Input>, Error> {
        let labels = match &self.function {
            LabelFunction::Csv(file) => Some(file.as_path()),
            _ => None,
        };
        let container = match self.list.source {
            ImageSource::Files => None,
            ImageSource::Pickle(_) | ImageSource::Records(_) => Some(self.list.base.as_path()),
        };
        let files = [
            (Role::List, self.recipe.list.as_deref()),
            (Role::Labels, labels),
            (Role::Landmarks, self.recipe.landmarks.as_deref()),
            (Role::Pictures, container),
        ];
        let named = files.into_iter().filter_map(|(role, path)| Some((role, path?)));
        named.map(|(role, path)| self.named(role, path)).collect()
    }

    pub(in crate::pack) fn protocol_files(&self) -> Result<Vec<NamedDigest>, Error> {
        let digest = |path: &String| -> Result<NamedDigest, Error> {
            let blake3 = digest_file(&self.list.file(path))?.blake3;
            Ok(NamedDigest { path: path.clone(), blake3 })
        };
        let of_pairs = |text: String| NamedDigest {
            path: Part::Pairs.ending().trim_start_matches('.').to_owned(),
            blake3: FileDigest::of(text.as_bytes()).blake3,
        };
        let pairs = self.pairs().map(of_pairs).map(Ok);
        self.list.protocol_files.iter().map(digest).chain(pairs).collect()
    }

    /// Names a file by its path below the base, or by its name alone when it lies elsewhere, so that
    /// a manifest holds no path of a machine.
    fn named(&self, role: Role, path: &Path) -> Result<Input, Error> {
        let real = |path: &Path| path.canonicalize().map_err(fs::io_error("find", path));
        let (file, base) = (real(path)?, real(&self.list.base)?);
        let below = file.strip_prefix(base).ok().filter(|path| !path.as_os_str().is_empty());
        let below = below.map(Path::to_path_buf);
        let name = below.or_else(|| path.file_name().map(PathBuf::from)).unwrap_or_default();
        let path_in_manifest = name.to_string_lossy().into_owned();
        Ok(Input { role, path: path_in_manifest, blake3: digest_file(path)?.blake3 })
    }
}

/// Why no list can hold a name.
const UNLISTED: &str = "expected a file name of UTF-8 text without tab or line end, so that a list can hold it; rename it";

/// Takes the labels, and the images that have none out of the list; returns what is left out with it. A set
/// that tells its pairs by position keeps all of them or is refused.
fn labels(
    list: &mut ImageList,
    labels: Vec<Labelled>,
) -> Result<(Vec<Label>, Vec<Skipped>), Error> {
    let unlisted = list.unlisted.iter();
    let mut left_out: Vec<Skipped> =
        unlisted.map(|path| Skipped { path: path.clone(), reason: UNLISTED.to_owned() }).collect();
    let labelled: Vec<bool> = labels.iter().map(Result::is_ok).collect();
    let mut taken = Vec::with_capacity(labels.len());
    for (image, label) in list.images.iter().zip(labels) {
        match label {
            Ok(label) => taken.push(label),
            Err(error) if !list.pairs.is_empty() => return Err(error.into()),
            Err(error) => {
                let path = image.path.to_string();
                left_out.push(Skipped { path, reason: chain(&error) });
            }
        }
    }
    list.retain(|at| labelled[at]);
    Ok((taken, left_out))
}
