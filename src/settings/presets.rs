//! The rows of the ablation (QGFace, table of the contributions), as the settings that follow from
//! them.

/// A row of the ablation.
#[derive(Debug)]
pub struct Preset {
    /// The name users type.
    pub name: &'static str,
    /// `views.high`.
    pub high: &'static str,
    /// `views.low`.
    pub low: &'static str,
    /// `contrast.queue`.
    pub queue: &'static str,
    /// `head.quality_scale`; the authors published none, 0.2 is a likely value.
    pub quality_scale: &'static str,
}

const fn preset(
    name: &'static str,
    high: &'static str,
    low: &'static str,
    queue: &'static str,
    quality_scale: &'static str,
) -> Preset {
    Preset { name, high, low, queue, quality_scale }
}

/// All of them: name, first view, second view, queue, b of the head.
pub static PRESETS: [Preset; 5] = [
    preset("baseline", "high", "none", "none", "0"),
    preset("A", "ada", "none", "none", "0"),
    preset("B", "ada", "none", "none", "0.2"),
    preset("C", "high", "ada", "proxy", "0.2"),
    preset("D", "high", "low", "proxy", "0.2"),
];

impl Preset {
    /// Finds a preset by the name users type.
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}
