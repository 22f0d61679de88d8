//! The source tree of a pack, listed and labelled as the pack says it was.

use super::Error;
use super::adopted::Adopted;
use super::findings::Findings;
use super::not_checked::NotChecked;
use super::options::{Depth, Options, SourceTree};
use super::recipe_told::{Told, recipe_told};
use super::report::Difference;
use crate::causes::chain;
use crate::datasets;
use crate::pack::manifest::{Input, Manifest, Provenance};
use crate::pack::plan::{PackPlan, PlanError, inputs, plan, protocol_files};
use crate::pack::records::{Row, RowReader};
use crate::pack::{Error as PackError, PackFiles, Part};
use crate::recordio::Record;
use std::collections::HashSet;
use std::path::Path;

/// The source tree of a pack, listed and labelled as the pack says it was.
pub(super) struct ListedTree {
    plan: PackPlan,
    /// Positions of the list that are in the pack.
    packed: Vec<usize>,
    /// Positions of the list that were skipped.
    skipped: Vec<usize>,
    /// The files it is made from beside the pictures.
    inputs: Vec<Input>,
    /// Of a pack made elsewhere, which takes its order from itself, the images by path.
    adopted: Option<Adopted>,
}

impl ListedTree {
    /// Lists the tree. One that is not there is told as not compared, unless the user named it; one that
    /// is there and cannot be listed is a difference.
    pub(super) fn find(
        files: &PackFiles,
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let (root, named) = match &options.source {
            SourceTree::At(root) => (root, true),
            SourceTree::Perhaps(root) => (root, false),
            SourceTree::Aside => return Ok(None),
        };
        if manifest.source == Provenance::Pack {
            findings.not_checked(NotChecked::Adopted);
            return Ok(None);
        }
        match Self::list(files, manifest, root, options, findings) {
            Ok(tree) if !named && !tree.holds_any_of(files) => {
                findings.not_checked(NotChecked::OtherTree { root: root.clone() });
                Ok(None)
            }
            Ok(tree) => Ok(Some(tree)),
            Err(error) if is_absence(&error, root) && named => Err(error),
            Err(error) if is_absence(&error, root) => {
                findings.not_checked(NotChecked::NoTree { reason: chain(&error) });
                Ok(None)
            }
            Err(error @ Error::Plan(PlanError::DataSet(_) | PlanError::Label(_))) => {
                let place = root.display().to_string();
                findings.differs(place, Some(0), "the source tree of this pack", chain(&error));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn list(
        files: &PackFiles,
        manifest: &Manifest,
        root: &Path,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let Told { recipe, by_the_pack } = recipe_told(files, manifest, root, options, findings)?;
        let plan = plan(recipe)?;
        let inputs = if by_the_pack { manifest.inputs.clone() } else { inputs(&plan)? };
        Ok(Self::new(plan, manifest, inputs))
    }

    /// Whether the tree has one of the pack's first pictures; another tree of the same kind has none.
    fn holds_any_of(&self, files: &PackFiles) -> bool {
        let Ok(mut rows) = RowReader::open(&files.path(Part::Records)) else { return true };
        let own: HashSet<&str> = self.plan.list.images.iter().map(|image| &*image.path).collect();
        let mut seen = 0;
        while seen < ROWS_COMPARED {
            match rows.next_row() {
                Some(Ok(row)) if own.contains(row.path.as_str()) => return true,
                Some(Ok(_)) => seen += 1,
                // Damage is told by the pass over the records.
                Some(Err(_)) => return true,
                None => break,
            }
        }
        seen == 0
    }

    fn new(plan: PackPlan, manifest: &Manifest, inputs: Vec<Input>) -> Self {
        let left_out: HashSet<&str> =
            manifest.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        let all = plan.part.clone();
        let (skipped, packed) = all.partition(|&at| left_out.contains(&*plan.image(at).path));
        let adopted = (manifest.source == Provenance::Tree).then(|| Adopted::of(&plan, manifest));
        Self { plan, packed, skipped, inputs, adopted }
    }

    /// The folder of the tree.
    pub(super) fn base(&self) -> &Path {
        &self.plan.list.base
    }

    /// The path of the image that should follow the last record, at `position`.
    pub(super) fn after(&self, position: u64) -> Option<&str> {
        let listed = self.packed.get(position as usize).filter(|_| self.adopted.is_none())?;
        Some(&self.plan.image(*listed).path)
    }

    /// Compares what concerns the whole list: its inputs, its length, the files that were skipped.
    pub(super) fn compare_lists(
        &self,
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<(), PackError> {
        let digest_of = |all: &[Input]| -> Vec<String> {
            all.iter().map(|input| input.blake3.clone()).collect()
        };
        if digest_of(&self.inputs) != digest_of(&manifest.inputs) {
            let names: Vec<_> = manifest.inputs.iter().map(|input| input.path.clone()).collect();
            findings.differs(names.join(", "), None, "the file the pack was made from", "another");
        }
        let protocol = protocol_files(&self.plan)?;
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
        for own in &protocol {
            if !manifest.protocol_files.iter().any(|stated| stated.path == own.path) {
                let expected = format!("the protocol file {} in the manifest", own.path);
                findings.differs("manifest.json", None, expected, "no mention of it");
            }
        }
        for unfit in &self.plan.left_out {
            if !manifest.skipped.iter().any(|skipped| skipped.path == unfit.path) {
                let expected = "a mention of this file among the skipped of the manifest";
                findings.differs(unfit.path.clone(), None, expected, unfit.reason.clone());
            }
        }
        self.compare_description(manifest, findings);
        if options.depth == Depth::Full {
            for &at in &self.skipped {
                if self.plan.picture(at).is_ok() {
                    let path = self.plan.list.images[at].path.to_string();
                    findings.differs(path, None, "a file that cannot be packed", "a whole picture");
                }
            }
        }
        Ok(())
    }

    /// Compares what the manifest says of the pictures with what the tree tells.
    fn compare_description(&self, manifest: &Manifest, findings: &mut Findings) {
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        let colours = match self.adopted {
            // They were declared; each picture is held against its source in them.
            Some(_) => manifest.stored_channel_order,
            None => self.plan.stored_order,
        };
        let pairs = [
            ("shard", text(&self.plan.shard()), text(&manifest.shard)),
            ("alignment", text(&self.plan.list.alignment), text(&manifest.alignment)),
            ("landmarks", text(&self.plan.points_note()), text(&manifest.landmarks)),
            ("stored_channel_order", text(&colours), text(&manifest.stored_channel_order)),
        ];
        for (name, expected, found) in pairs {
            if expected != found {
                findings.differs(format!("manifest.json: {name}"), None, expected, found);
            }
        }
    }

    /// Compares a row with the image that the source tree has at its position.
    pub(super) fn compare<'a>(
        &self,
        row: &Row,
        record: impl Fn() -> Option<Record<'a>>,
        depth: Depth,
    ) -> Vec<Difference> {
        let position = row.position;
        let at = |expected: String, found: String| Difference {
            place: row.path.clone(),
            position: Some(position),
            expected,
            found,
        };
        if let Some(adopted) = &self.adopted {
            let compared = adopted.compare(&self.plan, row, record, depth);
            return compared.into_iter().map(|(expected, found)| at(expected, found)).collect();
        }
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
            match self.plan.picture(listed) {
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

/// Rows that are looked for in a tree to see whether it is the pack's.
const ROWS_COMPARED: usize = 100;

/// Whether a tree cannot be listed because it is not there, or its folder is empty.
fn is_absence(error: &Error, root: &Path) -> bool {
    let is_empty = || std::fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
    match error {
        Error::NoSet { .. }
        | Error::Plan(PlanError::DataSet(
            datasets::Error::NoRoot { .. } | datasets::Error::NoFile { .. },
        )) => true,
        Error::Plan(PlanError::DataSet(
            datasets::Error::Missing { .. } | datasets::Error::NoImages { .. },
        )) => is_empty(),
        _ => false,
    }
}
