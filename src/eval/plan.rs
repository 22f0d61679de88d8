//! What a task needs, found and checked before the first image is embedded.

use super::embed::Weighing;
use super::error::{Error, FeaturesError, ImagesError, PlanError};
use super::features::Origin;
use super::fusion;
use super::images::{Images, Place, Wanted};
use super::options::{Options, OtherAlignment, Task};
use super::pairs::FOLDS;
use super::sets::{EvalSet, Kind};
use super::settings::{Fusion, Protocol as Switched};
use super::subject::Subject;
use super::templates::TemplatePlan;
use super::warning::{Warning, WarningKind};
use crate::datasets::{Protocol, read_pairs};
use crate::pack::{self, Manifest, PackFiles, Provenance};
use crate::progress::Progress;
use crate::protocol::{Identification, Members, OtherCount, Pairs, Probes};
use std::collections::HashSet;

/// Identity of what belongs to nobody.
const NOBODY: i64 = -1;

/// One entry of the report to be.
pub(super) struct Plan {
    /// What the files of its features are called after, where the images have no name of their own.
    pub(super) name: String,
    /// The images, pack after pack.
    pub(super) images: Vec<Images>,
    /// What each pack is, where there are several.
    pub(super) roles: Vec<Role>,
    /// As what and how they are scored; none where they are not.
    pub(super) scoring: Option<(Subject, Scoring)>,
    /// What differs from the published set or its protocol.
    pub(super) warnings: Vec<Warning>,
}

/// What a pack of one's own is in a search.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Gallery,
    Distractor,
    Probe,
}

impl Role {
    /// What the files of its features begin with.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gallery => "gallery",
            Self::Distractor => "distractor",
            Self::Probe => "probe",
        }
    }
}

/// How images are scored.
pub(super) enum Scoring {
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
    /// How its scoring weighs a face: templates alone are weighed.
    pub(super) fn weighing(&self, protocol: &Switched) -> Weighing {
        match self.scoring {
            Some((_, Scoring::Templates(_))) if protocol.norm => Weighing::ByNorm(protocol.name),
            _ => Weighing::Alike,
        }
    }

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
                Ok(vec![Self::of_own(&pack.stem, vec![packed(pack)?], None)])
            }
            Task::Verification { pack, pairs: path } => {
                let images = packed(pack)?;
                let pairs = read_pairs(path, images.len())?;
                check_folds(&path.display().to_string(), &pairs)?;
                let scoring = (Subject::OwnPairs, Scoring::OwnPairs(pairs));
                Ok(vec![Self::of_own(scoring.0.name(), vec![images], Some(scoring))])
            }
            Task::Identification { gallery, probe, distractor } => {
                let distractor = distractor.iter().map(|pack| (Role::Distractor, pack));
                let packs = [(Role::Gallery, gallery)].into_iter().chain(distractor);
                let (mut roles, mut images) = (Vec::new(), Vec::new());
                for (role, pack) in packs.chain([(Role::Probe, probe)]) {
                    roles.push(role);
                    images.push(packed(pack)?);
                }
                let parts = by_labels(&roles, &images)?;
                let subject = Subject::OwnGallery;
                check_mates(subject, &parts)?;
                let scoring = Some((subject, Scoring::Identification(parts)));
                Ok(vec![Self { roles, ..Self::of_own(subject.name(), images, scoring) }])
            }
        }
    }

    fn of_own(name: &str, images: Vec<Images>, scoring: Option<(Subject, Scoring)>) -> Self {
        let (roles, warnings) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), images, roles, scoring, warnings }
    }

    fn of_set(
        set: &'static EvalSet,
        place: &Place,
        options: &Options,
        wanted: Wanted,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let images = Images::of_set(set, place, wanted, progress)?;
        check_whole(set, &images)?;
        check_fusion(set, &images, options, wanted)?;
        let subject = Subject::Set(set);
        let mut warnings: Vec<Warning> = other_source(set, &images).into_iter().collect();
        if let Some(found) = images.alignment.as_ref().filter(|found| !set.alignment.allows(found))
        {
            let expected = set.alignment.to_string();
            match options.alignment {
                OtherAlignment::Accept => warnings.push(Warning::new(
                    WarningKind::OtherAlignment,
                    format!(
                        "aligned in another way than the protocol expects: {found}, not {expected}"
                    ),
                )),
                OtherAlignment::Refuse => {
                    let (place, found) = (images.files[0].clone(), found.clone());
                    return Err(
                        PlanError::Alignment { set: set.name, place, expected, found }.into()
                    );
                }
            }
        }
        let pairs = || -> Result<Pairs, Error> {
            let none = || PlanError::NoPairs { set: set.name, place: images.files[0].clone() };
            Ok(images.pairs()?.ok_or_else(none)?)
        };
        let scoring = match set.kind {
            Kind::ClosedSet | Kind::Distances => {
                let Protocol::Identification(parts) = set.data_set().protocol else {
                    panic!("{}: a set of this kind has a protocol of it", set.name);
                };
                let parts = parts(&images.paths())
                    .map_err(|source| PlanError::Protocol { set: set.name, source })?;
                warnings.extend(parts.other_counts.iter().cloned().map(Warning::from));
                check_mates(subject, &parts)?;
                Scoring::Identification(parts)
            }
            Kind::Templates => {
                let Protocol::Templates(edition) = set.data_set().protocol else {
                    panic!("{}: a set of this kind has a protocol of it", set.name);
                };
                let plan = TemplatePlan::of_set(set, edition, place, &images, &options.protocol)?;
                warnings.extend(plan.warnings.iter().cloned());
                Scoring::Templates(Box::new(plan))
            }
            Kind::Pairs => {
                let pairs = pairs()?;
                check_folds(&images.files[0], &pairs)?;
                warnings.extend(other_pairs(set, &pairs));
                Scoring::Pairs(pairs)
            }
            Kind::ReducedPairs if wanted == Wanted::Names => {
                return Err(PlanError::ReducedWithoutModel.into());
            }
            Kind::ReducedPairs => {
                let pairs = pairs()?;
                check_folds(&images.files[0], &pairs)?;
                check_two_by_two(&images.files[0], &pairs)?;
                warnings.extend(other_pairs(set, &pairs));
                Scoring::ReducedPairs(pairs)
            }
        };
        let (name, images) = (set.name.to_owned(), vec![images]);
        Ok(Self { name, images, roles: Vec::new(), scoring: Some((subject, scoring)), warnings })
    }
}

