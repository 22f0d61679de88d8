//! Images to features in batches: decoded, aligned, normalised and run by several threads at once.

use super::conventions::Conventions;
use super::error::{Error, FeaturesError, ImagesError, ModelError, ModelFault};
use super::face::{View, normalise};
use super::images::Images;
use super::lengths::{is_divisor, is_unit, length};
use super::matrix::Matrix;
use super::model::Model;
use super::outputs::part;
use super::ranks::{Made, Order, decoded, encoded};
use super::results::OutputForm;
use super::selection::Selection;
use super::sets::FACE_PX;
use super::sink::{Filled, Sink};
use crate::group::{Group, Reduction};
use crate::ordered::{Bound, in_order};
use crate::progress::Progress;
use crate::runtime::Tensor;

/// Numbers of a face that is fed.
const FACE_NUMBERS: usize = 3 * (FACE_PX * FACE_PX) as usize;

/// Bytes of faces of the batches in work; passed by at most one batch a thread.
const BYTES_AHEAD: u64 = 256 << 20;

/// Batches that a worker of a rank embeds before ranks put together what they have.
const ROUNDS_AHEAD: usize = 4;

/// Unit features and norms of one view of a set's images.
#[derive(Debug)]
pub(super) struct ViewFeatures {
    /// A unit vector an image.
    pub(super) features: Matrix,
    /// A norm an image; all 1 where nobody knows them.
    pub(super) norms: Matrix,
    /// What the model returned.
    pub(super) form: OutputForm,
    /// Library and version that made them.
    pub(super) runtime: Option<String>,
    /// Why they are not in the files that they were to go into.
    pub(super) unkept: Option<String>,
}

/// How images are embedded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace<'a> {
    /// Images a batch, where the graph does not fix it.
    pub(super) batch: usize,
    /// Threads that make faces ready.
    pub(super) jobs: usize,
    /// Who embeds together.
    pub(super) ranks: &'a Group,
}

impl Pace<'_> {
    /// Images that a model of these conventions is fed at a time.
    pub(super) fn batch_of(&self, conventions: &Conventions) -> usize {
        conventions.fixed_batch.unwrap_or(self.batch).max(1)
    }
}

/// How the scoring weighs a face.
#[derive(Debug, Clone, Copy)]
pub(super) enum Weighing {
    /// By its norm, as this protocol does.
    ByNorm(&'static str),
    /// Without its norm.
    Alike,
}

impl Weighing {
    /// Refuses unit features of which nobody knows the norms, where a protocol weighs by them.
    pub(super) fn check(self, form: OutputForm) -> Result<(), ModelFault> {
        match (self, form) {
            (Self::ByNorm(protocol), OutputForm::Unit) => Err(ModelFault::NoNorms { protocol }),
            _ => Ok(()),
        }
    }
}

/// Embeds views of images by a model that is started, each view into its sink. What `weighing` cannot do without is asked for with
/// the first batch.
///
/// Memory: the batches in work, [`BYTES_AHEAD`], the weights once a session, and the sinks.
pub(super) fn embed(
    model: &Model<'_>,
    images: &Images,
    selection: Selection,
    views: Vec<(View, Sink)>,
    weighing: Weighing,
    pace: Pace<'_>,
    progress: &dyn Progress,
) -> Result<Vec<(View, ViewFeatures)>, Error> {
    let count = selection.len(images.len());
    if count == 0 {
        return Err(ImagesError::None { place: images.files[0].clone() }.into());
    }
    let conventions = model.conventions().clone();
    let kinds: Vec<View> = views.iter().map(|(view, _)| *view).collect();
    let mut takers: Vec<Taker> = views
        .into_iter()
        .map(|(_, sink)| Taker { sink, weighing, form: None, width: None })
        .collect();
    progress.start("embed", count as u64);
    let work = Work { model, images, selection, views: &kinds, pace };
    work.done(|chunk, made| {
        let items = work.items(chunk);
        let rows = conventions.fixed_batch.unwrap_or(items.len());
        let held = Held { model, images, selection, items, rows };
        for (outputs, taker) in made.into_iter().zip(&mut takers) {
            taker.take(&held, outputs)?;
        }
        progress.advance(held.items.len() as u64);
        Ok(())
    })?;
    progress.finish();
    let library = model.library();
    let whole = takers.into_iter().map(|taker| taker.finish(count, library.clone()));
    kinds.into_iter().zip(whole).map(|(view, features)| Ok((view, features?))).collect()
}

/// Embeds the share of a rank that is not the first.
pub(super) fn embed_share(
    model: &Model<'_>,
    images: &Images,
    order: &Order,
    pace: Pace<'_>,
) -> Result<(), Error> {
    let (selection, views) = (order.selection, &order.views);
    Work { model, images, selection, views, pace }.done(|_, _| Ok(()))
}

/// Batches to be embedded.
struct Work<'a> {
    model: &'a Model<'a>,
    images: &'a Images,
    selection: Selection,
    views: &'a [View],
    pace: Pace<'a>,
}

