//! A model made ready on a device, and running it.

use super::guard::{guarded, within};
use super::placement::{self, Placed};
use super::{Device, Error, Port, Runtime, Tensor, domain};
use half::f16;
use ort::operator::OperatorDomain;
use ort::session::RunOptions;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef};
use qgface_graph::onnx;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A model with one input, ready to run on a device.
///
/// Running takes the session alone: for two runs at once, open two sessions.
#[derive(Debug)]
pub struct Session {
    model: PathBuf,
    device: Device,
    inner: ort::session::Session,
    input: Port,
    outputs: Vec<Port>,
    time_limit: Option<Duration>,
}

impl Runtime {
    /// Opens a model with one input for this device; `threads` work on one run together, where the device
    /// is the processor.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open(&self, model: &Path, threads: NonZeroUsize) -> Result<Session, Error> {
        Session::open(self, model, threads)
    }
}

impl Session {
    /// Opens the model at `path`; weights in files beside it are found there.
    ///
    /// # Errors
    /// A file that is no model, one with other than one input or with inputs or outputs that are no
    /// floats, one that keeps numbers elsewhere than in ordinary files beside it, a model that the runtime
    /// refuses; on CUDA also nodes that would not run there.
    pub fn open(runtime: &Runtime, path: &Path, threads: NonZeroUsize) -> Result<Self, Error> {
        // Its errors say what is wrong with the file; the runtime's say only that something is.
        let model = onnx::Model::open(path)?;
        // The runtime would open whatever the model names.
        model.external_paths(path)?;
        let inputs = model.summary().inputs;
        if inputs.len() != 1 {
            let found = inputs.into_iter().map(|input| input.name).collect();
            return Err(Error::Inputs { model: path.to_path_buf(), found });
        }
        let device = runtime.device();
        let bindings = |found| Error::Bindings { model: path.to_path_buf(), device, found };
        let origin = ModelOrigin { name: path, bytes: None };
        guarded(|| Self::ready(runtime, origin, threads, None)).map_err(bindings)?
    }

    /// Opens a model that was made of the one at `path`; its nodes may be operators of this crate.
    ///
    /// # Errors
    /// As [`Session::open`]; also a node for which oneDNN is missing, and a model that has no room in its
    /// format.
    pub fn open_rewritten(
        runtime: &Runtime,
        path: &Path,
        model: &onnx::Model,
        threads: NonZeroUsize,
    ) -> Result<Self, Error> {
        let operators = domain::of_model(runtime, model)?;
        let bytes = model.to_bytes(path)?;
        let device = runtime.device();
        let bindings = |found| Error::Bindings { model: path.to_path_buf(), device, found };
        let origin = ModelOrigin { name: path, bytes: Some(&bytes) };
        let _one = operators.is_some().then(domain::one_at_a_time);
        guarded(|| Self::ready(runtime, origin, threads, operators)).map_err(bindings)?
    }

    fn ready(
        runtime: &Runtime,
        origin: ModelOrigin<'_>,
        threads: NonZeroUsize,
        operators: Option<Arc<OperatorDomain>>,
    ) -> Result<Self, Error> {
        let (device, path) = (runtime.device(), origin.name);
        let inner = ready(runtime, threads, origin, |builder| match &operators {
            Some(operators) => Ok(builder.with_operators(Arc::clone(operators))?),
            None => Ok(builder),
        })?;
        let ports = |outlets: &[Outlet]| {
            outlets.iter().map(|outlet| port(path, outlet)).collect::<Result<Vec<_>, _>>()
        };
        let outputs = ports(inner.outputs())?;
        let Ok([input]) = <[Port; 1]>::try_from(ports(inner.inputs())?) else {
            let found = inner.inputs().iter().map(|input| input.name().to_owned()).collect();
            return Err(Error::Inputs { model: path.to_path_buf(), found });
        };
        let model = path.to_path_buf();
        Ok(Self { model, device, inner, input, outputs, time_limit: None })
    }

    /// The same session, of which a run that is not done within the limit is ended between two of its
    /// nodes and refused.
    pub fn with_time_limit(self, time_limit: Option<Duration>) -> Self {
        Self { time_limit, ..self }
    }

    /// The model's file.
    pub fn model(&self) -> &Path {
        &self.model
    }

