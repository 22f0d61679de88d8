//! On what can end a subcommand.

use super::{adopt, eval, pack, runtime, settings, train};
use crate::cli::error::Error;
use qgface_data::{demo, report};

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Pack(error) => pack::advice(error),
        Error::Settings(error) => settings::advice(error),
        Error::Eval(error) => eval::advice(error),
        Error::Runtime(error) => runtime::advice(error),
        Error::Train(error) => train::advice(error),
        Error::Demo(error) => of_demo(error),
        Error::Report(error) => of_report(error),
        Error::Make(error) => pack::of_make(error),
        Error::Verify(error) => pack::of_verify(error),
        Error::Adopt(error) => adopt::advice(error),
        Error::Merge(error) => pack::of_merge(error),
        Error::Align(error) => pack::of_align(error),
        Error::Unpack(error) => pack::of_unpack(error),
        Error::Inspect(error) => pack::of_inspect(error),
        Error::Reindex(error) => pack::of_reindex(error),
        Error::Synth(_)
        | Error::Files(_)
        | Error::NotVerified { .. }
        | Error::Plot(_)
        | Error::Group(_)
        | Error::Launch(_)
        | Error::Arguments(_)
        | Error::Output(_) => None,
    }
}

fn of_demo(error: &demo::Error) -> Option<String> {
    match error {
        demo::Error::Pack(error) => pack::advice(error),
        demo::Error::Settings(error) => settings::advice(error),
        demo::Error::Train(error) => train::advice(error),
        demo::Error::Eval(error) => eval::advice(error),
        demo::Error::Report(error) => of_report(error),
        demo::Error::Make(error) => pack::of_make(error),
        demo::Error::Verify(error) => pack::of_verify(error),
        demo::Error::Files(_)
        | demo::Error::Synth(_)
        | demo::Error::Interrupted { .. }
        | demo::Error::Set { .. } => None,
    }
}

fn of_report(error: &report::Error) -> Option<String> {
    match error {
        report::Error::Run(error) => train::advice(error),
        report::Error::Form { .. } | report::Error::Format { .. } => {
            Some("write it anew with `qgface-data eval --format json`".to_owned())
        }
        report::Error::File(_)
        | report::Error::Empty { .. }
        | report::Error::Value { .. }
        | report::Error::Plot(_)
        | report::Error::Csv(_)
        | report::Error::Json(_) => None,
    }
}
