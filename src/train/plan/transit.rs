//! The time that a step's exchanges take, by links of a stated speed.

use super::exchanged::Exchanged;
use crate::runtime::Device;
use schemars::JsonSchema;
use serde::Serialize;

/// How fast processes reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Links {
    /// GB/s (10⁹ bytes) that a process sends to others of its machine.
    pub within: f64,
    /// GB/s that a machine sends to others.
    pub between: f64,
    /// Microseconds from one process to another.
    pub latency: f64,
}

/// What a step's exchanges take of links.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Transit {
    /// The links.
    pub links: Links,
    /// Machines.
    pub machines: u64,
    /// Bytes that a process sends to others of its machine.
    pub to_own_machine: u64,
    /// Bytes that a machine sends to others.
    pub between_machines: u64,
    /// Seconds of all exchanges, one after the other.
    pub seconds: f64,
    /// Share of a step's time in which it computes, where that time is known: exchanges are not hidden
    /// behind it, and no process waits for a slower one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efficiency: Option<f64>,
}

const GIGA: f64 = 1e9;
const MICRO: f64 = 1e-6;

impl Transit {
    /// Of `ranks` ranks, `local` of them on a machine.
    ///
    /// On a processor a rank sends each of the others as much, so that of its bytes the share
    /// (W − L)/(W − 1) leaves the machine, and all ranks of a machine share its link. On CUDA ranks are a ring, of
    /// which one goes out of a machine and one comes in. The links work at the same time, and a collective waits
    /// once for each doubling of the ranks that it reaches.
    pub fn of(
        exchanged: &Exchanged,
        device: Device,
        [ranks, local]: [usize; 2],
        links: Links,
    ) -> Self {
        let sent = exchanged.total() as f64;
        let machines = ranks.div_ceil(local);
        let (w, l) = (ranks as f64, local as f64);
        let (within, between) = match device {
            _ if machines == 1 => (sent, 0.0),
            Device::Cpu => {
                let out = sent * (w - l) / (w - 1.0);
                (sent - out, l * out)
            }
            Device::Cuda(_) if local == 1 => (0.0, sent),
            Device::Cuda(_) => (sent, sent),
        };
        let moved = (within / (GIGA * links.within)).max(between / (GIGA * links.between));
        let hops = f64::from(usize::BITS - (ranks - 1).leading_zeros());
        let waited = exchanged.collectives as f64 * hops * MICRO * links.latency;
        Self {
            links,
            machines: machines as u64,
            to_own_machine: within.round() as u64,
            between_machines: between.round() as u64,
            seconds: moved + waited,
            efficiency: None,
        }
    }

    /// The same beside `computing` seconds a step.
    pub fn beside(self, computing: Option<f64>) -> Self {
        let efficiency = computing.map(|computing| computing / (computing + self.seconds));
        Self { efficiency, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: Links = Links { within: 10.0, between: 1.0, latency: 10.0 };

    fn of(device: Device, shape: [usize; 2]) -> Transit {
        let exchanged =
            Exchanged { gradients: 600_000_000, collectives: 100, ..Exchanged::default() };
        Transit::of(&exchanged, device, shape, LINKS)
    }

    #[test]
    fn on_one_machine_nothing_leaves_it() {
        let own = of(Device::Cpu, [4, 4]);
        assert_eq!((own.machines, own.between_machines, own.to_own_machine), (1, 0, 600_000_000));
        // 60 ms of bytes, and 100 collectives of two hops.
        assert!((own.seconds - 0.062).abs() < 1e-12, "{}", own.seconds);
    }

    #[test]
    fn ranks_of_processors_share_their_machine_s_link_and_those_of_cuda_are_a_ring() {
        // Of four on two machines two thirds of a rank's bytes go out, from both.
        let own = of(Device::Cpu, [4, 2]);
        assert_eq!((own.to_own_machine, own.between_machines), (200_000_000, 800_000_000));
        assert!((own.seconds - 0.802).abs() < 1e-12, "{}", own.seconds);
        let own = of(Device::Cuda(0), [4, 2]);
        assert_eq!((own.to_own_machine, own.between_machines), (600_000_000, 600_000_000));
        assert_eq!(of(Device::Cuda(0), [2, 1]).to_own_machine, 0);
    }

    #[test]
    fn efficiency_is_the_share_of_computing_where_that_is_known() {
        let own = of(Device::Cpu, [4, 4]);
        assert_eq!(own.beside(None).efficiency, None);
        assert!((own.beside(Some(0.062)).efficiency.unwrap() - 0.5).abs() < 1e-12);
    }
}
