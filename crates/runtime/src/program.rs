//! A graph with many inputs and outputs, all bound to buffers that stay on the device.

use super::binding::{Binding, Outside, check, check_apart};
use super::buffer::{Buffer, Counters, Element, Traffic};
use super::exchange::{Bulletin, Summed, Sums};
use super::guard::guarded;
use super::session::{self, ModelOrigin};
use super::{Device, Error, Nccl, Runtime, domain, placement};
use ort::operator::OperatorDomain;
use qgface_fs as fs;
use qgface_graph::onnx;
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
    /// Inputs that are read outside the device's memory.
    copied: Vec<String>,
    profiled: bool,
    counters: Arc<Counters>,
    /// Where nodes exchange on devices.
    nccl: Option<Nccl>,
    /// Where nodes announce what is made.
    bulletin: Arc<Bulletin>,
}

impl Program {
    /// Makes a graph ready; `threads` work on it together, where the device is the processor.
    ///
    /// # Errors
    /// A graph that the runtime refuses, one with a node for which oneDNN is missing, one with an input or
    /// output that no [`Element`] is of, and, on CUDA, one that would not run there whole. Errors call it
    /// by the graph's name.
    pub fn open(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        let operators = domain::of_model(runtime, model)?;
        Self::prepare(runtime, model, threads, None, operators)
    }

    /// The same, with the time of every node written to a file whose name begins with `profile`.
    ///
    /// # Errors
    /// As [`Program::open`], and a folder that is not there.
    pub fn open_profiled(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
        profile: &Path,
    ) -> Result<Self, Error> {
        // The runtime says nothing of a profile that it cannot write.
        let folder = profile.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::read_dir(folder).map_err(fs::io_error("write a profile in", folder))?;
        let operators = domain::of_model(runtime, model)?;
        Self::prepare(runtime, model, threads, Some(profile), operators)
    }

    /// For tests: as [`Program::open`], with other operators.
    #[cfg(test)]
    pub(super) fn open_with(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
        operators: Arc<OperatorDomain>,
    ) -> Result<Self, Error> {
        Self::prepare(runtime, model, threads, None, Some(operators))
    }

    fn prepare(
        runtime: &Runtime,
        model: &onnx::Model,
        threads: NonZeroUsize,
        profile: Option<&Path>,
        operators: Option<Arc<OperatorDomain>>,
    ) -> Result<Self, Error> {
        let name = PathBuf::from(&model.graph().name);
        let bytes = model.to_bytes(&name)?;
        let source = ModelOrigin { name: &name, bytes: Some(&bytes) };
        let _one = operators.is_some().then(domain::one_at_a_time);
        let inner = session::ready(runtime, threads, source, |builder| {
            // A pattern keeps the memory of the run's peak between runs, almost twice what a step
            // needs.
            let builder = builder.with_memory_pattern(false)?;
            // A step is some thousand nodes: threads that sleep between them take 5 % longer. After
            // the run they leave the cores to those that decode.
            let builder = builder.with_intra_op_spinning(true)?;
            let builder = builder.with_config_entry("session.force_spinning_stop", "1")?;
            let builder = match &operators {
                Some(operators) => builder.with_operators(Arc::clone(operators))?,
                None => builder,
            };
            match profile {
                Some(profile) => Ok(builder.with_profiling(profile)?),
                None => Ok(builder),
            }
        })?;
        let inputs = Outside::all(&name, inner.inputs())?;
        let outputs = Outside::all(&name, inner.outputs())?;
        let (device, profiled, counters) = (runtime.device(), profile.is_some(), Arc::default());
        let copied = copied(&inner, device).map_err(|source| Error::Prepare {
            model: name.clone(),
            device,
            source,
        })?;
        let nccl = runtime.nccl().filter(|_| domain::exchanges(model)).cloned();
        let bulletin = Arc::clone(runtime.bulletin());
        Ok(Self {
            name,
            device,
            inner,
            inputs,
            outputs,
            copied,
            profiled,
            counters,
            nccl,
            bulletin,
        })
    }

