//! Steps that ranks share, against the reference's under DistributedDataParallel and arcface_torch's
//! PartialFC: in f64 by the evaluator, which runs the ranks of a world in one process, and in f32 by processes.

mod course;
mod head;
mod processes;
mod ranks;
mod runs;
mod sampled;
mod setting;
mod sharded;
mod sync_bn;

pub(crate) use processes::as_rank;

use crate::Topic;
use crate::manifest::Json;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "distributed", cases, run };

/// A part of the topic: how many cases its manifest has, and what runs them.
struct Part {
    cases: fn(&Json) -> usize,
    run: fn(&Path, &Json) -> usize,
}

const PARTS: [Part; 5] = [runs::PART, head::PART, sampled::PART, sync_bn::PART, sharded::PART];

fn cases(manifest: &Json) -> usize {
    PARTS.iter().map(|part| (part.cases)(manifest)).sum()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    PARTS.iter().map(|part| (part.run)(folder, manifest)).sum()
}
