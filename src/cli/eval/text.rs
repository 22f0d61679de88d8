//! The result of `eval` as text.

use crate::cli::output::grouped;
use qgface_data::eval::results::{EvalReport, SetResult};
use qgface_data::eval::settings::Fusion;

pub(super) fn text(report: &EvalReport) -> String {
    let mut text = String::new();
    if let Some(model) = &report.model {
        let runtime = model.runtime.as_deref().unwrap_or("runtime unknown");
        text += &format!("{} ({}, {runtime})\n", model.path, model.device);
    }
    for result in &report.results {
        text += &set_text(result);
    }
    for (name, value) in &report.averages {
        text += &format!("{name} {:.2} %\n", 100.0 * value);
    }
    for file in &report.saved {
        text += &format!("wrote {file}\n");
    }
    text
}

/// Metrics that are no rates.
const PLAIN: [&str; 3] = ["ties", "1n_ties", "threshold"];

fn set_text(result: &SetResult) -> String {
    let settings = &result.settings;
    let yes = |on: bool| if on { "yes" } else { "no" };
    let unknown = || "unknown".to_owned();
    let mut text = format!(
        "{}: protocol {}, {} images{}\n",
        result.set,
        result.protocol_told(),
        grouped(result.images),
        if result.features.cached { ", features from the cache" } else { "" }
    );
    let mut line = |name: &str, value: String| text += &format!("  {name:<24} {value}\n");
    line(
        "switches",
        format!(
            "fusion {}, flip {}, norm {}, detector score {}, flipud {}, channels {}",
            settings.fusion.map_or("unknown", Fusion::name),
            settings.flip.map_or("unknown", yes),
            yes(settings.norm),
            yes(settings.detector_score),
            yes(settings.flipud),
            settings.channel_order.map_or_else(unknown, |order| order.name().to_owned()),
        ),
    );
    if let (Some(mean), Some(std)) = (settings.mean, settings.std) {
        let three = |values: [f64; 3]| values.map(|value| value.to_string()).join(",");
        line("fed", format!("(grey level - {}) / {}", three(mean), three(std)));
    }
    if let Some(alignment) = &result.features.alignment {
        line("faces", alignment.clone());
    }
    let counts = result.counts.iter();
    let counts: Vec<String> =
        counts.map(|(name, count)| format!("{} {}", grouped(*count), counted_name(name))).collect();
    line("counted", counts.join(", "));
    for (name, value) in &result.metrics {
        let told = match PLAIN.contains(&name.as_str()) {
            true => format!("{}", (1e6 * value).round() / 1e6),
            false => format!("{:.2} %", 100.0 * value),
        };
        line(name, told);
    }
    text
}

/// `1n_gallery_1` to `in 1:N gallery 1`.
fn counted_name(name: &str) -> String {
    let plain = name.replace('_', " ");
    match plain.strip_prefix("1n ") {
        Some(gallery) if gallery.starts_with("gallery") => format!("in 1:N {gallery}"),
        Some(what) => format!("1:N {what}"),
        None => plain,
    }
}