    /// Whether there is an input of the name.
    pub fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input.name == name)
    }

    /// A buffer of zeros on the device. Other programs on the same device can bind it too.
    ///
    /// # Errors
    /// No memory.
    pub fn buffer(&self, element: Element, shape: &[usize]) -> Result<Buffer, Error> {
        Buffer::zeros(&self.inner, self.device, element, shape, Arc::clone(&self.counters))
    }

    /// Buffers of zeros for all inputs, and for all outputs, by name.
    ///
    /// # Errors
    /// No memory.
    ///
    /// # Panics
    /// Where an extent is open.
    pub fn buffers(&self) -> Result<[Vec<(String, Buffer)>; 2], Error> {
        let buffers = |ports: &[Outside]| {
            let named = ports.iter().map(|port| {
                Ok((port.name.clone(), self.buffer(port.element(), &port.fixed_extents())?))
            });
            named.collect::<Result<Vec<_>, Error>>()
        };
        Ok([buffers(&self.inputs)?, buffers(&self.outputs)?])
    }

    /// Bytes that the buffers made by this program have been copied so far, whoever bound them.
    pub fn traffic(&self) -> Traffic {
        self.counters.read()
    }

    /// Binds all inputs and outputs. A buffer may be an input and an output: then it is updated in
    /// place, which is right where each element is read for the last time before its place is
    /// written.
    ///
    /// # Errors
    /// [`Error::Bound`]: a name that is unknown, missing or there twice; a buffer of another
    /// element, shape or device; a buffer for two outputs. [`Error::Prepare`]: whatever the runtime
    /// refuses with.
    pub fn bind(
        &self,
        inputs: &[(&str, &Buffer)],
        outputs: &[(&str, &Buffer)],
    ) -> Result<Binding, Error> {
        check(&self.name, self.device, &self.inputs, inputs)?;
        check(&self.name, self.device, &self.outputs, outputs)?;
        check_apart(&self.name, outputs)?;
        let counters = Arc::clone(&self.counters);
        let binding = self.inner.create_binding();
        binding
            .and_then(|inner| Binding::new(inner, inputs, outputs, &self.copied, counters))
            .map_err(|source| Error::Prepare {
                model: self.name.clone(),
                device: self.device,
                source,
            })
    }

    /// Runs the graph on what its buffers hold, to the end. Until then other threads that read,
    /// write or run on one of the buffers wait.
    ///
    /// # Errors
    /// [`Error::OtherProgram`] where another program made the binding; whatever the runtime refuses
    /// with.
    pub fn run(&mut self, binding: &mut Binding) -> Result<(), Error> {
        self.refresh(binding)?;
        let _buffers = binding.lock();
        self.run_locked(binding)
    }

    /// The same on the processor, with sums over ranks of what it makes.
    ///
    /// # Errors
    /// As [`Program::run`], and [`Error::Sums`].
    ///
    /// # Panics
    /// On another device, and where a bucket has a buffer that is not bound, is no floats, or stands in the
    /// buckets twice.
    #[allow(unsafe_code)]
    pub fn run_and_sum(&mut self, binding: &mut Binding, sums: &Sums<'_>) -> Result<Summed, Error> {
        assert_eq!(self.device, Device::Cpu, "sums of what lies in the processor's memory");
        let mut addresses: Vec<usize> =
            sums.buckets.iter().flatten().map(Buffer::address).collect();
        addresses.sort_unstable();
        assert!(addresses.windows(2).all(|two| two[0] != two[1]), "a buffer that is summed twice");
        self.refresh(binding)?;
        let binding = &*binding;
        let mut buffers = binding.lock();
        let parts = sums.buckets.iter().map(|bucket| {
            bucket.iter().map(|own| binding.floats(&mut buffers, own)).collect::<Vec<_>>()
        });
        let parts = parts.collect();
        let (bulletin, model) = (Arc::clone(&self.bulletin), self.name.clone());
        // SAFETY: the locks are held until it returns. What is announced has been read by all nodes that do: the
        // lowering announces values behind those.
        unsafe { sums.around(&bulletin, parts, &model, || self.run_locked(binding)) }
    }

    fn refresh(&self, binding: &mut Binding) -> Result<(), Error> {
        if !binding.is_for(&self.counters) {
            return Err(Error::OtherProgram { model: self.name.clone() });
        }
        let (model, device) = (self.name.clone(), self.device);
        binding.refresh().map_err(|source| Error::Run { model, device, source })
    }

    /// Runs on buffers that are locked.
    fn run_locked(&mut self, binding: &Binding) -> Result<(), Error> {
        let (model, device) = (&self.name, self.device);
        let failed = |source| Error::Run { model: model.clone(), device, source };
        let inner = &mut self.inner;
        let run = || {
            inner.run_binding(binding.runtime())?;
            binding.runtime().synchronize_outputs()
        };
        let bindings = |found| Error::Bindings { model: model.clone(), device, found };
        let ran = match &self.nccl {
            None => guarded(run),
            Some(nccl) => {
                let nccl_failed = |source| Error::Nccl { model: model.clone(), source };
                nccl.during(|| guarded(run)).map_err(nccl_failed)?
            }
        };
        ran.map_err(bindings)?.map_err(failed)
    }

    /// Ends the profile; returns its file.
    ///
    /// # Errors
    /// [`Error::NoProfile`] where it was opened without one or ended it before; [`Error::File`]
    /// where the runtime could not write it; whatever the runtime refuses with.
    pub fn end_profiling(&mut self) -> Result<PathBuf, Error> {
        // The runtime would answer with an empty path.
        if !std::mem::take(&mut self.profiled) {
            return Err(Error::NoProfile { model: self.name.clone() });
        }
        let (model, device) = (&self.name, self.device);
        let failed = |source| Error::Run { model: model.clone(), device, source };
        let path = PathBuf::from(self.inner.end_profiling().map_err(failed)?);
        std::fs::metadata(&path).map_err(fs::io_error("find the profile", &path))?;
        Ok(path)
    }
}

