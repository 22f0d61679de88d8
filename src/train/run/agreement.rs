//! What the ranks of a run must have in common, looked for where they begin and at every checkpoint.

use crate::group::Group;
use crate::nn::Sharing;
use crate::train::checkpoint::{Facts, replicated};
use crate::train::{Error, TrainState};

/// What a rank tells of itself, by name.
type Told = Vec<(String, String)>;

/// Holds what ranks begin with against each other: program, packs, classes, settings, and how steps are
/// made.
///
/// # Errors
/// [`Error::Ranks`] with the first rank that begins with something else; [`Error::Group`].
pub(super) fn same_beginning(group: &Group, facts: &Facts, steps: &str) -> Result<(), Error> {
    let mut told: Told = vec![
        ("program".to_owned(), facts.tool.clone()),
        ("orders of the packs".to_owned(), facts.orders.join(" ")),
        ("classes".to_owned(), facts.classes.to_string()),
        ("steps made".to_owned(), format!("{} and {} batches", facts.step, facts.batches)),
        ("how steps are made".to_owned(), steps.to_owned()),
    ];
    told.extend(facts.settings.iter().map(|(key, value)| (key.clone(), value.clone())));
    same(group, told)
}

/// Holds the tensors that all ranks should have against each other, by digests.
///
/// # Errors
/// As [`same_beginning`].
pub(super) fn same_state(
    group: &Group,
    sharing: &Sharing,
    state: &TrainState,
) -> Result<(), Error> {
    if group.size() == 1 {
        return Ok(());
    }
    let told = replicated(sharing, state).map(|(name, own)| {
        let digest = blake3::hash(bytemuck::cast_slice(&own.data));
        (name.to_owned(), format!("numbers of BLAKE3 {digest}"))
    });
    same(group, told.collect())
}

fn same(group: &Group, own: Told) -> Result<(), Error> {
    if group.size() == 1 {
        return Ok(());
    }
    let all = group.gather_bytes(&serde_json::to_vec(&own).expect("texts"))?;
    let all = all.iter().map(|told| serde_json::from_slice::<Told>(told).unwrap_or_default());
    let all: Vec<Told> = all.collect();
    match other(&all) {
        None => Ok(()),
        Some((rank, what, expected, found)) => Err(Error::Ranks { rank, what, expected, found }),
    }
}

/// The first rank that tells something else than the first, with what that is and what both tell.
fn other(all: &[Told]) -> Option<(usize, String, String, String)> {
    let first = all.first()?;
    all.iter().enumerate().find_map(|(rank, own)| {
        let of = |told: &Told, name: &str| {
            let found = told.iter().find(|(own, _)| own == name);
            found.map_or_else(|| "nothing".to_owned(), |(_, value)| value.clone())
        };
        let names = first.iter().chain(own).map(|(name, _)| name);
        names
            .map(|name| (name, of(first, name), of(own, name)))
            .find_map(|(name, a, b)| (a != b).then(|| (rank, name.clone(), a, b)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Told {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn the_rank_that_differs_is_named_with_what_differs() {
        let first = told(&[("seed", "1"), ("packs", "a")]);
        assert_eq!(other(&[first.clone(), first.clone()]), None);
        let found = other(&[first.clone(), first.clone(), told(&[("seed", "1"), ("packs", "b")])]);
        assert_eq!(found, Some((2, "packs".into(), "a".into(), "b".into())));
        let found = other(&[first.clone(), told(&[("seed", "1"), ("packs", "a"), ("more", "x")])]);
        assert_eq!(found, Some((1, "more".into(), "nothing".into(), "x".into())));
        let found = other(&[first, told(&[("packs", "a")])]);
        assert_eq!(found, Some((1, "seed".into(), "1".into(), "nothing".into())));
    }
}
