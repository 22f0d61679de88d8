//! Memory in pages of 2 MiB, where the system gives them to those that ask.
//!
//! A training step goes through some gigabytes of matrices, and in pages of 4 KiB a tenth of its
//! time is spent looking them up. ONNX Runtime takes its memory from the C library, which asks for
//! huge pages only when the environment said so as the process began.

use std::process::Command;

const VARIABLE: &str = "GLIBC_TUNABLES";
/// `madvise` for all that is allocated (glibc 2.35; older ones and other libraries pass it over).
const VALUE: &str = "glibc.malloc.hugetlb=1";

/// Lets a process that is about to begin take its memory in huge pages. False when the environment
/// tunes the C library already, which is left as it is.
pub fn use_huge_pages(command: &mut Command) -> bool {
    let own = std::env::var_os(VARIABLE).is_none();
    if own {
        command.env(VARIABLE, VALUE);
    }
    own
}
