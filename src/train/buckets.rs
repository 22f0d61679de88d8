//! Which gradients are summed over ranks in one go.

use crate::nn::Parameter;

/// Numbers that are summed in one go: small tensors are put together until they are as many. Which tensors
/// that are follows from their shapes, so that sums never depend on what comes when.
const BUCKET: usize = 1 << 18;

/// Those of the parameters that all ranks have, by their numbers: the last, whose gradients are made first, in
/// front.
pub(super) fn numbered(all: &[Parameter], has: impl Fn(&Parameter) -> bool) -> Vec<Vec<usize>> {
    let mut buckets = Vec::new();
    let (mut small, mut held) = (Vec::new(), 0);
    for (at, own) in all.iter().enumerate().rev().filter(|(_, own)| has(own)) {
        let count = own.count();
        if count >= BUCKET {
            buckets.push(vec![at]);
            continue;
        }
        if held + count > BUCKET {
            buckets.push(std::mem::take(&mut small));
            held = 0;
        }
        small.push(at);
        held += count;
    }
    if !small.is_empty() {
        buckets.push(small);
    }
    buckets
}
