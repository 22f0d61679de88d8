//! What a file, a variable or an argument gives for a key, before it is read as what the key needs.

/// One text, or several: a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// One text; for a list it is spelt as [`Given::parts`] says.
    One(String),
    /// The parts of a list, as they are.
    Several(Vec<String>),
}

impl Given {
    /// What a value of a TOML file gives; none of a table, a date or a list in a list.
    pub(super) fn of_toml(value: &toml::Value) -> Option<Self> {
        match value {
            toml::Value::Array(parts) => {
                parts.iter().map(plain).collect::<Option<_>>().map(Self::Several)
            }
            value => plain(value).map(Self::One),
        }
    }

    /// The one text; none of a list.
    pub(super) fn one(&self) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Several(_) => None,
        }
    }

    /// The parts of a list. One text that begins with `[` is a list as TOML writes it, in which a part may
    /// hold commas; another is split at its commas, and what is empty between them is no part.
    ///
    /// None of what begins with `[` and is no such list.
    pub fn parts(&self) -> Option<Vec<String>> {
        match self {
            Self::Several(parts) => Some(parts.clone()),
            Self::One(text) if text.trim_start().starts_with('[') => {
                let table: toml::Table = format!("x = {text}").parse().ok()?;
                match Self::of_toml(table.get("x")?)? {
                    Self::Several(parts) if table.len() == 1 => Some(parts),
                    _ => None,
                }
            }
            Self::One(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
        }
    }

    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::One(text) => text.is_empty(),
            Self::Several(parts) => parts.is_empty(),
        }
    }

    /// The text that gives the same in a variable or an argument.
    pub fn text(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Several(parts) => {
                let joined = Self::One(parts.join(","));
                match joined.parts().as_ref() == Some(parts) {
                    true => parts.join(","),
                    false => self.literal(),
                }
            }
        }
    }

    /// The value as a TOML file writes it: what is no number, true or false stands in quotation marks.
    pub(super) fn literal(&self) -> String {
        match self {
            Self::One(text) => literal(text),
            Self::Several(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| literal(part)).collect();
                format!("[{}]", parts.join(", "))
            }
        }
    }
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

/// The text of a value that is no list, table or date.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) | toml::Value::Datetime(_) => None,
    }
}

fn literal(text: &str) -> String {
    let bare: Result<toml::Table, _> = format!("x = {text}").parse();
    let is_plain = bare.is_ok_and(|table| {
        let value = table.get("x").filter(|value| !value.is_str());
        table.len() == 1 && value.and_then(plain).as_deref() == Some(text)
    });
    if is_plain { text.to_owned() } else { toml::Value::String(text.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn several(parts: &[&str]) -> Given {
        Given::Several(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn a_text_is_split_at_commas_unless_it_is_a_list_in_brackets() {
        for (text, parts) in [
            ("", Some(vec![])),
            ("a, b,,c ", Some(vec!["a", "b", "c"])),
            (r#"["a,b.rec", 'c']"#, Some(vec!["a,b.rec", "c"])),
            ("[6, 9]", Some(vec!["6", "9"])),
            ("[]", Some(vec![])),
            ("[a", None),
            ("[[1]]", None),
            ("[1]\ny = 2", None),
        ] {
            let parts = parts.map(|parts| parts.into_iter().map(str::to_owned).collect());
            assert_eq!(Given::from(text).parts(), parts, "{text}");
        }
    }

    #[test]
    fn the_text_of_a_list_gives_the_list() {
        for (list, text) in [
            (several(&["a", "b c"]), "a,b c"),
            (several(&["a,b", "c"]), r#"["a,b", "c"]"#),
            (several(&["[a", "c"]), r#"["[a", "c"]"#),
            (several(&[" a"]), r#"[" a"]"#),
            (several(&[""]), r#"[""]"#),
            (several(&["6", "9"]), "6,9"),
            (several(&[]), ""),
        ] {
            assert_eq!(list.text(), text);
            assert_eq!(Given::One(list.text()).parts(), list.parts(), "{text}");
        }
    }
}
