//! Closed-set identification: at which rank a probe's own identity is found.

use super::mates::{self, Mates};
use super::tally::Tally;
use super::tiles::{Block, Shape, Tile};
use super::{Error, Rows, Scalar};

/// What was found for a probe that has at least one mate in the gallery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatedProbe {
    /// Its row among the probes.
    pub probe: usize,
    /// Its mates in the gallery.
    pub mates: usize,
    /// Rank of its best mate, from 1; non-mates of an equal score stand before it.
    pub rank: u64,
    /// Its average precision, see [`ClosedSet::mean_average_precision`].
    pub average_precision: f64,
    /// Score of its best mate.
    pub best_mate: f64,
    /// Score of its best non-mate; none where the whole gallery is mates.
    pub best_other: Option<f64>,
    /// Whether a non-mate has the best mate's score.
    pub tied: bool,
}

/// Result of [`closed_set()`]. At least one probe is mated.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedSet {
    /// Probes asked for, with a mate or without.
    pub probes: usize,
    /// Mated probes in the order of the probes.
    pub mated: Vec<MatedProbe>,
}

impl ClosedSet {
    /// Share of mated probes whose best mate is among the first `k`.
    #[must_use]
    pub fn rate(&self, k: u64) -> f64 {
        self.share(|probe| probe.rank <= k)
    }

    /// The rates of ranks 1 to `up_to`: the cumulative match characteristic.
    #[must_use]
    pub fn cmc(&self, up_to: usize) -> Vec<f64> {
        let mut found_at = vec![0u64; up_to];
        for probe in &self.mated {
            let slot = usize::try_from(probe.rank - 1).ok().and_then(|at| found_at.get_mut(at));
            slot.into_iter().for_each(|slot| *slot += 1);
        }
        let mut found = 0;
        let rate = |at_rank: u64| {
            found += at_rank;
            found as f64 / self.mated.len() as f64
        };
        found_at.into_iter().map(rate).collect()
    }

    /// Mean over mated probes of
    /// `Σ over hit ranks j of (precision_{j−1} + precision_j)/2 / mates`, with
    /// `precision_j = hits_j/j`, `precision_0 = 1` and `j − 1` the rank before, hit or not, as TinyFace's
    /// official script; a non-mate of a mate's score stands before it.
    #[must_use]
    pub fn mean_average_precision(&self) -> f64 {
        let sum: f64 = self.mated.iter().map(|probe| probe.average_precision).sum();
        sum / self.mated.len() as f64
    }

    /// Mated probes with at least one non-mate of their best mate's score.
    #[must_use]
    pub fn ties(&self) -> usize {
        self.mated.iter().filter(|probe| probe.tied).count()
    }

    /// Share of the mated probes for which `holds`.
    pub(super) fn share(&self, holds: impl Fn(&MatedProbe) -> bool) -> f64 {
        self.mated.iter().filter(|probe| holds(probe)).count() as f64 / self.mated.len() as f64
    }

    fn new<T: Scalar>(probes: usize, tallies: Vec<(usize, Tally<T>)>) -> Result<Self, Error> {
        if tallies.is_empty() {
            return Err(Error::Empty { what: "probe with a mate in the gallery" });
        }
        let of_tally = |(probe, tally): (usize, Tally<T>)| MatedProbe {
            probe,
            mates: tally.mates(),
            rank: tally.rank(),
            average_precision: tally.average_precision(),
            best_mate: tally.best_mate(),
            best_other: tally.best_other(),
            tied: tally.tied(),
        };
        Ok(Self { probes, mated: tallies.into_iter().map(of_tally).collect() })
    }
}

