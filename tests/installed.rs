//! ONNX Runtime for tests: the one that is installed. On a new machine it is fetched once, before
//! anything runs on it, and that is said.

use qgface_data::runtime::{Build, Device, Error, OnMissing, Runtime, install};
use std::io::Write;
use std::sync::LazyLock;

/// A process can start only one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let start = || Runtime::start(Device::Cpu, OnMissing::Refuse, &|_| ());
    match start() {
        Err(Error::NotFound { .. }) => {
            say("no ONNX Runtime is installed: `qgface-data runtime install` once for all tests");
            install(Build::Cpu, &say).unwrap_or_else(|error| panic!("{error}"));
            start()
        }
        started => started,
    }
    .unwrap_or_else(|error| panic!("{error}"))
});

/// ONNX Runtime on the processor.
///
/// # Panics
/// When it cannot be found, fetched or started.
pub(crate) fn runtime() -> Runtime {
    RUNTIME.clone()
}

/// Not `eprintln!`, which the harness keeps until a test fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
