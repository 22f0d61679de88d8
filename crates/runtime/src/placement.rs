//! On which provider the nodes of a session run, and where it reads its inputs.

use ort::AsPointer;
use ort::sys::OrtMemoryInfoDeviceType;
use std::ffi::{CStr, c_char};
use std::ptr;

/// Makes a session remember where its nodes are placed.
pub(super) const RECORD: (&str, &str) = ("session.record_ep_graph_assignment_info", "1");

/// A node's name and operator as one text, and its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) node: String,
    pub(super) provider: String,
}

/// Where the nodes of a session are placed; the session must have been built with [`RECORD`].
#[allow(unsafe_code)]
pub(super) fn of(session: &ort::session::Session) -> Result<Vec<Placed>, ort::Error> {
    let api = ort::api();
    let mut placed = Vec::new();
    let (mut graphs, mut graph_count) = (ptr::null(), 0);
    // SAFETY: the session is alive, both results have a place. What comes belongs to the session.
    let status = unsafe {
        (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut graphs, &mut graph_count)
    };
    // SAFETY: the status came from the call above.
    unsafe { ort::Error::result_from_status(status) }?;
    for graph in 0..graph_count {
        // SAFETY: the library returned `graph_count` handles.
        let graph = unsafe { *graphs.add(graph) };
        // SAFETY: the handle is one of the session's.
        let provider = text(|out| unsafe { (api.EpAssignedSubgraph_GetEpName)(graph, out) })?;
        let (mut nodes, mut node_count) = (ptr::null(), 0);
        // SAFETY: as above.
        let status =
            unsafe { (api.EpAssignedSubgraph_GetNodes)(graph, &mut nodes, &mut node_count) };
        // SAFETY: the status came from the call above.
        unsafe { ort::Error::result_from_status(status) }?;
        for node in 0..node_count {
            // SAFETY: the library returned `node_count` handles.
            let node = unsafe { *nodes.add(node) };
            // SAFETY: the handle is one of the session's.
            let name = text(|out| unsafe { (api.EpAssignedNode_GetName)(node, out) })?;
            // SAFETY: as above.
            let operator = text(|out| unsafe { (api.EpAssignedNode_GetOperatorType)(node, out) })?;
            let node = format!("{operator} {name:?}");
            placed.push(Placed { node, provider: provider.clone() });
        }
    }
    Ok(placed)
}

/// Which of a session's inputs, in its order, it reads in the memory of the processor.
#[allow(unsafe_code)]
pub(super) fn inputs_on_host(session: &ort::session::Session) -> Result<Vec<bool>, ort::Error> {
    const HOST: OrtMemoryInfoDeviceType = OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_CPU;
    let api = ort::api();
    let mut places = vec![ptr::null(); session.inputs().len()];
    // SAFETY: the session is alive, and there is a place for each of its inputs. What comes belongs
    // to it.
    let status = unsafe {
        (api.SessionGetMemoryInfoForInputs)(session.ptr(), places.as_mut_ptr(), places.len())
    };
    // SAFETY: the status came from the call above.
    unsafe { ort::Error::result_from_status(status) }?;
    let on_host = places.into_iter().map(|place| {
        let mut kind = HOST;
        // SAFETY: the library filled all places with descriptions that live as long as the session.
        unsafe { (api.MemoryInfoGetDeviceType)(place, &mut kind) };
        kind == HOST
    });
    Ok(on_host.collect())
}

/// A text that the library keeps.
#[allow(unsafe_code)]
fn text(
    get: impl FnOnce(*mut *const c_char) -> ort::sys::OrtStatusPtr,
) -> Result<String, ort::Error> {
    let mut text = ptr::null();
    // SAFETY: the status comes from the library.
    unsafe { ort::Error::result_from_status(get(&mut text)) }?;
    if text.is_null() {
        return Ok(String::new());
    }
    // SAFETY: the library's texts end with zero and live as long as the session.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
