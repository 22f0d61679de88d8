//! What the stand-in computes: arguments are held against what the headers ask, and the numbers made in plain
//! loops, in the memory of the processor.

use super::super::api::{Api, ConvolutionObject, FilterObject, HandleObject, TensorObject};
use super::super::constants::Status;
use super::memory::number;
use super::objects::{
    create, create_convolution, create_filter, create_tensor, derive, destroy, destroy_convolution,
    destroy_filter, destroy_tensor, error_string, get_stream, last_error_string, set_convolution,
    set_filter, set_math, set_stream, set_tensor, write,
};
use super::stand_in::{answer, blends, channels, check, laid, present, products, work_in};
use std::ffi::{c_int, c_void};

extern "C" fn filter_workspace(
    handle: *mut HandleObject,
    x: *mut TensorObject,
    dy: *mut TensorObject,
    convolution: *mut ConvolutionObject,
    dw: *mut FilterObject,
    algorithm: c_int,
    place: *mut usize,
) -> Status {
    answer("cudnnGetConvolutionBackwardFilterWorkspaceSize", |own| {
        own.ready(handle)?;
        check(algorithm == 1, || format!("algorithm {algorithm}"))?;
        let ([_, w, _], window) = own.convolution([x, dy], dw, convolution)?;
        write(place, own.needed(window, w))
    })
}

extern "C" fn data_workspace(
    handle: *mut HandleObject,
    w: *mut FilterObject,
    dy: *mut TensorObject,
    convolution: *mut ConvolutionObject,
    dx: *mut TensorObject,
    algorithm: c_int,
    place: *mut usize,
) -> Status {
    answer("cudnnGetConvolutionBackwardDataWorkspaceSize", |own| {
        own.ready(handle)?;
        check(algorithm == 1, || format!("algorithm {algorithm}"))?;
        let ([_, w, _], window) = own.convolution([dx, dy], w, convolution)?;
        write(place, own.needed(window, w))
    })
}

extern "C" fn backward_filter(
    handle: *mut HandleObject,
    alpha: *const c_void,
    x_desc: *mut TensorObject,
    x: *const c_void,
    dy_desc: *mut TensorObject,
    dy: *const c_void,
    convolution: *mut ConvolutionObject,
    algorithm: c_int,
    workspace: *mut c_void,
    bytes: usize,
    beta: *const c_void,
    dw_desc: *mut FilterObject,
    dw: *mut c_void,
) -> Status {
    answer("cudnnConvolutionBackwardFilter", |own| {
        own.ready(handle)?;
        blends(alpha, beta)?;
        present(&[x, dy, dw])?;
        check(algorithm == 1, || format!("algorithm {algorithm}"))?;
        let (all, window) = own.convolution([x_desc, dy_desc], dw_desc, convolution)?;
        work_in(workspace, bytes, own.needed(window, all[1]))?;
        if own.is_idle {
            return Ok(());
        }
        let (x, dw, dy) = (laid(x, all[0]), laid(dw, all[1]), laid(dy, all[2]));
        let mut sums = vec![0.0; dw.count()];
        products(all, window, |[x_at, w_at, y_at]| {
            sums[dw.place(w_at)] += x.get(x_at) * dy.get(y_at);
        });
        dw.fill(&sums);
        Ok(())
    })
}

extern "C" fn backward_data(
    handle: *mut HandleObject,
    alpha: *const c_void,
    w_desc: *mut FilterObject,
    w: *const c_void,
    dy_desc: *mut TensorObject,
    dy: *const c_void,
    convolution: *mut ConvolutionObject,
    algorithm: c_int,
    workspace: *mut c_void,
    bytes: usize,
    beta: *const c_void,
    dx_desc: *mut TensorObject,
    dx: *mut c_void,
) -> Status {
    answer("cudnnConvolutionBackwardData", |own| {
        own.ready(handle)?;
        blends(alpha, beta)?;
        present(&[w, dy, dx])?;
        check(algorithm == 1, || format!("algorithm {algorithm}"))?;
        let (all, window) = own.convolution([dx_desc, dy_desc], w_desc, convolution)?;
        work_in(workspace, bytes, own.needed(window, all[1]))?;
        if own.is_idle {
            return Ok(());
        }
        let (dx, w, dy) = (laid(dx, all[0]), laid(w, all[1]), laid(dy, all[2]));
        let mut sums = vec![0.0; dx.count()];
        products(all, window, |[x_at, w_at, y_at]| {
            sums[dx.place(x_at)] += w.get(w_at) * dy.get(y_at);
        });
        dx.fill(&sums);
        Ok(())
    })
}

