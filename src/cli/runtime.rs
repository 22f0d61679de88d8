//! `runtime`

use super::context::{Context, Outcome};
use super::error::Error;
use qgface_data::runtime::{self, Build, Info, Installed};

/// Put ONNX Runtime in place, or say which library, version, providers and devices there are
///
/// The library is loaded at run time: from ORT_DYLIB_PATH, else from this program's cache, else from an
/// installed Python package; `eval` installs it when there is none.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Fetch the pinned release through pip, check its SHA-256 and unpack it into the cache
    Install {
        /// The build for CUDA 13 in place of the one for the processor
        #[arg(long)]
        cuda: bool,
    },
    /// Say what there is [default]
    Info,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    if let Some(What::Install { cuda }) = args.what {
        let build = if cuda { Build::Cuda } else { Build::Cpu };
        runtime::install(build, &|text| context.output.say(text))?;
    }
    context.output.report(&runtime::info(), text)?;
    Ok(Outcome::Success)
}

fn text(info: &Info) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<10} {value}\n");
    line("cpu", installed(&info.cpu, "qgface-data runtime install"));
    line("cuda", installed(&info.cuda, "qgface-data runtime install --cuda"));
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
