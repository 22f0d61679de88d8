//! Why a library is not an MPI that is called here.

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The system's loader refuses it.
    #[error("the system cannot load it: {0}")]
    Load(String),
    /// It is another library.
    #[error("expected MPI, found a library without MPI_Init_thread")]
    NotMpi,
    /// It is an MPI whose constants are not known here.
    #[error("expected the ABI of MPI 5, MPICH or Open MPI, found {found}")]
    Abi {
        /// What it says its version is.
        found: String,
    },
    /// It lacks a function or an object.
    #[error("expected {symbol}, found none")]
    Symbol {
        /// Its name.
        symbol: &'static str,
    },
    /// It does not let more than one thread call it.
    #[error("expected calls from more than one thread to be allowed, found thread level {found}")]
    Threads {
        /// The level that it gave.
        found: i32,
    },
}
