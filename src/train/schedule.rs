//! What changes from epoch to epoch, as pure functions of the epoch.

use super::Scales;
use crate::nn::ContrastPhase;

/// The learning rate by step and epoch: it grows over the first steps, and falls at milestones
/// (MultiStep; `framework.py`: configure_optimizers).
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRate {
    /// The rate after the warm-up and before the first milestone.
    pub base: f32,
    /// Epochs, from 0, with which it is multiplied by `gamma`.
    pub milestones: Vec<u32>,
    /// The factor.
    pub gamma: f32,
    /// Steps over which it grows from `base/warm_up_steps` to `base`.
    pub warm_up_steps: u64,
}

impl LearningRate {
    /// The rate of `step` in `epoch`, both from 0.
    pub fn at(&self, step: u64, epoch: u32) -> f32 {
        let passed = self.milestones.iter().filter(|&&milestone| epoch >= milestone).count();
        let fallen = self.base * self.gamma.powi(passed as i32);
        match step < self.warm_up_steps {
            true => fallen * ((step + 1) as f32 / self.warm_up_steps as f32),
            false => fallen,
        }
    }
}

/// How the contrast and the quality scalers come in or go out over the epochs (`framework.py`:
/// training_step; its `joint_point` and flags).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointSchedule {
    /// The epoch of the change, from 0.
    pub joint_point: u32,
    /// What happens to the contrast there.
    pub contrast: ContrastPhase,
    /// Whether both scalers grow from 0 at epoch 0 to the contrast's b at `joint_point`.
    pub warm_up: WarmUp,
    /// Factor of the contrastive loss while it counts.
    pub weight: f32,
    /// b of the head.
    pub head_scale: f32,
    /// b of the contrast.
    pub contrast_scale: f32,
}

/// Whether the quality scalers grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WarmUp {
    /// They keep their b.
    #[default]
    None,
    /// `warmup_scaler`: both b are the contrast's times `min(1, epoch/joint_point)`, or all of it
    /// where `joint_point` is 0.
    Scalers,
}

/// What an epoch does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Views of each image: of a schedule with contrast 2, but for the first epochs of
    /// [`ContrastPhase::LaterAug`].
    pub views: usize,
    /// Factor of the contrastive loss.
    pub contrast_weight: f32,
    /// b of the head.
    pub head_scale: f32,
    /// b of the contrast.
    pub contrast_scale: f32,
}

impl JointSchedule {
    /// What `epoch`, from 0, does.
    pub fn phase(&self, epoch: u32) -> Phase {
        let later = epoch >= self.joint_point;
        let (views, counts) = match self.contrast {
            ContrastPhase::Always => (2, true),
            ContrastPhase::LaterJoint => (2, later),
            ContrastPhase::LaterDetach => (2, !later),
            ContrastPhase::LaterAug => (if later { 2 } else { 1 }, later),
        };
        let (head_scale, contrast_scale) = match self.warm_up {
            WarmUp::None => (self.head_scale, self.contrast_scale),
            WarmUp::Scalers => {
                let share = match self.joint_point {
                    0 => 1.0,
                    point => (epoch as f32 / point as f32).min(1.0),
                };
                (self.contrast_scale * share, self.contrast_scale * share)
            }
        };
        let contrast_weight = if counts { self.weight } else { 0.0 };
        Phase { views, contrast_weight, head_scale, contrast_scale }
    }

    /// How a step of this schedule gets its scales: scalers that grow are fed.
    pub fn scales(&self) -> Scales {
        match self.warm_up {
            WarmUp::None => Scales::Fixed {
                head: f64::from(self.head_scale),
                contrast: f64::from(self.contrast_scale),
            },
            WarmUp::Scalers => Scales::Fed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: u32 = 2;

    fn schedule(contrast: ContrastPhase, joint_point: u32) -> JointSchedule {
        JointSchedule {
            joint_point,
            contrast,
            warm_up: WarmUp::None,
            weight: 0.5,
            head_scale: 0.3,
            contrast_scale: 0.2,
        }
    }

    /// Weight and views before the point, at it and after it.
    #[test]
    fn the_contrast_comes_and_goes_at_the_joint_point() {
        for (contrast, weights, views) in [
            (ContrastPhase::Always, [0.5, 0.5, 0.5], [2, 2, 2]),
            (ContrastPhase::LaterJoint, [0.0, 0.5, 0.5], [2, 2, 2]),
            (ContrastPhase::LaterDetach, [0.5, 0.0, 0.0], [2, 2, 2]),
            (ContrastPhase::LaterAug, [0.0, 0.5, 0.5], [1, 2, 2]),
        ] {
            let phases = [POINT - 1, POINT, POINT + 1].map(|e| schedule(contrast, POINT).phase(e));
            assert_eq!(phases.map(|phase| phase.contrast_weight), weights, "{contrast:?}");
            assert_eq!(phases.map(|phase| phase.views), views, "{contrast:?}");
            assert!(
                phases.iter().all(|phase| (phase.head_scale, phase.contrast_scale) == (0.3, 0.2))
            );
        }
    }

    #[test]
    fn the_rate_grows_step_by_step_and_falls_at_milestones() {
        let rate = LearningRate { base: 0.2, milestones: vec![6, 9], gamma: 0.1, warm_up_steps: 4 };
        for (step, epoch, expected) in
            [(0, 0, 0.05), (3, 0, 0.2), (4, 0, 0.2), (90, 5, 0.2), (90, 6, 0.02), (90, 9, 0.002)]
        {
            let found = rate.at(step, epoch);
            assert!((found - expected).abs() < 1e-7, "step {step}, epoch {epoch}: {found}");
        }
    }

    #[test]
    fn at_point_zero_what_comes_later_is_there() {
        assert_eq!(schedule(ContrastPhase::LaterJoint, 0).phase(0).contrast_weight, 0.5);
        assert_eq!(schedule(ContrastPhase::LaterDetach, 0).phase(0).contrast_weight, 0.0);
    }

    #[test]
    fn scalers_that_warm_up_grow_to_the_b_of_the_contrast() {
        let with = |joint_point| JointSchedule {
            warm_up: WarmUp::Scalers,
            ..schedule(ContrastPhase::Always, joint_point)
        };
        for (point, epoch, b) in [(4, 0, 0.0), (4, 1, 0.05), (4, 4, 0.2), (4, 9, 0.2), (0, 0, 0.2)]
        {
            let phase = with(point).phase(epoch);
            assert_eq!((phase.head_scale, phase.contrast_scale), (b, b), "{epoch} of {point}");
        }
        assert_eq!(with(4).scales(), Scales::Fed);
        let fixed = schedule(ContrastPhase::Always, 4).scales();
        assert!(matches!(fixed, Scales::Fixed { head, .. } if (head - 0.3).abs() < 1e-6));
    }
}
