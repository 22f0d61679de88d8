//! The library's computations as operators of ONNX Runtime.

use super::super::guard::guarded;
use super::api::HandleObject;
use super::attributes::Attributes;
use super::kind::{Kind, Port};
use super::shape::Element;
use super::store::{Plan, Store};
use ort::memory::MemoryInfo;
use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, SymbolicDimensions, ValueType};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

/// One of the operators.
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) element: Element,
    pub(super) store: Arc<Store>,
}

/// A node.
pub(super) struct Node {
    name: String,
    kind: Kind,
    element: Element,
    attributes: Attributes,
    store: Arc<Store>,
}

impl Operator for Own {
    type Kernel<'attr> = Node;

    fn name(&self) -> &str {
        self.name
    }

    fn execution_provider_type(&self) -> Option<&str> {
        self.store.place.provider()
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let input = |port: &Port| OperatorInput::required(port.element(self.element));
        self.kind.inputs().iter().map(input)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        let output = |port: &Port| OperatorOutput::required(port.element(self.element));
        self.kind.outputs().iter().map(output)
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Node> {
        let name = format!("{} {:?}", self.name, node.node_name()?);
        let (integer, float) = (|name: &str| node.get::<i64>(name), |name: &str| node.get(name));
        let attributes = Attributes::read(self.kind, integer, float);
        let attributes =
            attributes.map_err(|reason| ort::Error::new(format!("{name}: {reason}")))?;
        let (kind, element, store) = (self.kind, self.element, Arc::clone(&self.store));
        Ok(Node { name, kind, element, attributes, store })
    }

    /// What inputs of open extents make is left open.
    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let integer = |name: &str| context.attr::<i64>(name).ok();
        let attributes = Attributes::read(self.kind, integer, |name| context.attr(name).ok());
        let attributes = attributes.map_err(ort::Error::new)?;
        let known = |kind: &ValueType| extents(kind.tensor_shape()?);
        let inputs: Option<Vec<_>> = context.inputs().iter().map(known).collect();
        let Some(inputs) = inputs else { return Ok(()) };
        let (_, made) = attributes.work(&inputs).map_err(ort::Error::new)?;
        for (at, (port, made)) in self.kind.outputs().iter().zip(made).enumerate() {
            let dimension_symbols = SymbolicDimensions::empty(made.len());
            let shape = made.into_iter().map(|extent| extent as i64).collect();
            let ty = port.element(self.element);
            context.set_output(at, &ValueType::Tensor { ty, shape, dimension_symbols })?;
        }
        Ok(())
    }
}

impl Kernel for Node {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        // A panic would end the process.
        let done =
            guarded(|| self.run(context)).unwrap_or_else(|words| Err(ort::Error::new(words)));
        done.map_err(|error| ort::Error::new(format!("{}: {error}", self.name)))
    }
}

impl Node {
    fn run(&self, context: &ComputeContext) -> ort::Result<()> {
        let absent = || ort::Error::new("expected all inputs and outputs, found fewer");
        let (mut shapes, mut read) = (Vec::new(), Vec::new());
        let mut memory: Option<MemoryInfo<'static>> = None;
        for at in 0..self.kind.inputs().len() {
            let input = context.input(at)?.ok_or_else(absent)?;
            let input = input.downcast::<DynTensorValueType>()?;
            shapes.push(extents(input.shape()).ok_or_else(absent)?);
            read.push(input.data_ptr());
            memory.get_or_insert_with(|| input.memory_info().to_owned());
        }
        let memory = memory.ok_or_else(absent)?;
        let (work, made) = self.attributes.work(&shapes).map_err(ort::Error::new)?;
        let mut written = Vec::new();
        for (at, extents) in made.into_iter().enumerate() {
            let extents: Vec<i64> = extents.into_iter().map(|extent| extent as i64).collect();
            let output = context.output(at, extents)?.ok_or_else(absent)?;
            written.push(output.downcast::<DynTensorValueType>()?.data_ptr().cast_mut());
        }
        let told = |error: ort::Error| ort::Error::new(format!("{work}: {error}"));
        let (store, api) = (&self.store, &self.store.api);
        let lent = store.place.lent(context)?;
        let handle = store.handles.handle(api, &lent).map_err(ort::Error::from)?;
        let key = (work, self.element, self.attributes.order, self.element.math(lent.tf32));
        let plan = store.plan(handle.raw, key).map_err(|fault| told(fault.into()))?;
        // Given back when the work is put behind the stream and not yet done. The next to have it is put
        // behind the same stream, as with the runtime's own convolutions.
        let allocator = context.allocator(&memory)?;
        let mut workspace = match plan.workspace() {
            0 => None,
            bytes => Some(allocator.alloc::<u8>(bytes).map_err(told)?),
        };
        let start = workspace.as_mut().map_or(null_mut(), |workspace| workspace.as_mut_ptr());
        let done = self.computed(&plan, handle.raw, &read, &written, start);
        done.map_err(told)
    }

    #[allow(unsafe_code)]
    fn computed(
        &self,
        plan: &Plan,
        handle: *mut HandleObject,
        read: &[*const c_void],
        written: &[*mut c_void],
        workspace: *mut c_void,
    ) -> ort::Result<()> {
        let (api, epsilon) = (&self.store.api, self.attributes.epsilon);
        // SAFETY: of all three: the handle's stream is the runtime's, which the inputs are made in and
        // the outputs are read in; their extents were held against the plan's, and the runtime keeps
        // them until the stream has passed.
        let done = match (plan, read, written) {
            (Plan::Convolution(plan), &[a, dy], &[made]) => unsafe {
                plan.run(api, handle, [a, dy], made, workspace)
            },
            (Plan::Normalization(plan), &[x, gamma, beta], &[y, mean, inverse]) => unsafe {
                plan.forward(api, handle, [x, gamma, beta], [y, mean, inverse], epsilon)
            },
            (Plan::Normalization(plan), &[x, gamma, dy, mean, inverse], &[dx, dgamma, dbeta]) => unsafe {
                let read = [x, gamma, dy, mean, inverse];
                plan.backward(api, handle, read, [dx, dgamma, dbeta], epsilon)
            },
            _ => {
                return Err(ort::Error::new(
                    "expected as many inputs and outputs as the operator has",
                ));
            }
        };
        Ok(done?)
    }
}

/// Extents of which none is open.
fn extents(shape: &[i64]) -> Option<Vec<usize>> {
    shape.iter().map(|&extent| usize::try_from(extent).ok()).collect()
}