/// The inputs that the runtime copies when they are bound, since a kernel on the device reads them
/// in the memory of the processor: a size, say.
fn copied(session: &ort::session::Session, device: Device) -> Result<Vec<String>, ort::Error> {
    if device == Device::Cpu {
        return Ok(Vec::new());
    }
    let on_host = placement::inputs_on_host(session)?;
    let copied = session.inputs().iter().zip(on_host).filter(|(_, on_host)| *on_host);
    Ok(copied.map(|(input, _)| input.name().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/onnx/MobileFaceNet.onnx");

    /// On the processor the runtime copies no input, so the program is told that it does.
    #[test]
    fn runtime_copies_again_what_it_copied_when_it_was_bound() {
        let Some(runtime) = Runtime::installed() else { return };
        let model = onnx::Model::open(Path::new(MODEL)).unwrap();
        let mut program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
        assert_eq!(placement::inputs_on_host(&program.inner).unwrap(), [true]);
        assert!(program.copied.is_empty());
        let (input, output) = (program.inputs[0].name.clone(), program.outputs[0].name.clone());
        program.copied = vec![input.clone()];
        let images = program.buffer(Element::Float, &[1, 3, 112, 112]).unwrap();
        let embedding = program.buffer(Element::Float, &[1, 128]).unwrap();
        let mut binding = program.bind(&[(&input, &images)], &[(&output, &embedding)]).unwrap();
        program.run(&mut binding).unwrap();
        program.run(&mut binding).unwrap();
        assert_eq!(program.traffic(), Traffic { to_device: 0, to_host: 2 * images.bytes() });
    }
}
