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
    for (metric, value) in &report.averages {
        text += &format!("{metric} {}\n", metric.told(*value));
    }
    for file in &report.saved {
        text += &format!("wrote {file}\n");
    }
    text
}

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
    if let Some(rewriting) = &result.features.rewriting {
        text.truncate(text.trim_end().len());
        text += &format!(", by the model rewritten in {rewriting}\n");
    }
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
    for (metric, value) in &result.metrics {
        line(&metric.to_string(), metric.told(*value));
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

#[cfg(test)]
mod tests {
    use super::*;
    use qgface_data::eval::Subject;
    use qgface_data::metrics::{Metric, Unit, of};

    #[test]
    fn every_metric_is_told_in_its_unit() {
        for ties in [0, 1, 2, 40] {
            for subject in Subject::all() {
                let value = |metric: Metric| match metric.family().unit {
                    Unit::Rate => (0.2944, "29.44 %".to_owned()),
                    Unit::Count => (f64::from(ties), ties.to_string()),
                    Unit::Number | Unit::Threshold => (1.4305, "1.4305".to_owned()),
                };
                let metrics = of(subject.experiment()).map(|own| (own.to_string(), value(own).0));
                let metrics: serde_json::Map<String, serde_json::Value> =
                    metrics.map(|(name, value)| (name, value.into())).collect();
                let result = serde_json::json!({
                    "set": subject, "protocol": "adaface", "images": 1, "counts": {},
                    "settings": {
                        "fusion": null, "flip": null, "norm": true, "detector_score": false,
                        "flipud": true, "channel_order": null, "mean": null, "std": null
                    },
                    "features": { "files": [], "orders": [], "alignment": null, "cached": false },
                    "metrics": metrics, "warnings": [],
                    "curves": { "roc": [], "cmc": [], "scores": null, "norms": null }
                });
                let text = set_text(&serde_json::from_value(result).unwrap());
                for metric in of(subject.experiment()) {
                    let line = format!("  {metric:<24} {}\n", value(metric).1);
                    assert!(text.contains(&line), "{line:?} in\n{text}");
                }
            }
        }
    }
}
