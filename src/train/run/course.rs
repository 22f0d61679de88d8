//! Which steps a run makes, and what each of them needs: arithmetic, and no step.

use crate::settings::keys;
use crate::train::{Config, Error};
use std::ops::Range;

/// The steps of a run, from its first to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    /// Steps of an epoch; batches that make no whole step are not seen in it.
    pub(super) steps_per_epoch: u64,
    /// Batches of an epoch.
    batches_per_epoch: u64,
    /// Batches that a step learns from.
    batches_per_step: u64,
    /// Steps that are made in all.
    pub(super) steps: u64,
    /// Steps between checkpoints.
    checkpoint_every: u64,
    /// Views of each image, by epoch.
    views: Vec<usize>,
}

/// Steps that one compiled step serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) steps: Range<u64>,
    /// Views of each image.
    pub(super) views: usize,
}

impl Course {
    /// The course of a run that sees so many batches an epoch.
    ///
    /// # Errors
    /// [`Error::Option`] where an epoch has not the batches of one step.
    pub(super) fn new(config: &Config, batches_per_epoch: u64) -> Result<Self, Error> {
        let batches_per_step = config.accumulate as u64;
        let steps_per_epoch = batches_per_epoch / batches_per_step;
        if steps_per_epoch == 0 {
            return Err(Error::Option {
                option: keys::TRAIN_ACCUMULATE.name(),
                expected: format!("at most {batches_per_epoch}, the batches of an epoch"),
                found: batches_per_step.to_string(),
            });
        }
        let most = config.views.len();
        let views = (0..config.epochs).map(|epoch| match config.contrast {
            Some(_) => config.schedule.phase(epoch).views.min(most),
            None => most,
        });
        let of_epochs = steps_per_epoch * u64::from(config.epochs);
        Ok(Self {
            steps_per_epoch,
            batches_per_epoch,
            batches_per_step,
            steps: config.max_steps.map_or(of_epochs, |steps| steps.min(of_epochs)),
            checkpoint_every: config.checkpoint_every.unwrap_or(steps_per_epoch),
            views: views.collect(),
        })
    }

    /// The steps of all epochs, to the end of the last.
    pub(super) fn of_epochs(&self) -> u64 {
        self.steps_per_epoch * self.views.len() as u64
    }

    /// What is learned from between two places: batches, counted over the steps they are learned from
    /// in. A place is a number of steps that were made, and of batches of the next.
    pub(super) fn batches(&self, from: (u64, u64), to: u64) -> Range<u64> {
        from.0 * self.batches_per_step + from.1..to * self.batches_per_step
    }

    /// The step that learns from a batch of [`Course::batches`], from 0.
    pub(super) fn step(&self, batch: u64) -> u64 {
        batch / self.batches_per_step
    }

    /// The number by which the loader knows a batch of [`Course::batches`].
    pub(super) fn loaded(&self, batch: u64) -> u64 {
        let (epoch, step) = (self.epoch(self.step(batch)), self.step(batch) % self.steps_per_epoch);
        let of_epoch = step * self.batches_per_step + batch % self.batches_per_step;
        u64::from(epoch) * self.batches_per_epoch + of_epoch
    }

    /// The epoch of a step, both from 0.
    pub(super) fn epoch(&self, step: u64) -> u32 {
        (step / self.steps_per_epoch) as u32
    }

    /// The steps from `first` on that show an image in as many views as `first` does.
    ///
    /// # Panics
    /// When `first` is beyond the last epoch.
    pub(super) fn segment(&self, first: u64) -> Segment {
        let epoch = self.epoch(first) as usize;
        let views = self.views[epoch];
        let other = self.views[epoch..].iter().position(|&own| own != views);
        let end = other.map_or(self.steps, |later| (epoch + later) as u64 * self.steps_per_epoch);
        Segment { steps: first..end.min(self.steps), views }
    }

    /// The most views of an image in the steps from `first` on; where there are none, in any.
    pub(super) fn most_views(&self, first: u64) -> usize {
        let epochs = self.epoch(first) as usize..self.steps.div_ceil(self.steps_per_epoch) as usize;
        let left = self.views.get(epochs).filter(|left| !left.is_empty());
        left.unwrap_or(&self.views).iter().copied().max().unwrap_or(1)
    }

    /// Whether a checkpoint is made when so many steps are made.
    pub(super) fn is_due(&self, made: u64) -> bool {
        made == self.steps || made.is_multiple_of(self.checkpoint_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(views: &[usize], steps: u64) -> Course {
        Course {
            steps_per_epoch: 5,
            batches_per_epoch: 5,
            batches_per_step: 1,
            steps,
            checkpoint_every: 5,
            views: views.to_vec(),
        }
    }

    #[test]
    fn a_step_learns_from_batches_of_one_epoch() {
        // Eleven batches an epoch are five steps of two, and one that is not seen.
        let of_two = Course { batches_per_epoch: 11, batches_per_step: 2, ..course(&[1, 1], 10) };
        assert_eq!(of_two.batches((4, 1), 6), 9..12);
        let loaded: Vec<_> = (9..12).map(|at| (of_two.step(at), of_two.loaded(at))).collect();
        assert_eq!(loaded, [(4, 9), (5, 11), (5, 12)]);
        assert_eq!(course(&[1, 1], 10).loaded(7), 7);
    }

    #[test]
    fn one_compiled_step_serves_the_epochs_of_as_many_views() {
        let course = course(&[1, 1, 2, 2], 20);
        assert_eq!(course.segment(0), Segment { steps: 0..10, views: 1 });
        assert_eq!(course.segment(7), Segment { steps: 7..10, views: 1 });
        assert_eq!(course.segment(10), Segment { steps: 10..20, views: 2 });
        assert_eq!(course.segment(19), Segment { steps: 19..20, views: 2 });
    }

    #[test]
    fn a_run_that_ends_early_ends_within_a_segment() {
        let course = course(&[1, 1, 2, 2], 8);
        assert_eq!(course.segment(0), Segment { steps: 0..8, views: 1 });
        assert_eq!((course.of_epochs(), course.epoch(7)), (20, 1));
    }

    #[test]
    fn the_most_views_are_those_of_steps_to_come() {
        let most = |views: &[usize], steps, first| course(views, steps).most_views(first);
        assert_eq!(most(&[1, 2, 1], 15, 0), 2);
        assert_eq!(most(&[1, 2, 1], 15, 10), 1);
        assert_eq!(most(&[1, 1, 2], 10, 0), 1);
        assert_eq!(most(&[1, 2], 10, 10), 2);
    }

    #[test]
    fn a_checkpoint_is_due_at_its_interval_and_at_the_end() {
        let due = |made: &u64| course(&[1, 1], 8).is_due(*made);
        assert_eq!((1..9).filter(due).collect::<Vec<_>>(), [5, 8]);
    }
}
