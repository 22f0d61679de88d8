//! An exchange as the runtime takes it.

use super::super::guard::guarded;
use super::carrier::Carrier;
use super::row::{First, Row};
use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, SymbolicDimensions, TensorElementType, ValueType};
use std::sync::Arc;

/// An operator of the table, among the ranks of a carrier.
pub(super) struct Exchange {
    pub(super) row: &'static Row,
    pub(super) carrier: Arc<dyn Carrier>,
}

/// A node.
pub(super) struct Node {
    name: String,
    row: &'static Row,
    carrier: Arc<dyn Carrier>,
    /// The number of ranks, or that of the one that tells.
    number: usize,
}

impl Exchange {
    /// The number that a node tells, 0 where it tells none; `Err` says what is wrong with it.
    fn number(&self, get: impl Fn(&str) -> Option<i64>) -> Result<usize, String> {
        let Some(name) = self.row.attribute else { return Ok(0) };
        let ranks = self.carrier.ranks();
        let found = get(name);
        let number = found.and_then(|found| usize::try_from(found).ok());
        let (fits, expected) = match self.row.first {
            First::Same => (number.is_some_and(|root| root < ranks), format!("below {ranks}")),
            First::Joined | First::Parted => (number == Some(ranks), ranks.to_string()),
        };
        match number {
            Some(number) if fits => Ok(number),
            _ => {
                let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
                Err(format!("{name}: expected {expected}, found {found}"))
            }
        }
    }
}

impl Operator for Exchange {
    type Kernel<'attr> = Node;

    fn name(&self) -> &str {
        self.row.name
    }

    fn execution_provider_type(&self) -> Option<&str> {
        self.carrier.provider()
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let floats = TensorElementType::Float32;
        [OperatorInput::required(floats), OperatorInput::optional(floats)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Node> {
        let name = format!("{} {:?}", self.row.name, node.node_name()?);
        let number = self.number(|name| node.get::<i64>(name));
        let number = number.map_err(|reason| ort::Error::new(format!("{name}: {reason}")))?;
        Ok(Node { name, row: self.row, carrier: Arc::clone(&self.carrier), number })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let inputs = context.inputs();
        let Some(extents) = inputs.first().and_then(ValueType::tensor_shape) else { return Ok(()) };
        // A number and what is not known look alike here.
        let known = !extents.is_empty() && extents.iter().all(|extent| *extent >= 0);
        let made = self.row.first.made(extents, self.carrier.ranks() as i64);
        let Some(made) = made.filter(|_| known) else { return Ok(()) };
        let dimension_symbols = SymbolicDimensions::empty(made.len());
        let ty = TensorElementType::Float32;
        context.set_output(0, &ValueType::Tensor { ty, shape: made.into(), dimension_symbols })
    }
}

impl Kernel for Node {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let failed = |reason: String| ort::Error::new(format!("{}: {reason}", self.name));
        // A panic that left it would end the process.
        guarded(|| self.exchange(context)).map_err(&failed)?.map_err(failed)
    }
}

impl Node {
    fn exchange(&self, context: &ComputeContext) -> Result<(), String> {
        let said = |error: ort::Error| error.to_string();
        let input = context.input(0).map_err(said)?.ok_or("no input")?;
        let input = input.downcast::<DynTensorValueType>().map_err(said)?;
        let extents = input.shape().to_vec();
        let made = self.row.first.made(&extents, self.carrier.ranks() as i64);
        let made = made.ok_or_else(|| {
            format!("x: expected rows for {} ranks, found {extents:?}", self.carrier.ranks())
        })?;
        let output = context.output(0, made).map_err(said)?.ok_or("no output")?;
        let mut output = output.downcast::<DynTensorValueType>().map_err(said)?;
        self.carrier.carry(context, self.row.collective, &input, &mut output, self.number)
    }
}
