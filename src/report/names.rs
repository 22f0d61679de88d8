//! What sets, metrics and switches are called, and how their values are written.

use crate::eval::results::OutputForm;
use crate::eval::settings::{Fusion, Settings};

/// Stands where there is no value.
pub(super) const ABSENT: &str = "–";

/// What a metric's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A fraction, shown in per cent.
    Rate,
    /// A whole number.
    Count,
    /// Anything else.
    Number,
}

/// The unit of a metric by its name.
pub(super) fn unit(metric: &str) -> Unit {
    match metric {
        "ties" => Unit::Count,
        "threshold" => Unit::Number,
        _ => Unit::Rate,
    }
}

/// A fraction in per cent, without the digits that only its binary form has.
pub(super) fn per_cent(fraction: f64) -> f64 {
    (fraction * 1e8).round() / 1e6
}

/// A value in per cent with two decimals, or a dash.
pub(super) fn cell(per_cent: Option<f64>) -> String {
    per_cent.map_or_else(|| ABSENT.to_owned(), |value| format!("{value:.2}"))
}

/// A metric's value: rates in per cent.
pub(super) fn metric(name: &str, value: f64) -> String {
    match unit(name) {
        Unit::Rate => cell(Some(per_cent(value))),
        Unit::Count => format!("{value:.0}"),
        Unit::Number => format!("{value:.4}"),
    }
}

/// The name of a set as the field writes it.
pub(super) fn set(name: &str) -> &str {
    match name {
        "tinyface" => "TinyFace",
        "scface" => "SCface",
        "ijbb" => "IJB-B",
        "ijbc" => "IJB-C",
        "lfw" => "LFW",
        "cfp_fp" => "CFP-FP",
        "agedb_30" => "AgeDB-30",
        "calfw" => "CALFW",
        "cplfw" => "CPLFW",
        "crlfw" => "CR-LFW",
        "identification" => "Identification, own packs",
        "verification" => "Verification, own pairs",
        other => other,
    }
}

/// Every switch with its value.
pub(super) fn switches(settings: &Settings) -> [(&'static str, String); 8] {
    let Settings { fusion, flip, norm, detector_score, flipud, channel_order, mean, std } =
        settings;
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let three = |values: &[f64; 3]| match values {
        [a, b, c] if a == b && b == c => a.to_string(),
        values => values.map(|value| value.to_string()).join(" "),
    };
    [
        ("flip", known(flip.map(yes))),
        ("fusion", known(fusion.map(|fusion| self::fusion(fusion).to_owned()))),
        ("norm", yes(*norm)),
        ("detector score", yes(*detector_score)),
        ("flipud", yes(*flipud)),
        ("channel order", known(channel_order.map(|order| order.name().to_owned()))),
        ("mean", known(mean.as_ref().map(three))),
        ("std", known(std.as_ref().map(three))),
    ]
}

/// A fusion as `--fusion` takes it.
pub(super) fn fusion(fusion: Fusion) -> &'static str {
    match fusion {
        Fusion::NormWeightedAvg => "norm_weighted_avg",
        Fusion::PreNormVectorAdd => "pre_norm_vector_add",
        Fusion::Average => "average",
        Fusion::Concat => "concat",
        Fusion::FacenessScore => "faceness_score",
    }
}

/// What a model returns, in words.
pub(super) fn output(form: OutputForm) -> &'static str {
    match form {
        OutputForm::UnitAndNorm => "unit feature and norm",
        OutputForm::Raw => "un-normalised feature",
        OutputForm::Unit => "unit feature, no norm",
    }
}

/// The last part of a path, of either kind of separator.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

/// The text without what would move a terminal's cursor or stand in no XML.
pub(super) fn plain(text: &str) -> String {
    let odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars()
        .map(|letter| if odd(letter) { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_cent_with_two_decimals_and_nothing_is_a_dash() {
        assert_eq!(metric("rank_1", 0.6398), "63.98");
        assert_eq!(
            (metric("ties", 3.0), metric("threshold", 1.4305)),
            ("3".into(), "1.4305".into())
        );
        assert_eq!((cell(None), cell(Some(0.0))), ("–".into(), "0.00".into()));
        assert_eq!(per_cent(0.9231), 92.31);
    }

    #[test]
    fn a_file_name_is_what_follows_the_last_separator() {
        for (path, name) in
            [("a/b.onnx", "b.onnx"), ("c:\\m\\b.onnx", "b.onnx"), ("b", "b"), ("/", "/")]
        {
            assert_eq!(file_name(path), name);
        }
    }

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(plain("a\u{1b}[2J\n\u{202e}ü"), "a\u{fffd}[2J\u{fffd}\u{fffd}ü");
    }
}
