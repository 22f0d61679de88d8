//! A graph with many inputs and outputs, all bound to buffers that stay on the device.

use super::buffer::{Buffer, Counters, Element, Traffic};
use super::session::{self, Source};
use super::{Device, Error, Runtime};
use crate::onnx;
use ort::session::IoBinding;
use ort::value::Outlet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A graph made ready on a device, to run on bound buffers.
#[derive(Debug)]
pub struct Program {
    name: PathBuf,
    device: Device,
    inner: ort::session::Session,
    inputs: Vec<Outside>,
    outputs: Vec<Outside>,
    counters: Arc<Counters>,
}

/// An input or output.
#[derive(Debug)]
struct Outside {
    name: String,
    element: Option<Element>,
    extents: Vec<Option<usize>>,
}

/// Buffers for all inputs and outputs of a program.
#[derive(Debug)]
pub struct Binding {
    inner: IoBinding,
}

impl Program {
    /// Makes a graph ready; `threads` work on it together, where the device is the processor.
    ///
    /// # Errors
    /// A graph that the runtime refuses or, on CUDA, would not run there whole. Errors call it by the
    /// graph's name.
    pub fn open(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        Self::prepare(runtime, model, threads, None)
    }

    /// The same, with the time of every node written to a file whose name begins with `profile`.
    ///
    /// # Errors
    /// As [`Program::open`].
    pub fn open_profiled(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
        profile: &Path,
    ) -> Result<Self, Error> {
        Self::prepare(runtime, model, threads, Some(profile))
    }

    fn prepare(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
        profile: Option<&Path>,
    ) -> Result<Self, Error> {
        let name = PathBuf::from(&model.graph().name);
        let bytes = model.to_bytes(&name)?;
        let source = Source { name: &name, bytes: Some(&bytes) };
        let inner = session::ready(runtime, threads, source, |builder| {
            // Patterns of memory hold the peak of every run: 3.6 GB for 2.0 at IR-18 and a batch of 16.
            let builder = builder.with_memory_pattern(false)?;
            match profile {
                Some(profile) => Ok(builder.with_profiling(profile)?),
                None => Ok(builder),
            }
        })?;
        let (inputs, outputs) = (outsides(inner.inputs()), outsides(inner.outputs()));
        let (device, counters) = (runtime.device(), Arc::default());
        Ok(Self { name, device, inner, inputs, outputs, counters })
    }

    /// Whether there is an input of the name.
    pub fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input.name == name)
    }

    /// A buffer of zeros on the device.
    ///
    /// # Errors
    /// No memory.
    pub fn buffer(&self, element: Element, shape: &[usize]) -> Result<Buffer, Error> {
        Buffer::zeros(&self.inner, self.device, element, shape, Arc::clone(&self.counters))
    }

    /// Bytes that this program's buffers have copied so far.
    pub fn traffic(&self) -> Traffic {
        self.counters.read()
    }

    /// Binds all inputs and outputs. A buffer may be both: then it is updated in place, which is right where each
    /// element is read before its place is written.
    ///
    /// # Errors
    /// [`Error::Bound`]: a name that is unknown, missing or there twice; a buffer of another element or shape.
    pub fn bind(
        &self,
        inputs: &[(&str, &Buffer)],
        outputs: &[(&str, &Buffer)],
    ) -> Result<Binding, Error> {
        self.check(&self.inputs, inputs)?;
        self.check(&self.outputs, outputs)?;
        let failed =
            |source| Error::Prepare { model: self.name.clone(), device: self.device, source };
        let mut inner = self.inner.create_binding().map_err(failed)?;
        for (name, buffer) in inputs {
            inner.bind_input(*name, &*buffer.lock()).map_err(failed)?;
        }
        for (name, buffer) in outputs {
            inner.bind_output(*name, &mut *buffer.lock()).map_err(failed)?;
        }
        Ok(Binding { inner })
    }

    /// Runs the graph on what its buffers hold, to the end.
    ///
    /// # Errors
    /// Whatever the runtime refuses with.
    pub fn run(&mut self, binding: &mut Binding) -> Result<(), Error> {
        let (model, device) = (&self.name, self.device);
        let failed = |source| Error::Run { model: model.clone(), device, source };
        self.inner.run_binding(&binding.inner).map_err(failed)?;
        binding.inner.synchronize_outputs().map_err(failed)
    }

    /// Ends the profile; returns its file.
    ///
    /// # Errors
    /// Whatever the runtime refuses with, and a program that was not opened with a profile.
    pub fn end_profiling(&mut self) -> Result<PathBuf, Error> {
        let (model, device) = (&self.name, self.device);
        let failed = |source| Error::Run { model: model.clone(), device, source };
        self.inner.end_profiling().map(PathBuf::from).map_err(failed)
    }

    fn check(&self, own: &[Outside], bound: &[(&str, &Buffer)]) -> Result<(), Error> {
        let refuse = |port: &str, expected: String, found: String| {
            let (model, port) = (self.name.clone(), port.to_owned());
            Err(Error::Bound { model, port, expected, found })
        };
        for (at, (name, buffer)) in bound.iter().enumerate() {
            if bound[..at].iter().any(|(other, _)| other == name) {
                return refuse(name, "one buffer".to_owned(), "two".to_owned());
            }
            let Some(port) = own.iter().find(|port| port.name == *name) else {
                let names: Vec<&str> = own.iter().map(|port| port.name.as_str()).collect();
                return refuse(name, format!("one of {}", names.join(", ")), "another".to_owned());
            };
            if !port.takes(buffer) {
                let found = format!("{:?} {:?}", buffer.element(), buffer.shape());
                return refuse(name, format!("{:?} {:?}", port.element, port.extents), found);
            }
        }
        let missing = own.iter().find(|port| bound.iter().all(|(name, _)| *name != port.name));
        match missing {
            Some(port) => refuse(&port.name, "a buffer".to_owned(), "none".to_owned()),
            None => Ok(()),
        }
    }
}

impl Outside {
    fn takes(&self, buffer: &Buffer) -> bool {
        let fits = |(own, extent): (&Option<usize>, &usize)| own.is_none_or(|own| own == *extent);
        self.element == Some(buffer.element())
            && self.extents.len() == buffer.shape().len()
            && self.extents.iter().zip(buffer.shape()).all(fits)
    }
}

fn outsides(outlets: &[Outlet]) -> Vec<Outside> {
    let outside = |outlet: &Outlet| {
        let shape = outlet.dtype().tensor_shape();
        let extents = shape.into_iter().flat_map(|shape| shape.iter());
        Outside {
            name: outlet.name().to_owned(),
            element: outlet.dtype().tensor_type().and_then(Element::from_runtime),
            extents: extents.map(|&extent| usize::try_from(extent).ok()).collect(),
        }
    };
    outlets.iter().map(outside).collect()
}
