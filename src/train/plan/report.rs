//! What `train --plan` tells.

use super::changes::Change;
use super::exchanged::Exchanged;
use super::memory::Memory;
use super::need::{Need, Verdict};
use super::transit::{Links, Transit};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// What a run will take.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanReport {
    /// The backbone.
    pub network: String,
    /// Where its steps are made.
    pub device: String,
    /// Number of classes.
    pub classes: u64,
    /// Parameters that are learned.
    pub parameters: u64,
    /// Images a batch.
    pub batch: u64,
    /// Batches a step.
    pub accumulate: u64,
    /// Views of each image, at most.
    pub views: u64,
    /// How images lie in a step.
    pub layout: String,
    /// Why it is told of steps that are made so.
    pub layout_since: String,
    /// Processes that train together, each with batches and memory of its own.
    pub processes: u64,
    /// Bytes that a process sends the others in a step, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Exchanged>,
    /// What that takes of the links between processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit: Option<Transit>,
    /// Memory of a process by what it is for, in bytes.
    pub memory: Memory,
    /// Memory of this machine's processes by where it is taken.
    pub needs: Vec<Need>,
    /// Whether it fits; true where nobody tells what is left.
    pub fits: bool,
    /// Settings with which it would fit; empty where it does.
    pub changes: Vec<Change>,
    /// Steps to be made.
    pub steps: u64,
    /// Steps that the run has in all.
    pub of_steps: u64,
    /// How fast steps are, where that was measured.
    pub speed: Option<Speed>,
    /// What measures it else.
    pub measured_by: Option<String>,
    /// What is not counted in.
    pub left_out: Vec<String>,
}

/// How fast steps are, by the tuning table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Speed {
    /// Images a second, each in all its views.
    pub images_per_second: f64,
    /// Seconds of the steps to be made.
    pub seconds: f64,
}

/// Bytes as a person reads them.
fn sized(bytes: u64) -> String {
    const MEBIBYTE: f64 = (1 << 20) as f64;
    match bytes as f64 / MEBIBYTE {
        small if small < 1024.0 => format!("{small:.1} MiB"),
        large => format!("{:.2} GiB", large / 1024.0),
    }
}

/// Seconds as a person reads them.
fn lasting(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

impl Need {
    /// What is needed and left, in one line.
    pub fn told(&self) -> String {
        let needed = sized(self.needed);
        match self.available {
            None => format!("{needed} on {}, where nobody tells what is left", self.place),
            Some(left) => format!("{needed} on {}, where {} are left", self.place, sized(left)),
        }
    }
}

impl Transit {
    fn tell(&self, f: &mut fmt::Formatter<'_>, collectives: u64) -> fmt::Result {
        let Links { within, between, latency } = self.links;
        let machines = match self.machines {
            1 => "on one machine".to_owned(),
            machines => {
                format!("a machine of {machines} sends the others {}", sized(self.between_machines))
            }
        };
        let own = sized(self.to_own_machine);
        writeln!(f, "links       a process sends others of its machine {own}; {machines}")?;
        writeln!(
            f,
            "exchanges   {:.1} ms a step: {collectives} collectives at {within} GB/s within a machine, {between} GB/s \
             between machines, {latency} µs (plan.within, plan.between, plan.latency)",
            1e3 * self.seconds
        )?;
        match self.efficiency {
            Some(share) => writeln!(f, "efficiency  {:.1} %", 100.0 * share),
            None => Ok(()),
        }
    }
}

impl Memory {
    /// Its parts and their names, in the order of a table.
    pub fn parts(&self) -> Vec<(&'static str, u64)> {
        let mut parts = vec![
            ("weights", self.weights),
            ("momenta", self.momenta),
            ("gradients", self.gradients),
            ("queue and statistics", self.queue),
            ("activations", self.activations),
            ("batches in steps", self.feeds),
            ("batches loaded", self.loading),
            ("checkpoint", self.checkpoint),
            ("program", self.program),
        ];
        if self.columns > 0 {
            parts.insert(3, ("class columns", self.columns));
        }
        parts
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, device, classes, parameters, batch, accumulate, views, .. } = self;
        writeln!(f, "network     {network}, {parameters} parameters, {classes} classes")?;
        let summed = match accumulate {
            1 => String::new(),
            batches => format!(", {batches} batches a step"),
        };
        writeln!(f, "batch       {batch} images in {views} view(s){summed}")?;
        if let Some(exchanged) = &self.exchanged {
            let processes = self.processes;
            writeln!(
                f,
                "processes   {processes}, a step of {} images",
                processes * batch * accumulate
            )?;
            for (at, (name, bytes)) in exchanged.parts().into_iter().enumerate() {
                let head = if at == 0 { "sent a step" } else { "" };
                writeln!(f, "{head:<11} {name:<20} {:>10}", sized(bytes))?;
            }
        }
        if let Some(transit) = &self.transit {
            transit.tell(f, self.exchanged.map_or(0, |own| own.collectives))?;
        }
        writeln!(f, "steps       {} of {} on {device}", self.steps, self.of_steps)?;
        writeln!(f, "images in   {} ({})", self.layout, self.layout_since)?;
        for (at, (name, bytes)) in self.memory.parts().into_iter().enumerate() {
            let head = if at == 0 { "memory" } else { "" };
            let told = if bytes == 0 { "not told".to_owned() } else { sized(bytes) };
            writeln!(f, "{head:<11} {name:<20} {told:>10}")?;
        }
        for need in &self.needs {
            let verdict = match need.verdict() {
                Verdict::Fits => "",
                Verdict::Tight => ": just so",
                Verdict::Lacks | Verdict::LacksByFar => ": does not fit",
            };
            writeln!(f, "needs       {}{verdict}", need.told())?;
        }
        for Change { settings, effect } in &self.changes {
            writeln!(f, "would fit   {} ({effect})", settings.join(" "))?;
        }
        match (&self.speed, &self.measured_by) {
            (Some(Speed { images_per_second, seconds }), _) => writeln!(
                f,
                "speed       {images_per_second:.1} images a second, {} for the steps",
                lasting(*seconds)
            )?,
            (None, Some(command)) => writeln!(f, "speed       not measured; `{command}` would")?,
            (None, None) => {}
        }
        writeln!(f, "left out    {}", self.left_out.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_seconds_are_told_in_units_of_their_size() {
        assert_eq!([3 << 20, 3 << 30].map(sized), ["3.0 MiB", "3.00 GiB"]);
        let told = [90.0, 600.0, 36_000.0, 864_000.0].map(lasting);
        assert_eq!(told, ["90 s", "10 min", "10.0 h", "10.0 days"]);
    }

    #[test]
    fn the_parts_of_a_table_are_all_the_memory() {
        let memory = Memory {
            weights: 1,
            momenta: 2,
            gradients: 4,
            queue: 8,
            activations: 16,
            feeds: 32,
            loading: 64,
            checkpoint: 128,
            program: 256,
            columns: 512,
        };
        let sum: u64 = memory.parts().iter().map(|(_, bytes)| bytes).sum();
        assert_eq!((sum, memory.total()), (1023, 1023));
        assert_eq!((memory.on_device(), memory.on_host()), (63, 960));
    }
}
