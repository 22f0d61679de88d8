//! What a rule returns.

use crate::graph::Value;

/// Cotangents of an operator's inputs, in their order; none for those through which no gradient
/// flows.
pub(super) type Cotangents = Vec<Option<Value>>;
