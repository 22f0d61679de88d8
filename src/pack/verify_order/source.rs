//! The source tree of a pack, listed and labelled as the pack says it was.

use super::findings::Findings;
use super::{Depth, Difference, Options, SourceTree};
use crate::datasets::{self, LabelFunction, Request};
use crate::pack::make_rec::{Plan, read_picture};
use crate::pack::records::Row;
use crate::pack::{Error, Manifest, NamedDigest, chain};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The source tree of a pack, listed and labelled as the pack says it was.
pub(super) struct Source {
    pub(super) plan: Plan,
    /// Positions of the list that are in the pack.
    pub(super) packed: Vec<usize>,
    /// Positions of the list that were skipped.
    skipped: Vec<usize>,
    list: Option<PathBuf>,
}

impl Source {
    /// Lists the tree. One that is not there is told as not compared, unless the user named it; one that
    /// is there and cannot be listed is a difference.
    pub(super) fn find(
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let (root, named) = match &options.source {
            SourceTree::At(root) => (root, true),
            SourceTree::Perhaps(root) => (root, false),
        };
        match Self::list(manifest, root, options) {
            Ok(source) => Ok(Some(source)),
            Err(error) if is_absence(&error) && named => Err(error),
            Err(error) if is_absence(&error) => {
                let reason = chain(&error);
                findings.not_checked(format!("the source tree: {reason}; --root names another"));
                Ok(None)
            }
            Err(error @ (Error::DataSet(_) | Error::Label(_))) => {
                let place = root.display().to_string();
                findings.differs(place, None, "the source tree of this pack", chain(&error));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn list(manifest: &Manifest, root: &Path, options: &Options) -> Result<Self, Error> {
        let no_input =
            |name: &str| Error::NoInput { root: root.to_path_buf(), name: name.to_owned() };
        let dataset = datasets::find(&manifest.set)
            .ok_or_else(|| no_input(&format!("a set {}", manifest.set)))?;
        let list = match options.list.clone() {
            Some(list) => Some(list),
            None if dataset.takes_list => {
                Some(Self::input(manifest, root, 0).ok_or_else(|| no_input("the list"))?)
            }
            None => None,
        };
        let label =
            Self::label(manifest, root, options).ok_or_else(|| no_input("the csv of labels"))?;
        let aligned_dir = match &manifest.alignment {
            datasets::Alignment::Folder(name) => Some(name.as_str()),
            _ => None,
        };
        let request = Request { root, aligned_dir, list: list.as_deref() };
        Ok(Self::new(Plan::of(dataset, &request, Some(label))?, manifest, list))
    }

    /// The list or csv the pack was made from, where it lies below the root.
    fn input(manifest: &Manifest, root: &Path, at: usize) -> Option<PathBuf> {
        let input = manifest.inputs.get(at)?;
        Some(root.join(&input.path)).filter(|path| path.is_file())
    }

    fn label(manifest: &Manifest, root: &Path, options: &Options) -> Option<LabelFunction> {
        if !manifest.label.starts_with("csv:") {
            return manifest.label.parse().ok();
        }
        let last = manifest.inputs.len().checked_sub(1)?;
        let csv = options.label_csv.clone().or_else(|| Self::input(manifest, root, last))?;
        Some(LabelFunction::Csv(csv))
    }

    fn new(plan: Plan, manifest: &Manifest, list: Option<PathBuf>) -> Self {
        let left_out: HashSet<&str> =
            manifest.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        let all = 0..plan.list.images.len();
        let (skipped, packed) = all.partition(|&at| left_out.contains(&*plan.list.images[at].path));
        Self { plan, packed, skipped, list }
    }

    /// Compares what concerns the whole list: its inputs, its length, the files that were skipped.
    pub(super) fn compare_lists(
        &self,
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let inputs = self.plan.inputs(self.list.as_deref())?;
        let digest_of = |all: &[NamedDigest]| -> Vec<String> {
            all.iter().map(|input| input.blake3.clone()).collect()
        };
        if digest_of(&inputs) != digest_of(&manifest.inputs) {
            let names: Vec<_> = manifest.inputs.iter().map(|input| input.path.clone()).collect();
            findings.differs(names.join(", "), None, "the file the pack was made from", "another");
        }
        let protocol = self.plan.protocol_files()?;
        for stated in &manifest.protocol_files {
            match protocol.iter().find(|own| own.path == stated.path) {
                Some(own) if own == stated => {}
                Some(own) => {
                    let digest = |blake3: &str| format!("BLAKE3 {blake3}");
                    let (then, now) = (digest(&stated.blake3), digest(&own.blake3));
                    findings.differs(stated.path.clone(), None, then, now);
                }
                None => findings.differs(stated.path.clone(), None, "a protocol file", "nothing"),
            }
        }
        if options.depth == Depth::Full {
            for &at in &self.skipped {
                if read_picture(&self.plan.source(at), manifest.encoding).is_ok() {
                    let path = self.plan.list.images[at].path.to_string();
                    findings.differs(path, None, "a file that cannot be packed", "a whole picture");
                }
            }
        }
        Ok(())
    }

    /// Compares a row with the image that the source tree has at its position.
    pub(super) fn compare(&self, row: &Row, manifest: &Manifest, depth: Depth) -> Vec<Difference> {
        let position = row.position;
        let at = |expected: String, found: String| Difference {
            place: row.path.clone(),
            position: Some(position),
            expected,
            found,
        };
        let Some(&listed) = self.packed.get(position as usize) else {
            return vec![at("no more images in the source tree".to_owned(), "a record".to_owned())];
        };
        let image = &self.plan.list.images[listed];
        if *image.path != *row.path {
            return vec![at(
                format!("{} as the source tree's next image", image.path),
                row.path.clone(),
            )];
        }
        let mut found = Vec::new();
        let (key, label) = self.plan.name(listed, position);
        if key != row.key {
            found.push(at(format!("key {key}"), format!("key {}", row.key)));
        }
        if !label.same_bits(&row.label) {
            found.push(at(format!("label {label}"), format!("label {}", row.label)));
        }
        if image.landmarks.as_deref() != row.landmarks.as_ref() {
            let text = |points: Option<&datasets::Landmarks>| format!("landmarks {points:?}");
            found.push(at(text(image.landmarks.as_deref()), text(row.landmarks.as_ref())));
        }
        if self.plan.list.missing.binary_search(&listed).is_ok() {
            found.push(at("the source file".to_owned(), "no such file".to_owned()));
        } else if depth == Depth::Full {
            match read_picture(&self.plan.source(listed), manifest.encoding) {
                Ok(picture) if picture.digest == row.digest => {}
                Ok(picture) => {
                    let source = format!("the source file, BLAKE3 {}", picture.digest);
                    found.push(at(source, format!("BLAKE3 {}", row.digest)));
                }
                Err(error) => found.push(at("the source file".to_owned(), chain(&error))),
            }
        }
        found
    }
}

/// Whether a tree cannot be listed because it, or what the list comes from, is not there.
fn is_absence(error: &Error) -> bool {
    use datasets::Error::{Missing, NoImages, NoRoot};
    matches!(
        error,
        Error::NoInput { .. } | Error::DataSet(NoRoot { .. } | Missing { .. } | NoImages { .. })
    )
}
