//! What lies on the device, and how the two programs of a step are bound to it.

use super::names::{ACCUMULATED, GRADIENT, NEXT, RATE};
use super::sampled::Sampled;
use super::{Error, Feed};
use crate::runtime::{Binding, Buffer, Program};
use indexmap::IndexMap;

/// A parameter or momentum on the device.
#[derive(Debug)]
pub(super) struct Trained {
    /// Its extents, whichever its buffer has.
    pub(super) shape: Vec<usize>,
    pub(super) buffer: Buffer,
}

/// A number on the device, and what it is.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) buffer: Buffer,
    pub(super) held: f32,
}

impl Number {
    /// Copies the number to the device where it is another than before.
    pub(super) fn set(&mut self, number: f32) -> Result<(), Error> {
        if number.to_bits() != self.held.to_bits() {
            self.buffer.write_floats(&[number])?;
            self.held = number;
        }
        Ok(())
    }
}

/// What all bindings of the gradients share.
pub(super) struct Parts<'a> {
    pub(super) sampled: Option<&'a Sampled>,
    pub(super) gradients: &'a Program,
    pub(super) numbers: &'a IndexMap<&'static str, Number>,
    pub(super) scalars: &'a Buffer,
    pub(super) gradients_of: &'a IndexMap<String, Buffer>,
}

impl Parts<'_> {
    /// Binds a step that reads a feed and the state in `from`, and writes what replaces it to `to`.
    pub(super) fn bind(
        &self,
        feed: &Feed,
        trained: &IndexMap<String, Trained>,
        from: &IndexMap<String, Buffer>,
        to: &IndexMap<String, Buffer>,
    ) -> Result<Binding, Error> {
        let mut inputs: Vec<(&str, &Buffer)> = feed.inputs().collect();
        let sampled = self.sampled.into_iter().flat_map(Sampled::inputs);
        inputs.extend(sampled.map(|(name, buffer)| (name as &str, buffer)));
        inputs.extend(self.numbers.iter().map(|(name, number)| (*name, &number.buffer)));
        inputs.extend(trained.iter().map(|(name, own)| (name.as_str(), &own.buffer)));
        inputs.extend(from.iter().map(|(name, buffer)| (name.as_str(), buffer)));
        let earlier: Vec<(String, &Buffer)> = self
            .gradients_of
            .iter()
            .map(|(name, buffer)| (name.replacen(GRADIENT, ACCUMULATED, 1), buffer))
            .collect();
        inputs.extend(earlier.iter().map(|(name, buffer)| (name.as_str(), *buffer)));
        // The learning rate and the momenta are the update's; gradients of earlier batches are read
        // where there are any.
        inputs.retain(|(name, _)| self.gradients.has_input(name));
        let next: Vec<(String, &Buffer)> =
            to.iter().map(|(name, buffer)| (format!("{NEXT}{name}"), buffer)).collect();
        let mut outputs = vec![("scalars", self.scalars)];
        outputs.extend(self.gradients_of.iter().map(|(name, buffer)| (name.as_str(), buffer)));
        outputs.extend(next.iter().map(|(name, buffer)| (name.as_str(), *buffer)));
        let sampled = self.sampled.map(Sampled::output);
        outputs.extend(sampled.iter().map(|(name, buffer)| (name.as_str(), *buffer)));
        Ok(self.gradients.bind(&inputs, &outputs)?)
    }
}

/// Binds the update in place: what it makes lies where it was read.
pub(super) fn bind_update(
    update: &Program,
    rate: &Buffer,
    trained: &IndexMap<String, Trained>,
    gradients_of: &IndexMap<String, Buffer>,
) -> Result<Binding, Error> {
    let mut inputs = vec![(RATE, rate)];
    inputs.extend(trained.iter().map(|(name, own)| (name.as_str(), &own.buffer)));
    inputs.extend(gradients_of.iter().map(|(name, buffer)| (name.as_str(), buffer)));
    let next: Vec<(String, &Buffer)> =
        trained.iter().map(|(name, own)| (format!("{NEXT}{name}"), &own.buffer)).collect();
    let outputs: Vec<(&str, &Buffer)> =
        next.iter().map(|(name, buffer)| (name.as_str(), *buffer)).collect();
    Ok(update.bind(&inputs, &outputs)?)
}
