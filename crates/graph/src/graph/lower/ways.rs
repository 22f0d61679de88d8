//! The ways to lower a node, by their names.

/// In pixels: as where images lie in planes, between transpositions.
pub(super) const IN_PLANES: &str = "in planes";

/// The program's own operator.
pub(super) const OWN: &str = "own";

/// oneDNN's operator, with factors of 32 bits.
pub(super) const FLOAT32: &str = "float32";

/// The same, with factors that are rounded to bfloat16.
pub(super) const BFLOAT16: &str = "bfloat16";

/// The ways that fit a problem.
pub(super) struct Ways {
    /// Their names, the reference first.
    pub(super) names: Vec<&'static str>,
    /// The one that is taken unless another was chosen.
    pub(super) built_in: &'static str,
}
