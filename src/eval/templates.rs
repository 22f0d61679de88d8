//! IJB-B and IJB-C: templates 1:1 over a file of pairs, and 1:N in two galleries.

use super::curves::{CMC_RANKS, histograms, roc_curve};
use super::error::{Error, FeaturesError, PlanError, ProtocolFileError};
use super::features::Features;
use super::images::{Images, Place, find_file};
use super::lengths::Lengths;
use super::pairs::reading;
use super::results::CmcCurve;
use super::score::Scored;
use super::sets::EvalSet;
use super::settings::Protocol;
use super::subject::Subject;
use super::warning::{Warning, WarningKind};
use crate::datasets::ijb_meta::{
    FaceLabels, TemplatePairs, TemplateRows, face_tid_mid, template_pair_label, template_subjects,
};
use crate::datasets::{Edition, ProtocolFile};
use crate::fs;
use crate::metrics::search::{Subjects, merged, separately};
use crate::metrics::table::{
    MERGED_RANK, MERGED_RECALL, SEARCH_RANK, SEARCH_TIES, SEARCH_TPIR, TAR,
};
use crate::metrics::{Error as MetricsError, Faces, Roc, Rows, Templates, by_verdict, pair_scores};
use crate::pack::digest_file;
use crate::protocol::OtherCount;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What the protocol files say, put in the order of the images.
pub(super) struct TemplatePlan {
    subject: Subject,
    /// The image of each face.
    faces: Vec<usize>,
    templates: Vec<u64>,
    media: Vec<u64>,
    /// Two rows of the templates in ascending order each.
    pairs: Vec<(u32, u32)>,
    same: Vec<bool>,
    search: Option<Search>,
    pub(super) warnings: Vec<Warning>,
}

/// The 1:N search.
struct Search {
    galleries: [Members; 2],
    probes: Members,
}

/// Templates of a 1:N file.
struct Members {
    /// Rows of the templates in ascending order.
    rows: Vec<u32>,
    /// Their subjects.
    subjects: Vec<i64>,
}

impl TemplatePlan {
    /// Reads the protocol files and holds them against the images and against the manifest.
    pub(super) fn of_set(
        set: &'static EvalSet,
        edition: &Edition,
        place: &Place,
        images: &Images,
        protocol: &Protocol,
    ) -> Result<Self, Error> {
        let beside = images.pack().map(|pack| pack.files.folder.clone());
        let roots: Vec<PathBuf> = match &place.root {
            Some(root) => vec![root.clone()],
            None => beside.into_iter().chain([place.usual_root.clone()]).collect(),
        };
        let find = |file| -> Result<PathBuf, Error> {
            let path = find_file(set, edition, file, &roots)?;
            check_digest(images, &edition.stated_path(file), &path)?;
            Ok(path)
        };
        let path = find(ProtocolFile::Templates)?;
        let text = fs::map(&path)?;
        let labels = face_tid_mid(&text).map_err(refused(&path))?;
        let mut warnings = Vec::new();
        let faces = faces(set, &labels, images, &path)?;
        if !faces.is_sorted() {
            let file = edition.name(ProtocolFile::Templates);
            let told =
                "names the faces in another order than the images; they were matched by name";
            warnings.push(Warning::new(WarningKind::OtherOrder, format!("{file} {told}")));
        }
        if protocol.detector_score {
            let without = faces.iter().find(|at| images.score(**at).is_none());
            if let Some(at) = without {
                let path = images.path(*at).to_owned();
                let (set, protocol) = (set.name, protocol.name);
                return Err(PlanError::NoScores { set, protocol, path }.into());
            }
        }
        let FaceLabels { templates, media, .. } = labels;
        let pairs_file = find(ProtocolFile::Pairs)?;
        let pairs = template_pair_label(&fs::map(&pairs_file)?);
        let TemplatePairs { templates: pairs, same } = pairs.map_err(refused(&pairs_file))?;
        let mut distinct = templates.clone();
        distinct.par_sort_unstable();
        distinct.dedup();
        let lookup = TemplateRows::new(&distinct);
        let pairs = lookup.of_pairs(pairs).map_err(refused(&pairs_file))?;
        let search = match find(ProtocolFile::Probes) {
            Ok(file) => {
                let read = |path: &Path| -> Result<Members, Error> {
                    let listed = template_subjects(&fs::map(path)?).map_err(refused(path))?;
                    let templates = listed.iter().map(|own| own.template);
                    let rows = lookup.of(templates).map_err(refused(path))?;
                    Ok(Members { rows, subjects: listed.iter().map(|own| own.subject).collect() })
                };
                let gallery = |at| read(&find(ProtocolFile::Gallery(at))?);
                let galleries = [gallery(0)?, gallery(1)?];
                Some(Search { galleries, probes: read(&file)? })
            }
            Err(Error::ProtocolFile(ProtocolFileError::Missing { file, .. })) => {
                let told = format!("{file} is not there, so nothing is said of 1:N");
                warnings.push(Warning::new(WarningKind::LeftOut, told));
                None
            }
            Err(error) => return Err(error),
        };
        let counts = [
            ("faces", faces.len(), edition.images),
            ("templates", distinct.len(), edition.templates),
            ("template pairs", same.len(), edition.pairs),
        ];
        for (what, found, published) in counts {
            warnings.extend(OtherCount::of(what, found as u64, published).map(Warning::from));
        }
        if images.len() > faces.len() {
            let unused = images.len() - faces.len();
            let told = format!("{unused} images belong to no template and are not scored");
            warnings.push(Warning::new(WarningKind::LeftOut, told));
        }
        let subject = Subject::Set(set);
        Ok(Self { subject, faces, templates, media, pairs, same, search, warnings })
    }

