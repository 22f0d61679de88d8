//! What the stand-in for the library knows: what is alive, what was called, and what was wrong.
//!
//! It is the thread's own: the runtime runs nodes on the thread that asks for it.

use super::super::api::{ConvolutionObject, FilterObject, HandleObject, TensorObject};
use super::super::constants::Status;
use super::memory::Laid;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the library refuses wrong arguments with.
const BAD_PARAM: Status = 2000;

/// The statuses that are tried, and their texts.
pub(super) const STATUSES: [(Status, &CStr); 6] = [
    (0, c"CUDNN_STATUS_SUCCESS"),
    (1001, c"CUDNN_STATUS_NOT_INITIALIZED"),
    (BAD_PARAM, c"CUDNN_STATUS_BAD_PARAM"),
    (3000, c"CUDNN_STATUS_NOT_SUPPORTED"),
    (4004, c"CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    (5000, c"CUDNN_STATUS_EXECUTION_FAILED"),
];

/// What it says beside a status.
pub(super) const MORE: &str = "as the test asks";

/// What is alive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Object {
    Handle { stream: usize },
    Tensor(Option<Tensor>),
    Filter(Option<Tensor>),
    Convolution { window: Option<Window>, math: Option<c_int> },
}

/// Extents with channels second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tensor {
    pub(super) format: c_int,
    pub(super) element: c_int,
    pub(super) extents: [usize; 4],
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) stride: usize,
    pub(super) pad: usize,
}

