//! The published builds of libraries that are installed: one wheel each, and what is taken out of it.
//!
//! Everything is pinned by digest, so that all machines compute with the same library and a cache that
//! was damaged is noticed before its code runs.

use super::Build;

/// A published build of a library.
#[derive(Debug)]
pub(super) struct Release {
    /// Folder of the cache that holds all builds of the library.
    pub(super) home: &'static str,
    /// The variable that names a library to use in place of an installed one.
    pub(super) variable: &'static str,
    /// Whether a library is looked for where `pip install` puts it.
    pub(super) is_found_in_python: bool,
    pub(super) build: Build,
    /// The package's name for pip.
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// What pip is told to choose the wheel by.
    pub(super) tags: &'static Tags,
    /// Digest of that wheel.
    pub(super) sha256: &'static str,
    pub(super) wheel_mib: u32,
    /// The library that is loaded; one of `files`.
    pub(super) library: &'static str,
    pub(super) files: &'static [Member],
}

/// A file of the wheel.
#[derive(Debug)]
pub(super) struct Member {
    /// Its name in the wheel.
    pub(super) path: &'static str,
    /// Its name in the cache.
    pub(super) name: &'static str,
    pub(super) length: u64,
    pub(super) blake3: &'static str,
}

/// What pip is told, whatever Python it runs on: the digest is that of one wheel.
#[derive(Debug)]
pub(super) struct Tags {
    pub(super) implementation: &'static str,
    pub(super) python: &'static str,
    pub(super) abi: &'static str,
    pub(super) platform: &'static str,
}

static ONNX_RUNTIME_TAGS: Tags =
    Tags { implementation: "cp", python: "3.11", abi: "cp311", platform: "manylinux_2_28_x86_64" };

/// Its wheel holds no Python, so that any will do.
static ONEDNN_TAGS: Tags =
    Tags { implementation: "py", python: "3.11", abi: "none", platform: "manylinux1_x86_64" };

/// Folder of ONNX Runtime's builds in the cache.
const ONNX_RUNTIME: &str = "onnxruntime";
/// Variable that names ONNX Runtime's file.
pub(super) const DYLIB_PATH: &str = "ORT_DYLIB_PATH";
/// Variable that names oneDNN's file.
pub(super) const DNNL_PATH: &str = "DNNL_DYLIB_PATH";

/// Whether the wheels hold code for this machine.
pub(super) const FITS_THIS_MACHINE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

static CPU: Release = Release {
    home: ONNX_RUNTIME,
    variable: DYLIB_PATH,
    is_found_in_python: true,
    build: Build::Cpu,
    package: "onnxruntime",
    version: "1.32.0",
    tags: &ONNX_RUNTIME_TAGS,
    sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
    wheel_mib: 27,
    library: "libonnxruntime.so.1.32.0",
    files: &[
        Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.32.0",
            name: "libonnxruntime.so.1.32.0",
            length: 34_824_680,
            blake3: "b9ca235169118134f48a14c831d0cb389470e1d98b78942aea77c99d90cf8d98",
        },
        Member {
            path: "onnxruntime/LICENSE",
            name: "LICENSE",
            length: 1_073,
            blake3: "222dd958fdb5d1397f5ef490b9a06e13affa84115551f3ce9c940a2419e6e7b5",
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            name: "ThirdPartyNotices.txt",
            length: 334_795,
            blake3: "8887df552db6b9a407330e46e0312c0b6552fc76c74a6b213a06c7bde568d934",
        },
    ],
};

static CUDA: Release = Release {
    home: ONNX_RUNTIME,
    variable: DYLIB_PATH,
    is_found_in_python: true,
    build: Build::Cuda,
    package: "onnxruntime-gpu",
    version: "1.31.1",
    tags: &ONNX_RUNTIME_TAGS,
    sha256: "e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6",
    wheel_mib: 244,
    library: "libonnxruntime.so.1.31.1",
    files: &[
        Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.31.1",
            name: "libonnxruntime.so.1.31.1",
            length: 29_421_832,
            blake3: "b6b4433a5b49a4bc56ac8889b9dc887df947faacf40db82a0ed419e9a5bf94bf",
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_shared.so",
            name: "libonnxruntime_providers_shared.so",
            length: 14_632,
            blake3: "e575eac21c52ff35f67d0179df4f76f0a953638a3448b982cf106112501df6b3",
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
            name: "libonnxruntime_providers_cuda.so",
            length: 284_014_752,
            blake3: "57c6e567425ea2b26a5cff7f433b8edd2b4b1ccead1269c0dac12d41e9540c95",
        },
        Member {
            path: "onnxruntime/LICENSE",
            name: "LICENSE",
            length: 1_073,
            blake3: "222dd958fdb5d1397f5ef490b9a06e13affa84115551f3ce9c940a2419e6e7b5",
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            name: "ThirdPartyNotices.txt",
            length: 338_088,
            blake3: "cffb1472617a99873c535575c6db1661614b42c138af02046d8a63ea3c8230f0",
        },
    ],
};

/// oneDNN 3.2, its threads those of GNU's OpenMP.
pub(super) static ONEDNN: Release = Release {
    home: "onednn",
    variable: DNNL_PATH,
    is_found_in_python: false,
    build: Build::Cpu,
    package: "onednn-cpu-gomp",
    version: "2023.2.0",
    tags: &ONEDNN_TAGS,
    sha256: "2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb",
    wheel_mib: 37,
    library: "libdnnl.so.3",
    files: &[
        Member {
            path: "onednn_cpu_gomp-2023.2.0.data/data/lib/libdnnl.so.3",
            name: "libdnnl.so.3",
            length: 54_569_528,
            blake3: "8b90dfe2dc63d8be411b1b577e46ea37973fd852254e2c4f68a8e3d6ff7c490b",
        },
        Member {
            path: "onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/LICENSE",
            name: "LICENSE",
            length: 11_607,
            blake3: "8d614bb8ea153dec4789caf2fdc08557c7396f3633632f878fd46083bb162c1f",
        },
        Member {
            path: "onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/THIRD-PARTY-PROGRAMS",
            name: "THIRD-PARTY-PROGRAMS",
            length: 42_455,
            blake3: "7ece0ea68fa49c5b4e275709d0440b15657ca26eebe023171a18ab6112698678",
        },
    ],
};

impl Release {
    /// The build of ONNX Runtime.
    pub(super) fn of(build: Build) -> &'static Self {
        match build {
            Build::Cpu => &CPU,
            Build::Cuda => &CUDA,
        }
    }

    /// Name of its folder in the cache.
    pub(super) fn folder(&self) -> String {
        format!("{}-{}", self.version, self.build)
    }

    /// What a user can do where it cannot be installed.
    pub(super) fn otherwise(&self) -> String {
        let named = format!("set {} to a library", self.variable);
        match self.is_found_in_python {
            true => format!("`pip install {}`, or {named}", self.requirement()),
            false => named,
        }
    }

    /// The requirement that pip is given.
    pub(super) fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }
}
