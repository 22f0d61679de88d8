//! IJB's 1:N search of templates in two galleries: each by itself, and both as one as the reference does.

use super::closed_set::strike_out;
use super::mates::{self, Mates};
use super::tiles::{Block, Shape, Tile};
use super::{ClosedSet, Error, Rows, Scalar, closed_set, top_scores};

/// Features and who they are of, in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a, T> {
    /// One feature a template, (templates, width).
    pub features: Rows<'a, T>,
    /// Each template's subject.
    pub ids: &'a [i64],
}

/// Rates of a search in several galleries, averaged unweighted; result of [`separately`].
#[derive(Debug, Clone, PartialEq)]
pub struct Separate {
    /// Share of mated probes found at each of the ranks.
    pub rates: Vec<f64>,
    /// True positive identification rate at each of the false ones; none where in one of the galleries
    /// every probe has a mate.
    pub tpirs: Option<Vec<f64>>,
    /// Mated probes with a tie, of all galleries.
    pub ties: usize,
    /// What was found in each gallery.
    pub galleries: Vec<ClosedSet>,
}

/// Searches each gallery by itself. A probe whose subject is not in a gallery is non-mated there.
///
/// TPIR at FPIR: the threshold is the max(1, ⌊FPIR·n⌋)-th largest of the top scores of the n non-mated
/// probes; a mated probe counts if its mate is at rank 1 with a score strictly above it.
///
/// # Errors
/// As [`closed_set()`], for any of the galleries, if there is no gallery, or if an FPIR is not from 0 to 1.
pub fn separately<T: Scalar>(
    probes: Subjects<'_, T>,
    galleries: &[Subjects<'_, T>],
    ranks: &[u64],
    fpirs: &[f64],
) -> Result<Separate, Error> {
    if galleries.is_empty() {
        return Err(Error::Empty { what: "gallery" });
    }
    check_rates(fpirs)?;
    let mut found = Vec::with_capacity(galleries.len());
    let mut tpirs: Option<Vec<Vec<f64>>> = Some(Vec::new());
    for gallery in galleries {
        let closed = closed_set(probes.features, probes.ids, gallery.features, gallery.ids)?;
        let mut tops = top_scores(probes.features, probes.ids, gallery.features, gallery.ids)?;
        tops.sort_unstable_by(|a, b| b.total_cmp(a));
        let tpir = |fpir: &f64| {
            let count = ((fpir * tops.len() as f64).floor() as usize).max(1);
            let threshold = *tops.get(count - 1)?;
            Some(closed.share(|probe| probe.rank == 1 && probe.best_mate > threshold))
        };
        let own: Option<Vec<f64>> = fpirs.iter().map(tpir).collect();
        tpirs = tpirs.zip(own).map(|(mut all, own)| {
            all.push(own);
            all
        });
        found.push(closed);
    }
    let mean = |values: &dyn Fn(usize) -> f64| {
        (0..found.len()).map(values).sum::<f64>() / found.len() as f64
    };
    Ok(Separate {
        rates: ranks.iter().map(|&rank| mean(&|g| found[g].rate(rank))).collect(),
        tpirs: tpirs
            .map(|tpirs| (0..fpirs.len()).map(|at| mean(&|gallery| tpirs[gallery][at])).collect()),
        ties: found.iter().map(ClosedSet::ties).sum(),
        galleries: found,
    })
}

/// Rates of a search in one gallery of both files; result of [`merged`].
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// At which rank each probe's mate is; every probe has one.
    pub closed: ClosedSet,
    /// For each false accept rate the score that the recall is above; none where there are fewer
    /// non-mate pairs than it takes.
    pub thresholds: Vec<Option<f64>>,
    /// Share of probes whose mate scores strictly above the threshold, at any rank.
    pub recalls: Vec<Option<f64>>,
}

/// The reference's search (`eval_helper_identification.py`): one gallery, in which every probe has exactly
/// one mate; the threshold is the ⌈FAR·probes⌉-th largest score of all non-mate pairs.
///
/// Beyond [`closed_set()`] this takes three times as many scores as the largest count, for each thread.
///
/// # Errors
/// As [`closed_set()`], if a probe has no mate or several, or if a rate is not from 0 to 1.
pub fn merged<T: Scalar>(
    probes: Subjects<'_, T>,
    gallery: Subjects<'_, T>,
    fars: &[f64],
) -> Result<Merged, Error> {
    check_rates(fars)?;
    mates::check((probes.features, probes.ids), (gallery.features, gallery.ids))?;
    let mates = Mates::new(gallery.ids);
    let count_of = |probe: usize| mates.of(probes.ids[probe]).len();
    if let Some(probe) = (0..probes.ids.len()).find(|&probe| count_of(probe) != 1) {
        return Err(Error::Mates { probe, mates: count_of(probe) });
    }
    let closed = closed_set(probes.features, probes.ids, gallery.features, gallery.ids)?;
    let count = |far: &f64| (far * probes.ids.len() as f64).ceil() as usize;
    let most = fars.iter().map(count).max().unwrap_or(0);
    let others = highest_others(probes, gallery, &mates, most);
    // A rate of 0 takes the first, as the reference's index of −1 would not be meant.
    let threshold = |far: &f64| others.get(count(far).max(1) - 1).map(|score| score.to_f64());
    let thresholds: Vec<Option<f64>> = fars.iter().map(threshold).collect();
    let recall = |threshold: &Option<f64>| {
        threshold.map(|threshold| closed.share(|probe| probe.best_mate > threshold))
    };
    Ok(Merged { recalls: thresholds.iter().map(recall).collect(), thresholds, closed })
}

fn check_rates(rates: &[f64]) -> Result<(), Error> {
    match rates.iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
        Some(&found) => Err(Error::Rate { found }),
        None => Ok(()),
    }
}

