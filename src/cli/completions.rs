//! `completions`

use super::{Cli, Context, Error, Outcome, output};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For which shell
    shell: Shell,
}

pub(crate) fn run(args: Args, _context: &Context) -> Result<Outcome, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "qgface-data", &mut script);
    output::write(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Success)
}
