//! What an installed library says of what it is told. It describes tensors without a card.

use super::super::super::cuda;
use super::super::api::TensorObject;
use super::super::descriptor::Descriptor;
use super::super::handle::Handles;
use super::super::library::Cudnn;
use super::super::shape::{Element, Order};
use super::cases::{BACKBONES, ELEMENTS, NORMALIZED, ORDERS, SMALL};
use super::models::lent;
use std::ffi::{c_int, c_void};

/// Its own extents of what a convolution makes, by what it was told.
#[test]
#[allow(unsafe_code)]
fn every_shape_is_described_as_the_library_understands_it() {
    type Output = unsafe extern "C" fn(
        *const c_void,
        *const c_void,
        *const c_void,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
    ) -> c_int;
    let Some(own) = Cudnn::installed() else { return };
    // It is loaded by now, wherever it lies.
    let library = cuda::open("libcudnn.so.9", &[]).unwrap();
    // SAFETY: `cudnn_cnn.h` gives the function this type.
    let output = unsafe { library.get::<Output>(b"cudnnGetConvolution2dForwardOutputDim") };
    let output = output.unwrap();
    for shape in SMALL.iter().chain(&BACKBONES) {
        for (order, element) in
            ORDERS.into_iter().flat_map(|order| ELEMENTS.map(|own| (order, own)))
        {
            let [x, w, y] = shape.extents().unwrap();
            let x = Descriptor::images(&own.api, element, order, x).unwrap();
            let w = Descriptor::kernels(&own.api, element, order, w).unwrap();
            let math = element.math(true);
            let convolution = Descriptor::convolution(&own.api, shape, math).unwrap();
            let mut found = [0; 4];
            let [n, c, h, v] = &mut found;
            // SAFETY: the descriptions are alive, and all results have a place.
            let status =
                unsafe { output(convolution.raw.cast(), x.raw.cast(), w.raw.cast(), n, c, h, v) };
            assert_eq!((status, found), (0, y.map(|extent| extent as c_int)), "{shape}");
        }
    }
}

/// What it knows of images and of what is by channel of them: element, extents and strides.
#[test]
#[allow(unsafe_code)]
fn images_lie_as_the_library_understands_it() {
    type Get = unsafe extern "C" fn(
        *const c_void,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
        *mut c_int,
    ) -> c_int;
    let Some(own) = Cudnn::installed() else { return };
    let library = cuda::open("libcudnn.so.9", &[]).unwrap();
    // SAFETY: `cudnn_ops.h` gives the function this type.
    let get = unsafe { library.get::<Get>(b"cudnnGetTensor4dDescriptor") }.unwrap();
    let told = |own: &Descriptor<TensorObject>| {
        let mut element = -1;
        let mut found = [0; 8];
        let [n, c, h, w, sn, sc, sh, sw] = &mut found;
        // SAFETY: the description is alive, and all results have a place.
        let status = unsafe { get(own.raw.cast(), &mut element, n, c, h, w, sn, sc, sh, sw) };
        assert_eq!(status, 0);
        (element, found.map(|number| number as usize))
    };
    for extents in NORMALIZED {
        for (order, element) in ORDERS.into_iter().flat_map(|own| ELEMENTS.map(|el| (own, el))) {
            let [n, c, h, w] = extents;
            let images = Descriptor::images(&own.api, element, order, extents).unwrap();
            let strides = match order {
                Order::Planes => [c * h * w, h * w, w, 1],
                Order::Pixels => [h * w * c, 1, w * c, c],
            };
            let (kind, found) = told(&images);
            assert_eq!(kind, if element == Element::Half { 2 } else { 0 });
            assert_eq!(found[..4], [n, c, h, w]);
            assert_eq!(found[4..], strides, "{extents:?} {order:?}");
            // Floats beside halves, too.
            let (kind, found) = told(&Descriptor::by_channel(&own.api, &images).unwrap());
            assert_eq!((kind, &found[..4]), (0, &[1, c, 1, 1][..]));
        }
    }
}

#[test]
fn without_a_card_the_library_says_so_in_its_own_words() {
    let Some(own) = Cudnn::installed() else { return };
    if cuda::Driver::ask().is_ok() {
        return;
    }
    let said = Handles::default().handle(&own.api, &lent()).unwrap_err().to_string();
    assert!(
        said.starts_with("cudnnCreate: expected CUDNN_STATUS_SUCCESS, found CUDNN_STATUS_"),
        "{said}"
    );
}