/// The `count` (at least 1) highest scores of non-mate pairs, highest first.
fn highest_others<T: Scalar>(
    probes: Subjects<'_, T>,
    gallery: Subjects<'_, T>,
    mates: &Mates,
    count: usize,
) -> Vec<T> {
    let all: Vec<usize> = (0..probes.ids.len()).collect();
    let shape = Shape::new(all.len(), gallery.features.len(), gallery.features.width());
    let mut highest = Highest::new(count.max(1));
    for members in all.chunks(shape.probes()) {
        let found = Block::new(shape, probes.features, members).sweep(
            gallery.features,
            || highest.like(),
            |found: &mut Highest<T>, mut tile: Tile<'_, T>| {
                for (i, &probe) in members.iter().enumerate() {
                    found.offer(strike_out(&mut tile, i, mates.of(probes.ids[probe])));
                }
            },
            |mut a, b| {
                a.offer(&b.kept);
                a
            },
        );
        highest.offer(&found.kept);
    }
    highest.into_sorted()
}

/// The highest scores of many, in bounded memory.
struct Highest<T> {
    count: usize,
    /// All of the highest, and up to as many others.
    kept: Vec<T>,
    /// What a score must exceed to be among them.
    floor: T,
}

impl<T: Scalar> Highest<T> {
    fn new(count: usize) -> Self {
        Self { count, kept: Vec::new(), floor: T::LOWEST }
    }

    /// An empty one that refuses what this one would refuse.
    fn like(&self) -> Self {
        Self { count: self.count, kept: Vec::new(), floor: self.floor }
    }

    fn offer(&mut self, scores: &[T]) {
        for &score in scores {
            if score > self.floor {
                self.kept.push(score);
                if self.kept.len() >= 2 * self.count {
                    self.cut();
                }
            }
        }
    }

    fn cut(&mut self) {
        self.kept.sort_unstable_by(|a, b| b.to_f64().total_cmp(&a.to_f64()));
        self.kept.truncate(self.count);
        // A score equal to the last of the highest would not change them.
        if let (true, Some(&last)) = (self.kept.len() == self.count, self.kept.last()) {
            self.floor = last;
        }
    }

    fn into_sorted(mut self) -> Vec<T> {
        self.cut();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_are_those_of_sorting_all() {
        let scores: Vec<f32> = (0..5000u32).map(|i| (i * 7919 % 1009) as f32).collect();
        let mut sorted = scores.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        for count in [1, 7, 600, 9000] {
            let mut highest = Highest::new(count);
            scores.chunks(99).for_each(|part| highest.offer(part));
            assert_eq!(highest.into_sorted(), sorted[..count.min(5000)]);
        }
    }

    fn subjects<'a>(data: &'a [f64], ids: &'a [i64]) -> Subjects<'a, f64> {
        Subjects { features: Rows::new(data, 2).unwrap(), ids }
    }

    #[test]
    fn galleries_are_searched_separately_and_averaged() {
        let probes = subjects(&[1.0, 0.0, 0.0, 1.0, 0.6, 0.8], &[1, 2, 3]);
        // Subject 1 is found at 1.0; the non-mated probes 2 and 3 reach 0.8 and 0.96.
        let one = subjects(&[1.0, 0.0, 0.6, 0.8], &[1, 9]);
        let two = subjects(&[0.8, 0.6, 0.0, 1.0, 0.6, 0.8], &[9, 3, 2]);
        let own = separately(probes, &[one, two], &[1, 2, 3], &[0.01, 1.0]).unwrap();
        // In the second gallery: probe 2 finds 3 first, probe 3 finds 2 first (1.0), then 9, then 3.
        assert_eq!(own.rates, [0.5, 0.75, 1.0]);
        assert_eq!(own.tpirs, Some(vec![0.0, 0.5]));
        assert_eq!(own.ties, 0);
    }

    #[test]
    fn without_non_mated_probes_there_is_no_false_positive_rate() {
        let both = subjects(&[1.0, 0.0, 0.0, 1.0], &[1, 2]);
        let own = separately(both, &[both], &[1], &[0.1]).unwrap();
        assert_eq!((own.rates, own.tpirs), (vec![1.0], None));
    }

    #[test]
    fn recall_is_strictly_above_the_threshold_at_any_rank() {
        let gallery = subjects(&[1.0, 0.0, 0.0, 1.0], &[1, 2]);
        let probes = subjects(&[0.8, 0.6, 0.8, 0.6, 1.0, 0.0], &[1, 2, 1]);
        // Mates score 0.8, 0.6, 1; non-mates 0.6, 0.8, 0.
        let own = merged(probes, gallery, &[0.3, 0.4]).unwrap();
        assert_eq!(own.thresholds, [Some(0.8), Some(0.6)]);
        assert_eq!(own.recalls, [Some(1.0 / 3.0), Some(2.0 / 3.0)]);
        assert_eq!((own.closed.rate(1), own.closed.rate(2)), (2.0 / 3.0, 1.0));
    }

    #[test]
    fn an_absent_and_a_double_mate_are_refused() {
        let probes = subjects(&[1.0, 0.0, 0.0, 1.0], &[1, 2]);
        let error = merged(probes, subjects(&[1.0, 0.0], &[1]), &[0.1]).unwrap_err();
        assert_eq!(error, Error::Mates { probe: 1, mates: 0 });
        let error = merged(probes, subjects(&[1.0, 0.0, 1.0, 0.0], &[1, 1]), &[0.1]).unwrap_err();
        assert_eq!(error, Error::Mates { probe: 0, mates: 2 });
        assert!(separately(probes, &[], &[1], &[0.1]).is_err());
    }
}
