//! What switches are called, and how their values are written.

use crate::eval::results::OutputForm;
use crate::eval::settings::{Fusion, Settings};
use crate::eval::{MEAN_KEY, STD_KEY};

/// Stands where there is no value.
pub(super) const ABSENT: &str = "–";

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
        (MEAN_KEY, known(mean.as_ref().map(three))),
        (STD_KEY, known(std.as_ref().map(three))),
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
