//! The three products of a convolution as operators of ONNX Runtime.

use super::super::guard::guarded;
use super::library::OneDnn;
use super::shape::{Factors, Pass, Shape};
use super::spread::{Spread, spread};
use half::bf16;
use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{
    PrimitiveTensorElementType, SymbolicDimensions, TensorElementType, ValueRef, ValueType,
};

/// The operators, by the names that nodes call them by.
pub(super) const OPERATORS: [(&str, Pass, Factors); 6] = [
    ("DnnlConv", Pass::Forward, Factors::Float),
    ("DnnlConvRounded", Pass::Forward, Factors::Bfloat16),
    ("DnnlConvInputGradient", Pass::ByImages, Factors::Float),
    ("DnnlConvInputGradientRounded", Pass::ByImages, Factors::Bfloat16),
    ("DnnlConvWeightGradient", Pass::ByKernels, Factors::Float),
    ("DnnlConvWeightGradientRounded", Pass::ByKernels, Factors::Bfloat16),
];

/// One of [`OPERATORS`].
pub(super) struct Convolution {
    pub(super) name: &'static str,
    pub(super) pass: Pass,
    pub(super) factors: Factors,
    pub(super) library: OneDnn,
}

/// The attributes of a node.
#[derive(Debug, Clone, Copy)]
struct Attributes {
    pass: Pass,
    factors: Factors,
    kernel: usize,
    stride: usize,
    pad: usize,
    /// Height and width of the images that only their gradient's node is told.
    images: Option<[usize; 2]>,
}

/// A node.
pub(super) struct Node {
    name: String,
    attributes: Attributes,
    library: OneDnn,
}

impl Convolution {
    fn kind(&self) -> (Pass, Factors) {
        (self.pass, self.factors)
    }
}

impl Operator for Convolution {
    type Kernel<'attr> = Node;

    fn name(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let images = match self.factors {
            Factors::Float => TensorElementType::Float32,
            Factors::Bfloat16 => TensorElementType::Bfloat16,
        };
        let kernels = TensorElementType::Float32;
        let inputs = match self.pass {
            Pass::Forward => [images, kernels],
            Pass::ByImages => [kernels, images],
            Pass::ByKernels => [images; 2],
        };
        inputs.map(OperatorInput::required)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Node> {
        let name = format!("{} {:?}", self.name, node.node_name()?);
        let attributes = Attributes::read(self.kind(), |name| node.get::<i64>(name));
        let attributes =
            attributes.map_err(|reason| ort::Error::new(format!("{name}: {reason}")))?;
        Ok(Node { name, attributes, library: self.library.clone() })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let attributes = Attributes::read(self.kind(), |name| context.attr::<i64>(name).ok());
        let attributes = attributes.map_err(ort::Error::new)?;
        let extents = |kind: &ValueType| {
            kind.tensor_shape().and_then(|shape| <[i64; 4]>::try_from(shape.to_vec()).ok())
        };
        let inputs: Vec<_> = context.inputs().iter().map(extents).collect();
        let &[Some(a), Some(b)] = &inputs[..] else {
            return Err(ort::Error::new("expected two inputs of four extents"));
        };
        let kind = ValueType::Tensor {
            ty: TensorElementType::Float32,
            shape: attributes.made(a, b).into(),
            dimension_symbols: SymbolicDimensions::empty(4),
        };
        context.set_output(0, &kind)
    }
}

impl Attributes {
    /// What a node says, by `get`; `Err` says which attribute is wrong.
    fn read(
        (pass, factors): (Pass, Factors),
        get: impl Fn(&str) -> Option<i64>,
    ) -> Result<Self, String> {
        let number = |name: &str, least: usize| {
            let found = get(name);
            let own = found.and_then(|number| usize::try_from(number).ok());
            own.filter(|own| (least..=LARGEST).contains(own)).ok_or_else(|| {
                let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
                format!("expected a number from {least} to {LARGEST} as {name}, found {found}")
            })
        };
        let images = match pass {
            Pass::ByImages => Some([number("height", 1)?, number("width", 1)?]),
            Pass::Forward | Pass::ByKernels => None,
        };
        let (kernel, stride, pad) = (number("kernel", 1)?, number("stride", 1)?, number("pad", 0)?);
        Ok(Self { pass, factors, kernel, stride, pad, images })
    }

    /// Extents of the output, −1 where inputs leave them open.
    fn made(&self, a: [i64; 4], b: [i64; 4]) -> [i64; 4] {
        let kernel = self.kernel as i64;
        let positions = |extent: i64| match extent {
            -1 => -1,
            extent => (extent + 2 * self.pad as i64 - kernel).div_euclid(self.stride as i64) + 1,
        };
        match (self.pass, self.images) {
            (Pass::ByImages, Some([height, width])) => [b[0], height as i64, width as i64, a[1]],
            (Pass::ByKernels, _) => [b[3], a[3], kernel, kernel],
            _ => [a[0], positions(a[1]), positions(a[2]), b[0]],
        }
    }

