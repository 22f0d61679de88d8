//! What drawings are measured in, and how far numbers reach.

/// Units of a drawing in a pixel of the SVG. All lengths of figures are in them, unless they say
/// otherwise; sizes of text are in pixels.
pub(super) const UNITS: i32 = 4;

/// The largest magnitude that is drawn; beyond it the arithmetic of axes overflows.
pub(super) const LIMIT: f64 = 1e100;

/// Share of numbers' magnitude by which they may differ and are taken for equal.
pub(super) const NO_SPAN: f64 = 1e-9;
