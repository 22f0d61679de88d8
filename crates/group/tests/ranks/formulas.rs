//! What collectives of small numbers make, by formulas.

use qgface_group::{Group, Number, Reduction};
use std::fmt::Debug;

/// Lengths of which libraries treat some in other ways than others.
const LENGTHS: [usize; 4] = [0, 1, 17, 100_003];

/// What a rank has at a place: of w ranks, one each of s, 2s, … ws, where s = 1 + p mod 5.
fn number(rank: usize, place: usize, ranks: usize) -> usize {
    ((rank + place) % ranks + 1) * scale(place)
}

fn scale(place: usize) -> usize {
    place % 5 + 1
}

fn slice<T: From<u8>>(length: usize, number: impl Fn(usize) -> usize) -> Vec<T> {
    (0..length).map(|place| T::from(u8::try_from(number(place)).unwrap())).collect()
}

/// All collectives, of numbers that every type holds.
pub(crate) fn hold_for<T: Number + From<u8> + PartialEq + Debug>(group: &Group) {
    let (rank, ranks) = (group.rank(), group.size());
    for length in LENGTHS {
        let own = |rank: usize| slice::<T>(length, |place| number(rank, place, ranks));
        let sum = |place: usize| ranks * (ranks + 1) / 2 * scale(place);
        for how in [Reduction::Sum, Reduction::Max, Reduction::Min] {
            let mut numbers = own(rank);
            group.all_reduce(&mut numbers, how).unwrap();
            let expected = slice::<T>(length, |place| match how {
                Reduction::Sum => sum(place),
                Reduction::Max => ranks * scale(place),
                Reduction::Min => scale(place),
            });
            assert_eq!(numbers, expected, "{how:?}");
        }
        let mut all = slice::<T>(length * ranks, |_| 0);
        group.all_gather(&own(rank), &mut all).unwrap();
        assert_eq!(all, (0..ranks).flat_map(own).collect::<Vec<_>>());

        let all = slice::<T>(length * ranks, |place| number(rank, place, ranks));
        let mut part = slice::<T>(length, |_| 0);
        group.reduce_scatter(&all, &mut part).unwrap();
        assert_eq!(part, slice::<T>(length, |place| sum(rank * length + place)));

        for root in 0..ranks {
            let mut numbers = own(rank);
            group.broadcast(&mut numbers, root).unwrap();
            assert_eq!(numbers, own(root), "root {root}");
        }
    }
}

/// Numbers that another type of the same length would take for others.
pub(crate) fn hold_at_the_ends_of_types(group: &Group) {
    let (rank, last) = (group.rank(), group.size() - 1);
    let high = |at: usize| if rank == at { u64::MAX } else { 1 };
    let mut numbers = [high(0), high(last)];
    group.all_reduce(&mut numbers, Reduction::Max).unwrap();
    assert_eq!(numbers, [u64::MAX; 2]);

    let mut numbers = [if rank == 0 { u8::MAX } else { 1 }];
    group.all_reduce(&mut numbers, Reduction::Min).unwrap();
    assert_eq!(numbers, [if last == 0 { u8::MAX } else { 1 }]);

    let mut numbers = [-(rank as i32) - 1];
    group.all_reduce(&mut numbers, Reduction::Max).unwrap();
    assert_eq!(numbers, [-1]);

    let mut numbers = [i64::MIN + rank as i64];
    group.all_reduce(&mut numbers, Reduction::Min).unwrap();
    assert_eq!(numbers, [i64::MIN]);

    // 2⁻⁴⁰ is lost beside 1 in single precision.
    let tiny = 2.0_f64.powi(-40);
    let mut numbers = [1.0 + tiny];
    group.all_reduce(&mut numbers, Reduction::Sum).unwrap();
    assert_eq!(numbers, [group.size() as f64 * (1.0 + tiny)]);

    let mut numbers = [if rank == last { f32::NAN } else { 1.0 }, f32::INFINITY];
    group.all_reduce(&mut numbers, Reduction::Sum).unwrap();
    assert!(numbers[0].is_nan() && numbers[1] == f32::INFINITY, "{numbers:?}");
}

/// Sums that rounding makes depend on their order are the same everywhere, and when they are made again.
pub(crate) fn are_the_same_bits_on_all_ranks(group: &Group) {
    let sums = || {
        let root = |place: usize| ((group.rank() * 7919 + place) as f32).sqrt();
        let mut numbers: Vec<_> = (0..10_007).map(root).collect();
        group.all_reduce(&mut numbers, Reduction::Sum).unwrap();
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()
    };
    let own = sums();
    let all = group.gather_bytes(&own).unwrap();
    assert!(all.iter().all(|other| *other == own));
    assert!(own == sums());
}
