//! The curves of a run. Their points are the numbers of its `metrics.jsonl`, none left out and none
//! smoothed.

use super::Error;
use super::plot::{self, Axis, Colour, Figure, Kind, Panel, Scale, Series};
use crate::fs;
use crate::train::METRICS;
use crate::train::metrics::{self, Line};
use std::path::Path;

/// A panel: title, scale upwards, and its series: name, colour and number of a line.
type Row = (&'static str, Scale, &'static [(&'static str, Colour, fn(&Line) -> f64)]);

const PANELS: [Row; 4] = [
    (
        "Losses",
        Scale::Linear,
        &[
            ("joint", Colour::Ink, |line| f64::from(line.loss)),
            ("head", Colour::Blue, |line| f64::from(line.loss_cla)),
            ("contrast", Colour::Red, |line| f64::from(line.loss_con)),
        ],
    ),
    (
        "Contrast",
        Scale::Linear,
        &[
            ("pairs with a weight, share", Colour::Red, |line| f64::from(line.weighted_pairs)),
            ("running margin", Colour::Violet, |line| f64::from(line.margin)),
        ],
    ),
    (
        "Length of the gradient",
        Scale::Linear,
        &[("gradient", Colour::Green, |line| f64::from(line.grad_norm))],
    ),
    ("Learning rate", Scale::Log, &[("rate", Colour::Amber, |line| f64::from(line.lr))]),
];

/// The files that [`write`] makes below a run's `plots/`.
const FILES: [&str; 2] = ["curves.svg", "curves.png"];

/// Draws the curves of the run in a folder into its `plots/`.
///
/// # Errors
/// Metrics that cannot be read, and whatever the system refuses with.
pub fn write(run: &Path) -> Result<(), Error> {
    let lines = metrics::read(&run.join(METRICS)).map_err(Box::new)?;
    let name = run.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let figure = figure(&name, &lines);
    let folder = run.join("plots");
    std::fs::create_dir_all(&folder).map_err(fs::io_error("make the folder", &folder))?;
    FILES.iter().try_for_each(|file| Ok(plot::write(&figure, &folder.join(file))?))
}

/// The same while the run is at work: a figure that cannot be drawn is told, and must not end a run of
/// days.
pub fn draw(run: &Path, tell: &dyn Fn(&str)) {
    if let Err(error) = write(run) {
        tell(&format!("the curves could not be drawn: {error}"));
    }
}

/// The curves of the run called `name`.
pub fn figure(name: &str, lines: &[Line]) -> Figure {
    let panel = |(title, scale, series): &Row| Panel {
        title: (*title).to_owned(),
        x: Axis { label: "step".to_owned(), scale: Scale::Linear, range: None, ticks: Vec::new() },
        y: Axis { label: String::new(), scale: *scale, range: None, ticks: Vec::new() },
        series: series
            .iter()
            .map(|(name, colour, number)| Series {
                name: (*name).to_owned(),
                colour: *colour,
                dashed: false,
                kind: Kind::Line,
                points: lines.iter().map(|line| (line.step as f64, number(line))).collect(),
            })
            .collect(),
        marks: Vec::new(),
    };
    let steps = lines.last().map_or(0, |line| line.step);
    Figure {
        title: format!("Training {name}"),
        subtitle: vec![format!("{steps} steps")],
        panels: PANELS.iter().map(panel).collect(),
    }
}
