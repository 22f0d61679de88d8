//! What a run leaves: checkpoints with their scores, and at its end a model and a report.

use super::report::TrainReport;
use super::steps::Run;
use super::together;
use crate::eval::Measure;
use crate::fs;
use crate::train::export::export_configured;
use crate::train::validate::{Scored, scores};
use crate::train::{Error, TrainState, checkpoint};

impl Run<'_> {
    /// Writes a checkpoint, scored where sets are named, then lets go of old ones.
    pub(super) fn checkpoint(&mut self, state: &TrainState, scored: bool) -> Result<(), Error> {
        self.facts.scores.clear();
        let (group, sharing) = (self.around.group, &self.config.sharing);
        let is_first = group.rank() == 0;
        if scored {
            self.score(state)?;
        }
        let folder = self.folder.checkpoints()?;
        checkpoint::save_together(&folder, &self.facts, sharing, state, group)?;
        if !is_first {
            return Ok(());
        }
        checkpoint::prune(&folder, self.config.keep, self.config.best)?;
        let loss = self.ledger.last.as_ref();
        let loss =
            loss.map_or_else(|| "no loss yet".to_owned(), |line| format!("loss {:.4}", line.loss));
        let told = |(measure, value): (&Measure, &f64)| {
            format!(", {measure} {}", measure.metric().told(*value))
        };
        let scores: String = self.facts.scores.iter().map(told).collect();
        let (step, steps) = (self.facts.step, self.course.steps);
        let begun = match self.facts.batches {
            0 => String::new(),
            batches => format!(" and {batches} of {} batches", self.config.accumulate),
        };
        (self.around.say)(&format!("step {step} of {steps}{begun}: {loss}{scores}"));
        (self.around.after_checkpoint)(self.folder.path());
        Ok(())
    }

    /// Scores the backbone, where sets are named.
    fn score(&mut self, state: &TrainState) -> Result<(), Error> {
        let Some(validation) = &self.validation else { return Ok(()) };
        let (group, patience) = (self.around.group, self.config.patience);
        let folder = self.folder.evaluations()?;
        let model = folder.join("model.onnx");
        let is_first = group.rank() == 0;
        if is_first {
            export_configured(self.config, state)?.save(&model)?;
        }
        together::wait_for_first(group, patience)?;
        let (device, jobs) = (self.config.device, self.around.jobs);
        let scored = Scored { model: &model, device, jobs, group };
        if !is_first {
            together::waiting_long(group, patience, || validation.assist(&scored))?;
            return Ok(());
        }
        let report = together::waiting_long(group, patience, || validation.run(&scored))?;
        let text =
            serde_json::to_vec_pretty(&report).expect("a report is numbers and texts by name");
        let file = folder.join(format!("step-{:08}.json", self.facts.step));
        fs::write_whole(&file, &text)?;
        self.facts.scores = scores(&report);
        Ok(())
    }

    /// Exports what was learned and tells what was done.
    pub(super) fn finish(self, state: &TrainState) -> Result<TrainReport, Error> {
        let finished = self.is_finished();
        let model = self.folder.model();
        if finished && self.around.group.rank() == 0 {
            export_configured(self.config, state)?.save(&model)?;
        }
        // Of what devices exchange among each other nobody measures the time.
        let is_measured = self.around.group.size() > 1 && self.runtime.nccl().is_none();
        if let Some(nccl) = self.runtime.nccl() {
            nccl.leave()?;
        }
        // While others look the first one removes old ones.
        let all = match self.around.group.rank() {
            0 => checkpoint::list(&self.folder.checkpoints()?)?,
            _ => Vec::new(),
        };
        let best = self.config.best.and_then(|measure| checkpoint::best(&all, measure));
        Ok(TrainReport {
            run: self.folder.path().display().to_string(),
            preset: self.config.preset.name.to_owned(),
            finished,
            steps: self.facts.step,
            of_steps: self.course.steps,
            images: self.packs.len() as u64,
            classes: self.facts.classes,
            parameters: self.parameters,
            channel_order: self.config.channel_order.name().to_owned(),
            init: self.adopted,
            changed: self.changed,
            weighted_pairs: self.ledger.weighted_share(),
            waited: self.ledger.waiting_share(),
            exchanged: is_measured.then(|| self.ledger.exchanging_share()),
            last: self.ledger.last,
            skipped_steps: self.skipped_steps,
            skipped: self.ledger.skipped,
            scores: self.facts.scores,
            best_step: best.map(|(step, _)| step),
            checkpoint: all.last().map_or_else(String::new, |(path, _)| path.display().to_string()),
            model: finished.then(|| model.display().to_string()),
        })
    }
}
