//! What can end a subcommand.

use qgface_data::report::plot;
use qgface_data::{demo, eval, fs, group, pack, report, runtime, settings, synth, train};

/// What can end a subcommand.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Pack(#[from] pack::Error),
    #[error(transparent)]
    Make(#[from] pack::MakeError),
    #[error(transparent)]
    Verify(#[from] pack::verify_order::Error),
    #[error(transparent)]
    Adopt(#[from] pack::adopt::Error),
    #[error(transparent)]
    Merge(#[from] pack::merge::Error),
    #[error(transparent)]
    Align(#[from] pack::align::Error),
    #[error(transparent)]
    Unpack(#[from] pack::unpack::Error),
    #[error(transparent)]
    Inspect(#[from] pack::inspect::Error),
    #[error(transparent)]
    Reindex(#[from] pack::reindex::Error),
    #[error(transparent)]
    Settings(#[from] settings::Error),
    #[error(transparent)]
    Synth(#[from] synth::Error),
    #[error(transparent)]
    Files(#[from] fs::Error),
    #[error("{}{first}", if *more > 0 { format!("{} packs could not be verified, the first: ", more + 1) } else { String::new() })]
    NotVerified { first: String, more: usize },
    #[error(transparent)]
    Eval(#[from] Box<eval::Error>),
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error(transparent)]
    Train(#[from] Box<train::Error>),
    #[error(transparent)]
    Group(#[from] group::Error),
    #[error(transparent)]
    Launch(#[from] group::LaunchError),
    #[error(transparent)]
    Demo(#[from] demo::Error),
    #[error(transparent)]
    Plot(#[from] plot::Error),
    #[error(transparent)]
    Report(#[from] report::Error),
    #[error("{0}")]
    Arguments(String),
    #[error("cannot write the result")]
    Output(#[from] std::io::Error),
}
