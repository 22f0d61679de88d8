//! What a subcommand works with beside its arguments, and how it ends.

use super::error::Error;
use super::output::{Format, Output};
use super::ranks::Threads;
use qgface_data::group::Group;
use qgface_data::settings::{Section, Settings};
use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// How a subcommand ended.
pub(super) enum Outcome {
    /// Done.
    Success,
    /// The check itself said no.
    No,
}

/// What a subcommand works with beside its arguments.
pub(super) struct Context {
    /// What `--config` names.
    config: Option<PathBuf>,
    /// What `--format` says; `output` keeps to it where it can.
    pub(super) format: Option<Format>,
    pub(super) output: Output,
    pub(super) jobs: usize,
    /// Those of all processes of the job on this machine.
    pub(super) jobs_together: usize,
    /// Whether it was said how many.
    pub(super) jobs_given: bool,
    /// The processes that this command is one of.
    pub(super) group: Arc<Group>,
    settings: OnceCell<Settings>,
}

impl Context {
    pub(super) fn new(
        config: Option<PathBuf>,
        format: Option<Format>,
        output: Output,
        threads: Threads,
        group: Arc<Group>,
    ) -> Self {
        let settings = OnceCell::new();
        let Threads { own: jobs, together: jobs_together } = threads;
        Self { config, format, output, jobs, jobs_together, jobs_given: false, group, settings }
    }

    /// The settings in force, read once; only commands that use them mind a broken file.
    pub(super) fn settings(&self) -> Result<&Settings, Error> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::load(self.config.as_deref(), environment())?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// The settings in force, of which a command reads these sections: with `-v` they are told.
    pub(super) fn told_settings(&self, sections: &[Section]) -> Result<&Settings, Error> {
        let settings = self.settings()?;
        self.output.tell_settings(settings, sections);
        Ok(settings)
    }
}

/// The variables whose names are text.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(text)
}
