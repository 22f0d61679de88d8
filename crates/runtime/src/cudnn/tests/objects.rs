//! The stand-in's handles and descriptions.

use super::super::api::{
    ConvolutionObject, FilterObject, HandleObject, StreamObject, TensorObject,
};
use super::super::constants::Status;
use super::stand_in::{Object, STATUSES, Tensor, Window, answer, check, described, library};
use std::ffi::{c_char, c_int};

#[allow(unsafe_code)]
pub(super) fn write<T>(place: *mut T, value: T) -> Result<(), String> {
    check(!place.is_null(), || "no place for the result".to_owned())?;
    // SAFETY: the code under test gives a place for one value.
    unsafe { place.write(value) };
    Ok(())
}

fn at<T>(address: usize) -> *mut T {
    std::ptr::without_provenance_mut(address)
}

pub(super) extern "C" fn error_string(status: Status) -> *const c_char {
    let text = STATUSES.iter().find(|(own, _)| *own == status);
    text.map_or(std::ptr::null(), |(_, text)| text.as_ptr())
}

#[allow(unsafe_code)]
pub(super) extern "C" fn last_error_string(message: *mut c_char, room: usize) {
    let said = library(|own| own.said.take()).unwrap_or("");
    let bytes = said.as_bytes().iter().take(room.saturating_sub(1)).chain(&[0]);
    for (at, byte) in bytes.enumerate() {
        // SAFETY: there is room for so many bytes.
        unsafe { message.add(at).write(*byte as c_char) };
    }
}

pub(super) extern "C" fn create(place: *mut *mut HandleObject) -> Status {
    answer("cudnnCreate", |own| {
        let address = own.create(Object::Handle { stream: 0 });
        write(place, at(address))
    })
}

pub(super) extern "C" fn destroy(handle: *mut HandleObject) -> Status {
    answer("cudnnDestroy", |own| {
        own.destroy(handle.addr(), |own| matches!(own, Object::Handle { .. }))
    })
}

pub(super) extern "C" fn set_stream(handle: *mut HandleObject, new: *mut StreamObject) -> Status {
    answer("cudnnSetStream", |own| match own.find(handle.addr())? {
        Object::Handle { stream } => {
            *stream = new.addr();
            check(!new.is_null(), || "no stream".to_owned())
        }
        found => Err(format!("{found:?} as a handle")),
    })
}

pub(super) extern "C" fn get_stream(
    handle: *mut HandleObject,
    place: *mut *mut StreamObject,
) -> Status {
    answer("cudnnGetStream", |own| match own.find(handle.addr())? {
        Object::Handle { stream } => write(place, at(*stream)),
        found => Err(format!("{found:?} as a handle")),
    })
}

pub(super) extern "C" fn create_tensor(place: *mut *mut TensorObject) -> Status {
    answer("cudnnCreateTensorDescriptor", |own| write(place, at(own.create(Object::Tensor(None)))))
}

pub(super) extern "C" fn destroy_tensor(tensor: *mut TensorObject) -> Status {
    answer("cudnnDestroyTensorDescriptor", |own| {
        own.destroy(tensor.addr(), |own| matches!(own, Object::Tensor(_)))
    })
}

pub(super) extern "C" fn set_tensor(
    tensor: *mut TensorObject,
    format: c_int,
    element: c_int,
    n: c_int,
    c: c_int,
    h: c_int,
    w: c_int,
) -> Status {
    answer("cudnnSetTensor4dDescriptor", |own| match own.find(tensor.addr())? {
        Object::Tensor(own) => {
            *own = Some(described(format, element, [n, c, h, w])?);
            Ok(())
        }
        found => Err(format!("{found:?} as a tensor")),
    })
}

pub(super) extern "C" fn create_filter(place: *mut *mut FilterObject) -> Status {
    answer("cudnnCreateFilterDescriptor", |own| write(place, at(own.create(Object::Filter(None)))))
}

pub(super) extern "C" fn destroy_filter(filter: *mut FilterObject) -> Status {
    answer("cudnnDestroyFilterDescriptor", |own| {
        own.destroy(filter.addr(), |own| matches!(own, Object::Filter(_)))
    })
}

pub(super) extern "C" fn set_filter(
    filter: *mut FilterObject,
    element: c_int,
    format: c_int,
    o: c_int,
    i: c_int,
    h: c_int,
    w: c_int,
) -> Status {
    answer("cudnnSetFilter4dDescriptor", |own| match own.find(filter.addr())? {
        Object::Filter(own) => {
            *own = Some(described(format, element, [o, i, h, w])?);
            Ok(())
        }
        found => Err(format!("{found:?} as kernels")),
    })
}

pub(super) extern "C" fn create_convolution(place: *mut *mut ConvolutionObject) -> Status {
    answer("cudnnCreateConvolutionDescriptor", |own| {
        let address = own.create(Object::Convolution { window: None, math: None });
        write(place, at(address))
    })
}

pub(super) extern "C" fn destroy_convolution(convolution: *mut ConvolutionObject) -> Status {
    answer("cudnnDestroyConvolutionDescriptor", |own| {
        own.destroy(convolution.addr(), |own| matches!(own, Object::Convolution { .. }))
    })
}

pub(super) extern "C" fn set_convolution(
    convolution: *mut ConvolutionObject,
    above: c_int,
    left: c_int,
    down: c_int,
    right: c_int,
    apart: c_int,
    beside: c_int,
    mode: c_int,
    sums: c_int,
) -> Status {
    answer("cudnnSetConvolution2dDescriptor", |own| match own.find(convolution.addr())? {
        Object::Convolution { window, .. } => {
            let given = [above, left, down, right, apart, beside, mode, sums];
            let is_square = above == left && down == right && above >= 0 && down > 0;
            check(is_square && [apart, beside, mode, sums] == [1, 1, 1, 0], || {
                format!("{given:?}")
            })?;
            *window = Some(Window { stride: down as usize, pad: above as usize });
            Ok(())
        }
        found => Err(format!("{found:?} as a convolution")),
    })
}

pub(super) extern "C" fn set_math(convolution: *mut ConvolutionObject, kind: c_int) -> Status {
    answer("cudnnSetConvolutionMathType", |own| {
        own.maths.push(kind);
        match own.find(convolution.addr())? {
            Object::Convolution { math, .. } => {
                *math = Some(kind);
                check((0..=3).contains(&kind), || format!("kind {kind}"))
            }
            found => Err(format!("{found:?} as a convolution")),
        }
    })
}

pub(super) extern "C" fn derive(
    by: *mut TensorObject,
    x: *mut TensorObject,
    mode: c_int,
) -> Status {
    answer("cudnnDeriveBNTensorDescriptor", |own| {
        check(mode == 1, || format!("mode {mode}"))?;
        let x = own.tensor(x)?;
        match own.find(by.addr())? {
            Object::Tensor(own) => {
                let extents = [1, x.extents[1], 1, 1];
                *own = Some(Tensor { format: 0, element: 0, extents });
                Ok(())
            }
            found => Err(format!("{found:?} as a tensor")),
        }
    })
}
