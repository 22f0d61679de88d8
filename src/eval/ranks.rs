//! Images embedded by several processes: the first one asks, and scores what it gets; the others embed.

use super::face::View;
use super::selection::Selection;
use crate::group::{Error, Group};
use crate::runtime::Tensor;
use serde::{Deserialize, Serialize};

/// What the first rank asks the others for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Asked {
    /// To embed their share of images.
    Embed(Order),
    /// Nothing more.
    Nothing,
}

/// Which images, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// Their number among all that is evaluated.
    pub(super) images: usize,
    /// Which of them.
    pub(super) selection: Selection,
    /// Which way round.
    pub(super) views: Vec<View>,
    /// What the model is made into first.
    pub(super) rewriting: Option<String>,
}

/// Asks the others, on the first rank.
pub(super) fn ask(group: &Group, asked: &Asked) -> Result<(), Error> {
    let bytes = serde_json::to_vec(asked).expect("numbers and texts");
    group.gather_bytes(&bytes).map(|_| ())
}

/// What the first rank asks for, on the others; nothing where it cannot be read.
pub(super) fn heard(group: &Group) -> Result<Asked, Error> {
    let all = group.gather_bytes(&[])?;
    Ok(serde_json::from_slice(&all[0]).unwrap_or(Asked::Nothing))
}

/// What the network makes of a batch: of each view its outputs.
pub(super) type Made = Vec<Vec<Tensor>>;

/// Names and extents of what several batches made, whose numbers follow.
type Head = Vec<Vec<Vec<(String, Vec<usize>)>>>;

/// What several batches made, as bytes.
pub(super) fn encoded(all: &[Made]) -> Vec<u8> {
    let told = |own: &Tensor| (own.name.clone(), own.shape.clone());
    let of_batch = |made: &Made| made.iter().map(|view| view.iter().map(told).collect()).collect();
    let head: Head = all.iter().map(of_batch).collect();
    let head = serde_json::to_vec(&head).expect("texts and numbers");
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend(head);
    for own in all.iter().flatten().flatten() {
        bytes.extend_from_slice(bytemuck::cast_slice(&own.data));
    }
    bytes
}

/// The same read back; none where the bytes are no such.
pub(super) fn decoded(bytes: &[u8]) -> Option<Vec<Made>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (head, mut numbers) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut tensor = |(name, shape): (String, Vec<usize>)| {
        let count = shape.iter().product::<usize>();
        let (own, rest) = numbers.split_at_checked(count.checked_mul(size_of::<f32>())?)?;
        numbers = rest;
        let words = own.as_chunks::<4>().0.iter();
        Some(Tensor { name, shape, data: words.map(|&word| f32::from_le_bytes(word)).collect() })
    };
    let mut all = Vec::new();
    for batch in head {
        let mut made = Vec::new();
        for view in batch {
            made.push(view.into_iter().map(&mut tensor).collect::<Option<Vec<_>>>()?);
        }
        all.push(made);
    }
    numbers.is_empty().then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_batches_made_comes_back_to_the_bit_or_not_at_all() {
        let tensor = |name: &str, shape: &[usize], first: f32| Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            data: (0..shape.iter().product()).map(|at| first / (at as f32 + 3.0)).collect(),
        };
        let batch =
            |rows| vec![vec![tensor("e", &[rows, 5], 1.0), tensor("n", &[rows, 1], -0.0)]; 2];
        let all = vec![batch(3), batch(1)];
        let bytes = encoded(&all);
        assert_eq!(decoded(&bytes), Some(all));
        assert_eq!(decoded(&encoded(&[])), Some(Vec::new()));
        for end in [0, 7, 8, 40, bytes.len() - 1] {
            assert_eq!(decoded(&bytes[..end]), None, "{end}");
        }
        assert_eq!(decoded(&[&bytes[..], &[0]].concat()), None);
    }
}
