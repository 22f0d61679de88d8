//! What a node says of itself, held against the extents of its inputs.

use super::kind::Kind;
use super::shape::{Convolution, Order, Pass, Work};

/// The largest attribute, so that no sum of a few overflows.
const LARGEST: usize = 1 << 24;

/// The attributes of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attributes {
    pub(super) order: Order,
    window: Option<Window>,
    /// What is added to variances; 0 where nothing is normalised.
    pub(super) epsilon: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    pass: Pass,
    kernel: usize,
    stride: usize,
    pad: usize,
    /// Height and width of the images that only their gradient's node is told.
    images: Option<[usize; 2]>,
}

impl Attributes {
    /// What a node says, by its integers and floats; `Err` says which attribute is wrong.
    pub(super) fn read(
        kind: Kind,
        integer: impl Fn(&str) -> Option<i64>,
        float: impl Fn(&str) -> Option<f32>,
    ) -> Result<Self, String> {
        let number = |name: &str, least: usize| {
            let found = integer(name);
            let own = found.and_then(|number| usize::try_from(number).ok());
            own.filter(|own| (least..=LARGEST).contains(own)).ok_or_else(|| {
                let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
                format!("expected a number from {least} to {LARGEST} as {name}, found {found}")
            })
        };
        let order = match integer("channels_last") {
            None | Some(0) => Order::Planes,
            Some(1) => Order::Pixels,
            Some(found) => return Err(format!("expected 0 or 1 as channels_last, found {found}")),
        };
        let pass = match kind {
            Kind::InputGradient => Pass::ByImages,
            Kind::WeightGradient => Pass::ByKernels,
            Kind::BatchNorm | Kind::BatchNormGradient => {
                let epsilon = float("epsilon").filter(|own| own.is_finite() && *own > 0.0);
                let epsilon = epsilon.ok_or("expected a number above 0 as epsilon")?;
                return Ok(Self { order, window: None, epsilon: f64::from(epsilon) });
            }
        };
        let images = match pass {
            Pass::ByImages => Some([number("height", 1)?, number("width", 1)?]),
            Pass::ByKernels => None,
        };
        let (kernel, stride, pad) = (number("kernel", 1)?, number("stride", 1)?, number("pad", 0)?);
        let window = Some(Window { pass, kernel, stride, pad, images });
        Ok(Self { order, window, epsilon: 0.0 })
    }

    /// What is computed of inputs of these extents, and the extents of what is made; `Err` says what does
    /// not fit.
    pub(super) fn work(&self, inputs: &[Vec<usize>]) -> Result<(Work, Vec<Vec<usize>>), String> {
        match self.window {
            Some(window) => self.convolution(window, inputs),
            None => self.normalization(inputs),
        }
    }

    fn convolution(
        &self,
        window: Window,
        inputs: &[Vec<usize>],
    ) -> Result<(Work, Vec<Vec<usize>>), String> {
        let [a, b] = inputs else { return Err("expected two inputs".to_owned()) };
        let (a, b) = (self.order.named(four(a)?), self.order.named(four(b)?));
        let (inputs, outputs, [height, width]) = match (window.pass, window.images) {
            (Pass::ByImages, Some(images)) => (a[1], a[0], images),
            _ => (a[1], b[1], [a[2], a[3]]),
        };
        let Window { pass, kernel, stride, pad, .. } = window;
        let images = b[0];
        let shape =
            Convolution { pass, images, inputs, outputs, height, width, kernel, stride, pad };
        let Some([x, w, y]) = shape.extents() else {
            return Err(format!("expected images no smaller than the kernel, found {shape}"));
        };
        if images * inputs * outputs == 0 {
            return Err(format!("expected images and channels, found {shape}"));
        }
        let (first, made) = match pass {
            Pass::ByImages => (w, x),
            Pass::ByKernels => (x, w),
        };
        for (expected, found) in [(first, a), (y, b)] {
            if expected != found {
                let [expected, found] = [expected, found].map(|own| self.order.laid(own));
                return Err(format!("expected {expected:?}, found {found:?}"));
            }
        }
        Ok((Work::Convolution(shape), vec![self.order.laid(made).to_vec()]))
    }

    /// Of images first, and more of the same extents or by channel.
    fn normalization(&self, inputs: &[Vec<usize>]) -> Result<(Work, Vec<Vec<usize>>), String> {
        let images = inputs.first().ok_or("expected images")?;
        let extents = self.order.named(four(images)?);
        let by_channel = vec![extents[1]];
        for found in inputs.iter().skip(1) {
            if found != images && *found != by_channel {
                return Err(format!("expected {by_channel:?} or {images:?}, found {found:?}"));
            }
        }
        if extents.contains(&0) {
            return Err(format!("expected images and channels, found {images:?}"));
        }
        let made = vec![images.clone(), by_channel.clone(), by_channel];
        Ok((Work::Normalization(extents), made))
    }
}

fn four(extents: &[usize]) -> Result<[usize; 4], String> {
    extents.try_into().map_err(|_| format!("expected four extents, found {extents:?}"))
}
