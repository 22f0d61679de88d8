//! Images to features in batches: decoded, aligned, normalised and run by several threads at once.

use super::conventions::Conventions;
use super::images::Images;
use super::lengths::{is_unit, length};
use super::matrix::{Matrix, MatrixWriter};
use super::model::Model;
use super::results::OutputForm;
use super::sets::FACE_PX;
use super::{Error, ImageError, ModelFault};
use crate::image::Pixels;
use crate::image::resize::{Filter, pillow};
use crate::ordered::{Bound, in_order};
use crate::progress::Progress;
use crate::runtime::Tensor;
use std::path::Path;

/// Numbers of a face that is fed.
const FACE_NUMBERS: usize = 3 * (FACE_PX * FACE_PX) as usize;

/// Bytes of faces of the batches in work; passed by at most one batch a thread.
const BYTES_AHEAD: u64 = 256 << 20;

/// Which way round a face is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// As it is.
    Plain,
    /// Mirrored.
    Mirrored,
}

impl View {
    /// Its name in the cache and in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mirrored => "mirrored",
        }
    }
}

/// Which images are embedded, and what is done to them first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    /// All as they are.
    All,
    /// The first of each pair, reduced to this many pixels an edge and enlarged again (Pillow's bilinear
    /// filter, antialiased).
    ReducedFirsts(u32),
}

impl Selection {
    /// How many images of `all`.
    pub(super) fn len(self, all: usize) -> usize {
        match self {
            Self::All => all,
            Self::ReducedFirsts(_) => all.div_ceil(2),
        }
    }

    pub(super) fn position(self, at: usize) -> usize {
        match self {
            Self::All => at,
            Self::ReducedFirsts(_) => 2 * at,
        }
    }

    /// The face that is fed for item `at`.
    fn face(self, images: &Images, at: usize) -> Result<Pixels, Error> {
        let position = self.position(at);
        let face = images.face(position)?;
        match self {
            Self::All => Ok(face),
            Self::ReducedFirsts(px) => pillow(&face, px, px, Filter::Bilinear)
                .and_then(|small| pillow(&small, FACE_PX, FACE_PX, Filter::Bilinear))
                .map_err(|source| images.refused(position, ImageError::Resize(source))),
        }
    }
}

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
}

/// Where the features of a view go while they are made.
pub(super) enum Sink {
    /// Into memory: 4 bytes a number.
    Memory(Vec<f32>, Vec<f32>),
    /// Into these files, which have their names once they are whole.
    Files(Box<Files>),
}

/// See [`Sink::Files`].
pub(super) struct Files {
    paths: [std::path::PathBuf; 2],
    rows: usize,
    writers: Option<[MatrixWriter; 2]>,
}

impl Sink {
    /// Memory alone.
    pub(super) fn memory() -> Self {
        Self::Memory(Vec::new(), Vec::new())
    }

    /// Files for `rows` rows.
    pub(super) fn files(features: &Path, norms: &Path, rows: usize) -> Self {
        let paths = [features.to_path_buf(), norms.to_path_buf()];
        Self::Files(Box::new(Files { paths, rows, writers: None }))
    }

    fn append(&mut self, features: &[f32], norms: &[f32]) -> Result<(), Error> {
        match self {
            Self::Memory(all, all_norms) => {
                all.extend_from_slice(features);
                all_norms.extend_from_slice(norms);
            }
            Self::Files(files) => {
                let width = features.len() / norms.len().max(1);
                let Files { paths: [path, norms_path], rows, writers } = &mut **files;
                let writers = match writers {
                    Some(writers) => writers,
                    none => none.insert([
                        MatrixWriter::create(path, *rows, width)?,
                        MatrixWriter::create(norms_path, *rows, 1)?,
                    ]),
                };
                writers[0].append(features)?;
                writers[1].append(norms)?;
            }
        }
        Ok(())
    }

