//! What a pickle's opcodes push, and the lists, tuples and arrays that are shared between them.

use super::names::{Array, Dtype, Name};
use super::payload::Payload;

/// One object. It refers to what it holds, so copying it copies no item and no byte of an image.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(Payload),
    Bytes(Payload),
    List(usize),
    Tuple { start: usize, length: usize },
    Name(Name),
    Dtype(Dtype),
    Array(usize),
}

impl Value {
    /// The bool it is, or is as a number.
    pub(super) fn flag(self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(flag),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            _ => None,
        }
    }

    /// Whether it is `word`, as text or as a string of Python 2.
    pub(super) fn is(self, file: &[u8], word: &str) -> bool {
        matches!(self, Self::Text(text) | Self::Bytes(text) if text.is(file, word))
    }
}

/// What values refer to, each by its place.
#[derive(Debug, Default)]
pub(super) struct Objects {
    lists: Vec<Vec<Value>>,
    tuples: Vec<Value>,
    arrays: Vec<Array>,
}

/// Characters of a text, and items of a tuple, that an error repeats.
const SHOWN_CHARACTERS: usize = 60;
const SHOWN_ITEMS: usize = 8;

impl Objects {
    pub(super) fn add_list(&mut self, items: Vec<Value>) -> Value {
        self.lists.push(items);
        Value::List(self.lists.len().saturating_sub(1))
    }

    pub(super) fn add_tuple(&mut self, items: &[Value]) -> Value {
        let start = self.tuples.len();
        self.tuples.extend(items);
        Value::Tuple { start, length: self.tuples.len().saturating_sub(start) }
    }

    pub(super) fn add_array(&mut self, array: Array) -> Value {
        self.arrays.push(array);
        Value::Array(self.arrays.len().saturating_sub(1))
    }

    pub(super) fn list_mut(&mut self, value: Value) -> Option<&mut Vec<Value>> {
        match value {
            Value::List(place) => self.lists.get_mut(place),
            _ => None,
        }
    }

    /// Puts `array` where an empty one lay.
    pub(super) fn fill(&mut self, value: Value, array: Array) {
        if let Value::Array(place) = value
            && let Some(empty) = self.arrays.get_mut(place)
        {
            *empty = array;
        }
    }

    pub(super) fn array(&self, value: Value) -> Option<Array> {
        match value {
            Value::Array(place) => self.arrays.get(place).copied(),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::List(place) => self.lists.get(place).map(Vec::as_slice),
            Value::Tuple { start, length } => self.tuples.get(start..start.checked_add(length)?),
            _ => None,
        }
    }

    /// The items of a tuple.
    pub(super) fn tuple(&self, value: Value) -> Option<&[Value]> {
        if matches!(value, Value::List(_)) { None } else { self.items(value) }
    }

    /// The bytes of an image, or those of an array of them.
    pub(super) fn image(&self, value: Value) -> Option<Payload> {
        match (value, self.array(value)) {
            (Value::Bytes(payload), _) | (_, Some(Array::Bytes(payload))) => Some(payload),
            _ => None,
        }
    }

    /// Says what `value` is, for an error.
    pub(super) fn describe(&self, file: &[u8], value: Value) -> String {
        match value {
            Value::None => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Text(text) => format!("the text '{}'", shown(text.decoder(file))),
            Value::Bytes(bytes) => format!("{} bytes", bytes.size()),
            Value::List(_) => {
                format!("a list of {}", self.items(value).unwrap_or_default().len())
            }
            Value::Tuple { length, .. } => format!("a tuple of {length}"),
            Value::Name(name) => format!("the name {}", name.spelt()),
            Value::Dtype(dtype) => format!("the dtype {}", dtype.code()),
            Value::Array(_) => match self.array(value) {
                Some(Array::Bytes(bytes)) => format!("an array u1 of {}", bytes.size()),
                Some(Array::Bools(bytes)) => format!("an array b1 of {}", bytes.size()),
                Some(Array::Empty) | None => "an array without its data".to_owned(),
            },
        }
    }

    /// Says what the items of `value` are, where it is a tuple.
    pub(super) fn describe_items(&self, file: &[u8], value: Value) -> String {
        let Some(items) = self.tuple(value) else { return self.describe(file, value) };
        let mut said: Vec<String> =
            items.iter().take(SHOWN_ITEMS).map(|&item| self.describe(file, item)).collect();
        if items.len() > SHOWN_ITEMS {
            said.push("…".to_owned());
        }
        format!("({})", said.join(", "))
    }
}

/// The first characters of a text of the file, fit for a terminal.
pub(super) fn shown(mut bytes: impl Iterator<Item = u8>) -> String {
    let head: String = bytes
        .by_ref()
        .take(SHOWN_CHARACTERS)
        .flat_map(|byte| char::from(byte).escape_debug())
        .collect();
    if bytes.next().is_some() { head + "…" } else { head }
}