    /// What the model takes.
    pub fn input(&self) -> &Port {
        &self.input
    }

    /// What it makes, in its own order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Runs the model on the numbers of a tensor of `shape`, in row-major order; for images that is
    /// count, channels, height, width. Returns all outputs in the model's order.
    ///
    /// # Errors
    /// Numbers that are not of the shape that the model takes, [`Error::TimeLimit`],
    /// [`Error::Extents`], and whatever the runtime refuses with. After [`Error::Bindings`] the session is
    /// to be let go.
    pub fn run(&mut self, numbers: &[f32], shape: &[usize]) -> Result<Vec<Tensor>, Error> {
        self.check(numbers, shape)?;
        let (model, device, time_limit) = (self.model.clone(), self.device, self.time_limit);
        let options = RunOptions::new();
        let options =
            options.map_err(|source| Error::Run { model: model.clone(), device, source })?;
        let stop = || _ = options.terminate();
        let work = || guarded(|| self.run_on(numbers, shape, &options));
        match within(time_limit, stop, work) {
            (Err(found), _) => Err(Error::Bindings { model, device, found }),
            (Ok(Err(_)), true) => {
                let limit = time_limit.expect("a run is stopped by its limit alone");
                let seconds = limit.as_secs_f64();
                Err(Error::TimeLimit { model, seconds })
            }
            (Ok(done), _) => done,
        }
    }

    fn run_on(
        &mut self,
        numbers: &[f32],
        shape: &[usize],
        options: &RunOptions,
    ) -> Result<Vec<Tensor>, Error> {
        let (model, device) = (&self.model, self.device);
        let failed = |source| Error::Run { model: model.clone(), device, source };
        let name = self.input.name.as_str();
        let extents: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
        let halves: Vec<f16>;
        let outputs = if self.input.half {
            halves = numbers.iter().map(|&number| f16::from_f32(number)).collect();
            let tensor =
                TensorRef::from_array_view((extents, halves.as_slice())).map_err(failed)?;
            self.inner.run_with_options(ort::inputs![name => tensor], options)
        } else {
            let tensor = TensorRef::from_array_view((extents, numbers)).map_err(failed)?;
            self.inner.run_with_options(ort::inputs![name => tensor], options)
        };
        let outputs = outputs.map_err(failed)?;
        let tensors = self.outputs.iter().zip(outputs.values());
        let checked = tensors.map(|(port, value)| {
            check_extents(model, port, &value)?;
            tensor(port, &value).map_err(failed)
        });
        checked.collect()
    }

    fn check(&self, numbers: &[f32], shape: &[usize]) -> Result<(), Error> {
        let count = shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent));
        if count == Some(numbers.len()) && self.input.takes(shape) {
            return Ok(());
        }
        Err(Error::Shape {
            model: self.model.clone(),
            port: self.input.name.clone(),
            expected: self.input.to_string(),
            found: format!("{} numbers as {shape:?}", numbers.len()),
        })
    }
}

/// A model to make ready: its file, or its bytes and what errors call them.
#[derive(Clone, Copy)]
pub(super) struct ModelOrigin<'a> {
    pub(super) name: &'a Path,
    pub(super) bytes: Option<&'a [u8]>,
}

/// A model made ready on the runtime's device; `tune` adds options.
pub(super) fn ready(
    runtime: &Runtime,
    threads: NonZeroUsize,
    source: ModelOrigin<'_>,
    tune: impl Fn(SessionBuilder) -> Result<SessionBuilder, ort::Error>,
) -> Result<ort::session::Session, Error> {
    let device = runtime.device();
    let prepare =
        |cause| Error::Prepare { model: source.name.to_path_buf(), device, source: cause };
    let builder = builder(runtime, threads).and_then(tune).map_err(prepare)?;
    match device {
        Device::Cpu => commit(builder, source).map_err(prepare),
        Device::Cuda(number) => on_cuda(builder, source, number),
    }
}

/// What sessions on all devices have in common.
fn builder(runtime: &Runtime, threads: NonZeroUsize) -> Result<SessionBuilder, ort::Error> {
    Ok(ort::session::Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads.get())?
        // Threads that wait by spinning would take the cores from those that decode.
        .with_intra_op_spinning(false)?)
}

