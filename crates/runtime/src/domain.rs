//! The domain of operators that this crate brings to ONNX Runtime.

use super::{Error, Runtime, cudnn, exchange, kernels, onednn};
use ort::operator::OperatorDomain;
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::onnx::Model;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The operators that nodes of a model ask for, if any do.
///
/// # Errors
/// [`Error::NoOneDnn`] and [`Error::NoCudnn`]: a node needs the library, and there is none;
/// [`Error::NoGroup`]: a node exchanges something with other ranks, and the runtime has none; whatever it
/// refuses with.
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
        && runtime.group().is_none()
    {
        return Err(Error::NoGroup { model: name, operator: node.op_type.clone() });
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

/// The domain, with the operators of the libraries that there are.
fn of(runtime: &Runtime) -> Result<OperatorDomain, ort::Error> {
    let mut domain = kernels::add_to(OperatorDomain::new(DOMAIN)?)?;
    if let Some(library) = runtime.onednn() {
        domain = onednn::add_to(domain, library)?;
    }
    if let Some(group) = runtime.group() {
        domain = exchange::add_to(domain, group)?;
    }
    if let Some(library) = runtime.cudnn() {
        domain = cudnn::add_to(domain, library)?;
    }
    Ok(domain)
}
