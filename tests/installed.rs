//! ONNX Runtime for tests, with oneDNN: those that are installed. On a new machine they are fetched once,
//! before anything runs on them, and that is said.

use qgface_data::runtime::{Build, Device, Error, OnMissing, OneDnn, Runtime, install};
use std::io::Write;
use std::sync::LazyLock;

/// A process can start only one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let start = || Runtime::start(Device::Cpu, OnMissing::Refuse, &|_| ());
    let onednn = OneDnn::find(&say).unwrap_or_else(|error| panic!("{error}"));
    let onednn = onednn.unwrap_or_else(|| {
        say("no oneDNN is installed: `qgface-data runtime install` once for all tests");
        OneDnn::install(&say).unwrap_or_else(|error| panic!("{error}"))
    });
    let runtime = match start() {
        Err(Error::NotFound { .. }) => {
            say("no ONNX Runtime is installed: `qgface-data runtime install` once for all tests");
            install(Build::Cpu, &say).unwrap_or_else(|error| panic!("{error}"));
            start()
        }
        started => started,
    };
    runtime.unwrap_or_else(|error| panic!("{error}")).with_onednn(Some(onednn))
});

/// ONNX Runtime on the processor, with oneDNN.
///
/// # Panics
/// When they cannot be found, fetched or started.
pub(crate) fn runtime() -> Runtime {
    RUNTIME.clone()
}

/// Not `eprintln!`, which the harness keeps until a test fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
