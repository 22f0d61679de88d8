//! One shared library: is it MPI, and with whose constants?

use super::super::unfit::Unfit;
use super::abi::Abi;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What libraries with MPICH's ABI call themselves.
const OF_MPICH: [&str; 4] = ["MPICH", "Intel(R) MPI", "MVAPICH", "ParaStation"];

/// Bytes that a library may write as its version (MPICH and the standard 8192, Open MPI 256).
const VERSION_BYTES: usize = 8192;

/// A library that was loaded and recognised. It stays loaded: its threads and its handlers for the end of
/// the process may outlive every handle.
#[derive(Debug)]
pub(crate) struct Library {
    pub(super) handle: ManuallyDrop<libloading::Library>,
    pub(crate) abi: Abi,
    /// What it says its version is: the first line, in short.
    pub(crate) version: String,
    /// Its file.
    pub(crate) path: PathBuf,
}

impl Library {
    /// Loads the library at `path`, a file or a name that the system's loader looks for.
    ///
    /// # Errors
    /// Why it is no MPI that is called here.
    #[allow(unsafe_code)]
    pub(crate) fn open(path: &Path) -> Result<Self, Unfit> {
        // SAFETY: loading runs the library's initialisers; that is what the user asks for by naming or
        // installing it.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.map_err(|error| Unfit::Load(reason(&error)))?;
        let handle = ManuallyDrop::new(library);
        let init = address(&handle, "MPI_Init_thread").ok_or(Unfit::NotMpi)?;
        let version = version(&handle)?;
        let abi = abi(&handle, &version)?;
        let path = file_of(init).unwrap_or_else(|| path.to_path_buf());
        Ok(Self { handle, abi, version: in_short(&version), path })
    }

    /// The address of an object that the library exports.
    pub(super) fn object(&self, symbol: &'static str) -> Result<usize, Unfit> {
        address(&self.handle, symbol).ok_or(Unfit::Symbol { symbol })
    }
}

/// MPI 5.0's function for the version of the ABI, whose constants are the library's if it is 1; MPICH's
/// own library answers -1.
fn abi(library: &libloading::Library, version: &str) -> Result<Abi, Unfit> {
    if standard_abi(library) == Some(1) {
        return Ok(Abi::Standard);
    }
    if address(library, "ompi_mpi_comm_world").is_some() {
        return Ok(Abi::OpenMpi);
    }
    if OF_MPICH.iter().any(|name| version.contains(name)) {
        return Ok(Abi::Mpich);
    }
    Err(Unfit::Abi { found: in_short(version) })
}

#[allow(unsafe_code)]
fn standard_abi(library: &libloading::Library) -> Option<c_int> {
    type AbiVersion = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;
    // SAFETY: MPI 5.0 gives the function this type, and no earlier one has it.
    let ask = unsafe { library.get::<AbiVersion>(b"MPI_Abi_get_version") }.ok()?;
    let (mut major, mut minor) = (-1, -1);
    // SAFETY: it may be called before MPI is started; both are places for one number.
    (unsafe { ask(&mut major, &mut minor) } == 0).then_some(major)
}

#[allow(unsafe_code)]
fn version(library: &libloading::Library) -> Result<String, Unfit> {
    type Version = unsafe extern "C" fn(*mut c_char, *mut c_int) -> c_int;
    const SYMBOL: &str = "MPI_Get_library_version";
    // SAFETY: MPI gives the function this type since version 3.
    let ask = unsafe { library.get::<Version>(SYMBOL.as_bytes()) };
    let ask = ask.map_err(|_| Unfit::Symbol { symbol: SYMBOL })?;
    // One byte more stays zero, so that the text ends.
    let (mut text, mut length) = (vec![0_u8; VERSION_BYTES + 1], 0);
    // SAFETY: it may be called before MPI is started, and writes no more bytes than these.
    unsafe { ask(text.as_mut_ptr().cast(), &mut length) };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
    Ok(text.to_string_lossy().into_owned())
}

#[allow(unsafe_code)]
fn address(library: &libloading::Library, symbol: &str) -> Option<usize> {
    // SAFETY: the symbol's address is taken, and nothing is read there.
    let found = unsafe { library.get::<*const c_void>(symbol.as_bytes()) };
    found.ok().map(|address| *address as usize)
}

/// The file that holds the code at an address.
#[allow(unsafe_code)]
fn file_of(address: usize) -> Option<PathBuf> {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: the address is only looked up; the record is written where the function says so.
    if unsafe { libc::dladdr(address as *const c_void, found.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: the function succeeded, so the record is whole, and its name a text ended by zero or null.
    let name = unsafe { found.assume_init() }.dli_fname;
    // SAFETY: as above; the name is not null, and the library stays loaded.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// The first line up to a comma, with single spaces.
fn in_short(version: &str) -> String {
    let line = version.lines().next().unwrap_or_default();
    let line = line.split(',').next().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the system's loader says; the error's own text leaves it out.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_absent_or_no_library_is_not_loaded() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/nonexistent/libmpi.so.12")] {
            let error = Library::open(path).unwrap_err();
            assert!(matches!(error, Unfit::Load(_)), "{error}");
        }
    }

    #[test]
    fn another_library_is_not_mpi() {
        let error = Library::open(Path::new("libc.so.6")).unwrap_err();
        assert!(matches!(error, Unfit::NotMpi), "{error}");
    }

    #[test]
    fn versions_are_told_in_short() {
        let mpich = "MPICH Version:      5.0.2\nMPICH Release date: Fri\n";
        assert_eq!(in_short(mpich), "MPICH Version: 5.0.2");
        assert_eq!(in_short("Open MPI v5.0.11, package: Open MPI, ident"), "Open MPI v5.0.11");
        assert_eq!(in_short(""), "");
    }
}
