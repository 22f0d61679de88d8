//! The devices of ranks that train together.

use crate::causes::chain;
use crate::group::Group;
use crate::runtime::{Device, Nccl, NcclLibrary, Runtime};
use crate::settings::keys;
use crate::train::{Config, Error};
use std::sync::Arc;

/// The runtime of a rank, which exchanges with the others: on CUDA by NCCL where all ranks have it, and else, if
/// nothing is exchanged in the middle of a step, through the processors' memory, which is said.
///
/// # Errors
/// [`Error::Option`]: a step exchanges on CUDA, and a rank has no NCCL; [`Error::Nccl`], [`Error::Group`].
pub(super) fn together(
    runtime: Runtime,
    config: &Config,
    group: &Arc<Group>,
    say: &dyn Fn(&str),
) -> Result<Runtime, Error> {
    let runtime = runtime.with_group(Arc::clone(group));
    let Device::Cuda(number) = config.device else { return Ok(runtime) };
    let found = NcclLibrary::find();
    let lacks = found.as_ref().err().map(|reason| chain(reason)).unwrap_or_default();
    let of_ranks = group.gather_bytes(lacks.as_bytes())?;
    let without = of_ranks.iter().enumerate().find(|(_, lacks)| !lacks.is_empty());
    match (found, without) {
        (Ok(library), None) => {
            say(&format!("devices exchange by NCCL {}", library.version()));
            Ok(runtime.with_nccl(Some(Nccl::join(library, group, number)?)))
        }
        (_, without) => {
            let reason = without.map_or_else(
                || "no NCCL".to_owned(),
                |(rank, lacks)| format!("rank {rank}: {}", String::from_utf8_lossy(lacks)),
            );
            without_nccl(config, &reason, say)?;
            Ok(runtime)
        }
    }
}

fn without_nccl(config: &Config, reason: &str, say: &dyn Fn(&str)) -> Result<(), Error> {
    if !config.exchanges_within_steps() {
        say(&format!(
            "gradients of devices are summed in the processors' memory, without NCCL: {reason}"
        ));
        return Ok(());
    }
    Err(Error::Option {
        option: keys::TRAIN_DEVICE.name(),
        expected: format!(
            "cpu, or NCCL for head.shards=ranks, normalisation=synchronised or queue.ranks=shared ({reason})"
        ),
        found: config.device.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::World;
    use crate::settings::Settings;

    #[test]
    fn without_nccl_gradients_alone_are_summed_and_that_is_said() {
        let config = |assignments: &[&str]| {
            let mut settings = Settings::defaults();
            assignments.iter().for_each(|text| settings.assign(text).unwrap());
            let mut config = Config::new(&settings).unwrap();
            config.sharing.world = World { ranks: 2, rank: 0 };
            config
        };
        let said = std::cell::RefCell::new(Vec::new());
        let say = |text: &str| said.borrow_mut().push(text.to_owned());
        without_nccl(&config(&["device=cuda:0"]), "rank 1: none", &say).unwrap();
        assert!(said.borrow()[0].contains("processors' memory, without NCCL: rank 1: none"));
        for shared in ["head.shards=ranks", "normalisation=synchronised", "queue.ranks=shared"] {
            let refused = without_nccl(&config(&["device=cuda:0", shared]), "rank 1: none", &say);
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("rank 1: none") && refused.contains("cuda:0"), "{refused}");
        }
        assert_eq!(said.borrow().len(), 1);
    }
}