    fn finish(self, rows: usize) -> Result<[Matrix; 2], Error> {
        match self {
            Self::Memory(features, norms) => {
                let width = features.len() / rows.max(1);
                Ok([Matrix::new(features, width.max(1)), Matrix::new(norms, 1)])
            }
            Self::Files(files) => {
                for writer in files.writers.into_iter().flatten() {
                    writer.finish()?;
                }
                let [features, norms] = &files.paths;
                Ok([Matrix::open(features)?, Matrix::open(norms)?])
            }
        }
    }
}

/// How images are embedded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Images a batch, where the graph does not fix it.
    pub(super) batch: usize,
    /// Threads that make faces ready.
    pub(super) jobs: usize,
}

/// Embeds views of images, each view into its sink.
///
/// Memory: the batches in work, [`BYTES_AHEAD`], the weights once a session, and the sinks.
pub(super) fn embed(
    model: &mut Model<'_>,
    images: &Images,
    selection: Selection,
    views: Vec<(View, Sink)>,
    pace: Pace,
    progress: &dyn Progress,
) -> Result<Vec<(View, ViewFeatures)>, Error> {
    let count = selection.len(images.len());
    let conventions = model.conventions().clone();
    let batch = conventions.fixed_batch.unwrap_or(pace.batch).max(1);
    let kinds: Vec<View> = views.iter().map(|(view, _)| *view).collect();
    let mut takers: Vec<Taker> = views.into_iter().map(|(_, sink)| Taker::new(sink)).collect();
    model.start()?;
    let model = &*model;
    let sessions = model.sessions()?;
    progress.start("embed", count as u64);
    let items = |chunk: usize| chunk * batch..count.min((chunk + 1) * batch);
    // While every session runs, one more thread makes the next faces ready.
    let workers = pace.jobs.max(sessions.count + 1);
    let bound = Bound { items: 2 * workers, bytes: BYTES_AHEAD };
    let work = |chunk: usize| {
        let run = || -> Result<Vec<Vec<Tensor>>, Error> {
            let faces = feed(images, selection, items(chunk), &kinds, &conventions, batch)?;
            faces.iter().map(|faces| sessions.run(faces, faces.len() / FACE_NUMBERS)).collect()
        };
        let bytes = (kinds.len() * batch * FACE_NUMBERS * size_of::<f32>()) as u64;
        (run(), bytes)
    };
    in_order(workers, 0..count.div_ceil(batch), bound, work, |chunk, outputs| {
        let held = Held { model, images, selection, items: items(chunk) };
        for (outputs, taker) in outputs?.into_iter().zip(&mut takers) {
            taker.take(&held, outputs)?;
        }
        progress.advance(held.items.len() as u64);
        Ok::<(), Error>(())
    })?;
    progress.finish();
    let library = model.library();
    let whole = takers.into_iter().map(|taker| taker.finish(count, library.clone()));
    kinds.into_iter().zip(whole).map(|(view, features)| Ok((view, features?))).collect()
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

/// `(x − mean) / std` of each channel, channel after channel.
fn normalise(face: &Pixels, view: View, conventions: &Conventions, place: &mut [f32]) {
    let width = FACE_PX as usize;
    let area = width * width;
    for channel in 0..3 {
        let (mean, std) = (conventions.mean[channel], conventions.std[channel]);
        let mut table = [0.0f32; 256];
        for (value, out) in table.iter_mut().enumerate() {
            *out = ((value as f64 - mean) / std) as f32;
        }
        let plane = &mut place[channel * area..(channel + 1) * area];
        for (row, out) in face.data.chunks_exact(3 * width).zip(plane.chunks_exact_mut(width)) {
            let values = row.chunks_exact(3).map(|pixel| table[usize::from(pixel[channel])]);
            match view {
                View::Plain => out.iter_mut().zip(values).for_each(|(out, value)| *out = value),
                View::Mirrored => {
                    out.iter_mut().rev().zip(values).for_each(|(out, value)| *out = value)
                }
            }
        }
    }
}

/// The images of one batch, for errors.
struct Held<'a> {
    model: &'a Model<'a>,
    images: &'a Images,
    selection: Selection,
    items: std::ops::Range<usize>,
}