/// Ranks the gallery for every probe that has a mate; score = inner product, equal identities are mates.
///
/// `probes` and `gallery` are (probes, width) and (gallery, width); the identities are in the order of
/// their rows. The matrix of scores is made and forgotten tile by tile: beyond the result this takes
/// about 4 MB (`f32`) a thread, 2 MB for a block of 512 probes, and 24 bytes a gallery row, plus 16 bytes
/// a mate of a block and thread.
///
/// ```
/// # use qgface_data::metrics::{Rows, closed_set};
/// let gallery = [1.0f32, 0.0, 0.0, 1.0];
/// let probes = [0.9f32, 0.1, 0.8, 0.2];
/// let found = closed_set(Rows::new(&probes, 2)?, &[7, 8], Rows::new(&gallery, 2)?, &[7, 8])?;
/// assert_eq!((found.rate(1), found.rate(2)), (0.5, 1.0));
/// assert_eq!(found.cmc(2), [0.5, 1.0]);
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If lists or widths do not fit together, a number is not finite (or so large that a score might not
/// be), or no probe has a mate (the reference gives NaN).
pub fn closed_set<T: Scalar>(
    probes: Rows<'_, T>,
    probe_ids: &[i64],
    gallery: Rows<'_, T>,
    gallery_ids: &[i64],
) -> Result<ClosedSet, Error> {
    mates::check((probes, probe_ids), (gallery, gallery_ids))?;
    let mates = Mates::new(gallery_ids);
    let (mated, _) = mates.split(probe_ids);
    let shape = Shape::new(mated.len(), gallery.len(), gallery.width());
    let mut tallies = Vec::with_capacity(mated.len());
    for members in mated.chunks(shape.probes()) {
        let block = Block::new(shape, probes, members);
        let own: Vec<&[(i64, usize)]> =
            members.iter().map(|&probe| mates.of(probe_ids[probe])).collect();
        let blank: Vec<Tally<T>> =
            mate_scores(&block, gallery, &own).into_iter().map(Tally::new).collect();
        let count = |tallies: &mut Vec<Tally<T>>, mut tile: Tile<'_, T>| {
            for (i, (tally, own)) in tallies.iter_mut().zip(&own).enumerate() {
                tally.count(strike_out(&mut tile, i, own));
            }
        };
        let join = |mut all: Vec<Tally<T>>, more: Vec<Tally<T>>| {
            all.iter_mut().zip(&more).for_each(|(all, more)| all.add(more));
            all
        };
        let counted = block.sweep(gallery, || blank.clone(), count, join);
        tallies.extend(members.iter().copied().zip(counted));
    }
    ClosedSet::new(probes.len(), tallies)
}

/// The scores of each probe of a block with its own mates.
fn mate_scores<T: Scalar>(
    block: &Block<T>,
    gallery: Rows<'_, T>,
    own: &[&[(i64, usize)]],
) -> Vec<Vec<T>> {
    let mut columns: Vec<usize> = own.iter().copied().flatten().map(|&(_, row)| row).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut found: Vec<Vec<T>> = own.iter().map(|own| Vec::with_capacity(own.len())).collect();
    block.against(gallery, &columns, |mut tile| {
        let here = &columns[tile.first..][..tile.columns];
        for (i, (own, found)) in own.iter().zip(&mut found).enumerate() {
            let scores = tile.of_probe(i);
            let positions = own.iter().filter_map(|(_, row)| here.binary_search(row).ok());
            found.extend(positions.map(|at| scores[at]));
        }
    });
    found
}

/// A probe's scores in a tile of the gallery, its mates (rows ascending) made lowest.
pub(super) fn strike_out<'a, T: Scalar>(
    tile: &'a mut Tile<'_, T>,
    probe: usize,
    mates: &[(i64, usize)],
) -> &'a [T] {
    let first = tile.first;
    let scores = tile.of_probe(probe);
    let from = mates.partition_point(|&(_, row)| row < first);
    for &(_, row) in &mates[from..] {
        let Some(slot) = scores.get_mut(row - first) else { break };
        *slot = T::LOWEST;
    }
    scores
}

/// [`closed_set()`] of scores that are there already: (probes, gallery), and for each whether it is of a
/// mate.
///
/// ```
/// # use qgface_data::metrics::{Rows, closed_set_of_scores};
/// // A non-mate of the mate's score stands before it, and is counted as a tie.
/// let found = closed_set_of_scores(Rows::new(&[0.5f32, 0.5], 2)?, &[true, false])?;
/// assert_eq!((found.rate(1), found.ties()), (0.0, 1));
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If the lists differ in length, a score is not finite, or no probe has a mate.
pub fn closed_set_of_scores<T: Scalar>(
    scores: Rows<'_, T>,
    same: &[bool],
) -> Result<ClosedSet, Error> {
    let tallies = |probe: usize| {
        let same = &same[probe * scores.width()..][..scores.width()];
        let mut row = scores.row(probe).to_vec();
        let mut mates = Vec::new();
        for (score, _) in row.iter_mut().zip(same).filter(|(_, same)| **same) {
            mates.push(std::mem::replace(score, T::LOWEST));
        }
        (!mates.is_empty()).then(|| {
            let mut tally = Tally::new(mates);
            tally.count(&row);
            (probe, tally)
        })
    };
    check_scores(scores, same)?;
    ClosedSet::new(scores.len(), (0..scores.len()).filter_map(tallies).collect())
}

