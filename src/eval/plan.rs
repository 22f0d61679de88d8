//! What a task needs, found and checked before the first image is embedded.

use super::features::Origin;
use super::images::{Images, Place, Wanted};
use super::sets::{EvalSet, Kind};
use super::templates::TemplatePlan;
use super::{Error, Options, OtherAlignment, Task, pairs};
use crate::datasets::Protocol;
use crate::pack::PackFiles;
use crate::progress::Progress;
use crate::protocol::{Identification, Members, Pairs, Probes};

/// Identity of what belongs to nobody.
const NOBODY: i64 = -1;

/// One entry of the report to be.
pub(super) struct Plan {
    /// The set, or what is done with packs of one's own.
    pub(super) name: String,
    /// The images, pack after pack.
    pub(super) images: Vec<Images>,
    /// How they are scored.
    pub(super) scoring: Scoring,
    /// What differs from the published set or its protocol.
    pub(super) warnings: Vec<String>,
}

/// How images are scored.
pub(super) enum Scoring {
    /// Not at all.
    None,
    /// Probes in a gallery.
    Identification(Identification),
    /// Templates.
    Templates(Box<TemplatePlan>),
    /// Ten folds of pairs.
    Pairs(Pairs),
    /// Ten folds of pairs, the first picture of each reduced.
    ReducedPairs(Pairs),
    /// Ten folds and TAR at FAR of pairs of one's own.
    OwnPairs(Pairs),
}

impl Plan {
    /// Finds and checks what the task needs.
    pub(super) fn of_task(
        options: &Options,
        origin: &Origin<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Self>, Error> {
        let wanted = match origin {
            Origin::Model(_) => Wanted::Pictures,
            Origin::Files { .. } => Wanted::Names,
        };
        let packed = |pack: &PackFiles| Images::packed(pack, wanted, progress);
        match &options.task {
            Task::Sets(sets) => sets
                .iter()
                .map(|(set, place)| Self::of_set(set, place, options, wanted, progress))
                .collect(),
            Task::Features { pack } => {
                Ok(vec![Self::of_own(&pack.stem, vec![packed(pack)?], Scoring::None)])
            }
            Task::Verification { pack, pairs: path } => {
                let images = packed(pack)?;
                let pairs = pairs::read(path, images.len())?;
                Ok(vec![Self::of_own("verification", vec![images], Scoring::OwnPairs(pairs))])
            }
            Task::Identification { gallery, probe, distractor } => {
                let packs = [Some(gallery), distractor.as_ref(), Some(probe)];
                let images: Vec<Images> =
                    packs.into_iter().flatten().map(packed).collect::<Result<_, _>>()?;
                let scoring = Scoring::Identification(by_labels(&images)?);
                Ok(vec![Self::of_own("identification", images, scoring)])
            }
        }
    }

    fn of_own(name: &str, images: Vec<Images>, scoring: Scoring) -> Self {
        Self { name: name.to_owned(), images, scoring, warnings: Vec::new() }
    }

    fn of_set(
        set: &'static EvalSet,
        place: &Place,
        options: &Options,
        wanted: Wanted,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let images = Images::of_set(set, place, wanted, progress)?;
        let mut warnings = Vec::new();
        check_skipped(&images)?;
        if let Some(found) = images.alignment.as_ref().filter(|found| !set.alignment.allows(found))
        {
            let expected = set.alignment.to_string();
            match options.alignment {
                OtherAlignment::Accept => warnings.push(format!(
                    "aligned in another way than the protocol expects: {found}, not {expected}"
                )),
                OtherAlignment::Refuse => {
                    let (place, found) = (images.files[0].clone(), found.clone());
                    return Err(Error::Alignment { set: set.name, place, expected, found });
                }
            }
        }
        let pairs = || -> Result<Pairs, Error> {
            let none = || Error::NoPairs { set: set.name, place: images.files[0].clone() };
            images.pairs()?.ok_or_else(none)
        };
        let scoring = match set.kind {
            Kind::Identification => {
                let Protocol::Identification(parts) = set.data_set().protocol else {
                    return Err(Error::Fault("a set without its protocol"));
                };
                let parts = parts(&images.paths())
                    .map_err(|source| Error::Protocol { set: set.name, source })?;
                warnings.extend(parts.warnings.iter().cloned());
                Scoring::Identification(parts)
            }
            Kind::Templates => {
                let Protocol::Templates(edition) = set.data_set().protocol else {
                    return Err(Error::Fault("a set without its protocol"));
                };
                let plan = TemplatePlan::of_set(set, edition, place, &images, &options.protocol)?;
                warnings.extend(plan.warnings.iter().cloned());
                Scoring::Templates(Box::new(plan))
            }
            Kind::Pairs => Scoring::Pairs(pairs()?),
            Kind::ReducedPairs => Scoring::ReducedPairs(pairs()?),
        };
        Ok(Self { name: set.name.to_owned(), images: vec![images], scoring, warnings })
    }
}

/// Refuses a pack that lacks images of its list.
fn check_skipped(images: &Images) -> Result<(), Error> {
    let Some(pack) = images.pack() else { return Ok(()) };
    match pack.manifest.skipped.first() {
        None => Ok(()),
        Some(first) => Err(Error::Skipped {
            pack: images.files[0].clone(),
            first: first.path.clone(),
            count: pack.manifest.skipped.len() as u64,
        }),
    }
}

/// Gallery, perhaps distractors, and probes, as if they lay in one pack in this order.
fn by_labels(packs: &[Images]) -> Result<Identification, Error> {
    let mut parts = Identification::default();
    let mut probes = Members::default();
    let mut position = 0;
    for (at, pack) in packs.iter().enumerate() {
        let is_distractors = packs.len() == 3 && at == 1;
        let is_probes = at + 1 == packs.len();
        for (row, label) in pack.identities()?.into_iter().enumerate() {
            match (is_distractors, is_probes) {
                (true, _) => parts.gallery.push(position, NOBODY),
                (_, false) => parts.gallery.push(position, label),
                (_, true) if label < 0 => return Err(pack.no_identity(row)),
                (_, true) => probes.push(position, label),
            }
            position += 1;
        }
    }
    parts.probes.push(Probes { name: "", members: probes });
    Ok(parts)
}
