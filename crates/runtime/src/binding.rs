//! Buffers bound to all inputs and outputs of a program, and what is checked of them.

use super::buffer::{Buffer, Counters, Element};
use super::exchange::Part;
use super::{Device, Error};
use ort::session::IoBinding;
use ort::value::{DynTensor, Outlet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, MutexGuard};

/// Buffers for all inputs and outputs of a program.
#[derive(Debug)]
pub struct Binding {
    inner: IoBinding,
    /// Every buffer once, in the order in which all threads lock them.
    buffers: Vec<Buffer>,
    /// Inputs of which the runtime keeps a copy instead of the buffer.
    copied: Vec<(String, Buffer)>,
    /// The counters of the program that it is for.
    counters: Arc<Counters>,
}

impl Binding {
    /// Binds buffers that [`check`] found to fit; `copied` are the inputs that the runtime copies.
    pub(super) fn new(
        mut inner: IoBinding,
        inputs: &[(&str, &Buffer)],
        outputs: &[(&str, &Buffer)],
        copied: &[String],
        counters: Arc<Counters>,
    ) -> Result<Self, ort::Error> {
        for (name, buffer) in inputs {
            inner.bind_input(*name, &*buffer.lock())?;
        }
        for (name, buffer) in outputs {
            inner.bind_output(*name, &mut *buffer.lock())?;
        }
        let all = inputs.iter().chain(outputs);
        let mut buffers: Vec<Buffer> = all.map(|&(_, buffer)| buffer.clone()).collect();
        buffers.sort_by_key(Buffer::address);
        buffers.dedup_by_key(|buffer| buffer.address());
        let copied = inputs.iter().filter(|(name, _)| copied.iter().any(|own| own == name));
        let copied = copied.map(|&(name, buffer)| (name.to_owned(), buffer.clone())).collect();
        Ok(Self { inner, buffers, copied, counters })
    }

    /// Whether it is for the program that has these counters.
    pub(super) fn is_for(&self, counters: &Arc<Counters>) -> bool {
        Arc::ptr_eq(&self.counters, counters)
    }

    /// What the runtime runs on.
    pub(super) fn runtime(&self) -> &IoBinding {
        &self.inner
    }

    /// Copies anew what the runtime keeps a copy of.
    pub(super) fn refresh(&mut self) -> Result<(), ort::Error> {
        for (name, buffer) in &self.copied {
            self.inner.bind_input(name.as_str(), &*buffer.lock())?;
            self.counters.add_to_host(buffer.bytes());
        }
        Ok(())
    }

    /// Keeps other threads from reading and writing the buffers.
    pub(super) fn lock(&self) -> Vec<MutexGuard<'_, DynTensor>> {
        self.buffers.iter().map(Buffer::lock).collect()
    }

    /// The floats of one of the buffers, all of which are locked.
    ///
    /// # Panics
    /// Where it is not bound, or is no floats in the processor's memory.
    pub(super) fn floats(&self, locked: &mut [MutexGuard<'_, DynTensor>], buffer: &Buffer) -> Part {
        let at = self.buffers.binary_search_by_key(&buffer.address(), Buffer::address);
        let at = at.unwrap_or_else(|_| panic!("{buffer} is not bound"));
        let floats = locked[at].try_extract_tensor_mut::<f32>();
        let (_, floats) = floats.unwrap_or_else(|error| panic!("{buffer}: {error}"));
        Part { first: floats.as_mut_ptr(), count: floats.len() }
    }
}

/// An input or output of a program.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) name: String,
    element: Element,
    extents: Vec<Option<usize>>,
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = |extent: &Option<usize>| extent.map_or_else(|| "N".into(), |n| n.to_string());
        let extents: Vec<String> = self.extents.iter().map(extent).collect();
        write!(f, "{} [{}]", self.element, extents.join(", "))
    }
}

impl Outside {
    /// What the runtime says of the inputs or outputs of the graph `model`.
    pub(super) fn all(model: &Path, outlets: &[Outlet]) -> Result<Vec<Self>, Error> {
        outlets.iter().map(|outlet| Self::of(model, outlet)).collect()
    }