    /// The convolution of inputs of these extents; `Err` says what does not fit.
    fn shape(&self, a: [usize; 4], b: [usize; 4]) -> Result<Shape, String> {
        let &Self { pass, factors, kernel, stride, pad, .. } = self;
        // x, w and y, of which one is the output.
        let (x, w, y) = match (pass, self.images) {
            (Pass::ByImages, Some([height, width])) => {
                (Some([b[0], height, width, a[1]]), Some(a), Some(b))
            }
            (Pass::ByKernels, _) => (Some(a), None, Some(b)),
            _ => (Some(a), Some(b), None),
        };
        let [images, height, width, inputs] = x.ok_or("expected images")?;
        let outputs = w.map(|w| w[0]).or(y.map(|y| y[3])).ok_or("expected kernels")?;
        let shape =
            Shape { pass, factors, images, height, width, inputs, outputs, kernel, stride, pad };
        let (Some(rows), Some(columns)) = (shape.positions(height), shape.positions(width)) else {
            return Err(format!("expected images no smaller than the kernel, found {shape}"));
        };
        let fits = |found: Option<[usize; 4]>, expected: [usize; 4]| match found {
            Some(found) if found != expected => Err((expected, found)),
            _ => Ok(()),
        };
        fits(w, [outputs, inputs, kernel, kernel])
            .and_then(|()| fits(y, [images, rows, columns, outputs]))
            .map_err(|(expected, found)| format!("expected {expected:?}, found {found:?}"))?;
        match inputs * outputs {
            0 => Err(format!("expected channels, found {shape}")),
            _ => Ok(shape),
        }
    }
}

/// Bytes that the library works in for a node of this name with such attributes and inputs, as far as they
/// follow from the shape; none for another operator, and where the inputs do not fit.
pub(in super::super) fn scratch_bytes(
    operator: &str,
    get: impl Fn(&str) -> Option<i64>,
    [a, b]: [[usize; 4]; 2],
) -> Option<u64> {
    let &(_, pass, factors) = OPERATORS.iter().find(|(name, ..)| *name == operator)?;
    let attributes = Attributes::read((pass, factors), get).ok()?;
    Some(attributes.shape(a, b).ok()?.scratch_bytes())
}

/// The largest attribute, so that no sum of a few overflows.
const LARGEST: usize = 1 << 24;

impl Kernel for Node {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        // A panic would end the process.
        let done = guarded(|| match self.attributes.factors {
            Factors::Float => self.run::<f32>(context),
            Factors::Bfloat16 => self.run::<bf16>(context),
        })
        .unwrap_or_else(|words| Err(ort::Error::new(words)));
        done.map_err(|error| ort::Error::new(format!("{}: {error}", self.name)))
    }
}

impl Node {
    /// Of images of such numbers.
    fn run<N: PrimitiveTensorElementType + Copy + Sync>(
        &self,
        context: &ComputeContext,
    ) -> ort::Result<()> {
        let absent = || ort::Error::new("expected two inputs and an output");
        let a = context.input(0)?.ok_or_else(absent)?;
        let b = context.input(1)?.ok_or_else(absent)?;
        let shape = self.attributes.shape(four(a.shape())?, four(b.shape())?);
        let shape = shape.map_err(ort::Error::new)?;
        let [rows, columns] = shape.positions_of_all();
        let made = match shape.pass {
            Pass::Forward => [shape.images, rows, columns, shape.outputs],
            Pass::ByImages => [shape.images, shape.height, shape.width, shape.inputs],
            Pass::ByKernels => [shape.outputs, shape.inputs, shape.kernel, shape.kernel],
        };
        let mut output = context.output(0, made.map(|extent| extent as i64))?.ok_or_else(absent)?;
        let (_, made) = output.try_extract_tensor_mut::<f32>()?;
        let (store, engine) = (self.library.store(), self.library.engine());
        let done = store.plan(engine, shape).map_err(ort::Error::from).and_then(|plan| {
            store.with_scratch(plan.scratch(), |scratch| {
                let spread: Spread<'_> = &|count, task| spread(context, count, task);
                match shape.pass {
                    Pass::Forward => {
                        plan.map(numbers::<N>(&a)?, numbers(&b)?, made, scratch, spread)
                    }
                    Pass::ByImages => {
                        plan.map(numbers::<N>(&b)?, numbers(&a)?, made, scratch, spread)
                    }
                    Pass::ByKernels => {
                        plan.gather([numbers::<N>(&a)?, numbers::<N>(&b)?], made, scratch, spread)
                    }
                }
            })
        });
        done.map_err(|error| ort::Error::new(format!("{shape}: {error}")))
    }
}

fn numbers<'a, N: PrimitiveTensorElementType>(value: &'a ValueRef<'_>) -> ort::Result<&'a [N]> {
    Ok(value.try_extract_tensor::<N>()?.1)
}

pub(super) fn four(extents: &[i64]) -> ort::Result<[usize; 4]> {
    let known: Option<Vec<usize>> =
        extents.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    known
        .and_then(|known| known.try_into().ok())
        .ok_or_else(|| ort::Error::new(format!("expected four extents, found {extents:?}")))
}
