//! What a run says before its first step.

use super::steps::Run;
use crate::graph::Width;
use crate::graph::lower::Layout;
use crate::nn::HeadShare;
use crate::pack::Part;
use crate::runtime::Precision;
use crate::settings::{Row, keys};
use crate::train::{Error, samples};

impl Run<'_> {
    /// Says what will be done, and shows the views.
    pub(super) fn announce(&self) -> Result<(), Error> {
        let (config, say) = (self.config, self.around.say);
        if let Some(adopted) = &self.adopted {
            say(&format!("took {} tensors of {}", adopted.taken, adopted.file));
        }
        for store in self.packs.stores() {
            let manifest = &store.manifest;
            say(&format!(
                "{}: {} images, stored {}, alignment {}",
                store.files.path(Part::Rec).display(),
                store.len(),
                manifest.stored_channel_order.name(),
                manifest.alignment,
            ));
        }
        let steps = self.course.steps;
        say(&format!(
            "{}: preset {}, {} with {} classes, {} view(s), fed {}, {steps} steps of {} images",
            self.folder.path().display(),
            config.preset.name,
            config.settings.get(&keys::BACKBONE_ARCHITECTURE),
            self.facts.classes,
            config.views.len(),
            config.channel_order.name(),
            config.batch * config.sharing.world.ranks * config.accumulate,
        ));
        self.announce_ranks();
        match (config.precision, self.made.width, self.made.arrangement.layout) {
            (_, Width::Half, _) => say("the backbone computes in float16"),
            (_, _, Layout::RoundedPixels) => say("convolutions multiply in bfloat16"),
            (Precision::Mixed, ..) => say("train.precision=mixed: float32 in this run"),
            _ => {}
        }
        if config.accumulate > 1 {
            say(&format!(
                "a step sums the gradients of {} batches of {} images",
                config.accumulate, config.batch
            ));
        }
        let of_epochs = self.course.of_epochs();
        if steps < of_epochs {
            say(&format!(
                "train.max_steps ends the run after {steps} of its epochs' {of_epochs} steps"
            ));
        }
        if self.around.group.rank() > 0 {
            return Ok(());
        }
        samples::write(
            &self.batches(config.views.len())?,
            &self.folder.samples()?.join("views.png"),
        )
    }

    /// Says who trains together, and what they share.
    fn announce_ranks(&self) {
        let (group, sharing) = (self.around.group, &self.config.sharing);
        if sharing.world.is_alone() {
            return;
        }
        let word = |key: &dyn Row| self.config.settings.resolved()[key.name()].clone();
        (self.around.say)(&format!(
            "{} processes on {} machine(s), by {}: batches of {} images each, normalisation {}, queue {}, class \
             columns {}, buffers {}",
            group.size(),
            group.nodes(),
            group.engine(),
            self.config.batch,
            word(&keys::TRAIN_NORMALISATION),
            word(&keys::QUEUE_RANKS),
            match sharing.head {
                HeadShare::Replicated => "of all on each",
                HeadShare::Sharded => "in parts",
            },
            word(&keys::TRAIN_BUFFERS),
        ));
    }
}