/// The library as a thread sees it.
#[derive(Debug, Default)]
pub(super) struct Library {
    /// By addresses at which nothing is.
    objects: BTreeMap<usize, Object>,
    made: usize,
    /// The functions that were called.
    pub(super) calls: Vec<&'static str>,
    /// How convolutions were to multiply.
    pub(super) maths: Vec<c_int>,
    /// Arguments that the headers do not allow.
    pub(super) wrong: Vec<String>,
    /// The function that is refused, and how.
    pub(super) refused: Option<(&'static str, Status)>,
    /// Bytes that every convolution asks for, where it is not what they need.
    pub(super) workspace: Option<usize>,
    /// Whether arguments are held against the headers and nothing is computed.
    pub(super) is_idle: bool,
    pub(super) said: Option<&'static str>,
}

thread_local! {
    static LIBRARY: RefCell<Library> = RefCell::default();
}

/// Looks at the thread's library, or changes it.
pub(super) fn library<R>(with: impl FnOnce(&mut Library) -> R) -> R {
    LIBRARY.with_borrow_mut(with)
}

impl Library {
    /// How many handles and descriptions are alive.
    pub(super) fn alive(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn create(&mut self, object: Object) -> usize {
        self.made += 1;
        let address = self.made << 8;
        self.objects.insert(address, object);
        address
    }

    pub(super) fn destroy(
        &mut self,
        address: usize,
        is: impl Fn(&Object) -> bool,
    ) -> Result<(), String> {
        match self.objects.remove(&address) {
            Some(object) if is(&object) => Ok(()),
            found => Err(format!("{found:?} is destroyed")),
        }
    }

    pub(super) fn find(&mut self, address: usize) -> Result<&mut Object, String> {
        self.objects.get_mut(&address).ok_or_else(|| format!("nothing is at {address}"))
    }

    /// A handle that has a stream.
    pub(super) fn ready(&mut self, handle: *mut HandleObject) -> Result<(), String> {
        match self.find(handle.addr())? {
            Object::Handle { stream } if *stream != 0 => Ok(()),
            found => Err(format!("{found:?} as a handle with a stream")),
        }
    }

    pub(super) fn tensor(&mut self, own: *mut TensorObject) -> Result<Tensor, String> {
        match self.find(own.addr())? {
            Object::Tensor(Some(own)) => Ok(*own),
            found => Err(format!("{found:?} as a tensor")),
        }
    }

    /// Images, kernels and positions that fit each other by a window.
    pub(super) fn convolution(
        &mut self,
        [x, y]: [*mut TensorObject; 2],
        w: *mut FilterObject,
        own: *mut ConvolutionObject,
    ) -> Result<([Tensor; 3], Window), String> {
        let (x, y) = (self.tensor(x)?, self.tensor(y)?);
        let w = match self.find(w.addr())? {
            Object::Filter(Some(own)) => *own,
            found => return Err(format!("{found:?} as kernels")),
        };
        let window = match self.find(own.addr())? {
            Object::Convolution { window: Some(window), math: Some(_) } => *window,
            found => return Err(format!("{found:?} as a convolution")),
        };
        let positions =
            |extent: usize, kernel: usize| (extent + 2 * window.pad - kernel) / window.stride + 1;
        let [n, c, h, width] = x.extents;
        let [o, i, kh, kw] = w.extents;
        let fits = y.extents == [n, o, positions(h, kh), positions(width, kw)] && c == i;
        let alike = |own: &Tensor| (own.format, own.element) == (x.format, x.element);
        match fits && alike(&w) && alike(&y) {
            true => Ok(([x, w, y], window)),
            false => Err(format!("{x:?} by {w:?} to {y:?} with {window:?}")),
        }
    }

    pub(super) fn needed(&self, window: Window, w: Tensor) -> usize {
        let own = if window.stride == 1 { 4 * w.extents[0] * w.extents[1] + 1 } else { 0 };
        self.workspace.unwrap_or(own)
    }

    /// Images, and of what extents is what is by channel.
    pub(super) fn normalization(
        &mut self,
        images: [*mut TensorObject; 3],
        by_channel: *mut TensorObject,
        mode: c_int,
    ) -> Result<Tensor, String> {
        let [x, y, z] = images;
        let (x, y, z, by) =
            (self.tensor(x)?, self.tensor(y)?, self.tensor(z)?, self.tensor(by_channel)?);
        let expected = Tensor { format: 0, element: 0, extents: [1, x.extents[1], 1, 1] };
        match (x == y && x == z, by == expected, mode) {
            (true, true, 1) => Ok(x),
            _ => Err(format!("{x:?}, {y:?}, {z:?} and {by:?} in mode {mode}")),
        }
    }
}

/// Records a call and answers it.
pub(super) fn answer(
    function: &'static str,
    with: impl FnOnce(&mut Library) -> Result<(), String>,
) -> Status {
    library(|own| {
        own.calls.push(function);
        if let Some((refused, status)) = own.refused
            && refused == function
        {
            own.said = Some(MORE);
            return status;
        }
        let done = catch_unwind(AssertUnwindSafe(|| with(own)));
        let done = done.unwrap_or_else(|_| Err("a panic".to_owned()));
        match done {
            Ok(()) => 0,
            Err(wrong) => {
                own.wrong.push(format!("{function}: {wrong}"));
                BAD_PARAM
            }
        }
    })
}

pub(super) fn check(is_right: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(what()) }
}

/// Positive extents as the library takes them.
fn extents(given: [c_int; 4]) -> Result<[usize; 4], String> {
    check(given.iter().all(|extent| *extent > 0), || format!("extents {given:?}"))?;
    Ok(given.map(|extent| extent as usize))
}

pub(super) fn described(
    format: c_int,
    element: c_int,
    given: [c_int; 4],
) -> Result<Tensor, String> {
    check(matches!(format, 0 | 1) && matches!(element, 0 | 2), || {
        format!("format {format}, element {element}")
    })?;
    Ok(Tensor { format, element, extents: extents(given)? })
}

/// α = 1 and β = 0, floats.
#[allow(unsafe_code)]
pub(super) fn blends(alpha: *const c_void, beta: *const c_void) -> Result<(), String> {
    check(!alpha.is_null() && !beta.is_null(), || "no factors".to_owned())?;
    // SAFETY: the code under test gives floats.
    let found = unsafe { (alpha.cast::<f32>().read(), beta.cast::<f32>().read()) };
    check(found == (1.0, 0.0), || format!("factors {found:?}"))
}

pub(super) fn present(pointers: &[*const c_void]) -> Result<(), String> {
    check(pointers.iter().all(|own| !own.is_null()), || format!("null among {pointers:?}"))
}

/// Writes over the whole workspace, which must be as large as was asked for.
#[allow(unsafe_code)]
pub(super) fn work_in(start: *mut c_void, bytes: usize, needed: usize) -> Result<(), String> {
    check(bytes >= needed && (needed == 0 || !start.is_null()), || {
        format!("a workspace of {bytes} bytes at {start:?}, {needed} are needed")
    })?;
    if needed > 0 {
        // SAFETY: the code under test says that so many bytes are there.
        unsafe { start.cast::<u8>().write_bytes(0xff, needed) };
    }
    Ok(())
}

pub(super) fn laid(start: *const c_void, own: Tensor) -> Laid {
    Laid { start: start.cast_mut(), half: own.element == 2, last: own.format == 1, of: own.extents }
}

/// Adds up `add(x, w, y)` over all that a convolution multiplies, by positions in each.
pub(super) fn products(
    [x, w, y]: [Tensor; 3],
    window: Window,
    mut add: impl FnMut([[usize; 4]; 3]),
) {
    let [o, i, kh, kw] = w.extents;
    let [n, _, rows, columns] = y.extents;
    for image in 0..n {
        for (row, column) in pairs(rows, columns) {
            for (down, right) in pairs(kh, kw) {
                let at = |position: usize, offset: usize| {
                    (position * window.stride + offset).checked_sub(window.pad)
                };
                let (Some(h), Some(v)) = (at(row, down), at(column, right)) else { continue };
                if h >= x.extents[2] || v >= x.extents[3] {
                    continue;
                }
                for (o, i) in pairs(o, i) {
                    add([[image, i, h, v], [o, i, down, right], [image, o, row, column]]);
                }
            }
        }
    }
}

fn pairs(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |own| (0..second).map(move |other| (own, other)))
}

/// Of each channel the positions of its elements.
pub(super) fn channels(x: Tensor) -> impl Iterator<Item = (usize, Vec<[usize; 4]>)> {
    let [n, c, h, w] = x.extents;
    (0..c).map(move |channel| {
        let all = (0..n).flat_map(move |image| {
            pairs(h, w).map(move |(row, column)| [image, channel, row, column])
        });
        (channel, all.collect())
    })
}
