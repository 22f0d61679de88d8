//! The outermost layer of a protocol-buffer file, looked at before anything is decoded: is every field
//! whole, and would decoding take far more memory than the file has bytes?
//!
//! Two bytes of a file can announce an empty message that takes hundreds in memory, so a small hostile
//! file could ask for all of it; here its messages are counted first.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::proto::{
    Attribute, Dimension, Entry, Function, Graph, MapType, Node, OperatorSet, SparseTensor, Tensor,
    TrainingInfo, Type, ValueInfo,
};
use prost::bytes::Bytes;

/// A field as it stands in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its number in the message.
    pub(super) number: u32,
    /// Its content, when it is one of counted bytes.
    pub(super) bytes: Option<&'a [u8]>,
}

/// What stands in the way of reading the next field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Damage {
    /// No field begins like this.
    Malformed { offset: usize, expected: &'static str, found: String },
    /// The content goes on beyond the end.
    Truncated { offset: usize, number: u32, expected: u64, found: usize },
}

/// Goes through the fields of a message; ends after the first damage.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).expect("a field is passed over where all of it is there")
    }

    /// A number of seven bits a byte, the least first.
    fn varint(&mut self, number: u32) -> Result<u64, Damage> {
        let start = self.offset;
        let mut value = 0_u64;
        let shifts = (0_u32..64).step_by(7);
        for ((place, &byte), shift) in self.rest().iter().enumerate().zip(shifts) {
            // The tenth byte's upper bits lie beyond the number and are lost.
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                self.offset = start.saturating_add(place).saturating_add(1);
                return Ok(value);
            }
        }
        if self.rest().len() < 10 {
            let (expected, found) = (10, self.rest().len());
            return Err(Damage::Truncated { offset: start, number, expected, found });
        }
        let found = "ten bytes of a number that goes on".to_owned();
        Err(Damage::Malformed { offset: start, expected: "a number of at most ten bytes", found })
    }

    fn skip(&mut self, number: u32, length: u64) -> Result<&'a [u8], Damage> {
        let rest = self.rest();
        let content = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let content = content.ok_or(Damage::Truncated {
            offset: self.offset,
            number,
            expected: length,
            found: rest.len(),
        })?;
        self.offset = self.offset.saturating_add(content.len());
        Ok(content)
    }

    fn field(&mut self) -> Result<Field<'a>, Damage> {
        let start = self.offset;
        let tag = self.varint(0)?;
        let number = u32::try_from(tag >> 3).unwrap_or_default();
        let bytes = match tag & 7 {
            _ if number == 0 => return Err(malformed(start, tag)),
            0 => self.varint(number).map(|_| None)?,
            1 => self.skip(number, 8).map(|_| None)?,
            2 => {
                let length = self.varint(number)?;
                Some(self.skip(number, length)?)
            }
            5 => self.skip(number, 4).map(|_| None)?,
            _ => return Err(malformed(start, tag)),
        };
        Ok(Field { number, bytes })
    }
}

fn malformed(offset: usize, tag: u64) -> Damage {
    let found = format!("{:#04x}", tag & 0xff);
    Damage::Malformed { offset, expected: "the tag of a protocol-buffer field", found }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.offset = self.bytes.len();
        }
        Some(field)
    }
}

/// The messages of a model, as far as their number matters.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Model,
    TrainingInfo,
    Function,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    ContainerType,
    Shape,
    Leaf,
}