impl Held<'_> {
    fn position(&self, row: usize) -> usize {
        self.selection.position(self.items.start + row)
    }

    fn not_a_number(&self, row: usize, what: &'static str, found: f32) -> Error {
        Error::NotFinite {
            place: self.model.path().display().to_string(),
            row: self.position(row),
            path: self.images.path(self.position(row)).to_owned(),
            what,
            found: found.to_string(),
        }
    }

    fn check_finite(&self, numbers: &[f32], width: usize, what: &'static str) -> Result<(), Error> {
        match numbers.iter().position(|number| !number.is_finite()) {
            None => Ok(()),
            Some(at) => Err(self.not_a_number(at / width, what, numbers[at])),
        }
    }

    /// Refuses a length that is not 1.
    fn check_unit(&self, lengths: &[f64]) -> Result<(), Error> {
        match lengths.iter().position(|length| !is_unit(*length)) {
            None => Ok(()),
            Some(row) => {
                let (found, at) = ((lengths[row] as f32).to_string(), self.position(row));
                Err(self.model.refused(ModelFault::NotUnit { found, at }))
            }
        }
    }
}

/// Receives the network's outputs of one view.
struct Taker {
    sink: Sink,
    form: Option<OutputForm>,
}

impl Taker {
    fn new(sink: Sink) -> Self {
        Self { sink, form: None }
    }

    fn take(&mut self, held: &Held<'_>, outputs: Vec<Tensor>) -> Result<(), Error> {
        let parted = part(outputs, held.items.len());
        let (mut features, norms) = parted.map_err(|fault| held.model.refused(fault))?;
        let width = features.len() / held.items.len().max(1);
        held.check_finite(&features, width, "feature")?;
        let lengths: Vec<f64> = features.chunks_exact(width).map(length).collect();
        let norms = match norms {
            Some(norms) => {
                held.check_finite(&norms, 1, "norm")?;
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
        if let Some(row) = lengths.iter().position(|length| *length == 0.0) {
            return Err(held.not_a_number(row, "direction of the feature", f32::NAN));
        }
        let lengths: Vec<f32> = lengths.into_iter().map(|length| length as f32).collect();
        let width = features.len() / lengths.len().max(1);
        for (feature, length) in features.chunks_exact_mut(width).zip(&lengths) {
            feature.iter_mut().for_each(|value| *value /= length);
        }
        Ok(if form == OutputForm::Raw { lengths } else { vec![1.0; lengths.len()] })
    }

    fn finish(self, rows: usize, runtime: Option<String>) -> Result<ViewFeatures, Error> {
        let [features, norms] = self.sink.finish(rows)?;
        let form = self.form.ok_or(Error::Fault("no batch"))?;
        Ok(ViewFeatures { features, norms, form, runtime })
    }
}

/// Features of `images` rows, and norms.
type Parted = (Vec<f32>, Option<Vec<f32>>);

/// Tells features from norms, and cuts off what fills a fixed batch up.
fn part(outputs: Vec<Tensor>, images: usize) -> Result<Parted, ModelFault> {
    let expected = "features [N, D], and norms [N, 1] beside unit features";
    let odd = |output: &Tensor| ModelFault::OutputShape {
        expected,
        images,
        name: output.name.clone(),
        found: format!("{:?}", output.shape),
    };
    let (mut features, mut norms) = (None, None);
    let several = outputs.len() > 1;
    for mut output in outputs {
        let rows = output.shape.first().copied().unwrap_or(0);
        let width = output.shape.iter().skip(1).product::<usize>();
        if rows < images || width == 0 {
            return Err(odd(&output));
        }
        output.data.truncate(images * width);
        let place = if several && width == 1 { &mut norms } else { &mut features };
        if place.is_some() || (width == 1 && !several) {
            return Err(odd(&output));
        }
        *place = Some(output.data);
    }
    features.map(|features| (features, norms)).ok_or(ModelFault::Outputs { found: 0 })
}
