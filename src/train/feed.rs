//! Batches on the device: one is loaded and copied there while another is learned from.

use super::{Error, StepGraph};
use crate::loader::{self, Batch, Loaded};
use crate::ordered::{Bound, in_order};
use crate::runtime::{Buffer, Element, Program};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

/// A place for a batch on the device. A clone is another handle to the same place.
#[derive(Debug, Clone)]
pub struct Feed {
    images: Buffer,
    labels: Buffer,
    masks: Vec<(&'static str, Buffer)>,
    number: Arc<AtomicU64>,
    classes: usize,
}

impl Feed {
    pub(super) fn new(program: &Program, graph: &StepGraph) -> Result<Self, Error> {
        let masks = graph
            .masks()
            .into_iter()
            .map(|(name, shape)| Ok((name, program.buffer(Element::Bool, &shape)?)));
        Ok(Self {
            images: program.buffer(Element::Float, &graph.image_shape())?,
            labels: program.buffer(Element::Int64, &[graph.options.batch])?,
            masks: masks.collect::<Result<_, Error>>()?,
            number: Arc::default(),
            classes: graph.options.classes,
        })
    }

    /// The inputs of the graph that it holds, by name.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&'static str, &Buffer)> {
        let masks = self.masks.iter().map(|(name, mask)| (*name, mask));
        [("images", &self.images), ("labels", &self.labels)].into_iter().chain(masks)
    }

    /// Copies a batch to the device, when no step reads the place any more.
    ///
    /// # Errors
    /// A batch of another size, a label that is no class, and whatever the runtime refuses with.
    pub fn write(&self, batch: &Batch) -> Result<(), Error> {
        self.check(batch)?;
        self.images.write_floats(&batch.images)?;
        self.labels.write_ints(&batch.labels)?;
        for ((_, mask), kept) in self.masks.iter().zip(&batch.masks) {
            mask.write_bools(kept)?;
        }
        self.number.store(batch.number, Ordering::Relaxed);
        Ok(())
    }

    /// The number of the batch.
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// The labels of the batch.
    ///
    /// # Errors
    /// Whatever the runtime refuses with.
    pub(super) fn labels(&self) -> Result<Vec<i64>, Error> {
        Ok(self.labels.read_ints()?)
    }

    fn check(&self, batch: &Batch) -> Result<(), Error> {
        let count = |buffer: &Buffer| buffer.shape().iter().product();
        let sizes = [
            ("images", count(&self.images), batch.images.len()),
            ("labels", count(&self.labels), batch.labels.len()),
            ("masks", self.masks.len(), batch.masks.len()),
        ];
        let masks = self.masks.iter().zip(&batch.masks);
        let masks = masks.map(|((name, mask), kept)| (*name, count(mask), kept.len()));
        for (what, expected, found) in sizes.into_iter().chain(masks) {
            if expected != found {
                return Err(Error::BatchSize { what, expected, found });
            }
        }
        let classes = self.classes;
        let known = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes);
        match batch.labels.iter().position(|&label| !known(label)) {
            Some(position) => {
                Err(Error::Label { position, label: batch.labels[position], classes })
            }
            None => Ok(()),
        }
    }
}

/// A batch that lies on the device.
#[derive(Debug)]
pub(super) struct Fed {
    /// Which of the feeds holds it.
    pub(super) feed: usize,
    /// Images that were damaged and left out, by name.
    pub(super) skipped: Vec<String>,
}

/// Nobody takes batches any more.
struct Left;

/// Loads the batches of `steps` on `jobs` threads, copies each to one of `feeds` while those before
/// are learned from, and calls `take` on this thread, in order. A feed is written again when `take`
/// is done with it.
///
/// Memory: a batch for each job and one, and the feeds.
///
/// # Errors
/// The first of `take`, which is handed those of loading and copying; what is at work then is ended
/// first.
pub(super) fn fed_ahead<E>(
    feeds: &[Feed],
    jobs: usize,
    steps: Range<usize>,
    load: impl Fn(u64) -> Result<Loaded, loader::Error> + Sync,
    mut take: impl FnMut(u64, Result<Fed, Error>) -> Result<(), E>,
) -> Result<(), E> {
    let (free, to_write) = mpsc::channel();
    let (written, to_learn) = mpsc::channel();
    (0..feeds.len()).for_each(|feed| _ = free.send(feed));
    let bound = Bound { items: jobs + 1, bytes: u64::MAX };
    let (all, load) = (steps.clone(), &load);
    // Both ends that are moved here are gone before the copying thread is waited for.
    std::thread::scope(move |scope| {
        scope.spawn(move || {
            let work = |step: usize| (load(step as u64), 0);
            _ = in_order(jobs, all, bound, work, |_, loaded| {
                let feed = to_write.recv().map_err(|_| Left)?;
                let fed = loaded.map_err(Error::from).and_then(|loaded| {
                    let Loaded { batch, skipped } = loaded;
                    feeds[feed].write(&batch)?;
                    Ok(Fed { feed, skipped })
                });
                written.send((feed, fed)).map_err(|_| Left)
            });
        });
        for step in steps {
            // Where a worker panicked the scope passes it on.
            let Ok((feed, fed)) = to_learn.recv() else { break };
            take(step as u64, fed)?;
            _ = free.send(feed);
        }
        Ok(())
    })
}
