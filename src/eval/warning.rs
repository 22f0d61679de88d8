//! What a result warns of, by its kind, so that nobody decides by its words.

use crate::protocol::OtherCount;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What differs from a published set or its protocol, or was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What is said.
    pub text: String,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The set has another count than the published one: its numbers are not those of the published set.
    OtherCount,
    /// The pack says that it is of another set.
    OtherPack,
    /// The faces are aligned in another way than the protocol's.
    OtherAlignment,
    /// The model takes its colours in another order than those that the protocol is from.
    OtherColours,
    /// A protocol file has another order than the images.
    OtherOrder,
    /// The features are no unit vectors.
    NotUnit,
    /// Images, probes or numbers are left out.
    LeftOut,
    /// Of a version that wrote no kinds.
    Unspecified,
}

impl Warning {
    /// A warning.
    pub fn new(kind: WarningKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl From<OtherCount> for Warning {
    fn from(count: OtherCount) -> Self {
        Self::new(WarningKind::OtherCount, count.to_string())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The forms of a warning in a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    /// Version 0.1.0 wrote the text alone.
    Text(String),
    Typed {
        kind: WarningKind,
        text: String,
    },
}

/// What every text of version 0.1.0 says that is of another count, and no other says.
const OTHER_COUNT: &str = ", the published set has ";

impl<'de> Deserialize<'de> for Warning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Typed { kind, text } => Self { kind, text },
            Written::Text(text) if text.contains(OTHER_COUNT) => {
                Self::new(WarningKind::OtherCount, text)
            }
            Written::Text(text) => Self::new(WarningKind::Unspecified, text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Warning {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_warning_is_read_as_it_was_written() {
        let told = Warning::new(WarningKind::LeftOut, "3 probes, the published set has none");
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(json, r#"{"kind":"left_out","text":"3 probes, the published set has none"}"#);
        assert_eq!(read(&json), told);
    }

    #[test]
    fn a_warning_without_a_kind_gets_the_one_that_was_meant() {
        let count = OtherCount::of("frontal pictures", 50, 130).unwrap().to_string();
        let read_of = |text: &str| read(&serde_json::to_string(text).unwrap());
        assert_eq!(read_of(&count), Warning::new(WarningKind::OtherCount, count));
        assert_eq!(read_of("no curve").kind, WarningKind::Unspecified);
    }

    #[test]
    fn a_kind_that_nobody_knows_is_refused() {
        assert!(serde_json::from_str::<Warning>(r#"{"kind":"odd","text":""}"#).is_err());
    }
}
