//! What the ranks of a run must have in common, looked for where they begin and at every checkpoint.

use crate::group::Group;
use crate::nn::Sharing;
use crate::runtime::Processor;
use crate::train::checkpoint::{Facts, replicated};
use crate::train::{Error, TrainState};

/// What a rank tells of itself, by name.
type Told = Vec<(String, String)>;

/// Holds what ranks begin with against each other: program, packs, classes, settings, and how each makes its
/// steps, by name.
///
/// # Errors
/// [`Error::Ranks`] with the first rank that begins with something else; [`Error::Group`].
pub(super) fn same_beginning(
    group: &Group,
    facts: &Facts,
    making: &[(&str, String)],
) -> Result<(), Error> {
    let mut told: Told = vec![
        ("program".to_owned(), facts.tool.clone()),
        ("orders of the packs".to_owned(), facts.orders.join(" ")),
        ("classes".to_owned(), facts.classes.to_string()),
        ("steps made".to_owned(), format!("{} and {} batches", facts.step, facts.batches)),
    ];
    told.extend(making.iter().map(|(what, how)| ((*what).to_owned(), how.clone())));
    told.extend(facts.settings.iter().map(|(key, value)| (key.clone(), value.clone())));
    same(group, told)
}

/// Whether ranks are on processors that may round otherwise; `say` is told which are.
///
/// # Errors
/// [`Error::Group`].
pub(super) fn unlike_processors(group: &Group, say: &dyn Fn(&str)) -> Result<bool, Error> {
    if group.size() == 1 {
        return Ok(false);
    }
    let all = group.gather_bytes(Processor::here().to_string().as_bytes())?;
    let Some((rank, other)) = all.iter().enumerate().find(|(_, own)| *own != &all[0]) else {
        return Ok(false);
    };
    let [first, other] = [&all[0], other].map(|own| String::from_utf8_lossy(own));
    say(&format!(
        "ranks are on unlike processors (0: {first}; {rank}: {other}): at every checkpoint all take from rank 0 \
         what should be the same and has been rounded otherwise"
    ));
    Ok(true)
}

/// The largest difference of what unlike processors have made of the same sums, of a tensor's largest number.
/// Each update may differ in its last bit.
const ROUNDED: f32 = 1e-3;

/// Holds the tensors that all ranks should have against each other, by digests. On unlike processors all take
/// the first one's of those that are apart by rounding alone, which change `state`; whether there were any.
///
/// # Errors
/// [`Error::Ranks`] with the first rank whose tensor is another; [`Error::Group`].
pub fn settled(
    group: &Group,
    sharing: &Sharing,
    state: &mut TrainState,
    is_unlike: bool,
) -> Result<bool, Error> {
    if group.size() == 1 {
        return Ok(false);
    }
    let told = replicated(sharing, state).map(|(name, own)| {
        let digest = blake3::hash(bytemuck::cast_slice(&own.data));
        (name.to_owned(), format!("numbers of BLAKE3 {digest}"))
    });
    let all = told_by_all(group, &told.collect())?;
    let apart = match is_unlike {
        true => differing(&all),
        false => None,
    };
    let Some(apart) = apart else { return same_told(&all).map(|()| false) };
    for name in &apart {
        take_first(group, name, &mut state.tensors[name].data)?;
    }
    Ok(!apart.is_empty())
}

/// Takes the first rank's numbers in place of all ranks' own, from which they may be apart by rounding.
fn take_first(group: &Group, name: &str, own: &mut Vec<f32>) -> Result<(), Error> {
    let mut first = own.clone();
    group.broadcast(&mut first, 0)?;
    let mut all = vec![0.0; group.size()];
    group.all_gather(&[apart(own, &first)], &mut all)?;
    *own = first;
    let far = all.iter().enumerate().find(|(_, apart)| apart.is_nan() || **apart > ROUNDED);
    match far {
        None => Ok(()),
        Some((rank, apart)) => Err(Error::Ranks {
            rank,
            what: name.to_owned(),
            expected: format!("numbers within {ROUNDED:e} of their largest"),
            found: format!("{apart:e}"),
        }),
    }
}

/// The largest difference of numbers, of the largest of `first`.
fn apart(own: &[f32], first: &[f32]) -> f32 {
    let largest = first.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
    let difference = own.iter().zip(first).map(|(own, first)| (own - first).abs());
    // What is no number is the largest.
    let difference = difference.max_by(f32::total_cmp).unwrap_or(0.0);
    match difference {
        0.0 => 0.0,
        _ => difference / largest,
    }
}

/// What ranks tell otherwise, by name; nothing where they do not tell of the same.
fn differing(all: &[Told]) -> Option<Vec<String>> {
    let (first, others) = all.split_first()?;
    let names = |told: &Told| told.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    others.iter().all(|own| names(own) == names(first)).then(|| {
        let differs = |at: &usize| others.iter().any(|own| own[*at].1 != first[*at].1);
        (0..first.len()).filter(differs).map(|at| first[at].0.clone()).collect()
    })
}

fn same(group: &Group, own: Told) -> Result<(), Error> {
    if group.size() == 1 {
        return Ok(());
    }
    same_told(&told_by_all(group, &own)?)
}

fn told_by_all(group: &Group, own: &Told) -> Result<Vec<Told>, Error> {
    let all = group.gather_bytes(&serde_json::to_vec(own).expect("texts"))?;
    Ok(all.iter().map(|told| serde_json::from_slice::<Told>(told).unwrap_or_default()).collect())
}

fn same_told(all: &[Told]) -> Result<(), Error> {
    match other(all) {
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

    #[test]
    fn what_differs_is_told_by_name_where_all_tell_of_the_same() {
        let first = told(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let other = told(&[("a", "1"), ("b", "4"), ("c", "3")]);
        let third = told(&[("a", "1"), ("b", "2"), ("c", "5")]);
        assert_eq!(differing(&[first.clone(), first.clone()]), Some(vec![]));
        assert_eq!(differing(&[first.clone(), other, third]), Some(vec!["b".into(), "c".into()]));
        assert_eq!(differing(&[first, told(&[("a", "1")])]), None);
    }

    #[test]
    fn numbers_are_apart_by_their_share_of_the_largest() {
        assert_eq!(apart(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(apart(&[0.0], &[0.0]), 0.0);
        assert_eq!(apart(&[1.5, -4.0], &[1.0, -4.0]), 0.125);
        assert!(apart(&[0.0, f32::NAN, 0.0], &[1.0; 3]).is_nan());
        assert!(apart(&[1.0], &[0.0]) > ROUNDED, "something where the first has nothing");
    }
}
