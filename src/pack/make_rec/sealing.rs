//! The end of a pack that was written: its small files and its manifest.

use super::report::planned;
use super::{MakeError, Options, PackReport};
use crate::pack::Part;
use crate::pack::manifest::{Manifest, PackDigests, Provenance, Skipped};
use crate::pack::plan::{PackPlan, inputs, protocol_files};
use crate::pack::write::{Output, Staging, Tables, finish_layout, write_small};
use crate::recordio::Writer;

/// What was written of all images.
pub(super) struct Written {
    pub(super) rec: Writer<Output>,
    pub(super) tables: Tables,
    pub(super) skipped: Vec<Skipped>,
    pub(super) reoriented: u64,
    pub(super) resumed: u64,
}

/// Makes the files durable and writes the manifest beside them.
pub(super) fn seal(
    plan: &PackPlan,
    options: &Options,
    staging: &Staging,
    written: Written,
) -> Result<PackReport, MakeError> {
    let Written { mut rec, mut tables, skipped, reoriented, resumed } = written;
    let layout = finish_layout(&mut rec, &mut tables, staging)?;
    let pairs = match plan.pairs() {
        Some(text) => Some(write_small(&staging.path(Part::Pairs), &text)?),
        None => None,
    };
    let rec = rec.into_inner().finish()?;
    let tables = tables.finish()?;
    let mut planned = planned(plan, options);
    planned.warnings.extend(layout.warnings);
    let report = PackReport {
        count: tables.count,
        identities: layout.identities,
        classes: layout.classes,
        resumed,
        bytes: rec.bytes,
        first_and_last: tables.first_and_last,
        order: tables.order,
        skipped,
        reoriented,
        ..planned
    };
    let files = PackDigests {
        rec,
        idx: tables.idx,
        lst: tables.lst,
        records: tables.records,
        pairs,
        property: layout.property,
    };
    staging.seal(&manifest(plan, &report, files)?.to_bytes())?;
    Ok(report)
}

fn manifest(
    plan: &PackPlan,
    report: &PackReport,
    files: PackDigests,
) -> Result<Manifest, MakeError> {
    let manifest = Manifest {
        format: Manifest::format(),
        tool: Manifest::tool(),
        set: report.set.clone(),
        count: report.count,
        label: report.label.clone(),
        source: Provenance::List,
        layout: report.layout,
        shuffle: report.shuffle,
        shard: report.shard.clone(),
        encoding: Some(report.encoding),
        stored_channel_order: report.stored_channel_order,
        align: plan.recipe.align,
        alignment: report.alignment.clone(),
        landmarks: plan.points_note(),
        reoriented: report.reoriented,
        ignored: report.ignored,
        skipped: report.skipped.clone(),
        inputs: inputs(plan)?,
        protocol_files: protocol_files(plan)?,
        files,
        order: report.order.clone(),
        digest: String::new(),
    };
    Ok(manifest.sealed())
}