#[allow(unsafe_code)]
extern "C" fn forward_training(
    handle: *mut HandleObject,
    mode: c_int,
    alpha: *const c_void,
    beta: *const c_void,
    x_desc: *mut TensorObject,
    x: *const c_void,
    y_desc: *mut TensorObject,
    y: *mut c_void,
    by_channel: *mut TensorObject,
    scale: *const c_void,
    shift: *const c_void,
    factor: f64,
    running_mean: *mut c_void,
    running_variance: *mut c_void,
    epsilon: f64,
    mean: *mut c_void,
    inverse: *mut c_void,
) -> Status {
    answer("cudnnBatchNormalizationForwardTraining", |own| {
        own.ready(handle)?;
        blends(alpha, beta)?;
        present(&[x, y, scale, shift, mean, inverse])?;
        check(running_mean.is_null() && running_variance.is_null() && factor.is_finite(), || {
            format!("running statistics by {factor}")
        })?;
        check(epsilon > 0.0, || format!("ε of {epsilon}"))?;
        let of = own.normalization([x_desc, y_desc, y_desc], by_channel, mode)?;
        if own.is_idle {
            return Ok(());
        }
        let (x, y) = (laid(x, of), laid(y, of));
        let mut made = vec![0.0; y.count()];
        for (channel, all) in channels(of) {
            let count = all.len() as f64;
            let own_mean = all.iter().map(|own| x.get(*own)).sum::<f64>() / count;
            let apart = all.iter().map(|own| (x.get(*own) - own_mean).powi(2));
            let own_inverse = 1.0 / (apart.sum::<f64>() / count + epsilon).sqrt();
            let (scale, shift) = (number(scale, channel), number(shift, channel));
            for own in all {
                made[y.place(own)] = scale * (x.get(own) - own_mean) * own_inverse + shift;
            }
            // SAFETY: there are as many floats as channels.
            unsafe {
                mean.cast::<f32>().add(channel).write(own_mean as f32);
                inverse.cast::<f32>().add(channel).write(own_inverse as f32);
            }
        }
        y.fill(&made);
        Ok(())
    })
}

#[allow(unsafe_code)]
extern "C" fn backward(
    handle: *mut HandleObject,
    mode: c_int,
    alpha: *const c_void,
    beta: *const c_void,
    alpha_by_channel: *const c_void,
    beta_by_channel: *const c_void,
    x_desc: *mut TensorObject,
    x: *const c_void,
    dy_desc: *mut TensorObject,
    dy: *const c_void,
    dx_desc: *mut TensorObject,
    dx: *mut c_void,
    by_channel: *mut TensorObject,
    scale: *const c_void,
    dscale: *mut c_void,
    dshift: *mut c_void,
    epsilon: f64,
    mean: *const c_void,
    inverse: *const c_void,
) -> Status {
    answer("cudnnBatchNormalizationBackward", |own| {
        own.ready(handle)?;
        blends(alpha, beta)?;
        blends(alpha_by_channel, beta_by_channel)?;
        present(&[x, dy, dx, scale, dscale, dshift, mean, inverse])?;
        check(epsilon > 0.0, || format!("ε of {epsilon}"))?;
        let of = own.normalization([x_desc, dy_desc, dx_desc], by_channel, mode)?;
        if own.is_idle {
            return Ok(());
        }
        let (x, dy, dx) = (laid(x, of), laid(dy, of), laid(dx, of));
        let mut made = vec![0.0; dx.count()];
        for (channel, all) in channels(of) {
            let count = all.len() as f64;
            let (mean, inverse) = (number(mean, channel), number(inverse, channel));
            let normal = |own: [usize; 4]| (x.get(own) - mean) * inverse;
            let sum = all.iter().map(|own| dy.get(*own)).sum::<f64>();
            let product = all.iter().map(|own| dy.get(*own) * normal(*own)).sum::<f64>();
            for own in all {
                let rest = dy.get(own) - sum / count - normal(own) * product / count;
                made[dx.place(own)] = number(scale, channel) * inverse * rest;
            }
            // SAFETY: there are as many floats as channels.
            unsafe {
                dscale.cast::<f32>().add(channel).write(product as f32);
                dshift.cast::<f32>().add(channel).write(sum as f32);
            }
        }
        dx.fill(&made);
        Ok(())
    })
}

/// The stand-in's functions.
pub(super) fn api() -> Api {
    Api {
        cudnnGetErrorString: error_string,
        cudnnGetLastErrorString: last_error_string,
        cudnnCreate: create,
        cudnnDestroy: destroy,
        cudnnSetStream: set_stream,
        cudnnGetStream: get_stream,
        cudnnCreateTensorDescriptor: create_tensor,
        cudnnDestroyTensorDescriptor: destroy_tensor,
        cudnnSetTensor4dDescriptor: set_tensor,
        cudnnCreateFilterDescriptor: create_filter,
        cudnnDestroyFilterDescriptor: destroy_filter,
        cudnnSetFilter4dDescriptor: set_filter,
        cudnnCreateConvolutionDescriptor: create_convolution,
        cudnnDestroyConvolutionDescriptor: destroy_convolution,
        cudnnSetConvolution2dDescriptor: set_convolution,
        cudnnSetConvolutionMathType: set_math,
        cudnnGetConvolutionBackwardFilterWorkspaceSize: filter_workspace,
        cudnnConvolutionBackwardFilter: backward_filter,
        cudnnGetConvolutionBackwardDataWorkspaceSize: data_workspace,
        cudnnConvolutionBackwardData: backward_data,
        cudnnDeriveBNTensorDescriptor: derive,
        cudnnBatchNormalizationForwardTraining: forward_training,
        cudnnBatchNormalizationBackward: backward,
    }
}
