//! `runtime`

use super::context::{Context, Outcome};
use super::error::Error;
use super::{check, tune};
use qgface_data::runtime::{
    self, Build, Info, Installed, Loaded, MpiInstalled, Mpich, OneDnn, OneDnnInstalled,
};

/// Put ONNX Runtime in place, say which libraries and devices there are, measure what is fastest here, or
/// check that all is right here
///
/// ONNX Runtime is loaded at run time: from ORT_DYLIB_PATH, else from this program's cache, else from an
/// installed Python package; `eval` installs it when there is none. oneDNN, which steps on a processor are
/// faster with, is loaded from DNNL_DYLIB_PATH, else from the cache, else from the system; `train` installs
/// it when there is none, and does without where that fails. MPI, on which several processes train together,
/// is the one of the mpiexec in PATH, else the pinned MPICH of the cache.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Fetch the pinned releases of ONNX Runtime and oneDNN through pip, check their SHA-256 and unpack them
    /// into the cache
    Install {
        /// The build of ONNX Runtime for CUDA 13 alone, in place of the one for the processor
        #[arg(long, conflicts_with = "mpi")]
        cuda: bool,
        /// MPICH alone, which starts the ranks of a run where there is no MPI
        #[arg(long)]
        mpi: bool,
    },
    /// Say what there is [default]
    Info,
    /// Measure what is fastest here for steps of a network, as `train` does on its first need, and keep it
    Tune(tune::Args),
    /// Check on this machine that operators and whole steps are right on a device, and say how fast they are
    Check(check::Args),
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let say = |text: &str| context.output.say(text);
    match args.what {
        Some(What::Tune(args)) => return tune::run(args, context),
        Some(What::Check(args)) => return check::run(args, context),
        Some(What::Install { cuda: true, .. }) => _ = runtime::install(Build::Cuda, &say)?,
        Some(What::Install { mpi: true, .. }) => _ = Mpich::install(&say)?,
        Some(What::Install { cuda: false, mpi: false }) => {
            runtime::install(Build::Cpu, &say)?;
            OneDnn::install(&say)?;
        }
        Some(What::Info) | None => {}
    }
    context.output.report(&runtime::info(), text)?;
    Ok(Outcome::Success)
}

fn text(info: &Info) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<10} {value}\n");
    line("cpu", installed(&info.cpu, "qgface-data runtime install"));
    line("cuda", installed(&info.cuda, "qgface-data runtime install --cuda"));
    line("onednn", onednn(&info.onednn));
    line("cudnn", loaded("cuDNN", &info.cudnn));
    line("nccl", loaded("NCCL", &info.nccl));
    line("mpi", mpi(&info.mpi));
    line("processor", info.processor.to_string());
    line("cores", info.cores.to_string());
    let devices = &info.cuda_devices;
    line("driver", devices.driver.clone().unwrap_or_else(|| "no CUDA driver".to_owned()));
    for (at, name) in devices.names.iter().enumerate() {
        line(&format!("cuda:{at}"), name.clone());
    }
    let cache = info.cache.as_ref().map(|cache| cache.display().to_string());
    line(
        "cache",
        cache.unwrap_or_else(|| "none: neither HOME nor XDG_CACHE_HOME is set".to_owned()),
    );
    text
}

fn onednn(installed: &OneDnnInstalled) -> String {
    let mut parts = match (&installed.version, &installed.path) {
        (Some(version), Some(path)) => vec![format!("oneDNN {version} ({})", path.display())],
        _ => vec!["not there; `qgface-data runtime install` puts it in place".to_owned()],
    };
    parts.extend(installed.missing.iter().cloned());
    parts.join("\n           ")
}

fn loaded(name: &str, library: &Loaded) -> String {
    match (&library.version, &library.missing) {
        (Some(version), _) => format!("{name} {version}"),
        (None, reason) => {
            format!("not there: {}", reason.as_deref().unwrap_or("no reason is known"))
        }
    }
}

fn mpi(installed: &MpiInstalled) -> String {
    match (&installed.family, &installed.mpiexec, &installed.missing) {
        (Some(family), Some(mpiexec), _) => format!("{family} ({})", mpiexec.display()),
        (_, _, reason) => format!(
            "not there: {}; `qgface-data runtime install --mpi` puts one in place",
            reason.as_deref().unwrap_or("no reason is known")
        ),
    }
}

fn installed(installed: &Installed, install: &str) -> String {
    let mut parts = match &installed.library {
        Some(library) => vec![format!(
            "ONNX Runtime {} ({}, {}), providers {}",
            library.version,
            library.path.display(),
            library.origin,
            library.providers.join(", ")
        )],
        None => vec![format!("not there; `{install}` puts it in place")],
    };
    parts.extend(installed.missing.iter().map(|missing| format!("missing: {missing}")));
    let told = |passed: &runtime::PassedOver| format!("passed over: {passed}");
    parts.extend(installed.passed_over.iter().map(told));
    parts.join("\n           ")
}