impl Kind {
    /// What a field of this message holds, and the bytes that takes in memory without its own fields.
    fn content(self, number: u32) -> Option<(Self, usize)> {
        Some(match (self, number) {
            (Self::Model, 20) => (Self::TrainingInfo, size_of::<TrainingInfo>()),
            (Self::Model, 25) => (Self::Function, size_of::<Function>()),
            (Self::Model, 7) | (Self::Attribute, 6 | 11) | (Self::TrainingInfo, 1 | 2) => {
                (Self::Graph, size_of::<Graph>())
            }
            (Self::Graph, 1) | (Self::Function, 7) => (Self::Node, size_of::<Node>()),
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => {
                (Self::SparseTensor, size_of::<SparseTensor>())
            }
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => {
                (Self::Tensor, size_of::<Tensor>())
            }
            (Self::Graph, 11..=13) | (Self::Function, 12) => {
                (Self::ValueInfo, size_of::<ValueInfo>())
            }
            (Self::Node, 5) | (Self::Function, 11) => (Self::Attribute, size_of::<Attribute>()),
            (Self::ValueInfo, 2) | (Self::ContainerType, 1 | 2) => (Self::Type, size_of::<Type>()),
            (Self::Type, 1) => (Self::TensorType, 0),
            (Self::Type, 4 | 5 | 9) => (Self::ContainerType, size_of::<MapType>()),
            (Self::TensorType, 2) => (Self::Shape, 0),
            (Self::Shape, 1) => (Self::Leaf, size_of::<Dimension>()),
            (Self::Model, 8) | (Self::Function, 9) => (Self::Leaf, size_of::<OperatorSet>()),
            (Self::Node, 1 | 2) | (Self::Function, 4..=6) => (Self::Leaf, size_of::<String>()),
            (Self::Attribute, 9) | (Self::Tensor, 6) => (Self::Leaf, size_of::<Bytes>()),
            (Self::Model, 14)
            | (Self::Graph | Self::Tensor, 16)
            | (Self::Tensor, 13)
            | (Self::Node, 9)
            | (Self::Function, 14)
            | (Self::TrainingInfo, 3 | 4)
            | (Self::ValueInfo, 4) => (Self::Leaf, size_of::<Entry>()),
            _ => return None,
        })
    }
}

/// Nesting beyond which the decoder refuses by itself.
const MAX_DEPTH: u32 = 100;

/// Memory that the messages of a model will take beside the file's own bytes. Damage inside is passed
/// over: the decoder finds and names it.
pub(super) fn memory(model: &[u8]) -> u64 {
    memory_of(Kind::Model, model, MAX_DEPTH)
}

fn memory_of(kind: Kind, bytes: &[u8], depth: u32) -> u64 {
    let Some(depth) = depth.checked_sub(1) else { return 0 };
    let contents = Fields::new(bytes).map_while(Result::ok).filter_map(|field| {
        let (kind, own) = kind.content(field.number)?;
        Some((own as u64).saturating_add(memory_of(kind, field.bytes?, depth)))
    });
    contents.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Vec<Result<Field<'_>, Damage>> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn a_number_a_text_and_fixed_words_are_passed() {
        let bytes = b"\x08\x96\x01\x12\x02ab\x1d\0\0\0\0\x21\0\0\0\0\0\0\0\0";
        let found: Vec<_> = fields(bytes).into_iter().map(|field| field.unwrap().number).collect();
        assert_eq!(found, [1, 2, 3, 4]);
        let text = Ok(Field { number: 2, bytes: Some(&b"ab"[..]) });
        assert_eq!(fields(bytes).get(1), Some(&text));
    }

    #[test]
    fn a_length_beyond_the_end_is_named_and_ends_the_walk() {
        let damage = Damage::Truncated { offset: 2, number: 7, expected: 100, found: 3 };
        assert_eq!(fields(b"\x3a\x64abc"), [Err(damage)]);
    }

    #[test]
    fn groups_field_zero_and_endless_numbers_are_malformed() {
        for bytes in [&b"\x6c"[..], b"\x02\x00", &[0xff; 12]] {
            let fields = fields(bytes);
            assert!(matches!(fields[..], [Err(Damage::Malformed { offset: 0, .. })]), "{fields:?}");
        }
    }

    #[test]
    fn empty_nodes_weigh_their_size_in_memory() {
        let nodes = b"\x0a\x00".repeat(50);
        let model = [&b"\x3a\x64"[..], &nodes].concat();
        assert_eq!(memory(&model), (size_of::<Graph>() + 50 * size_of::<Node>()) as u64);
    }

    #[test]
    fn nesting_without_end_is_not_followed() {
        let mut graph = Vec::new();
        for _ in 0..2000 {
            // An attribute's graph, in an attribute, in a node, in a graph.
            for tag in [0x32, 0x2a, 0x0a] {
                let mut outer = vec![tag];
                prost::encoding::encode_varint(graph.len() as u64, &mut outer);
                outer.extend(graph);
                graph = outer;
            }
        }
        let mut model = vec![0x3a];
        prost::encoding::encode_varint(graph.len() as u64, &mut model);
        model.extend(graph);
        assert!(memory(&model) < 1 << 20);
    }
}
