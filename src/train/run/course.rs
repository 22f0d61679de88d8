//! Which steps a run makes, and what each of them needs: arithmetic, and no step.

use crate::train::Config;
use std::ops::Range;

/// The steps of a run, from its first to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    /// Steps of an epoch.
    pub(super) steps_per_epoch: u64,
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
    pub(super) fn new(config: &Config, steps_per_epoch: u64) -> Self {
        let most = config.views.len();
        let views = (0..config.epochs).map(|epoch| match config.contrast {
            Some(_) => config.schedule.phase(epoch).views.min(most),
            None => most,
        });
        let of_epochs = steps_per_epoch * u64::from(config.epochs);
        Self {
            steps_per_epoch,
            steps: config.max_steps.map_or(of_epochs, |steps| steps.min(of_epochs)),
            checkpoint_every: config.checkpoint_every.unwrap_or(steps_per_epoch),
            views: views.collect(),
        }
    }

    /// The steps of all epochs, to the end of the last.
    pub(super) fn of_epochs(&self) -> u64 {
        self.steps_per_epoch * self.views.len() as u64
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

    /// Whether a checkpoint is made when so many steps are made.
    pub(super) fn is_due(&self, made: u64) -> bool {
        made == self.steps || made.is_multiple_of(self.checkpoint_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(views: &[usize], steps: u64) -> Course {
        Course { steps_per_epoch: 5, steps, checkpoint_every: 5, views: views.to_vec() }
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
    fn a_checkpoint_is_due_at_its_interval_and_at_the_end() {
        let due = |made: &u64| course(&[1, 1], 8).is_due(*made);
        assert_eq!((1..9).filter(due).collect::<Vec<_>>(), [5, 8]);
    }
}