impl Work<'_> {
    fn batch(&self) -> usize {
        self.pace.batch_of(self.model.conventions())
    }

    fn count(&self) -> usize {
        self.selection.len(self.images.len())
    }

    /// The images of a batch.
    fn items(&self, chunk: usize) -> std::ops::Range<usize> {
        let batch = self.batch();
        chunk * batch..self.count().min((chunk + 1) * batch)
    }

    /// While every session runs, one more thread makes the next faces ready.
    fn workers(&self) -> usize {
        self.pace.jobs.max(self.model.sessions().count + 1)
    }

    /// Embeds all batches, by all ranks; `take` gets what was made of them in their order, on the first rank.
    fn done(&self, mut take: impl FnMut(usize, Made) -> Result<(), Error>) -> Result<(), Error> {
        let (chunks, group) = (self.count().div_ceil(self.batch()), self.pace.ranks);
        if group.size() == 1 {
            return self.own(0..chunks, take);
        }
        // A batch is the same whoever embeds it, so that features do not depend on the number of ranks.
        let mut workers = [self.workers() as u64];
        group.all_reduce(&mut workers, Reduction::Min)?;
        let each = ROUNDS_AHEAD * workers[0] as usize;
        for first in (0..chunks).step_by(each * group.size()) {
            let start = |rank: usize| chunks.min(first + rank * each);
            let mut made = Vec::new();
            self.own(start(group.rank())..start(group.rank() + 1), |_, own| {
                made.push(own);
                Ok(())
            })?;
            let all = group.gather_bytes(&encoded(&made))?;
            if group.rank() > 0 {
                continue;
            }
            for (rank, bytes) in all.iter().enumerate() {
                let made = decoded(bytes).filter(|own| own.len() == start(rank + 1) - start(rank));
                let made = made.ok_or(Error::OfRank { rank })?;
                for (at, made) in made.into_iter().enumerate() {
                    take(start(rank) + at, made)?;
                }
            }
        }
        Ok(())
    }

    /// Embeds batches on this rank.
    fn own(
        &self,
        chunks: std::ops::Range<usize>,
        mut take: impl FnMut(usize, Made) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self { model, images, selection, views, .. } = *self;
        let (batch, sessions, workers) = (self.batch(), model.sessions(), self.workers());
        // The model hears of what is said, which threads must not share.
        let (conventions, count) = (model.conventions(), self.count());
        let bound = Bound { items: 2 * workers, bytes: BYTES_AHEAD };
        let work = |chunk: usize| {
            let run = || -> Result<Made, Error> {
                let items = chunk * batch..count.min((chunk + 1) * batch);
                let faces = feed(images, selection, items, views, conventions, batch)?;
                faces.iter().map(|faces| sessions.run(faces, faces.len() / FACE_NUMBERS)).collect()
            };
            let bytes = (views.len() * batch * FACE_NUMBERS * size_of::<f32>()) as u64;
            (run(), bytes)
        };
        in_order(workers, chunks, bound, work, |chunk, made| take(chunk, made?))
    }
}

/// The faces of a batch, a tensor [batch, 3, 112, 112] a view. A batch that the graph fixes and that is
/// not full ends in zeros.
fn feed(
    images: &Images,
    selection: Selection,
    items: std::ops::Range<usize>,
    views: &[View],
    conventions: &Conventions,
    batch: usize,
) -> Result<Vec<Vec<f32>>, Error> {
    let rows = if conventions.fixed_batch.is_some() { batch } else { items.len() };
    let mut tensors = vec![vec![0.0; rows * FACE_NUMBERS]; views.len()];
    for (at, item) in items.enumerate() {
        let face = selection.face(images, item)?.into_order(conventions.channel_order);
        for (view, tensor) in views.iter().zip(&mut tensors) {
            let place = &mut tensor[at * FACE_NUMBERS..(at + 1) * FACE_NUMBERS];
            normalise(&face, *view, conventions, place);
        }
    }
    Ok(tensors)
}

