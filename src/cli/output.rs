//! Results on stdout, as text or JSON; progress, warnings and errors on stderr.

use super::error::Error;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use qgface_data::progress::Progress;
use qgface_data::settings::{Section, Settings};
use serde::Serialize;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What `--format` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    Csv,
    Html,
}

/// Form of the result of a command that has these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// Warnings shown without `-v`.
const WARNINGS_SHOWN: usize = 5;

pub(crate) struct Output {
    form: Form,
    verbosity: Verbosity,
    /// Whether another process says it all.
    silent: bool,
    bar: Bar,
}

impl Output {
    pub(crate) fn new(form: Form, verbosity: Verbosity) -> Self {
        let bar = Bar { shown: verbosity != Verbosity::Quiet, bar: Mutex::new(None) };
        Self { form, verbosity, silent: false, bar }
    }

    /// Of a process beside the one that says everything.
    pub(crate) fn silent(form: Form) -> Self {
        Self { silent: true, ..Self::new(form, Verbosity::Quiet) }
    }

    /// The bar that long tasks report to.
    pub(crate) fn progress(&self) -> &dyn Progress {
        &self.bar
    }

    /// Writes a result, `text` of it or its JSON.
    pub(crate) fn report<R: Serialize>(
        &self,
        report: &R,
        text: impl FnOnce(&R) -> String,
    ) -> Result<(), Error> {
        if self.silent {
            return Ok(());
        }
        let text = match self.form {
            Form::Text => text(report),
            Form::Json => {
                let json = serde_json::to_string_pretty(report).map_err(std::io::Error::from)?;
                visible_json(&json) + "\n"
            }
        };
        Ok(write(&text)?)
    }

    /// Says something on stderr, unless `-q`.
    pub(crate) fn say(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            say(text);
        }
    }

    /// Says warnings on stderr: the first few, all with `-v`.
    pub(crate) fn warn(&self, warnings: &[String]) {
        let shown = if self.verbosity == Verbosity::Verbose { usize::MAX } else { WARNINGS_SHOWN };
        for warning in warnings.iter().take(shown) {
            self.say(&format!("warning: {warning}"));
        }
        if warnings.len() > shown {
            self.say(&format!("warning: {} more; -v shows them", warnings.len() - shown));
        }
    }

    /// With `-v`, says which settings of some sections are in force and where they come from.
    pub(crate) fn tell_settings(&self, settings: &Settings, sections: &[Section]) {
        if self.verbosity == Verbosity::Verbose {
            settings.lines(sections).iter().for_each(|line| self.say(line));
        }
    }

    /// With `-v`, says how long the command took.
    pub(crate) fn tell_time(&self, taken: Duration) {
        if self.verbosity == Verbosity::Verbose {
            self.say(&format!("took {:.2} s", taken.as_secs_f64()));
        }
    }
}

/// A progress bar with rate and time left, only where a person sees it.
struct Bar {
    shown: bool,
    bar: Mutex<Option<ProgressBar>>,
}

/// Bar, count, rate and time left.
const STYLE: &str = "{prefix} {msg} {wide_bar} {human_pos}/{human_len} {rate} {eta} left";

impl Progress for Bar {
    fn start(&self, what: &str, total: u64) {
        if !self.shown {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}/s", grouped(state.per_sec() as u64));
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.set_prefix(visible(what, ""));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self, by: u64) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(by);
        }
    }

    fn status(&self, text: &str) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.set_message(visible(text, ""));
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

/// Prints a line that is told however little is said.
pub(crate) fn print_line(line: &str) {
    say(line);
}

/// An error, its causes and what can be done about it in one line.
pub(crate) fn error_line(error: &dyn std::error::Error, advice: &[String]) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // A transparent error prints its cause's text as its own.
        let own = error.to_string();
        if !text.ends_with(&own) {
            text = format!("{text}: {own}");
        }
        cause = error.source();
    }
    for advice in advice {
        text = format!("{text}; {advice}");
    }
    text
}

/// Writes to stdout; a reader that has seen enough and left is no error.
pub(crate) fn write(text: &str) -> std::io::Result<()> {
    let text = visible(text, "\n\t");
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a line to stderr; where nobody can be told, nothing is.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "qgface-data: {}", visible(text, ""));
}

/// Whether a terminal would obey a letter, or show those beside it in another order: names out of files
/// must do neither.
fn is_command(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with such letters, but those `kept`, as `\n` or `\u{1b}`.
fn visible(text: &str, kept: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_command(letter) && !kept.contains(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

/// The document with such letters, which JSON allows in its texts from U+007F on, as JSON escapes them.
fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        match is_command(letter) && !letter.is_ascii_whitespace() {
            true => shown += &format!("\\u{:04x}", u32::from(letter)),
            false => shown.push(letter),
        }
    }
    shown
}

/// `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `2 images`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// Bytes in a unit a person reads.
pub(crate) fn sized(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_sent() {
        let name = "a\u{1b}[2J\r\u{9b}1m\u{202e}b\nc\u{7f}\u{fc}";
        let shown = "a\\u{1b}[2J\\r\\u{9b}1m\\u{202e}b\\nc\\u{7f}\u{fc}";
        assert_eq!(visible(name, ""), shown);
        assert_eq!(visible("a\n\tb", "\n\t"), "a\n\tb");
    }

    #[test]
    fn a_document_stays_the_same_document() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{1b}\u{7f}\u{202e}\n"] });
        let shown = visible_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.chars().all(|letter| !is_command(letter) || letter == '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
