//! The domain of operators that this crate brings to ONNX Runtime.

use super::{Error, OneDnn, onednn};
use ort::operator::OperatorDomain;
use qgface_graph::onnx::Model;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What nodes call the domain.
const NAME: &str = "qgface";

/// Whether a node of a model asks for the domain; `name` is what errors call the model.
///
/// # Errors
/// [`Error::NoOneDnn`]: a node needs the library, and there is none.
pub(super) fn is_needed(
    model: &Model,
    name: &Path,
    onednn: Option<&OneDnn>,
) -> Result<bool, Error> {
    let mut own = model.graph().node.iter().filter(|node| node.domain == NAME).peekable();
    let is_needed = own.peek().is_some();
    match own.find(|node| onednn::has(&node.op_type)) {
        Some(node) if onednn.is_none() => {
            let (model, operator) = (name.to_path_buf(), node.op_type.clone());
            Err(Error::NoOneDnn { model, operator })
        }
        _ => Ok(is_needed),
    }
}

/// Keeps sessions with the domain from being made at the same time: the runtime keeps one list of domains
/// a process, looks whether this one is in it and then adds it, and refuses the second of two that saw
/// none.
pub(super) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The domain, with the operators of the library where there is one.
pub(super) fn of(onednn: Option<&OneDnn>) -> Result<OperatorDomain, ort::Error> {
    let domain = OperatorDomain::new(NAME)?;
    match onednn {
        Some(library) => onednn::add_to(domain, library),
        None => Ok(domain),
    }
}
