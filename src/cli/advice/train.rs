//! On runs that cannot be begun, or not go on.

use super::{eval, pack, runtime, settings};
use qgface_data::loader;
use qgface_data::train::Error;

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Runtime(error) => runtime::advice(error),
        Error::Settings(error) => settings::advice(error),
        Error::Pack(error) => pack::advice(error),
        Error::Loader(error) => of_loader(error),
        Error::Eval(error) => eval::advice(error),
        Error::Pickled { .. } => Some(
            "convert it with torch.load and safetensors.torch.save_file, as docs/training.md shows at --init"
                .to_owned(),
        ),
        Error::Names { .. } => Some(
            "begin with a checkpoint, with a model that `qgface-data` exported, or with a safetensors file of \
             such names"
                .to_owned(),
        ),
        Error::RunExists { run } => {
            let run = run.display();
            Some(format!("go on with it by --resume {run}, or choose another train.name"))
        }
        Error::RunBusy { .. } => Some("wait for it, or choose another train.name".to_owned()),
        Error::Init { .. } => {
            Some("set backbone.architecture and backbone.width to what it was trained with".to_owned())
        }
        Error::NotFinite { run, .. } => Some(format!(
            "lower train.lr, or give train.warm_up_steps, and go on with --resume {}",
            run.display()
        )),
        Error::LossScale { run, .. } => Some(format!(
            "lower head.s or train.lr, or go on with --resume {} train.precision=float32",
            run.display()
        )),
        Error::NoOneDnn { .. } => Some(
            "`qgface-data runtime install` puts it in place; train.tune=off goes on without it, to other \
             last digits, and train.precision=float32 with it where the run is in bfloat16"
                .to_owned(),
        ),
        Error::NoCudnn { .. } => Some(
            "`qgface-data runtime info` says what stands in the way; train.tune=off goes on without it, \
             to other last digits"
                .to_owned(),
        ),
        Error::Kept { .. } => {
            Some("train.tune=off goes on in ONNX's operators, to other last digits".to_owned())
        }
        Error::Memory { changes, .. } => Some(match changes.is_empty() {
            true => "train.memory=warn begins it all the same".to_owned(),
            false => format!(
                "with one of these it fits: {}; train.memory=warn begins it all the same",
                changes.join(", or ")
            ),
        }),
        Error::Unplanned(_)
        | Error::Group(_)
        | Error::Nccl(_)
        | Error::Ranks { .. }
        | Error::Option { .. }
        | Error::BatchSize { .. }
        | Error::Label { .. }
        | Error::State { .. }
        | Error::Files(_)
        | Error::Model(_)
        | Error::Sheet { .. }
        | Error::Checkpoint { .. }
        | Error::Resume { .. } => None,
    }
}

fn of_loader(error: &loader::Error) -> Option<String> {
    match error {
        loader::Error::Size { .. } => Some(
            "cut faces out with `make-rec --align`, or let train.other_size=resize resize them"
                .to_owned(),
        ),
        loader::Error::Pack(error) => pack::of_proof(error),
        loader::Error::Picture { .. }
        | loader::Error::Few { .. }
        | loader::Error::Many { .. }
        | loader::Error::NoneWhole { .. } => None,
    }
}