    /// Scores 1:1 and, where its files are there, 1:N.
    pub(super) fn score(
        self,
        images: &Images,
        features: &Features,
        protocol: &Protocol,
    ) -> Result<Scored, Error> {
        let subject = self.subject;
        let failed = |source| Error::Metrics { subject, source };
        let weights = self.weights(images, features, protocol)?;
        let in_order = self.faces.iter().copied().eq(0..features.rows.len());
        let gathered: Vec<f32> = match in_order {
            true => Vec::new(),
            false => self.faces.iter().flat_map(|at| features.rows.row(*at)).copied().collect(),
        };
        let rows = if in_order { features.rows.values() } else { &gathered };
        let templates = Templates::from_faces(&Faces {
            features: Rows::new(rows, features.rows.width).map_err(failed)?,
            templates: &self.templates,
            media: &self.media,
            weights: weights.as_deref(),
        })
        .map_err(failed)?;
        drop(gathered);
        let mut scored = Scored::default();
        scored.count("faces", self.faces.len());
        scored.count("templates", templates.ids().len());
        let Self { pairs, same, search, .. } = self;
        let scores = pair_scores(&templates, &pairs).map_err(failed)?;
        drop(pairs);
        let (genuine, impostor) = by_verdict(&scores, &same);
        drop(scores);
        scored.count("pairs", same.len());
        scored.count("genuine_pairs", genuine.len());
        scored.curves.scores = Some(histograms("cosine", "all pairs", &genuine, &impostor));
        let roc = Roc::from_scores(genuine, impostor).map_err(failed)?;
        for tar in TAR.measured() {
            scored.metric(tar, roc.tar_at(tar.rate(), reading(protocol)));
        }
        scored.curves.roc.push(roc_curve("", &roc));
        if let Some(search) = &search {
            search.score(&templates, &mut scored, &failed)?;
        }
        Ok(scored)
    }

    /// What each face's row is multiplied by.
    fn weights(
        &self,
        images: &Images,
        features: &Features,
        protocol: &Protocol,
    ) -> Result<Option<Vec<f32>>, FeaturesError> {
        let from_files = !features.files.is_empty();
        // Rows made elsewhere that are not unit vectors are their norms times their directions.
        let own: Option<Vec<f32>> = match (&features.lengths, protocol.norm, &features.norms) {
            (Lengths::Of(lengths), false, _) if from_files => {
                Some(lengths.iter().map(|length| 1.0 / length).collect())
            }
            (Lengths::Of(lengths), true, Some(norms)) if from_files => {
                Some(norms.iter().zip(lengths).map(|(norm, length)| norm / length).collect())
            }
            (Lengths::Of(_), true, None) => None,
            (_, true, Some(norms)) => Some(norms.clone()),
            (Lengths::Unit, true, None) => {
                let path = features.files.first().cloned().unwrap_or_default();
                return Err(FeaturesError::NoNorms { path, protocol: protocol.name });
            }
            (_, false, _) => None,
        };
        if own.is_none() && !protocol.detector_score {
            return Ok(None);
        }
        let weight = |at: &usize| {
            let own = own.as_ref().map_or(1.0, |own| own[*at]);
            let score = images.score(*at).filter(|_| protocol.detector_score);
            own * score.map_or(1.0, |score| score as f32)
        };
        Ok(Some(self.faces.iter().map(weight).collect()))
    }
}

