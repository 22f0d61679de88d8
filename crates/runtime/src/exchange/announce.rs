//! Announcing that values are made while the rest of a graph is computed, as an operator of ONNX Runtime's.
//!
//! `Announce` takes x, floats, as many values as `made` says, and, where it is given, the result of the last
//! exchange; the values and that are not read. It makes x, and tells the program that runs that the values of
//! `number` are there.

use super::super::guard::guarded;
use super::bulletin::{Announced, Bulletin};
use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, TensorElementType};
use std::sync::Arc;

/// The operator, whose nodes tell a runtime's programs.
pub(super) struct Announce {
    pub(super) bulletin: Arc<Bulletin>,
}

/// A node.
pub(super) struct Node {
    name: String,
    number: usize,
    made: usize,
    bulletin: Arc<Bulletin>,
}

impl Operator for Announce {
    type Kernel<'attr> = Node;

    fn name(&self) -> &str {
        qgface_graph::graph::lower::ANNOUNCE
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let floats = TensorElementType::Float32;
        [OperatorInput::required(floats), OperatorInput::variadic(1).homogenous(floats)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Node> {
        let name = format!("{} {:?}", self.name(), node.node_name()?);
        let attribute = |attribute: &str| {
            let found = node.get::<i64>(attribute);
            let number = found.and_then(|found| usize::try_from(found).ok());
            number.ok_or_else(|| {
                let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
                ort::Error::new(format!("{name}: {attribute}: expected a count, found {found}"))
            })
        };
        let (number, made) = (attribute("number")?, attribute("made")?);
        Ok(Node { name, number, made, bulletin: Arc::clone(&self.bulletin) })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        match context.inputs().first() {
            Some(x) => context.set_output(0, x),
            None => Ok(()),
        }
    }
}

impl Kernel for Node {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        // A panic that left it would end the process.
        guarded(|| self.announce(context))
            .map_err(|reason| ort::Error::new(format!("{}: {reason}", self.name)))?
    }
}

impl Node {
    fn announce(&self, context: &ComputeContext) -> ort::Result<()> {
        let missing = |at: usize| ort::Error::new(format!("{}: no input {at}", self.name));
        let x = context.input(0)?.ok_or_else(|| missing(0))?;
        let x = x.downcast::<DynTensorValueType>()?;
        let (extents, x) = x.try_extract_tensor::<f32>()?;
        let y = context.output(0, extents.to_vec())?.ok_or_else(|| missing(0))?;
        y.downcast::<DynTensorValueType>()?.try_extract_tensor_mut::<f32>()?.1.copy_from_slice(x);
        let address = |at: usize| {
            let value = context.input(at)?.ok_or_else(|| missing(at))?;
            let value = value.downcast::<DynTensorValueType>()?;
            Ok(value.try_extract_tensor::<f32>()?.1.as_ptr().addr())
        };
        let made = (1..=self.made).map(address).collect::<ort::Result<Vec<usize>>>()?;
        self.bulletin.tell(Announced { number: self.number, made });
        Ok(())
    }
}
