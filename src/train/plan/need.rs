//! Memory that a run needs, and what is left of it.

use super::memory::Memory;
use crate::runtime::{Device, available_memory};
use schemars::JsonSchema;
use serde::Serialize;

/// Share by which a run may hold more than is told ahead.
const MARGIN: f64 = 0.1;

/// A run that is told to need this many times what is left cannot fit, whatever the telling missed.
const FAR: f64 = 1.25;

/// Memory of a place.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Need {
    /// The device: `cpu` or `cuda:N`.
    pub place: String,
    /// Bytes that the run needs.
    pub needed: u64,
    /// Bytes that are left; absent where nobody tells.
    pub available: Option<u64>,
}

/// Whether what is needed is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Fits,
    /// Within the margin of what can be told ahead.
    Tight,
    /// It is not, by what is told ahead.
    Lacks,
    /// By far.
    LacksByFar,
}

impl Need {
    /// Of a run with its steps on a device: there, and on the processor beside it, which so many processes
    /// of the run share.
    pub fn of(memory: &Memory, device: Device, processes: usize) -> Vec<Self> {
        let processes = processes as u64;
        let need = |device: Device, needed| Self {
            place: device.to_string(),
            needed,
            available: available_memory(device),
        };
        match device {
            Device::Cpu => vec![need(device, processes * memory.total())],
            Device::Cuda(_) => {
                vec![
                    need(device, memory.on_device()),
                    need(Device::Cpu, processes * memory.on_host()),
                ]
            }
        }
    }

    /// Whether it is there.
    pub fn verdict(&self) -> Verdict {
        let Some(available) = self.available else { return Verdict::Fits };
        let (needed, available) = (self.needed as f64, available as f64);
        match () {
            () if needed > FAR * available => Verdict::LacksByFar,
            () if needed > available => Verdict::Lacks,
            () if needed * (1.0 + MARGIN) > available => Verdict::Tight,
            () => Verdict::Fits,
        }
    }

    /// The worst of several.
    pub fn worst(needs: &[Self]) -> Option<&Self> {
        needs.iter().max_by_key(|need| need.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(needed: u64, available: Option<u64>) -> Need {
        Need { place: "cpu".to_owned(), needed, available }
    }

    #[test]
    fn a_run_fits_with_room_for_what_telling_misses_and_lacks_by_far_beyond_it() {
        let verdict = |needed| need(needed, Some(1000)).verdict();
        assert_eq!(
            [900, 920, 1000, 1001, 1250, 1251].map(verdict),
            [
                Verdict::Fits,
                Verdict::Tight,
                Verdict::Tight,
                Verdict::Lacks,
                Verdict::Lacks,
                Verdict::LacksByFar
            ]
        );
        assert_eq!(need(u64::MAX, None).verdict(), Verdict::Fits);
        let both = [need(1, Some(1000)), need(2000, Some(1000))];
        assert_eq!(Need::worst(&both), Some(&both[1]));
    }

    #[test]
    fn on_cuda_the_device_and_the_processor_are_both_asked() {
        let memory = Memory { weights: 5, checkpoint: 7, ..Memory::default() };
        let places = |device| {
            let needs = Need::of(&memory, device, 1).into_iter();
            needs.map(|need| (need.place, need.needed)).collect::<Vec<_>>()
        };
        assert_eq!(places(Device::Cpu), [("cpu".to_owned(), 12)]);
        let cuda = [("cuda:9999".to_owned(), 5), ("cpu".to_owned(), 7)];
        assert_eq!(places(Device::Cuda(9999)), cuda);
    }
}
