//! Memory of this process, as the system tells of it.

/// Where the system tells.
const TOLD: &str = "/proc/self/status";

/// The most memory that this process has held so far, in bytes; none where the system does not tell.
pub fn peak_memory() -> Option<u64> {
    peak(&std::fs::read_to_string(TOLD).ok()?)
}

fn peak(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_told_in_kibibytes() {
        assert_eq!(peak("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\n"), Some(1234 * 1024));
        for told in ["", "VmHWM:\t many kB\n", "VmHWM:\t 18446744073709551615 kB\n"] {
            assert_eq!(peak(told), None, "{told}");
        }
        let held = vec![1_u8; 64 << 20];
        assert!(std::hint::black_box(&held).iter().all(|&byte| byte == 1));
        assert!(peak_memory().is_none_or(|bytes| bytes > 64 << 20));
    }
}
