//! `completions`

use super::context::Outcome;
use super::error::Error;
use super::output;
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For which shell
    shell: Shell,
}

/// Prints the completions of `command`.
pub(crate) fn run(args: Args, mut command: clap::Command) -> Result<Outcome, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "qgface-data", &mut script);
    output::write(&String::from_utf8_lossy(&script).replace(CALLED_TOO, CALLED))?;
    Ok(Outcome::Success)
}

/// What the script for Bash calls the program where it finds the subcommand, and what it calls it too
/// where it lists a subcommand's options: clap_complete writes the dash of a name in two ways, so
/// that no options would be found.
const CALLED: &str = "qgface__data";
const CALLED_TOO: &str = "qgface__subcmd__data";
