//! The image header of a record (`IRHeader`, mxnet `python/mxnet/recordio.py`, struct `IfQQ`).

use super::Error;

/// Bytes before the labels: flag, label, id, id2.
const FIXED_BYTES: usize = 24;

/// What a record says of its image's class.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// One number, in the header's own field; flag 0.
    Scalar(f32),
    /// Numbers after the header; the flag is how many, at least one.
    Vector(Vec<f32>),
}

impl Label {
    /// Returns the numbers, one for a scalar.
    pub fn values(&self) -> &[f32] {
        match self {
            Self::Scalar(value) => std::slice::from_ref(value),
            Self::Vector(values) => values,
        }
    }

    /// Returns the first number, which is the class.
    pub fn class(&self) -> f32 {
        self.values().first().copied().unwrap_or(0.0)
    }

    /// Whether both hold the same bits.
    pub fn same_bits(&self, other: &Self) -> bool {
        let bits = |label: &Self| label.values().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        std::mem::discriminant(self) == std::mem::discriminant(other) && bits(self) == bits(other)
    }
}

/// The numbers in their shortest exact decimal form, separated by spaces.
impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, value) in self.values().iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(f, "{gap}{value}")?;
        }
        Ok(())
    }
}

/// MXNet's `IRHeader`.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The image's label or labels.
    pub label: Label,
    /// The record's key.
    pub id: u64,
    /// Never used by the packers studied; 0.
    pub id2: u64,
}

impl Header {
    /// Returns the number in the header's flag field.
    pub fn flag(&self) -> u32 {
        match &self.label {
            Label::Scalar(_) => 0,
            Label::Vector(values) => u32::try_from(values.len()).unwrap_or(u32::MAX),
        }
    }

    /// Returns the header as it stands at the start of a record; an empty vector is written as the
    /// scalar 0, as mxnet's `pack` does.
    pub fn to_bytes(&self) -> Vec<u8> {
        let scalar = match &self.label {
            Label::Scalar(value) => *value,
            Label::Vector(_) => 0.0,
        };
        let mut bytes = Vec::with_capacity(FIXED_BYTES);
        bytes.extend_from_slice(&self.flag().to_le_bytes());
        bytes.extend_from_slice(&scalar.to_le_bytes());
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.extend_from_slice(&self.id2.to_le_bytes());
        if let Label::Vector(values) = &self.label {
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        }
        bytes
    }

    /// Parts the bytes of the record at `offset` into its header and its payload.
    ///
    /// ```
    /// # use recordio::{Header, Label};
    /// let header = Header { label: Label::Vector(vec![3.0, 4.0]), id: 1, id2: 0 };
    /// let mut record = header.to_bytes();
    /// record.extend_from_slice(b"picture");
    /// assert_eq!(Header::parse(&record, 0)?, (header, b"picture".as_slice()));
    /// # Ok::<(), recordio::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ShortHeader`] and [`Error::ShortLabels`].
    pub fn parse(record: &[u8], offset: u64) -> Result<(Self, &[u8]), Error> {
        let short = || Error::ShortHeader { offset, found: record.len() as u64 };
        let (flag, rest) = record.split_first_chunk::<4>().ok_or_else(short)?;
        let (label, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (id, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (id2, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let count = u64::from(u32::from_le_bytes(*flag));
        let short = || Error::ShortLabels { offset, expected: count, found: rest.len() as u64 / 4 };
        let label_bytes =
            usize::try_from(count).ok().and_then(|n| n.checked_mul(4)).ok_or_else(short)?;
        let (labels, payload) = rest.split_at_checked(label_bytes).ok_or_else(short)?;
        let label = if count == 0 {
            Label::Scalar(f32::from_le_bytes(*label))
        } else {
            let (words, _) = labels.as_chunks::<4>();
            Label::Vector(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
        };
        let (id, id2) = (u64::from_le_bytes(*id), u64::from_le_bytes(*id2));
        Ok((Self { label, id, id2 }, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_header_is_the_struct_ifqq() {
        let header = Header { label: Label::Scalar(1.0), id: 2, id2: 3 };
        let expected =
            [0, 0, 0, 0, 0, 0, 0x80, 0x3f, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(header.to_bytes(), expected);
    }

    #[test]
    fn labels_beyond_the_record_are_an_error() {
        let mut bytes = Header { label: Label::Vector(vec![1.0, 2.0]), id: 0, id2: 0 }.to_bytes();
        bytes.truncate(31);
        let error = Header::parse(&bytes, 40).unwrap_err();
        assert_eq!(
            error.to_string(),
            "byte 40: expected 2 labels after the header, found room for 1"
        );
    }
}
