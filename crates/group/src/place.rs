//! Where a rank stands among all of a job, and among those of its machine.

/// A rank's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number in the job, from 0.
    pub rank: usize,
    /// The ranks of the job.
    pub size: usize,
    /// Its number on its machine, from 0, in the order of ranks.
    pub local_rank: usize,
    /// The ranks of its machine.
    pub local_size: usize,
    /// Its machine's number, from 0, in the order of each one's first rank.
    pub node: usize,
    /// The machines of the job.
    pub nodes: usize,
}

impl Place {
    /// The only rank of the only machine.
    pub(crate) const ALONE: Self =
        Self { rank: 0, size: 1, local_rank: 0, local_size: 1, node: 0, nodes: 1 };

    /// The machine's number and the number of machines, from the first rank of each rank's machine.
    pub(crate) fn node_of(first: u64, firsts: &[u64]) -> (usize, usize) {
        let mut machines = firsts.to_vec();
        machines.sort_unstable();
        machines.dedup();
        (machines.partition_point(|&other| other < first), machines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_numbered_by_their_first_ranks() {
        // Ranks 0, 2 and 4 on one machine, 1 and 3 on a second, 5 on a third.
        let firsts = [0, 1, 0, 1, 0, 5];
        let nodes: Vec<_> = firsts.iter().map(|&first| Place::node_of(first, &firsts)).collect();
        assert_eq!(nodes, [(0, 3), (1, 3), (0, 3), (1, 3), (0, 3), (2, 3)]);
    }
}
