//! What a step is compiled from, and of what none can be made.

use super::{Error, Sample};
use crate::nn::{
    Backbone, Curve, HeadKind, HeadShare, JointOptions, MARGIN_BOUND, Margin, Range, Sharing,
};
use crate::optim::Sgd;
use crate::settings::LARGEST_CONSTANT;

/// What a step is compiled from.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOptions {
    /// The backbone.
    pub backbone: Backbone,
    /// The losses.
    pub joint: JointOptions,
    /// Number of classes.
    pub classes: usize,
    /// Images a batch.
    pub batch: usize,
    /// Batches that a step learns from: their gradients are summed before its update, each divided by
    /// their number. Statistics, averages and the queue advance with every batch.
    pub accumulate: usize,
    /// Views of each image, 1 or 2; with contrast 2.
    pub views: usize,
    /// Where b of the quality scalers comes from.
    pub scales: Scales,
    /// The optimiser.
    pub sgd: Sgd,
    /// What the ranks share that train together. Batch and rows are each rank's own.
    pub sharing: Sharing,
    /// The class columns that a batch scores, where it does not score all.
    pub sample: Option<Sample>,
}

impl StepOptions {
    /// Images of a batch of all ranks.
    pub fn images(&self) -> usize {
        self.batch.saturating_mul(self.sharing.world.ranks)
    }
}

/// Where b of the quality scalers comes from: how strongly quality scales, from 0, not at all, to
/// 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scales {
    /// The step is compiled for these.
    Fixed {
        /// b of the head.
        head: f64,
        /// b of the contrast.
        contrast: f64,
    },
    /// Both are fed at each step.
    Fed,
}

/// No extent of a step is larger; products of two still count exactly.
pub(super) const LARGEST: usize = 1 << 24;

/// Classes that are planned at most.
pub(super) const MOST_PLANNED: usize = 1 << 30;

/// Labels are exact as floats up to the largest extent, as the queue holds them.
pub(super) fn check(options: &StepOptions, most_classes: usize) -> Result<(), Error> {
    let refuse = |option, expected: &str, found: String| {
        Err(Error::Option { option, expected: expected.to_owned(), found })
    };
    let StepOptions { backbone, joint, classes, batch, views, accumulate, .. } = options;
    let of_backbone = backbone.extents().into_iter();
    for (option, extent, least) in of_backbone
        .map(|(option, extent)| (option, extent, 1))
        .chain([("classes", *classes, 2), ("batch", *batch, 1), ("views", *views, 1)])
        .chain([("accumulate", *accumulate, 1)])
        .chain(joint.contrast.map(|(_, queue)| ("queue", queue.size, 1)))
    {
        let most = if option == "classes" { most_classes } else { LARGEST };
        if !(least..=most).contains(&extent) {
            return refuse(option, &format!("{least} to {most}"), extent.to_string());
        }
    }
    if *views > 2 || (joint.contrast.is_some() && *views != 2) {
        return refuse("views", "1 or 2, and 2 with contrast", views.to_string());
    }
    let ranks = options.sharing.columns().ranks;
    if *classes < ranks {
        let expected = format!("at least one for each of {ranks} ranks, which have parts of them");
        return refuse("classes", &expected, classes.to_string());
    }
    if batch * views < 2 {
        let expected = "at least two rows, of one there is no deviation";
        return refuse("batch", expected, format!("{batch} image of {views} view"));
    }
    if !(0.0..1.0).contains(&backbone.dropout) {
        return refuse("dropout", "at least 0 and below 1", backbone.dropout.to_string());
    }
    if let Some(Sample { rate, .. }) = options.sample {
        if !(rate > 0.0 && rate <= 1.0) {
            return refuse("sample", "above 0, at most 1", rate.to_string());
        }
        let Sharing { world, head, .. } = options.sharing;
        if !world.is_alone() && head == HeadShare::Replicated {
            let expected = "class columns in parts: each rank would update others of the same";
            return refuse("sample", expected, "all columns on each rank".to_owned());
        }
    }
    check_losses(options)?;
    let Sgd { momentum, weight_decay } = options.sgd;
    for (option, number) in [("momentum", momentum), ("weight decay", weight_decay)] {
        if !(0.0..=1.0).contains(&number) {
            return refuse(option, "0 to 1", number.to_string());
        }
    }
    Ok(())
}

/// Checks the constants of head and contrast.
fn check_losses(options: &StepOptions) -> Result<(), Error> {
    let head = &options.joint.head;
    let eps = match head.kind {
        HeadKind::CurricularFace { eps, .. } => eps,
        _ => 0.0,
    };
    let mut bounded = vec![
        ("margin of the head", head.m, -MARGIN_BOUND, MARGIN_BOUND),
        ("scale of the head", head.s, f64::MIN_POSITIVE, LARGEST_CONSTANT),
        ("h", head.h, 0.0, LARGEST_CONSTANT),
        ("t_alpha of the head", head.t_alpha, 0.0, 1.0),
        ("eps", eps, 0.0, 0.5),
    ];
    if let Some((contrast, _)) = &options.joint.contrast {
        bounded.push(("scale of the contrast", contrast.s, f64::MIN_POSITIVE, LARGEST_CONSTANT));
        bounded.push(("t_alpha of the contrast", contrast.t_alpha, 0.0, 1.0));
        if let Margin::Static(m) = contrast.margin {
            bounded.push(("margin of the contrast", m, -2.0, 2.0));
        }
    }
    if let Scales::Fixed { head, contrast } = options.scales {
        // Above this the line of the whole range has no end below 1.
        let line = options.joint.contrast.is_some_and(|(contrast, _)| {
            contrast.curve == Curve::Linear && contrast.range == Range::Whole
        });
        let most = if line { 0.99 } else { 1.0 };
        bounded.push(("quality scale of the head", head, 0.0, 1.0));
        bounded.push(("quality scale of the contrast", contrast, 0.0, most));
    }
    for (option, number, least, most) in bounded {
        if !(least..=most).contains(&number) {
            let expected = format!("{least} to {most}");
            return Err(Error::Option { option, expected, found: number.to_string() });
        }
    }
    Ok(())
}
