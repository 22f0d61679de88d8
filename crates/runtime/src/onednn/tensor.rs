//! How tensors lie in memory, and memory of the caller's as tensors.

use super::api::{DescObject, Dims, MemoryObject};
use super::constants::{DNNL_FORMAT_TAG_ANY, Status};
use super::engine::Engine;
use super::fault::{Fault, call};
use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr;

/// How a tensor lies in memory.
#[derive(Debug)]
pub(super) struct Desc {
    pub(super) engine: &'static Engine,
    pub(super) raw: *mut DescObject,
}

#[allow(unsafe_code)]
// SAFETY: a description is not changed after it is made.
unsafe impl Send for Desc {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Desc {}

impl Desc {
    /// Extents with a stride each, in elements.
    #[allow(unsafe_code)]
    pub(super) fn strided<const N: usize>(
        engine: &'static Engine,
        extents: [i64; N],
        kind: c_int,
        strides: [i64; N],
    ) -> Result<Self, Fault> {
        let (extents, strides) = (dims(extents), dims(strides));
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place; both lists are as long as any list of the library's.
        unsafe {
            call!(
                engine.api,
                dnnl_memory_desc_create_with_strides(
                    &mut raw, N as c_int, &extents, kind, &strides
                )
            )
        }?;
        Ok(Self { engine, raw })
    }

    /// Extents whose places the library chooses.
    #[allow(unsafe_code)]
    pub(super) fn any<const N: usize>(
        engine: &'static Engine,
        extents: [i64; N],
        kind: c_int,
    ) -> Result<Self, Fault> {
        let (extents, tag) = (dims(extents), DNNL_FORMAT_TAG_ANY);
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place; the list is as long as any list of the library's.
        unsafe {
            call!(
                engine.api,
                dnnl_memory_desc_create_with_tag(&mut raw, N as c_int, &extents, kind, tag)
            )
        }?;
        Ok(Self { engine, raw })
    }

    /// A part of the tensor, in the same memory: so many elements from a place on.
    ///
    /// # Errors
    /// A part that does not begin and end where blocks of the layout do.
    #[allow(unsafe_code)]
    pub(super) fn part<const N: usize>(
        &self,
        extents: [usize; N],
        first: [usize; N],
    ) -> Result<Self, Fault> {
        let (engine, [extents, first]) =
            (self.engine, [extents, first].map(|own| dims(own.map(long))));
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place, the description is alive, and both lists are as long as any of
        // the library's.
        unsafe {
            call!(
                engine.api,
                dnnl_memory_desc_create_submemory(&mut raw, self.raw, &extents, &first)
            )
        }?;
        Ok(Self { engine, raw })
    }

    /// Bytes of the tensor, with what the library pads it by.
    #[allow(unsafe_code)]
    pub(super) fn bytes(&self) -> usize {
        // SAFETY: the description is alive.
        unsafe { (self.engine.api.dnnl_memory_desc_get_size)(self.raw) }
    }
}

impl Drop for Desc {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once.
        unsafe { (self.engine.api.dnnl_memory_desc_destroy)(self.raw) };
    }
}

/// An extent as the library takes it.
pub(super) fn long(extent: usize) -> i64 {
    i64::try_from(extent).expect("an extent of a tensor that is in memory")
}

/// Numbers as the list that the library takes.
pub(super) fn dims<const N: usize>(numbers: [i64; N]) -> Dims {
    let mut dims = [0; 12];
    dims[..N].copy_from_slice(&numbers);
    dims
}

/// Memory of the caller's, as a tensor of the library; what numbers the caller has there does not bind it.
pub(super) struct Memory<'a> {
    engine: &'static Engine,
    pub(super) raw: *mut MemoryObject,
    numbers: PhantomData<&'a mut [f32]>,
}

impl<'a> Memory<'a> {
    /// Numbers that a primitive reads and does not write.
    ///
    /// # Errors
    /// Fewer bytes than the tensor has.
    pub(super) fn read<N: Copy>(desc: &Desc, numbers: &'a [N]) -> Result<Self, Fault> {
        Self::over(desc, numbers.as_ptr().cast_mut().cast(), size_of_val(numbers))
    }

    /// Numbers that a primitive writes.
    ///
    /// # Errors
    /// As [`Memory::read`].
    pub(super) fn write(desc: &Desc, numbers: &'a mut [f32]) -> Result<Self, Fault> {
        Self::over(desc, numbers.as_mut_ptr().cast(), size_of_val(numbers))
    }

    /// Numbers of a tensor, of which primitives write parts, each its own.
    ///
    /// # Errors
    /// As [`Memory::read`], of the whole.
    ///
    /// # Safety
    /// The parts are of the whole, and no two of them have an element in common.
    #[allow(unsafe_code)]
    pub(super) unsafe fn parts<'d>(
        (whole, numbers): (&Desc, &'a mut [f32]),
        parts: impl Iterator<Item = &'d Desc>,
    ) -> Result<Vec<Self>, Fault> {
        let (start, bytes) = (numbers.as_mut_ptr(), size_of_val(numbers));
        Self::over(whole, start.cast(), bytes)?;
        parts.map(|part| Self::over(part, start.cast(), bytes)).collect()
    }

    #[allow(unsafe_code)]
    fn over(desc: &Desc, start: *mut u8, bytes: usize) -> Result<Self, Fault> {
        const FUNCTION: &str = "dnnl_memory_create";
        const INVALID_ARGUMENTS: Status = 2;
        if bytes < desc.bytes() {
            return Err(Fault { function: FUNCTION, status: INVALID_ARGUMENTS });
        }
        let engine = desc.engine;
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place, the description is alive, and the bytes that it speaks of are
        // there for as long as this value may be used.
        unsafe {
            call!(engine.api, dnnl_memory_create(&mut raw, desc.raw, engine.raw, start.cast()))
        }?;
        Ok(Self { engine, raw, numbers: PhantomData })
    }
}

#[allow(unsafe_code)]
// SAFETY: it may be another thread's; what it lends is read only, or nobody else's part.
unsafe impl Send for Memory<'_> {}

impl Drop for Memory<'_> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once; the bytes are the caller's.
        unsafe { (self.engine.api.dnnl_memory_destroy)(self.raw) };
    }
}
