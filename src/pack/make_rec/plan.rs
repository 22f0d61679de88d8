//! What will be packed, decided before any work.

use super::{Encoding, OnError, Options, PackReport, Previous};
use crate::datasets::{Alignment, DataSet, Image, ImageList, LabelFunction, Request};
use crate::fs;
use crate::image::ChannelOrder;
use crate::pack::manifest::{Manifest, NamedDigest, PointsNote, Skipped, digest_file};
use crate::pack::records::list_line;
use crate::pack::verify_order::{self, Depth, SourceTree, verify_order};
use crate::pack::{Error, ImageError, Part};
use crate::progress::Progress;
use crate::recordio::Label;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What will be packed, decided before any work.
pub(in crate::pack) struct Plan {
    pub(in crate::pack) list: ImageList,
    labels: Vec<Label>,
    function: LabelFunction,
}

impl Plan {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let request = Request {
            root: &options.root,
            aligned_dir: options.aligned_dir.as_deref(),
            list: options.list.as_deref(),
        };
        Self::of(options.dataset, &request, options.label.clone())
    }

    /// Lists and labels a set.
    pub(in crate::pack) fn of(
        dataset: &'static DataSet,
        request: &Request<'_>,
        label: Option<LabelFunction>,
    ) -> Result<Self, Error> {
        let list = dataset.list(request)?;
        let function = label.unwrap_or_else(dataset.default_label);
        let labels = dataset.labels(&list, &function)?;
        Ok(Self { list, labels, function })
    }

    /// Refuses a list with images that are not there, before any work.
    pub(super) fn check_missing(&self, on_error: OnError) -> Result<(), Error> {
        match self.list.missing.first() {
            Some(&at) if on_error == OnError::Stop => {
                let path = self.image(at).path.to_string();
                Err(Error::Image { path, source: ImageError::Missing })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn image(&self, at: usize) -> &Image {
        &self.list.images[at]
    }

    pub(in crate::pack) fn source(&self, at: usize) -> PathBuf {
        self.list.file(&self.image(at).path)
    }

    /// Key and label of the image at `at` when it becomes record `position`.
    pub(in crate::pack) fn name(&self, at: usize, position: u64) -> (u64, Label) {
        let key = self.image(at).key.unwrap_or(position);
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
            Alignment::Folder(_) => "original",
            Alignment::Landmarks | Alignment::Unknown => "stored",
        };
        Some(PointsNote { points: landmarks.points.len() as u64, picture: picture.to_owned() })
    }

    /// Digest of the `.lst` that results when the images named by `skipped` are left out.
    fn list_digest(&self, skipped: &[Skipped]) -> String {
        let mut hasher = blake3::Hasher::new();
        let left_out: HashSet<&str> = skipped.iter().map(|skipped| &*skipped.path).collect();
        let mut position = 0;
        for (at, image) in self.list.images.iter().enumerate() {
            if left_out.contains(&*image.path) {
                continue;
            }
            let (key, label) = self.name(at, position);
            hasher.update(list_line(key, &label, &image.path).as_bytes());
            position += 1;
        }
        hasher.finalize().to_string()
    }

    /// What an interrupted pack must agree with.
    pub(super) fn settings(&self, options: &Options) -> [(&'static str, String); 5] {
        // Original bytes are compared with their sources, wherever those lie now.
        let root = match options.encoding {
            Encoding::Origin => String::new(),
            Encoding::Jpeg(_) | Encoding::Png => {
                let root = options.root.canonicalize().unwrap_or_else(|_| options.root.clone());
                root.display().to_string()
            }
        };
        [
            ("the root", root),
            ("the data set", options.dataset.name.to_owned()),
            ("the label function", self.function.to_string()),
            ("the encoding", options.encoding.to_string()),
            ("a list with the digest", self.list_digest(&[])),
        ]
    }

    pub(super) fn report(&self, options: &Options) -> PackReport {
        let images = &self.list.images;
        let path =
            |image: Option<&Image>| image.map_or(String::new(), |image| image.path.to_string());
        PackReport {
            set: options.dataset.name.to_owned(),
            pack: options.files.path(Part::Rec).display().to_string(),
            dry_run: options.dry_run,
            count: images.len() as u64,
            resumed: 0,
            bytes: 0,
            label: self.function.to_string(),
            encoding: options.encoding,
            stored_channel_order: ChannelOrder::Rgb,
            alignment: self.list.alignment.clone(),
            first_and_last: [path(images.first()), path(images.last())],
            order: String::new(),
            skipped: Vec::new(),
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
    pub(super) fn finished_before(
        &self,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Option<PackReport>, Error> {
        if options.previous == Previous::Replace {
            return Ok(None);
        }
        let Ok(manifest) = Manifest::open(&options.files) else { return Ok(None) };
        let same = manifest.set == options.dataset.name
            && manifest.label == self.function.to_string()
            && manifest.encoding == options.encoding
            && manifest.files.lst.blake3 == self.list_digest(&manifest.skipped);
        if !same {
            return Ok(None);
        }
        let proof = verify_order::Options {
            source: SourceTree::At(options.root.clone()),
            list: options.list.clone(),
            label_csv: match &self.function {
                LabelFunction::Csv(file) => Some(file.clone()),
                _ => None,
            },
            against: None,
            depth: Depth::Full,
        };
        let proved = verify_order(&options.files, &proof, progress)?;
        Ok(proved.in_order.then(|| PackReport {
            count: manifest.count,
            resumed: manifest.count,
            bytes: manifest.files.rec.bytes,
            order: manifest.order,
            skipped: manifest.skipped,
            reoriented: manifest.reoriented,
            ..self.report(options)
        }))
    }

    /// Digests of the list or the csv of labels.
    pub(in crate::pack) fn inputs(&self, list: Option<&Path>) -> Result<Vec<NamedDigest>, Error> {
        let labels = match &self.function {
            LabelFunction::Csv(file) => Some(file),
            _ => None,
        };
        let labels = labels.map(PathBuf::as_path);
        list.into_iter().chain(labels).map(|path| self.named(path)).collect()
    }

    pub(in crate::pack) fn protocol_files(&self) -> Result<Vec<NamedDigest>, Error> {
        let digest = |path: &String| -> Result<NamedDigest, Error> {
            let blake3 = digest_file(&self.list.file(path))?.blake3;
            Ok(NamedDigest { path: path.clone(), blake3 })
        };
        self.list.protocol_files.iter().map(digest).collect()
    }

    /// Names a file by its path below the base, or by its name alone when it lies elsewhere, so that
    /// a manifest holds no path of a machine.
    fn named(&self, path: &Path) -> Result<NamedDigest, Error> {
        let real = |path: &Path| path.canonicalize().map_err(fs::io_error("find", path));
        let (file, base) = (real(path)?, real(&self.list.base)?);
        let below = file.strip_prefix(base).ok().map(Path::to_path_buf);
        let name = below.or_else(|| path.file_name().map(PathBuf::from)).unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(NamedDigest { path: name, blake3: digest_file(path)?.blake3 })
    }
}
