//! Memory of a CUDA device, as its driver tells of it.

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;

/// What the driver's functions return where all went well.
const DONE: c_int = 0;

/// Bytes that are free on a device; none where there is no driver, no such device, or no answer.
#[allow(unsafe_code)]
pub(super) fn free_memory(number: u32) -> Option<u64> {
    // SAFETY: loading NVIDIA's driver library runs its initialisers, as every CUDA program does.
    let library = unsafe { libloading::Library::new("libcuda.so.1") }.ok()?;
    // The driver is never unloaded: its threads may outlive the last handle.
    let library = ManuallyDrop::new(library);
    macro_rules! function {
        ($name:literal, $type:ty) => {
            // SAFETY: the driver's API gives this function this type.
            unsafe { library.get::<$type>($name) }.ok()?
        };
    }
    type Context = *mut c_void;
    let init = function!(b"cuInit", unsafe extern "C" fn(u32) -> c_int);
    let get = function!(b"cuDeviceGet", unsafe extern "C" fn(*mut c_int, c_int) -> c_int);
    let retain =
        function!(b"cuDevicePrimaryCtxRetain", unsafe extern "C" fn(*mut Context, c_int) -> c_int);
    let release = function!(b"cuDevicePrimaryCtxRelease_v2", unsafe extern "C" fn(c_int) -> c_int);
    let push = function!(b"cuCtxPushCurrent_v2", unsafe extern "C" fn(Context) -> c_int);
    let pop = function!(b"cuCtxPopCurrent_v2", unsafe extern "C" fn(*mut Context) -> c_int);
    let told = function!(b"cuMemGetInfo_v2", unsafe extern "C" fn(*mut usize, *mut usize) -> c_int);
    let (mut device, mut context) = (0, std::ptr::null_mut());
    let (mut free, mut all) = (0_usize, 0_usize);
    // SAFETY: every pointer is to a place for one result; the context is current while it is asked, and
    // is given back once for the one time that it was taken.
    unsafe {
        let number = c_int::try_from(number).ok()?;
        if init(0) != DONE || get(&mut device, number) != DONE {
            return None;
        }
        if retain(&mut context, device) != DONE {
            return None;
        }
        let mut is_told = false;
        if push(context) == DONE {
            is_told = told(&mut free, &mut all) == DONE;
            pop(&mut context);
        }
        release(device);
        is_told.then_some(free as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cuda::Driver;
    use super::*;

    #[test]
    fn a_device_that_is_not_there_tells_nothing() {
        let devices = Driver::ask().map_or(0, |driver| driver.devices.len() as u32);
        assert_eq!(free_memory(devices), None);
    }

    #[test]
    #[ignore = "needs a CUDA device"]
    fn cuda_tells_of_its_free_memory() {
        assert!(free_memory(0).is_some_and(|bytes| bytes > 1 << 20));
    }
}
