//! The switches of a protocol, and the presets that set them together.

use crate::image::ChannelOrder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every switch a number depends on; printed and stored with it. What nobody knows of features made
/// elsewhere is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// How the views of an image become one feature.
    pub fusion: Option<Fusion>,
    /// Whether the mirrored image is the second view.
    pub flip: Option<bool>,
    /// Whether a face weighs as much as its norm in a template.
    pub norm: bool,
    /// Whether a face weighs as much as its detector's score in a template.
    pub detector_score: bool,
    /// Whether the ROC is read from its end, so that at equal FAR the highest TAR counts.
    pub flipud: bool,
    /// The order in which the network takes the channels.
    pub channel_order: Option<ChannelOrder>,
    /// Subtracted from each channel in the network's order, in grey levels of 0 to 255.
    pub mean: Option<[f64; 3]>,
    /// What each channel is then divided by.
    pub std: Option<[f64; 3]>,
}

/// How the views of an image become one feature (QGFace, `validate_tinyface.py`,
/// `fuse_features_with_norm`). e is a unit feature, n its norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// L2(Σ e·n / Σ n); norm: mean n.
    NormWeightedAvg,
    /// L2(Σ e·n); norm: |Σ e·n|.
    PreNormVectorAdd,
    /// L2(Σ e); norm: mean n.
    Average,
    /// [e₀, e₁], not normalised; norm: mean n.
    Concat,
    /// (Σ e·n) × detector score, not normalised; norm: mean n.
    FacenessScore,
}

impl Fusion {
    /// All of them, with the names users type.
    pub const ALL: [(&'static str, Self); 5] = [
        ("norm_weighted_avg", Self::NormWeightedAvg),
        ("pre_norm_vector_add", Self::PreNormVectorAdd),
        ("average", Self::Average),
        ("concat", Self::Concat),
        ("faceness_score", Self::FacenessScore),
    ];

    /// The name users type.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, fusion)| *fusion == self).map_or("", |(name, _)| name)
    }
}

/// Switches of IJB 1:1 that published numbers were made with.
#[derive(Debug)]
pub struct Preset {
    /// The name users type.
    pub name: &'static str,
    /// Where it is from.
    pub about: &'static str,
    /// See [`Settings::norm`].
    pub norm: bool,
    /// See [`Settings::detector_score`].
    pub detector_score: bool,
    /// See [`Settings::flipud`].
    pub flipud: bool,
    /// The order of channels that models of its family take.
    pub family: ChannelOrder,
}

/// The presets. All fuse the two views by `pre_norm_vector_add`: InsightFace's sum of e·n is its unit
/// vector times its norm.
pub static PRESETS: [Preset; 4] = [
    Preset {
        name: "qgface",
        about: "QGFace, framework.py: validation during training",
        norm: false,
        detector_score: false,
        flipud: false,
        family: ChannelOrder::Bgr,
    },
    Preset {
        name: "adaface",
        about: "AdaFace, validate_IJB_BC.py",
        norm: true,
        detector_score: false,
        flipud: true,
        family: ChannelOrder::Bgr,
    },
    Preset {
        name: "insightface",
        about: "InsightFace, ijb_11.py: N1D1F2",
        norm: true,
        detector_score: true,
        flipud: true,
        family: ChannelOrder::Rgb,
    },
    Preset {
        name: "cvlface",
        about: "CVLface: unit features times the detector's score",
        norm: false,
        detector_score: true,
        flipud: true,
        family: ChannelOrder::Rgb,
    },
];

impl Preset {
    /// Finds a preset by the name users type.
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

/// What the user sets beside or against the preset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Switches {
    /// See [`Settings::fusion`].
    pub fusion: Option<Fusion>,
    /// See [`Settings::flip`].
    pub flip: Option<bool>,
    /// See [`Settings::norm`].
    pub norm: Option<bool>,
    /// See [`Settings::detector_score`].
    pub detector_score: Option<bool>,
    /// See [`Settings::flipud`].
    pub flipud: Option<bool>,
}

/// The protocol in force: a preset and what differs from it.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// The preset's name.
    pub name: &'static str,
    /// The switches that differ from the preset, with their values.
    pub switched: Vec<String>,
    /// The family of the preset.
    pub family: ChannelOrder,
    /// See [`Settings::fusion`].
    pub fusion: Fusion,
    /// See [`Settings::flip`].
    pub flip: bool,
    /// See [`Settings::norm`].
    pub norm: bool,
    /// See [`Settings::detector_score`].
    pub detector_score: bool,
    /// See [`Settings::flipud`].
    pub flipud: bool,
}

impl Protocol {
    /// Joins a preset and switches.
    pub fn new(preset: &Preset, switches: &Switches) -> Self {
        let own = Self {
            name: preset.name,
            family: preset.family,
            fusion: Fusion::PreNormVectorAdd,
            flip: true,
            norm: preset.norm,
            detector_score: preset.detector_score,
            flipud: preset.flipud,
            switched: Vec::new(),
        };
        let with = Self {
            fusion: switches.fusion.unwrap_or(own.fusion),
            flip: switches.flip.unwrap_or(own.flip),
            norm: switches.norm.unwrap_or(own.norm),
            detector_score: switches.detector_score.unwrap_or(own.detector_score),
            flipud: switches.flipud.unwrap_or(own.flipud),
            ..own.clone()
        };
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let told = |protocol: &Self| {
            [
                ("fusion", protocol.fusion.name().to_owned()),
                ("flip", yes(protocol.flip)),
                ("norm", yes(protocol.norm)),
                ("detector score", yes(protocol.detector_score)),
                ("flipud", yes(protocol.flipud)),
            ]
        };
        let others = told(&with).into_iter().zip(told(&own)).filter(|(with, own)| with != own);
        let switched = others.map(|((name, value), _)| format!("{name} {value}")).collect();
        Self { switched, ..with }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_differs_from_the_preset_is_told_beside_its_name() {
        let preset = Preset::find("adaface").unwrap();
        let with = |norm| Protocol::new(preset, &Switches { norm, ..Switches::default() });
        assert!(with(None).switched.is_empty() && with(Some(true)).switched.is_empty());
        let other = with(Some(false));
        assert_eq!(
            (other.name, other.norm, other.switched),
            ("adaface", false, vec!["norm no".to_owned()])
        );
    }
}
