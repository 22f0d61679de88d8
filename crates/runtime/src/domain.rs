//! The domain of operators that this crate brings to ONNX Runtime.

use super::exchange::{self, Carrier};
use super::{Device, Error, Runtime, cudnn, kernels, onednn};
use ort::operator::OperatorDomain;
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::onnx::Model;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The operators that nodes of a model ask for, if any do.
///
/// # Errors
/// [`Error::NoOneDnn`] and [`Error::NoCudnn`]: a node needs the library, and there is none;
/// [`Error::NoGroup`] and [`Error::NoNccl`]: a node exchanges something with other ranks, and the runtime has
/// none; whatever it refuses with.
pub(super) fn of_model(
    runtime: &Runtime,
    model: &Model,
) -> Result<Option<Arc<OperatorDomain>>, Error> {
    let own = || model.graph().node.iter().filter(|node| node.domain == DOMAIN);
    if own().next().is_none() {
        return Ok(None);
    }
    let (name, device) = (PathBuf::from(&model.graph().name), runtime.device());
    if let Some(node) = own().find(|node| onednn::has(&node.op_type))
        && runtime.onednn().is_none()
    {
        return Err(Error::NoOneDnn { model: name, operator: node.op_type.clone() });
    }
    if let Some(node) = own().find(|node| cudnn::cudnn_operators().any(|own| own == node.op_type))
        && runtime.cudnn().is_none()
    {
        return Err(Error::NoCudnn { model: name, operator: node.op_type.clone() });
    }
    if let Some(node) = own().find(|node| exchange::has(&node.op_type))
        && carrier(runtime).is_none()
    {
        let operator = node.op_type.clone();
        return Err(match device {
            Device::Cpu => Error::NoGroup { model: name, operator },
            Device::Cuda(_) => Error::NoNccl { model: name, operator },
        });
    }
    let domain = of(runtime);
    let domain = domain.map_err(|source| Error::Prepare { model: name, device, source })?;
    Ok(Some(domain.into()))
}

/// Keeps sessions with the domain from being made at the same time: the runtime keeps one list of domains
/// a process, looks whether this one is in it and then adds it, and refuses the second of two that saw
/// none.
pub(super) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nodes of a model exchange something.
pub(super) fn exchanges(model: &Model) -> bool {
    model.graph().node.iter().any(|node| node.domain == DOMAIN && exchange::has(&node.op_type))
}

/// What carries exchanges where the runtime's nodes are.
fn carrier(runtime: &Runtime) -> Option<Arc<dyn Carrier>> {
    match runtime.device() {
        Device::Cpu => runtime.group().map(|own| Arc::new(Arc::clone(own)) as Arc<dyn Carrier>),
        Device::Cuda(_) => runtime.nccl().map(|own| Arc::new(own.clone()) as Arc<dyn Carrier>),
    }
}

/// The domain, with the operators of the libraries that there are.
fn of(runtime: &Runtime) -> Result<OperatorDomain, ort::Error> {
    let mut domain = kernels::add_to(OperatorDomain::new(DOMAIN)?)?;
    if let Some(library) = runtime.onednn() {
        domain = onednn::add_to(domain, library)?;
    }
    if runtime.device() == Device::Cpu {
        domain = exchange::add_announcing(domain, runtime.bulletin())?;
    }
    if let Some(carrier) = carrier(runtime) {
        domain = exchange::add_to(domain, &carrier)?;
    }
    if let Some(library) = runtime.cudnn() {
        domain = cudnn::add_to(domain, library)?;
    }
    Ok(domain)
}
