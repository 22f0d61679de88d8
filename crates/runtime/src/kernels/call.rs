//! One computation of an operator: what the runtime lends for it.

use super::image::Image;
use super::number::Number;
use ort::Error;
use ort::operator::ComputeContext;
use ort::value::{DynTensorRef, DynTensorValueType};

/// One computation: inputs whose shapes fit each other.
pub(super) struct Call<'a> {
    /// What the runtime lends.
    pub(super) context: &'a ComputeContext,
    inputs: Vec<Option<DynTensorRef<'a>>>,
    shape: Vec<usize>,
    channels: usize,
}

impl<'a> Call<'a> {
    /// Of inputs that fit each other; images of a shape, with as many channels.
    pub(super) fn new(
        context: &'a ComputeContext,
        inputs: Vec<Option<DynTensorRef<'a>>>,
        shape: Vec<usize>,
        channels: usize,
    ) -> Self {
        Self { context, inputs, shape, channels }
    }

    /// Extents of the images.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements of an image.
    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Channels of an image.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Whether an input is given.
    pub(super) fn has(&self, at: usize) -> bool {
        self.inputs.get(at).is_some_and(Option::is_some)
    }

    /// The image that input `at` is.
    ///
    /// # Errors
    /// An input that is left out.
    #[allow(unsafe_code)]
    pub(super) fn image(&self, at: usize) -> Result<Image<'a>, Error> {
        let input = self.input(at)?;
        // SAFETY: the runtime lends the tensor for the computation, and all images have the shape;
        // only what this computation makes can lie in the same place, which is an image.
        Ok(unsafe { Image::new(input.data_ptr().cast_mut().cast(), self.elements()) })
    }

    /// The numbers by channel, or the number, that input `at` is.
    ///
    /// # Errors
    /// An input that is left out.
    pub(super) fn numbers(&self, at: usize) -> Result<&[f32], Error> {
        Ok(self.input(at)?.try_extract_tensor::<f32>()?.1)
    }

    /// The image that output `at` is to be.
    ///
    /// # Errors
    /// No memory.
    #[allow(unsafe_code)]
    pub(super) fn output_image<N: Number>(&self, at: usize) -> Result<Image<'a, N>, Error> {
        let shape: Vec<i64> = self.shape.iter().map(|&extent| extent as i64).collect();
        let output = self.context.output(at, shape)?.ok_or_else(|| absent("output", at))?;
        let start = output.downcast::<DynTensorValueType>()?.data_ptr().cast_mut();
        // SAFETY: the runtime has made the output for the computation, of the shape and of the numbers that
        // the operator's port is of.
        Ok(unsafe { Image::new(start.cast(), self.elements()) })
    }

    /// Writes output `at`, of numbers by channel.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn write_channels(&self, at: usize, numbers: &[f64]) -> Result<(), Error> {
        let shape = [numbers.len() as i64];
        let mut output = self.context.output(at, shape)?.ok_or_else(|| absent("output", at))?;
        let (_, places) = output.try_extract_tensor_mut::<f32>()?;
        for (place, &number) in places.iter_mut().zip(numbers) {
            *place = number as f32;
        }
        Ok(())
    }

    fn input(&self, at: usize) -> Result<&DynTensorRef<'a>, Error> {
        self.inputs.get(at).and_then(Option::as_ref).ok_or_else(|| absent("input", at))
    }
}

fn absent(what: &str, at: usize) -> Error {
    Error::new(format!("{what} {at} is left out"))
}
