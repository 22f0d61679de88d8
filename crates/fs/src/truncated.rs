//! A line for whoever shortens a file while it is mapped.
//!
//! The system ends a process that reads a mapped file past its new end by SIGBUS, without a word.
//! Here the signal is answered by one line that names the file, and exit code 2.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr;

/// The exit code of an error.
const EXIT_CODE: c_int = 2;

/// Where the system lists a process's mapped files.
const MAPS: &std::ffi::CStr = c"/proc/self/maps";

/// Bytes of a path that are told; the system's longest is shorter.
const PATH_BYTES: usize = 4096;

/// From now on a file that is shortened while it is mapped ends the process with exit code 2 and a line
/// on stderr that names it. Other faults of this kind end it as before. A program calls this once, as
/// it begins; a library leaves signals to its program.
pub fn tell_of_truncated_files() {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    #[allow(unsafe_code)]
    // SAFETY: all bytes zero are a valid `sigaction`, without flags and with an empty mask. The handler
    // has the signature that SA_SIGINFO asks for, and calls async-signal-safe functions alone.
    unsafe {
        let action = action.assume_init_mut();
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
        action.sa_sigaction = handler as libc::sighandler_t;
        // On the thread's own stack, which is not what is at fault and has room for a path. After one
        // signal the default holds again.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESETHAND;
        libc::sigaction(libc::SIGBUS, action, ptr::null_mut());
    }
}

/// Tells which file the address of the fault lies in and ends the process; returns where it lies in none:
/// then the fault comes again and the default ends the process.
extern "C" fn on_bus_error(
    _signal: c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    #[allow(unsafe_code)]
    // SAFETY: the system hands a valid `siginfo_t` of a SIGBUS to the handler.
    let address = unsafe { (*info).si_addr() } as usize;
    let mut search = Search::new(address);
    read_maps(&mut search);
    if let Some(path) = search.path() {
        write(b"qgface-data: ");
        write(path);
        write(
            b": this file was shortened while it was read; it must stay whole as long as the \
              program runs: bring it back and give the command again\n",
        );
        #[allow(unsafe_code)]
        // SAFETY: ends the process at once; nothing of it runs any more.
        unsafe {
            libc::_exit(EXIT_CODE);
        }
    }
}

/// Feeds the list of mapped files to `search`.
fn read_maps(search: &mut Search) {
    #[allow(unsafe_code)]
    // SAFETY: opens a file by a constant name that ends in zero.
    let file = unsafe { libc::open(MAPS.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return;
    }
    let mut bytes = [0_u8; 512];
    loop {
        #[allow(unsafe_code)]
        // SAFETY: reads at most as many bytes as the buffer has.
        let count = unsafe { libc::read(file, bytes.as_mut_ptr().cast(), bytes.len()) };
        let Some(read) = usize::try_from(count).ok().and_then(|count| bytes.get(..count)) else {
            return;
        };
        if read.is_empty() {
            return;
        }
        read.iter().for_each(|&byte| search.take(byte));
    }
}

fn write(text: &[u8]) {
    #[allow(unsafe_code)]
    // SAFETY: writes bytes that live as long as the call. What nobody can be told, is not.
    unsafe {
        _ = libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len());
    }
}

/// Finds the mapped file of an address in lines of `start-end rights offset device inode path`. It takes
/// byte after byte and no memory, since in a signal's handler there is none to be had.
struct Search {
    address: usize,
    at: Field,
    start: usize,
    end: usize,
    path: [u8; PATH_BYTES],
    length: usize,
    found: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Start,
    End,
    Between,
    Path,
}

impl Search {
    fn new(address: usize) -> Self {
        let path = [0; PATH_BYTES];
        Self { address, at: Field::Start, start: 0, end: 0, path, length: 0, found: false }
    }

    fn take(&mut self, byte: u8) {
        if self.found {
            return;
        }
        match (self.at, byte) {
            (_, b'\n') => self.end_line(),
            (Field::Start, b'-') => self.at = Field::End,
            (Field::Start, digit) => self.start = with_digit(self.start, digit),
            (Field::End, b' ') => self.at = Field::Between,
            (Field::End, digit) => self.end = with_digit(self.end, digit),
            (Field::Between, b'/') => {
                self.at = Field::Path;
                self.push(byte);
            }
            (Field::Between, _) => {}
            (Field::Path, _) => self.push(byte),
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.path.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn end_line(&mut self) {
        self.found = self.length > 0 && (self.start..self.end).contains(&self.address);
        if !self.found {
            (self.at, self.start, self.end, self.length) = (Field::Start, 0, 0, 0);
        }
    }

    fn path(&self) -> Option<&[u8]> {
        self.path.get(..self.length).filter(|_| self.found)
    }
}

fn with_digit(number: usize, digit: u8) -> usize {
    let value = char::from(digit).to_digit(16).unwrap_or_default() as usize;
    number.wrapping_shl(4) | value
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &[u8] = b"55d0-55e0 r--p 00000000 fe:00 12 /bin/program\n\
        7f00-7f10 rw-p 00000000 00:00 0 \n\
        7f10-7f40 r--s 00001000 fe:00 99   /data/a face.rec\n\
        7ffc-7ffd rw-p 00000000 00:00 0  [stack]\n";

    fn found(address: usize) -> Option<String> {
        let mut search = Search::new(address);
        LINES.iter().for_each(|&byte| search.take(byte));
        search.path().map(|path| String::from_utf8_lossy(path).into_owned())
    }

    #[test]
    fn the_file_of_an_address_is_found() {
        assert_eq!(found(0x7f10).as_deref(), Some("/data/a face.rec"));
        assert_eq!(found(0x7f3f).as_deref(), Some("/data/a face.rec"));
        assert_eq!(found(0x55d1).as_deref(), Some("/bin/program"));
    }

    #[test]
    fn an_address_outside_of_files_has_none() {
        for address in [0x7f05, 0x7f40, 0x7ffc, 0] {
            assert_eq!(found(address), None, "{address:#x}");
        }
    }
}
