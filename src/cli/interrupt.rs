//! Ctrl-C and the request to end.

use super::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Becomes true with the first SIGINT or SIGTERM; a second one ends the program at once.
pub(super) fn interrupted() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let listen = move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(listen)
        .map_err(|error| Error::Arguments(format!("cannot listen for interrupts: {error}")))?;
    Ok(stop)
}
