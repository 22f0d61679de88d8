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
    /// Its name in the cache, which may have folders.
    pub(super) name: &'static str,
    pub(super) length: u64,
    pub(super) blake3: &'static str,
    /// Whether it is a program.
    pub(super) executable: bool,
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
            executable: false,
        },
        Member {
            path: "onnxruntime/LICENSE",
            name: "LICENSE",
            length: 1_073,
            blake3: "222dd958fdb5d1397f5ef490b9a06e13affa84115551f3ce9c940a2419e6e7b5",
            executable: false,
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            name: "ThirdPartyNotices.txt",
            length: 334_795,
            blake3: "8887df552db6b9a407330e46e0312c0b6552fc76c74a6b213a06c7bde568d934",
            executable: false,
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
            executable: false,
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_shared.so",
            name: "libonnxruntime_providers_shared.so",
            length: 14_632,
            blake3: "e575eac21c52ff35f67d0179df4f76f0a953638a3448b982cf106112501df6b3",
            executable: false,
        },
        Member {
            path: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
            name: "libonnxruntime_providers_cuda.so",
            length: 284_014_752,
            blake3: "57c6e567425ea2b26a5cff7f433b8edd2b4b1ccead1269c0dac12d41e9540c95",
            executable: false,
        },
        Member {
            path: "onnxruntime/LICENSE",
            name: "LICENSE",
            length: 1_073,
            blake3: "222dd958fdb5d1397f5ef490b9a06e13affa84115551f3ce9c940a2419e6e7b5",
            executable: false,
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            name: "ThirdPartyNotices.txt",
            length: 338_088,
            blake3: "cffb1472617a99873c535575c6db1661614b42c138af02046d8a63ea3c8230f0",
            executable: false,
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
            executable: false,
        },
        Member {
            path: "onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/LICENSE",
            name: "LICENSE",
            length: 11_607,
            blake3: "8d614bb8ea153dec4789caf2fdc08557c7396f3633632f878fd46083bb162c1f",
            executable: false,
        },
        Member {
            path: "onednn_cpu_gomp-2023.2.0.data/data/share/doc/onednn/THIRD-PARTY-PROGRAMS",
            name: "THIRD-PARTY-PROGRAMS",
            length: 42_455,
            blake3: "7ece0ea68fa49c5b4e275709d0440b15657ca26eebe023171a18ab6112698678",
            executable: false,
        },
    ],
};

static MPICH_TAGS: Tags =
    Tags { implementation: "py", python: "3.11", abi: "none", platform: "manylinux_2_28_x86_64" };

/// Variable that names MPI's file.
const MPI_PATH: &str = "MPI_DYLIB_PATH";

/// MPICH 5 with the standard ABI and its launcher.
pub(super) static MPICH: Release = Release {
    home: "mpich",
    variable: MPI_PATH,
    is_found_in_python: false,
    build: Build::Cpu,
    package: "mpich",
    version: "5.0.2",
    tags: &MPICH_TAGS,
    sha256: "8fed465ebff269ea2ebac179a25de02671ddf8df476e0f115be089015015cfd4",
    wheel_mib: 13,
    library: "libmpi_abi.so.1",
    files: &[
        Member {
            path: "mpich-5.0.2.data/data/bin/mpiexec",
            name: "mpiexec",
            length: 745_856,
            blake3: "00543182a4b0e9d9dd5c569b39636ad58cb0857d2ff7c08ee7224681180d64b9",
            executable: true,
        },
        Member {
            path: "mpich-5.0.2.data/data/bin/hydra_pmi_proxy",
            name: "hydra_pmi_proxy",
            length: 675_456,
            blake3: "68ecbd7c5de590cb398ca5dcb52b08844ce5b36d093cacc341087cb7174e1460",
            executable: true,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/libmpi_abi.so.1",
            name: "libmpi_abi.so.1",
            length: 12_796_721,
            blake3: "f1f38a64347eff147038cf792ac15ae796a4d349ad5733f0ccf698ee9ee83a94",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/libfabric.so.1",
            name: "libfabric.so.1",
            length: 1_249_177,
            blake3: "a307b8a44e332368738f4f3d17b6700a861ae65ccdeaeeaf9a9f2e6c0892d4d2",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/libucm.so.0",
            name: "libucm.so.0",
            length: 127_769,
            blake3: "65c2afbd14101e23a6294b0f6e814bfbe8a350dfef3ace1f90ccc731a3104baf",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/libucp.so.0",
            name: "libucp.so.0",
            length: 1_040_457,
            blake3: "c815304392164db99d0fc72812acb738e42c1774b32877ea17d54d67b9d70de1",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/libucs.so.0",
            name: "libucs.so.0",
            length: 466_481,
            blake3: "6f5a561eb7459633e3bd6c9ea4d4c0a5c8a45c78e45124de8510c884ef20f7c9",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/libuct.so.0",
            name: "libuct.so.0",
            length: 275_873,
            blake3: "077078724316e60458c0b9271dbdd9e4e103a544626909869103c0dcc3089e0a",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.data/data/lib/mpich/ucx/libuct_cma.so.0",
            name: "ucx/libuct_cma.so.0",
            length: 30_481,
            blake3: "46fd656a8f012d7e553bf167b088d13e4259f21c53c48041906e0503bb3b3bcd",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.dist-info/licenses/LICENSE",
            name: "LICENSE",
            length: 1_893,
            blake3: "e2a768c49b4e5b1826383efd25a176c922b8ec9961e789e9c814479fb6786f6b",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.dist-info/licenses/LICENSE.hwloc",
            name: "LICENSE.hwloc",
            length: 2_552,
            blake3: "d90bf0d51d3fcbc37e289a838838e7efea70c18a427c171636f1a5c6ab25c053",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.dist-info/licenses/LICENSE.json-c",
            name: "LICENSE.json-c",
            length: 2_205,
            blake3: "2864aef5b36434f82b267888852572a3d5c4ba0eb377acd9fb25beff070d1038",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.dist-info/licenses/LICENSE.ofi",
            name: "LICENSE.ofi",
            length: 19_859,
            blake3: "3272a3a85f6123f1c6f84686e4d0422dcbee343c126d061bc44f7cee408e1585",
            executable: false,
        },
        Member {
            path: "mpich-5.0.2.dist-info/licenses/LICENSE.ucx",
            name: "LICENSE.ucx",
            length: 2_291,
            blake3: "b4f6204cc2df4c5d2d5bba2957a48524a4ef2c47f8e3f87d8513d6adbc02acca",
            executable: false,
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