fn commit(
    mut builder: SessionBuilder,
    source: ModelOrigin<'_>,
) -> Result<ort::session::Session, ort::Error> {
    match source.bytes {
        Some(bytes) => builder.commit_from_memory(bytes),
        None => builder.commit_from_file(source.name),
    }
}

/// A session whose nodes are all on a CUDA device.
fn on_cuda(
    builder: SessionBuilder,
    source: ModelOrigin<'_>,
    number: u32,
) -> Result<ort::session::Session, Error> {
    let (path, device) = (source.name, Device::Cuda(number));
    let prepare = |cause| Error::Prepare { model: path.to_path_buf(), device, source: cause };
    let builder = cuda_builder(builder, number).map_err(prepare)?;
    let strict =
        builder.clone().with_disable_cpu_fallback().map_err(|error| prepare(error.into()))?;
    let refused = match commit(strict, source) {
        Ok(session) => return check_placement(session, path, device),
        Err(error) => error,
    };
    // The refusal names no node; a session that may fall back is made to be asked, and thrown away.
    let loose = commit(builder, source).map_err(prepare)?;
    check_placement(loose, path, device).and(Err(prepare(refused)))
}

fn cuda_builder(builder: SessionBuilder, number: u32) -> Result<SessionBuilder, ort::Error> {
    let (key, value) = placement::RECORD;
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let provider = ort::ep::CUDA::default().with_device_id(number).build().error_on_failure();
    let builder = builder.with_execution_providers([provider])?;
    Ok(builder.with_config_entry(key, value)?)
}

/// Passes a session on whose nodes are all on CUDA.
fn check_placement(
    session: ort::session::Session,
    path: &Path,
    device: Device,
) -> Result<ort::session::Session, Error> {
    const CUDA: &str = "CUDAExecutionProvider";
    let model = path.to_path_buf();
    let placed = match placement::of(&session) {
        Ok(placed) => placed,
        Err(source) => return Err(Error::Prepare { model, device, source }),
    };
    let elsewhere = placed.into_iter().filter(|placed| placed.provider != CUDA);
    let nodes: Vec<_> =
        elsewhere.map(|Placed { node, provider }| format!("{node} on {provider}")).collect();
    if nodes.is_empty() { Ok(session) } else { Err(Error::Placement { model, device, nodes }) }
}

/// What the runtime says of an input or output.
fn port(model: &Path, outlet: &Outlet) -> Result<Port, Error> {
    let name = outlet.name().to_owned();
    let half = match outlet.dtype().tensor_type() {
        Some(TensorElementType::Float32) => false,
        Some(TensorElementType::Float16) => true,
        _ => {
            let found = outlet.dtype().to_string();
            return Err(Error::Element { model: model.to_path_buf(), port: name, found });
        }
    };
    let shape = outlet.dtype().tensor_shape();
    let extents = shape.into_iter().flat_map(|shape| shape.iter());
    let extents = extents.map(|&extent| usize::try_from(extent).ok()).collect();
    Ok(Port { name, extents, half })
}

/// Refuses extents below 0, which some operators let through: no numbers lie behind them.
fn check_extents(model: &Path, port: &Port, value: &DynValue) -> Result<(), Error> {
    let shape = value.dtype().tensor_shape();
    let found: Vec<i64> = shape.into_iter().flat_map(|shape| shape.iter().copied()).collect();
    if found.iter().all(|extent| *extent >= 0) {
        return Ok(());
    }
    Err(Error::Extents { model: model.to_path_buf(), port: port.name.clone(), found })
}

fn tensor(port: &Port, value: &DynValue) -> Result<Tensor, ort::Error> {
    let name = port.name.clone();
    let (shape, data) = if port.half {
        let (shape, halves) = value.try_extract_tensor::<f16>()?;
        (shape, halves.iter().map(|half| half.to_f32()).collect())
    } else {
        let (shape, floats) = value.try_extract_tensor::<f32>()?;
        (shape, floats.to_vec())
    };
    let known =
        |&extent: &i64| usize::try_from(extent).expect("what was computed has no open extent");
    let shape = shape.iter().map(known).collect();
    Ok(Tensor { name, shape, data })
}