impl Search {
    fn score(
        &self,
        templates: &Templates,
        scored: &mut Scored,
        failed: &dyn Fn(MetricsError) -> Error,
    ) -> Result<(), Error> {
        let width = templates.rows().width();
        let Self { galleries: [first, second], probes } = self;
        let [first_rows, second_rows, probe_rows] =
            [first, second, probes].map(|members| templates.select(&members.rows));
        let of = |features, ids| -> Result<Subjects<'_, f64>, Error> {
            Ok(Subjects { features: Rows::new(features, width).map_err(failed)?, ids })
        };
        let galleries = [of(&first_rows, &first.subjects)?, of(&second_rows, &second.subjects)?];
        scored.count("1n_probes", probes.rows.len());
        scored.count("1n_gallery_1", first.rows.len());
        scored.count("1n_gallery_2", second.rows.len());
        let probes = of(&probe_rows, &probes.subjects)?;
        let ranks: Vec<u64> =
            SEARCH_RANK.measured().iter().map(|rank| rank.number().into()).collect();
        let fpirs: Vec<f64> = SEARCH_TPIR.measured().iter().map(|tpir| tpir.rate()).collect();
        let apart = separately(probes, &galleries, &ranks, &fpirs).map_err(failed)?;
        for (metric, rate) in SEARCH_RANK.measured().into_iter().zip(&apart.rates) {
            scored.metric(metric, *rate);
        }
        match &apart.tpirs {
            Some(tpirs) => {
                for (metric, tpir) in SEARCH_TPIR.measured().into_iter().zip(tpirs) {
                    scored.metric(metric, *tpir);
                }
            }
            None => scored.warn(
                WarningKind::LeftOut,
                "in one gallery every probe has a mate, so there is no TPIR at a FPIR",
            ),
        }
        for (name, closed) in ["gallery 1", "gallery 2"].iter().zip(&apart.galleries) {
            let rates = closed.cmc(CMC_RANKS);
            scored.curves.cmc.push(CmcCurve { name: (*name).to_owned(), rates });
        }
        let (rows, subjects) = (
            [&first_rows[..], &second_rows].concat(),
            [&first.subjects[..], &second.subjects].concat(),
        );
        let gallery = of(&rows, &subjects)?;
        let fars: Vec<f64> = MERGED_RECALL.measured().iter().map(|recall| recall.rate()).collect();
        match merged(probes, gallery, &fars) {
            Ok(found) => {
                for metric in MERGED_RANK.measured() {
                    scored.metric(metric, found.closed.rate(metric.number().into()));
                }
                for (metric, recall) in MERGED_RECALL.measured().into_iter().zip(&found.recalls) {
                    if let Some(recall) = recall {
                        scored.metric(metric, *recall);
                    }
                }
            }
            // The reference asks for one mate of every probe in both files; other sets have no such number.
            Err(MetricsError::Mates { probe, mates }) => scored.warn(WarningKind::LeftOut, format!(
                "probe {probe} has {mates} mates in both galleries, the reference's merged search wants one; \
                 it is left out"
            )),
            Err(error) => return Err(failed(error)),
        }
        scored.metric(SEARCH_TIES.metric(), apart.ties as f64);
        Ok(())
    }
}

/// The error of a protocol file.
fn refused(path: &Path) -> impl FnOnce(crate::datasets::IjbError) -> ProtocolFileError + use<> {
    let path = path.to_path_buf();
    |source| ProtocolFileError::Unreadable { path, source }
}

/// The image of each face: by position where the names agree, else by name.
fn faces(
    set: &EvalSet,
    labels: &FaceLabels<'_>,
    images: &Images,
    file: &Path,
) -> Result<Vec<usize>, ProtocolFileError> {
    let name = |at: usize| images.path(at).rsplit('/').next().unwrap_or_default();
    let count = labels.names.len();
    let mut seen = HashSet::with_capacity(count);
    if let Some(name) = labels.names.iter().find(|name| !seen.insert(**name)) {
        let (file, name) = (file.to_path_buf(), (*name).to_owned());
        return Err(ProtocolFileError::FaceTwice { file, name });
    }
    if count <= images.len() && labels.names.iter().enumerate().all(|(at, own)| name(at) == *own) {
        return Ok((0..count).collect());
    }
    let by_name: HashMap<&str, usize> = (0..images.len()).map(|at| (name(at), at)).collect();
    let found: Vec<Option<usize>> =
        labels.names.iter().map(|name| by_name.get(name).copied()).collect();
    let missing = || found.iter().zip(&labels.names).filter(|(found, _)| found.is_none());
    match missing().next() {
        None => Ok(found.into_iter().flatten().collect()),
        Some((_, first)) => Err(ProtocolFileError::FacesWithoutImage {
            set: set.name,
            file: file.to_path_buf(),
            first: (*first).to_owned(),
            count: missing().count() as u64,
        }),
    }
}

/// Refuses a protocol file that is another than the one in the manifest.
fn check_digest(images: &Images, stated: &str, path: &Path) -> Result<(), Error> {
    let stated = images
        .pack()
        .and_then(|pack| pack.manifest.protocol_files.iter().find(|file| file.path == stated));
    let Some(stated) = stated else { return Ok(()) };
    let found = digest_file(path)?.blake3;
    if found == stated.blake3 {
        return Ok(());
    }
    Err(ProtocolFileError::Other {
        path: path.to_path_buf(),
        expected: stated.blake3.clone(),
        found,
    }
    .into())
}
