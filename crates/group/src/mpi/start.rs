//! MPI started, and where this rank stands.

use super::super::error::Error;
use super::super::fault::Fault;
use super::super::number::{Kind, Reduction, bytes, bytes_mut};
use super::super::place::Place;
use super::super::unfit::Unfit;
use super::abi::{Abi, Handle, MPICH, OPEN_MPI, Row, STANDARD};
use super::calls::Calls;
use super::functions::Functions;
use super::library::Library;
use super::world::{World, checked};
use std::ffi::{c_int, c_void};
use std::sync::Arc;

/// Starts MPI in this process, which can be done once, and finds the rank's place.
///
/// # Errors
/// [`Error::Library`], [`Error::Mpi`]
pub(crate) fn start(library: &Library) -> Result<(Arc<dyn Calls>, Place), Error> {
    match library.abi {
        Abi::Standard => start_with(library, STANDARD),
        Abi::Mpich => start_with(library, MPICH),
        Abi::OpenMpi => {
            let row = OPEN_MPI.resolved(|symbol| library.object(symbol));
            start_with(library, row.map_err(|reason| unfit(library, reason))?)
        }
    }
}

fn unfit(library: &Library, reason: Unfit) -> Error {
    Error::Library { path: library.path.clone(), reason }
}

fn start_with<H: Handle>(library: &Library, row: Row<H>) -> Result<(Arc<dyn Calls>, Place), Error> {
    let functions = Functions::of(&library.handle).map_err(|reason| unfit(library, reason))?;
    let given = functions
        .init(row.serialized)
        .or_else(|code| checked(&functions, "MPI_Init_thread", code).map(|()| row.serialized))?;
    if given < row.serialized {
        return Err(unfit(library, Unfit::Threads { found: given }));
    }
    let world = Starting { functions: &functions, row: &row };
    world.return_errors()?;
    let (rank, size) = world.numbers(row.world)?;
    let (local_rank, local_size, first) = world.local(rank)?;
    let world = World { functions, row, size };
    let mut firsts = vec![0; size];
    world.all_gather(bytes(&[first]), bytes_mut(&mut firsts), Kind::Uint64)?;
    let (node, nodes) = Place::node_of(first, &firsts);
    let place = Place { rank, size, local_rank, local_size, node, nodes };
    Ok((Arc::new(world), place))
}

/// A library that is started and does not know yet how many ranks there are.
struct Starting<'a, H: Handle> {
    functions: &'a Functions<H>,
    row: &'a Row<H>,
}

impl<H: Handle> Starting<'_, H> {
    /// Has errors returned, which else end the job without what the caller knows.
    #[allow(unsafe_code)]
    fn return_errors(&self) -> Result<(), Fault> {
        // SAFETY: both handles are constants of this library's.
        let code =
            unsafe { (self.functions.comm_set_errhandler)(self.row.world, self.row.errors_return) };
        checked(self.functions, "MPI_Comm_set_errhandler", code)
    }

    /// The rank's number among those of a communicator, and how many these are.
    #[allow(unsafe_code)]
    fn numbers(&self, communicator: H) -> Result<(usize, usize), Fault> {
        let (mut rank, mut size): (c_int, c_int) = (0, 0);
        // SAFETY: the handle is a communicator's, and the number has a place.
        let code = unsafe { (self.functions.comm_rank)(communicator, &mut rank) };
        checked(self.functions, "MPI_Comm_rank", code)?;
        // SAFETY: as above.
        let code = unsafe { (self.functions.comm_size)(communicator, &mut size) };
        checked(self.functions, "MPI_Comm_size", code)?;
        Ok((rank as usize, size as usize))
    }

    /// The same for the ranks of this machine, and the first of these.
    #[allow(unsafe_code)]
    fn local(&self, rank: usize) -> Result<(usize, usize, u64), Fault> {
        let row = self.row;
        let mut machine = H::NONE;
        // SAFETY: the handles are constants of this library's, and the new one has a place.
        let code = unsafe {
            (self.functions.comm_split_type)(
                row.world,
                row.shared,
                rank as c_int,
                row.no_info,
                &mut machine,
            )
        };
        checked(self.functions, "MPI_Comm_split_type", code)?;
        let (local_rank, local_size) = self.numbers(machine)?;
        // Signed ones are compared as they should be by every library.
        let mut first = rank as i64;
        let (place, number) = (row.in_place as *const c_void, (&raw mut first).cast());
        let (kind, least) = (row.kind(Kind::Int64), row.reduction(Reduction::Min));
        // SAFETY: MPI reads and writes one number.
        let code = unsafe { (self.functions.all_reduce)(place, number, 1, kind, least, machine) };
        checked(self.functions, "MPI_Allreduce", code)?;
        // SAFETY: the handle came from this library and is given back once.
        let code = unsafe { (self.functions.comm_free)(&mut machine) };
        checked(self.functions, "MPI_Comm_free", code)?;
        Ok((local_rank, local_size, first as u64))
    }
}