pub(super) fn check_scores<T: Scalar>(scores: Rows<'_, T>, same: &[bool]) -> Result<(), Error> {
    let expected = scores.len() * scores.width();
    if same.len() != expected {
        return Err(Error::Count { what: "verdicts of scores", expected, found: same.len() });
    }
    scores.check("scores")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Features of few values, so that many scores tie.
    fn coarse(count: usize, width: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i + seed) * 7919 % 1009 % 5) as f32 - 2.0;
        (0..count * width).map(value).collect()
    }

    fn ids(count: usize, seed: usize, distractors: usize) -> Vec<i64> {
        let id = |i: usize| ((i + seed) * 131 % 97) as i64;
        (0..count).map(|i| if i % distractors == 0 { -100 } else { id(i) }).collect()
    }

    /// Sorts the whole gallery of each probe: best first, non-mates before mates of their score.
    fn plainly(scores: &[f64], same: &[bool], width: usize) -> Vec<(u64, f64, bool)> {
        let mut found = Vec::new();
        for (scores, same) in scores.chunks(width).zip(same.chunks(width)) {
            let mut order: Vec<(f64, bool)> =
                scores.iter().copied().zip(same.iter().copied()).collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mates = order.iter().filter(|(_, same)| *same).count();
            let Some(first) = order.iter().position(|(_, same)| *same) else { continue };
            let (mut hits, mut before, mut sum) = (0.0, 1.0, 0.0);
            for (at, (_, same)) in order.iter().enumerate() {
                hits += f64::from(u8::from(*same));
                let precision = hits / (at + 1) as f64;
                if *same {
                    sum += (before + precision) / 2.0;
                }
                before = precision;
            }
            let tied = order.iter().any(|(score, same)| !same && *score == order[first].0);
            found.push((first as u64 + 1, sum / mates as f64, tied));
        }
        found
    }

    #[test]
    fn streaming_ranks_as_sorting_everything_does() {
        for (probe_count, gallery_count, distractors) in [(1, 1, 3), (40, 300, 2), (600, 2500, 3)] {
            let (p, g) = (coarse(probe_count, 24, 1), coarse(gallery_count, 24, 50));
            let (probes, gallery) = (Rows::new(&p, 24).unwrap(), Rows::new(&g, 24).unwrap());
            let probe_ids = ids(probe_count, 1, usize::MAX);
            let mut gallery_ids = ids(gallery_count, 0, distractors);
            gallery_ids[0] = probe_ids[probe_count / 2];
            let pairs = (0..probe_count).flat_map(|i| (0..gallery_count).map(move |j| (i, j)));
            let same: Vec<bool> =
                pairs.clone().map(|(i, j)| probe_ids[i] == gallery_ids[j]).collect();
            // Small whole numbers: every way of summing is exact.
            let exact = |(i, j): (usize, usize)| -> f64 {
                probes.row(i).iter().zip(gallery.row(j)).map(|(a, b)| f64::from(a * b)).sum()
            };
            let scores: Vec<f64> = pairs.map(exact).collect();
            let expected = plainly(&scores, &same, gallery_count);
            let own = closed_set(probes, &probe_ids, gallery, &gallery_ids).unwrap();
            assert_eq!(own.mated.len(), expected.len());
            for (own, (rank, precision, tied)) in own.mated.iter().zip(expected) {
                assert_eq!((own.rank, own.tied), (rank, tied), "probe {}", own.probe);
                assert!((own.average_precision - precision).abs() < 1e-12);
            }
            let of_scores = Rows::new(&scores, gallery_count).unwrap();
            assert_eq!(closed_set_of_scores(of_scores, &same).unwrap(), own);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let (p, g) = (coarse(90, 512, 3), coarse(5000, 512, 4));
        let (probes, gallery) = (Rows::new(&p, 512).unwrap(), Rows::new(&g, 512).unwrap());
        let (probe_ids, gallery_ids) = (ids(90, 0, 5), ids(5000, 7, 3));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| closed_set(probes, &probe_ids, gallery, &gallery_ids).unwrap())
        };
        assert_eq!(run(1), run(7));
    }

    #[test]
    fn rates_are_shares_of_mated_probes() {
        let scores = [0.9f32, 0.5, 0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3];
        let same = [false, true, false, true, false, false, false, false, false];
        let own = closed_set_of_scores(Rows::new(&scores, 3).unwrap(), &same).unwrap();
        assert_eq!((own.probes, own.mated.len(), own.ties()), (3, 2, 0));
        assert_eq!(own.cmc(4), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!((own.rate(1), own.rate(2), own.rate(3)), (0.0, 0.5, 1.0));
        // Ranks 2 and 3, one mate each: (0 + 1/2)/2 and (0 + 1/3)/2.
        assert!((own.mean_average_precision() - 5.0 / 24.0).abs() < 1e-15);
    }

    #[test]
    fn no_mated_probe_and_other_shapes_are_refused() {
        let rows = Rows::new(&[1.0f32, 0.0, 0.0, 1.0], 2).unwrap();
        let none = Error::Empty { what: "probe with a mate in the gallery" };
        assert_eq!(closed_set(rows, &[1, 2], rows, &[3, 4]), Err(none));
        assert!(closed_set(rows, &[1], rows, &[1, 2]).is_err());
        assert!(closed_set(rows, &[1, 2], Rows::new(&[1.0; 3], 3).unwrap(), &[1]).is_err());
        assert!(closed_set_of_scores(rows, &[true; 3]).is_err());
        let bad = Rows::new(&[1.0, f32::NAN], 2).unwrap();
        assert!(closed_set(rows, &[1, 2], bad, &[1]).is_err());
    }
}