/// The images of one batch, for errors.
struct Held<'a> {
    model: &'a Model<'a>,
    images: &'a Images,
    selection: Selection,
    items: std::ops::Range<usize>,
    /// Faces that were fed: a fixed batch may be more than the images.
    rows: usize,
}

impl Held<'_> {
    fn position(&self, row: usize) -> usize {
        self.selection.position(self.items.start + row)
    }

    fn not_a_number(&self, row: usize, what: &'static str, found: f32) -> FeaturesError {
        FeaturesError::NotFinite {
            place: self.model.path().display().to_string(),
            row: self.position(row),
            path: self.images.path(self.position(row)).to_owned(),
            what,
            found: found.to_string(),
        }
    }

    fn check_finite(
        &self,
        numbers: &[f32],
        width: usize,
        what: &'static str,
    ) -> Result<(), FeaturesError> {
        match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(()),
            Some(at) => Err(self.not_a_number(at / width, what, numbers[at])),
        }
    }

    /// Refuses a length that is not 1.
    fn check_unit(&self, lengths: &[f64]) -> Result<(), ModelError> {
        match lengths.iter().position(|length| !is_unit(*length)) {
            None => Ok(()),
            Some(row) => {
                let (found, at) = ((lengths[row] as f32).to_string(), self.position(row));
                Err(self.model.refused(ModelFault::NotUnit { found, at }))
            }
        }
    }

    /// Refuses a norm that is no length.
    fn check_norms(&self, norms: &[f32]) -> Result<(), Error> {
        self.check_finite(norms, 1, "norm")?;
        match norms.iter().position(|norm| *norm <= 0.0) {
            None => Ok(()),
            Some(row) => {
                let (found, at) = (norms[row].to_string(), self.position(row));
                Err(self.model.refused(ModelFault::Norm { found, at }).into())
            }
        }
    }
}

/// Receives the network's outputs of one view.
struct Taker {
    sink: Sink,
    weighing: Weighing,
    form: Option<OutputForm>,
    width: Option<usize>,
}

impl Taker {
    fn take(&mut self, held: &Held<'_>, outputs: Vec<Tensor>) -> Result<(), Error> {
        let parted = part(outputs, held.items.len(), held.rows);
        let (mut features, norms) = parted.map_err(|fault| held.model.refused(fault))?;
        let width = features.len() / held.items.len().max(1);
        let first = *self.width.get_or_insert(width);
        if first != width {
            return Err(FeaturesError::Widths { first, other: width }.into());
        }
        held.check_finite(&features, width, "feature")?;
        let lengths: Vec<f64> = features.chunks_exact(width).map(length).collect();
        let norms = match norms {
            Some(norms) => {
                held.check_norms(&norms)?;
                held.check_unit(&lengths)?;
                self.form = Some(OutputForm::UnitAndNorm);
                norms
            }
            None => self.brought_to_unit(held, &mut features, lengths)?,
        };
        self.sink.append(&features, &norms)
    }

    /// Divides features that came alone by their lengths; the norms. What the first batch is, unit vectors
    /// or not, all are held to be.
    fn brought_to_unit(
        &mut self,
        held: &Held<'_>,
        features: &mut [f32],
        lengths: Vec<f64>,
    ) -> Result<Vec<f32>, Error> {
        let unit = lengths.iter().all(|length| is_unit(*length));
        let form = *self.form.get_or_insert(if unit { OutputForm::Unit } else { OutputForm::Raw });
        if form == OutputForm::Unit {
            held.check_unit(&lengths)?;
        }
        self.weighing.check(form).map_err(|fault| held.model.refused(fault))?;
        let lengths: Vec<f32> = lengths.into_iter().map(|length| length as f32).collect();
        // Numbers that are each finite may be too small or too large together.
        if let Some(row) = lengths.iter().position(|length| !is_divisor(*length)) {
            return Err(held.not_a_number(row, "direction of the feature", f32::NAN).into());
        }
        let width = features.len() / lengths.len().max(1);
        for (feature, length) in features.chunks_exact_mut(width).zip(&lengths) {
            feature.iter_mut().for_each(|value| *value /= length);
        }
        Ok(if form == OutputForm::Raw { lengths } else { vec![1.0; lengths.len()] })
    }

    fn finish(self, rows: usize, runtime: Option<String>) -> Result<ViewFeatures, Error> {
        let Filled { features, norms, unkept } = self.sink.finish(rows)?;
        let form = self.form.expect("a batch was taken, for there are images");
        Ok(ViewFeatures { features, norms, form, runtime, unkept })
    }
}
