//! Names of what the graphs of a step are fed and make.

/// The class columns' name.
pub(super) const KERNEL: &str = "head.kernel";

/// Names of what tells of a sample of them.
pub(super) const SAMPLE_KERNEL: &str = "sample.kernel";
pub(super) const SAMPLE_PLACES: &str = "sample.places";
pub(super) const SAMPLE_COUNT: &str = "sample.count";
pub(super) const SAMPLE_QUEUE: &str = "sample.queue";

/// What names of gradients begin with, before the parameter's.
pub(super) const GRADIENT: &str = "gradient.";

/// What names of the gradients of earlier batches begin with, before the parameter's.
pub(super) const ACCUMULATED: &str = "accumulated.";

/// The input that says whether a step has learned from earlier batches.
pub(super) const CARRIED: &str = "carried";

/// The input that the loss is multiplied by in half width.
pub(super) const LOSS_SCALE: &str = "loss_scale";

/// What the name of a parameter's momentum begins with.
pub(super) const MOMENTUM: &str = "momentum.";

/// The learning rate's name in the second graph.
pub(super) const RATE: &str = "rate";

/// What the name of a gradient's sum over ranks begins with, before the gradient's.
pub(super) const SUM: &str = "sum.";

/// What names of what replaces a tensor begin with, before the tensor's.
pub(super) const NEXT: &str = "next.";
