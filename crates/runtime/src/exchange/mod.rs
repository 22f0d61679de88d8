//! What ranks exchange in the middle of a graph, as operators of ONNX Runtime's, in the domain `qgface`.
//!
//! All of them take floats x and, where it is given, the result of the exchange before, which is not
//! read: it keeps the runtime to one order.
//!
//! | operator | makes | attributes |
//! |---|---|---|
//! | `AllReduceSum`, `AllReduceMax` | what x of all ranks becomes together, on each | |
//! | `AllGather` | x of all ranks, one behind the other along the first axis | `ranks` |
//! | `ReduceScatter` | of the sum of x over ranks the rank's part of the first axis | `ranks` |
//! | `Broadcast` | x of the rank `root` | `root` |
//!
//! They work in the processor's memory, on the group that the runtime was given, or on CUDA by NCCL.

mod announce;
mod bulletin;
mod carrier;
mod operator;
mod row;
mod sums;

#[cfg(test)]
mod tests;

pub(crate) use bulletin::Bulletin;
pub(crate) use carrier::Carrier;
pub(crate) use row::Collective;
pub(crate) use sums::Part;
pub use sums::{Summed, Sums};

use announce::Announce;
use operator::Exchange;
use ort::operator::OperatorDomain;
use row::ROWS;
use std::sync::Arc;

/// Adds the operators to a domain.
pub(super) fn add_to(
    domain: OperatorDomain,
    carrier: &Arc<dyn Carrier>,
) -> Result<OperatorDomain, ort::Error> {
    ROWS.iter()
        .try_fold(domain, |domain, row| domain.add(Exchange { row, carrier: Arc::clone(carrier) }))
}

/// Adds what announces that values are made.
pub(super) fn add_announcing(
    domain: OperatorDomain,
    bulletin: &Arc<Bulletin>,
) -> Result<OperatorDomain, ort::Error> {
    domain.add(Announce { bulletin: Arc::clone(bulletin) })
}

/// Whether nodes of this name exchange something.
pub(super) fn has(operator: &str) -> bool {
    ROWS.iter().any(|row| row.name == operator)
}
