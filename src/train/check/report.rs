//! What was checked, and how fast the machine is.

use crate::runtime::Info;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// Not at all, for a reason.
    LeftOut,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found; where it failed, what was expected, too.
    pub found: String,
}

/// How fast something is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Speed {
    /// What was timed.
    pub what: String,
    /// Images at a time.
    pub images: usize,
    /// The median of some runs.
    pub images_per_second: f64,
}

/// What `runtime check` found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckReport {
    /// The program's version.
    pub program: String,
    /// The device.
    pub device: String,
    /// Threads that worked on a step, where the device is the processor.
    pub threads: usize,
    /// Whether small networks stood for real ones.
    pub quick: bool,
    /// Libraries and devices that there are.
    pub libraries: Info,
    /// What was checked, in order.
    pub checks: Vec<Check>,
    /// How fast it is.
    pub speeds: Vec<Speed>,
    /// The most memory that this process held, in bytes; absent where the system does not tell.
    pub peak_memory: Option<u64>,
}

impl Check {
    /// One that passed.
    pub(super) fn passed(what: &str, found: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Passed, found }
    }

    /// One that failed.
    pub(super) fn failed(what: &str, found: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Failed, found }
    }

    /// One that was not made.
    pub(super) fn left_out(what: &str, found: String) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::LeftOut, found }
    }
}

impl CheckReport {
    /// Whether nothing failed.
    pub fn is_right(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != Verdict::Failed)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { what, verdict, found } in &self.checks {
            let verdict = match verdict {
                Verdict::Passed => "right",
                Verdict::Failed => "WRONG",
                Verdict::LeftOut => "left out",
            };
            writeln!(f, "{verdict:<9} {what:<44} {found}")?;
        }
        for Speed { what, images, images_per_second } in &self.speeds {
            let what = format!("{what}, {images} images");
            writeln!(f, "{:<9} {what:<44} {images_per_second:.1} images/s", "fast")?;
        }
        if let Some(bytes) = self.peak_memory {
            let mebibytes = bytes / (1 << 20);
            writeln!(f, "{:<9} {:<44} {mebibytes} MiB", "memory", "the most that was held")?;
        }
        let failed: Vec<&str> = self
            .checks
            .iter()
            .filter(|check| check.verdict == Verdict::Failed)
            .map(|check| check.what.as_str())
            .collect();
        match failed[..] {
            [] => writeln!(f, "{} is right on {}", self.program, self.device),
            _ => writeln!(
                f,
                "{} is not right on {}: {}",
                self.program,
                self.device,
                failed.join("; ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::info;

    #[test]
    fn a_report_names_what_failed_and_is_right_where_nothing_did() {
        let mut report = CheckReport {
            program: "qgface-data 0".to_owned(),
            device: "cpu".to_owned(),
            threads: 1,
            quick: true,
            libraries: info(),
            checks: vec![
                Check::passed("Add", "equal".to_owned()),
                Check::left_out("DnnlConv", "no oneDNN".to_owned()),
            ],
            speeds: vec![],
            peak_memory: Some(3 << 20),
        };
        assert!(report.is_right());
        assert!(report.to_string().contains("left out  DnnlConv"), "{report}");
        assert!(report.to_string().ends_with("3 MiB\nqgface-data 0 is right on cpu\n"), "{report}");
        report.checks.push(Check::failed("Mul", "differs".to_owned()));
        assert!(!report.is_right());
        assert!(
            report.to_string().ends_with("qgface-data 0 is not right on cpu: Mul\n"),
            "{report}"
        );
    }
}