/// Refuses a pack that is a part of its list, or whose names nobody knows where names are scored by.
fn check_whole(set: &EvalSet, images: &Images) -> Result<(), PlanError> {
    let Some(pack) = images.pack() else { return Ok(()) };
    let told = images.files[0].clone();
    let Manifest { source, skipped, shard, .. } = &pack.manifest;
    let by_position = matches!(set.kind, Kind::Pairs | Kind::ReducedPairs);
    if *source == Provenance::Pack && !by_position {
        return Err(PlanError::MadeUpNames { set: set.name, pack: told });
    }
    if let Some(shard) = shard.as_ref().filter(|shard| shard.count > 1) {
        let (index, count) = (shard.index, shard.count);
        return Err(PlanError::Shard { pack: told, index, count });
    }
    match skipped.first() {
        None => Ok(()),
        Some(first) => {
            let (first, count) = (first.path.clone(), skipped.len() as u64);
            Err(PlanError::Skipped { pack: told, first, count })
        }
    }
}

/// Refuses a fusion that these images or this protocol cannot have.
fn check_fusion(
    set: &EvalSet,
    images: &Images,
    options: &Options,
    wanted: Wanted,
) -> Result<(), Error> {
    let protocol = &options.protocol;
    let refused = |source| {
        let path = images.path(0).to_owned();
        Err(FeaturesError::Fusion { path, source }.into())
    };
    match protocol.fusion {
        _ if wanted == Wanted::Names => Ok(()),
        Fusion::Concat if !protocol.flip => refused(fusion::Error::Views { found: 1 }),
        Fusion::FacenessScore if (0..images.len()).any(|at| images.score(at).is_none()) => {
            refused(fusion::Error::NoScore)
        }
        Fusion::FacenessScore
            if set.kind == Kind::Templates && (protocol.norm || protocol.detector_score) =>
        {
            Err(PlanError::WeighedTwice { protocol: protocol.name }.into())
        }
        _ => Ok(()),
    }
}

/// What a pack says that it was made from, where that is another set.
fn other_source(set: &EvalSet, images: &Images) -> Option<Warning> {
    let warning = |text| Warning::new(WarningKind::OtherPack, text);
    let manifest = &images.pack()?.manifest;
    if manifest.set != set.dataset {
        let own = &manifest.set;
        return Some(warning(format!("the pack is one of {own}, scored as {}", set.name)));
    }
    let file = manifest.input(pack::Role::Pictures)?.path.as_str();
    let name = file.rsplit('/').next().unwrap_or(file);
    let same = name.strip_suffix(".bin").is_none_or(|stem| stem == set.stem);
    (!same).then(|| warning(format!("the pack was made from {name}, scored as {}", set.name)))
}

/// How many pairs there are, where that is another number than the published one.
fn other_pairs(set: &EvalSet, pairs: &Pairs) -> Option<Warning> {
    OtherCount::of("pairs", pairs.same.len() as u64, set.pairs?).map(Warning::from)
}

fn check_folds(place: &str, pairs: &Pairs) -> Result<(), PlanError> {
    let (found, folds) = (pairs.same.len(), FOLDS);
    let place = || place.to_owned();
    if found < folds { Err(PlanError::FewPairs { place: place(), folds, found }) } else { Ok(()) }
}

/// Refuses pairs that are not images 2i and 2i + 1, of which the first is reduced.
fn check_two_by_two(place: &str, pairs: &Pairs) -> Result<(), PlanError> {
    let mut numbered = pairs.positions.iter().enumerate();
    match numbered.find(|(pair, found)| **found != [2 * pair, 2 * pair + 1]) {
        None => Ok(()),
        Some((pair, found)) => {
            Err(PlanError::PairOrder { place: place.to_owned(), pair, found: *found })
        }
    }
}

fn check_mates(subject: Subject, parts: &Identification) -> Result<(), PlanError> {
    let gallery: HashSet<i64> = parts.gallery.identities.iter().copied().collect();
    let has_mate = |group: &Probes| group.members.identities.iter().any(|id| gallery.contains(id));
    match parts.probes.iter().all(has_mate) {
        true => Ok(()),
        false => Err(PlanError::NoMate { subject }),
    }
}

/// Gallery, perhaps distractors, and probes, as if they lay in one pack in this order.
fn by_labels(roles: &[Role], packs: &[Images]) -> Result<Identification, ImagesError> {
    let mut parts = Identification::default();
    let mut probes = Members::default();
    let mut position = 0;
    for (role, pack) in roles.iter().zip(packs) {
        for (row, label) in pack.identities()?.into_iter().enumerate() {
            match role {
                Role::Gallery => parts.gallery.push(position, label),
                Role::Distractor => parts.gallery.push(position, NOBODY),
                Role::Probe if label < 0 => return Err(pack.no_identity(row)),
                Role::Probe => probes.push(position, label),
            }
            position += 1;
        }
    }
    parts.probes.push(Probes { distance: None, members: probes });
    Ok(parts)
}
