//! The constants of MPI's three binary interfaces: one row each.
//!
//! From the headers of MPICH 5.0.2 (`mpi_abi.h` is MPI 5.0's, `mpi.h` its own) and of Open MPI 5.0.11,
//! whose names and numbers 4.1 has, too.

use super::super::number::{Kind, Reduction};
use std::ffi::c_int;

/// Which constants a library has, and what its handles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// That of MPI 5.0.
    Standard,
    /// MPICH's, and that of what is made from it.
    Mpich,
    /// Open MPI's.
    OpenMpi,
}

impl std::fmt::Display for Abi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Standard => "the ABI of MPI 5",
            Self::Mpich => "MPICH's ABI",
            Self::OpenMpi => "Open MPI's ABI",
        })
    }
}

/// What MPI knows an object by: a word of the size of a pointer, or an `int` in MPICH's interface.
pub(super) trait Handle: Copy + std::fmt::Debug + Send + Sync + 'static {
    /// What a place for a handle holds before one is written to it.
    const NONE: Self;
}

impl Handle for usize {
    const NONE: Self = 0;
}

impl Handle for c_int {
    const NONE: Self = 0;
}

/// The constants of an interface; `H` is a handle, or the name of the object whose address is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<H> {
    /// `MPI_COMM_WORLD`.
    pub(super) world: H,
    pub(super) float: H,
    pub(super) double: H,
    pub(super) int32: H,
    pub(super) int64: H,
    pub(super) uint64: H,
    pub(super) uint8: H,
    pub(super) int8: H,
    pub(super) sum: H,
    pub(super) max: H,
    pub(super) min: H,
    /// `MPI_INFO_NULL`.
    pub(super) no_info: H,
    /// `MPI_ERRORS_RETURN`.
    pub(super) errors_return: H,
    /// The address `MPI_IN_PLACE`.
    pub(super) in_place: isize,
    /// `MPI_THREAD_SERIALIZED`.
    pub(super) serialized: c_int,
    /// `MPI_COMM_TYPE_SHARED`.
    pub(super) shared: c_int,
}

pub(super) static STANDARD: Row<usize> = Row {
    world: 0x101,
    float: 0x210,
    double: 0x214,
    int32: 0x250,
    int64: 0x258,
    uint64: 0x259,
    uint8: 0x241,
    int8: 0x240,
    sum: 0x21,
    max: 0x23,
    min: 0x22,
    no_info: 0x130,
    errors_return: 0x143,
    in_place: 1,
    serialized: 2048,
    shared: 221,
};

pub(super) static MPICH: Row<c_int> = Row {
    world: 0x4400_0000,
    float: 0x4c00_040a,
    double: 0x4c00_080b,
    int32: 0x4c00_0439,
    int64: 0x4c00_083a,
    uint64: 0x4c00_083e,
    uint8: 0x4c00_013b,
    int8: 0x4c00_0137,
    sum: 0x5800_0003,
    max: 0x5800_0001,
    min: 0x5800_0002,
    no_info: 0x1c00_0000,
    errors_return: 0x5400_0001,
    in_place: -1,
    serialized: 2,
    shared: 1,
};

pub(super) static OPEN_MPI: Row<&'static str> = Row {
    world: "ompi_mpi_comm_world",
    float: "ompi_mpi_float",
    double: "ompi_mpi_double",
    int32: "ompi_mpi_int32_t",
    int64: "ompi_mpi_int64_t",
    uint64: "ompi_mpi_uint64_t",
    uint8: "ompi_mpi_uint8_t",
    int8: "ompi_mpi_int8_t",
    sum: "ompi_mpi_op_sum",
    max: "ompi_mpi_op_max",
    min: "ompi_mpi_op_min",
    no_info: "ompi_mpi_info_null",
    errors_return: "ompi_mpi_errors_return",
    in_place: 1,
    serialized: 2,
    shared: 0,
};

impl<H: Copy> Row<H> {
    /// The handle of a kind of number.
    pub(super) fn kind(&self, kind: Kind) -> H {
        match kind {
            Kind::Float => self.float,
            Kind::Double => self.double,
            Kind::Int32 => self.int32,
            Kind::Int64 => self.int64,
            Kind::Uint64 => self.uint64,
            Kind::Uint8 => self.uint8,
            Kind::Int8 => self.int8,
        }
    }

    /// The handle of a reduction.
    pub(super) fn reduction(&self, how: Reduction) -> H {
        match how {
            Reduction::Sum => self.sum,
            Reduction::Max => self.max,
            Reduction::Min => self.min,
        }
    }

    /// The row with what `resolve` makes of each handle.
    pub(super) fn resolved<G, E>(&self, resolve: impl Fn(H) -> Result<G, E>) -> Result<Row<G>, E> {
        Ok(Row {
            world: resolve(self.world)?,
            float: resolve(self.float)?,
            double: resolve(self.double)?,
            int32: resolve(self.int32)?,
            int64: resolve(self.int64)?,
            uint64: resolve(self.uint64)?,
            uint8: resolve(self.uint8)?,
            int8: resolve(self.int8)?,
            sum: resolve(self.sum)?,
            max: resolve(self.max)?,
            min: resolve(self.min)?,
            no_info: resolve(self.no_info)?,
            errors_return: resolve(self.errors_return)?,
            in_place: self.in_place,
            serialized: self.serialized,
            shared: self.shared,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 7] = [
        Kind::Float,
        Kind::Double,
        Kind::Int32,
        Kind::Int64,
        Kind::Uint64,
        Kind::Uint8,
        Kind::Int8,
    ];

    #[test]
    fn mpichs_handles_of_types_say_their_length() {
        // Its bits 8 to 15 are the bytes of one element.
        for kind in KINDS {
            assert_eq!((MPICH.kind(kind) >> 8 & 0xff) as usize, kind.size(), "{kind:?}");
        }
    }

    #[test]
    fn the_standards_handles_of_types_of_fixed_length_say_it() {
        // Bits 3 to 5 of these are the logarithm of the length (MPI 5.0, appendix A.3).
        for kind in KINDS {
            let is_fixed = STANDARD.kind(kind) & !0x3f == 0x240;
            let size = 1 << (STANDARD.kind(kind) >> 3 & 7);
            assert_eq!(is_fixed, !matches!(kind, Kind::Float | Kind::Double), "{kind:?}");
            assert!(!is_fixed || size == kind.size(), "{kind:?}");
        }
    }

    #[test]
    fn no_row_has_a_handle_twice() {
        fn handles<H: Copy>(row: &Row<H>) -> [H; 13] {
            [
                row.world,
                row.float,
                row.double,
                row.int32,
                row.int64,
                row.uint64,
                row.uint8,
                row.int8,
                row.sum,
                row.max,
                row.min,
                row.no_info,
                row.errors_return,
            ]
        }
        let distinct = |mut handles: Vec<String>| {
            handles.sort();
            handles.dedup();
            handles.len()
        };
        assert_eq!(distinct(handles(&STANDARD).map(|handle| handle.to_string()).to_vec()), 13);
        assert_eq!(distinct(handles(&MPICH).map(|handle| handle.to_string()).to_vec()), 13);
        assert_eq!(distinct(handles(&OPEN_MPI).map(str::to_owned).to_vec()), 13);
    }
}