    fn of(model: &Path, outlet: &Outlet) -> Result<Self, Error> {
        let (name, kind) = (outlet.name().to_owned(), outlet.dtype());
        let Some(element) = kind.tensor_type().and_then(Element::from_runtime) else {
            let expected = "a tensor of float, int64 or bool".to_owned();
            let (model, found) = (model.to_path_buf(), kind.to_string());
            return Err(Error::Bound { model, port: name, expected, found });
        };
        let extents = kind.tensor_shape().into_iter().flat_map(|shape| shape.iter());
        let extents = extents.map(|&extent| usize::try_from(extent).ok()).collect();
        Ok(Self { name, element, extents })
    }

    /// What its elements are.
    pub(super) fn element(&self) -> Element {
        self.element
    }

    /// Its extents.
    ///
    /// # Panics
    /// Where one is open.
    pub(super) fn fixed_extents(&self) -> Vec<usize> {
        let fixed = |extent: &Option<usize>| {
            extent.unwrap_or_else(|| panic!("{}: {self} has an open extent", self.name))
        };
        self.extents.iter().map(fixed).collect()
    }

    fn takes(&self, buffer: &Buffer) -> bool {
        let fits = |(own, extent): (&Option<usize>, &usize)| own.is_none_or(|own| own == *extent);
        self.element == buffer.element()
            && self.extents.len() == buffer.shape().len()
            && self.extents.iter().zip(buffer.shape()).all(fits)
    }
}

/// Whether `bound` has one fitting buffer for each of the inputs or outputs that the graph `model`
/// has on `device`.
pub(super) fn check(
    model: &Path,
    device: Device,
    own: &[Outside],
    bound: &[(&str, &Buffer)],
) -> Result<(), Error> {
    let refuse = |port: &str, expected: String, found: String| {
        let (model, port) = (model.to_path_buf(), port.to_owned());
        Err(Error::Bound { model, port, expected, found })
    };
    for (at, (name, buffer)) in bound.iter().enumerate() {
        if bound[..at].iter().any(|(other, _)| other == name) {
            return refuse(name, "one buffer".to_owned(), "two".to_owned());
        }
        let Some(port) = own.iter().find(|port| port.name == *name) else {
            let names: Vec<&str> = own.iter().map(|port| port.name.as_str()).collect();
            return refuse(name, format!("one of {}", names.join(", ")), "another name".to_owned());
        };
        if !port.takes(buffer) {
            return refuse(name, port.to_string(), buffer.to_string());
        }
        // The runtime would run on a copy, and what is written later would be lost.
        if buffer.device() != device {
            let found = format!("one on {}", buffer.device());
            return refuse(name, format!("a buffer on {device}"), found);
        }
    }
    match own.iter().find(|port| bound.iter().all(|(name, _)| *name != port.name)) {
        Some(port) => refuse(&port.name, "a buffer".to_owned(), "none".to_owned()),
        None => Ok(()),
    }
}

/// Whether no two outputs are bound to the same buffer: the later would overwrite the earlier.
pub(super) fn check_apart(model: &Path, outputs: &[(&str, &Buffer)]) -> Result<(), Error> {
    for (at, (name, buffer)) in outputs.iter().enumerate() {
        let same = |(_, other): &&(&str, &Buffer)| other.address() == buffer.address();
        if let Some((other, _)) = outputs[..at].iter().find(same) {
            return Err(Error::Bound {
                model: model.to_path_buf(),
                port: (*name).to_owned(),
                expected: "a buffer of its own".to_owned(),
                found: format!("that of {other}"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Program, Runtime};
    use super::*;
    use qgface_graph::onnx::Model;
    use std::num::NonZeroUsize;

    const MODEL: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/onnx/MobileFaceNet.onnx");

    #[test]
    fn runtime_refuses_a_buffer_of_another_device() {
        let Some(runtime) = Runtime::installed() else { return };
        let model = Model::open(Path::new(MODEL)).unwrap();
        let program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
        let buffer = program.buffer(Element::Float, &[3]).unwrap();
        let own = [Outside { name: "x".into(), element: Element::Float, extents: vec![Some(3)] }];
        let refused = |device| check(Path::new("g"), device, &own, &[("x", &buffer)]);
        assert!(refused(Device::Cpu).is_ok());
        let said = refused(Device::Cuda(1)).unwrap_err().to_string();
        assert_eq!(said, "g: x: expected a buffer on cuda:1, found one on cpu");
    }
}
