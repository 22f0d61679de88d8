//! `DnnlLayer`, a layer as an operator of ONNX Runtime's.

use super::super::super::guard::guarded;
use super::super::library::OneDnn;
use super::super::operators::four;
use super::super::spread::spread;
use super::plan::{Constants, Plan};
use super::shape::{Clip, Geometry, Shape};
use ort::operator::{
    ComputeContext, Kernel, KernelContext, Operator, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, SymbolicDimensions, TensorElementType, ValueRef, ValueType};
use std::sync::{Arc, Mutex};

/// The operator.
pub(in super::super) struct Layer {
    pub(in super::super) library: OneDnn,
}

/// A node.
pub(in super::super) struct Node {
    name: String,
    attributes: Attributes,
    library: OneDnn,
    /// Of the images that came last.
    plan: Option<Arc<Plan>>,
}

/// The attributes of a node. Those of the kernels' extents come with the kernels.
#[derive(Debug, Clone, Copy)]
struct Attributes {
    strides: [usize; 2],
    pads: [usize; 4],
    groups: usize,
    edge: bool,
    slope: bool,
    more: bool,
    clip: Option<Clip>,
}

/// Places of the inputs that every node has.
const IMAGES: usize = 0;
const KERNELS: usize = 1;
const BIAS: usize = 2;

impl Layer {
    /// Its name.
    pub(in super::super) const NAME: &'static str = "DnnlLayer";
}

impl Operator for Layer {
    type Kernel<'attr> = Node;

    fn name(&self) -> &str {
        Self::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let required = [const { OperatorInput::required(TensorElementType::Float32) }; 3];
        let optional = [const { OperatorInput::optional(TensorElementType::Float32) }; 3];
        required.into_iter().chain(optional)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'attr>(&self, node: &KernelContext<'attr>) -> ort::Result<Node> {
        let name = format!("{} {:?}", Self::NAME, node.node_name()?);
        let refused = |reason: String| ort::Error::new(format!("{name}: {reason}"));
        let attributes =
            Attributes::read(|name| node.get(name), |name| node.get(name), |name| node.get(name));
        let attributes = attributes.map_err(refused)?;
        let constants =
            [KERNELS, BIAS].into_iter().chain(attributes.edge()).chain(attributes.slope());
        for at in constants {
            if node.constant_input::<DynTensorValueType>(at).is_err() {
                return Err(refused(format!("expected a constant as input {at}")));
            }
        }
        Ok(Node { name, attributes, library: self.library.clone(), plan: None })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let attributes = Attributes::read(
            |name| context.attr::<Vec<i64>>(name).ok(),
            |name| context.attr::<i64>(name).ok(),
            |name| context.attr::<Vec<f32>>(name).ok(),
        );
        let attributes = attributes.map_err(ort::Error::new)?;
        let extents = |kind: &ValueType| {
            kind.tensor_shape().and_then(|shape| <[i64; 4]>::try_from(shape.to_vec()).ok())
        };
        let inputs: Vec<_> = context.inputs().iter().take(2).map(extents).collect();
        let &[Some([images, height, width, _]), Some([outputs, _, high, wide])] = &inputs[..]
        else {
            return Err(ort::Error::new("expected images and kernels of four extents"));
        };
        let geometry = [high, wide].map(|extent| usize::try_from(extent).unwrap_or(0));
        let geometry = attributes.geometry(geometry);
        let positions = |axis, extent| {
            let known = usize::try_from(extent).ok();
            known.and_then(|extent| geometry.positions(axis, extent)).map_or(-1, |own| own as i64)
        };
        let kind = ValueType::Tensor {
            ty: TensorElementType::Float32,
            shape: [images, positions(0, height), positions(1, width), outputs].into(),
            dimension_symbols: SymbolicDimensions::empty(4),
        };
        context.set_output(0, &kind)
    }
}

/// The largest attribute, so that no sum of a few overflows.
const LARGEST: usize = 1 << 24;

impl Attributes {
    /// What a node says, by `list` and `number`; `Err` says which attribute is wrong.
    fn read(
        list: impl Fn(&str) -> Option<Vec<i64>>,
        number: impl Fn(&str) -> Option<i64>,
        floats: impl Fn(&str) -> Option<Vec<f32>>,
    ) -> Result<Self, String> {
        fn small<const N: usize>(
            name: &str,
            found: Option<Vec<i64>>,
            least: usize,
        ) -> Result<[usize; N], String> {
            let small = |found: &i64| {
                let own = usize::try_from(*found).ok();
                own.filter(|own| (least..=LARGEST).contains(own))
            };
            let own = found.as_ref().and_then(|found| found.iter().map(small).collect());
            own.and_then(|own: Vec<usize>| own.try_into().ok()).ok_or_else(|| {
                format!("expected {N} numbers from {least} to {LARGEST} as {name}, found {found:?}")
            })
        }
        let has = |name: &str| match number(name) {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(found) => Err(format!("expected 0 or 1 as {name}, found {found}")),
        };
        let clip = match floats("clip").as_deref() {
            None => None,
            Some(&[low, high]) if Clip::new(low, high).is_some() => Clip::new(low, high),
            Some(found) => return Err(format!("expected two numbers as clip, found {found:?}")),
        };
        let [groups] = small("group", number("group").map(|own| vec![own]), 1)?;
        Ok(Self {
            strides: small("strides", list("strides"), 1)?,
            pads: small("pads", list("pads"), 0)?,
            groups,
            edge: has("edge")?,
            slope: has("slope")?,
            more: has("more")?,
            clip,
        })
    }

    fn geometry(&self, kernel: [usize; 2]) -> Geometry {
        let &Self { strides, pads, groups, edge, slope, more, clip } = self;
        Geometry { kernel, strides, pads, groups, edge, slope, more, clip }
    }

    /// The place of the input, where there is one: those that are there follow each other.
    fn edge(&self) -> Option<usize> {
        self.edge.then_some(BIAS + 1)
    }

    fn slope(&self) -> Option<usize> {
        self.slope.then_some(BIAS + 1 + usize::from(self.edge))
    }

    fn more(&self) -> Option<usize> {
        self.more.then_some(BIAS + 1 + usize::from(self.edge) + usize::from(self.slope))
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
    fn run(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let images = input(context, IMAGES)?;
        let (extents, images) = images.try_extract_tensor::<f32>()?;
        let [count, height, width, inputs] = four(extents)?;
        let plan = self.plan(context, [height, width, inputs])?;
        let shape = *plan.shape();
        let ([rows, columns], outputs) = (shape.positions(), shape.outputs);
        let made = [count, rows, columns, outputs].map(|extent| extent as i64);
        let more = self.attributes.more().map(|at| input(context, at)).transpose()?;
        let more = match &more {
            None => None,
            Some(more) => {
                let (extents, more) = more.try_extract_tensor::<f32>()?;
                expect("what is added", &made, extents)?;
                Some(more)
            }
        };
        let mut output = context.output(0, made)?.ok_or_else(|| absent(0))?;
        let (_, made) = output.try_extract_tensor_mut::<f32>()?;
        let (each, each_made) = (shape.image_numbers(), shape.position_numbers());
        let places: Vec<Mutex<&mut [f32]>> =
            made.chunks_exact_mut(each_made).map(Mutex::new).collect();
        let store = self.library.store();
        let done = spread(context, count, &|number| {
            let mut place = places[number].lock().expect("each image is made once");
            let image = &images[number * each..][..each];
            let more = more.map(|more| &more[number * each_made..][..each_made]);
            store.with_scratch(plan.scratch(), |scratch| plan.run(image, more, &mut place, scratch))
        });
        done.map_err(|error| ort::Error::new(format!("{shape}: {error}")))
    }

    /// The plan for images of these extents, made where the last ones had others.
    fn plan(&mut self, context: &ComputeContext, image: [usize; 3]) -> ort::Result<Arc<Plan>> {
        if let Some(plan) = &self.plan {
            let &Shape { height, width, inputs, .. } = plan.shape();
            if [height, width, inputs] == image {
                return Ok(Arc::clone(plan));
            }
        }
        let kernels = input(context, KERNELS)?;
        let (extents, kernels) = kernels.try_extract_tensor::<f32>()?;
        let [outputs, each, high, wide] = four(extents)?;
        let geometry = self.attributes.geometry([high, wide]);
        let shape = Shape::new(geometry, image, outputs).ok_or_else(|| {
            let what = format!("{image:?}, kernels {extents:?} in {} groups", geometry.groups);
            ort::Error::new(format!("expected images that the kernels fit, found {what}"))
        })?;
        let found = [outputs, each, high, wide].map(|extent| extent as i64);
        expect("kernels", &shape.kernels().map(|extent| extent as i64), &found)?;
        let bias = input(context, BIAS)?;
        let edge = self.attributes.edge().map(|at| input(context, at)).transpose()?;
        let slope = self.attributes.slope().map(|at| input(context, at)).transpose()?;
        let by_output = [outputs as i64];
        let by_place = [outputs, high, wide].map(|extent| extent as i64);
        let constants = Constants {
            kernels,
            bias: numbers("bias", &bias, &by_output)?,
            edge: edge.as_ref().map(|edge| numbers("edge", edge, &by_place)).transpose()?,
            slope: slope.as_ref().map(|slope| numbers("slope", slope, &by_output)).transpose()?,
        };
        let plan = self.library.store().layer(self.library.engine(), shape, &constants);
        let plan = plan.map_err(|error| ort::Error::new(format!("{shape}: {error}")))?;
        self.plan = Some(Arc::clone(&plan));
        Ok(plan)
    }
}

fn absent(at: usize) -> ort::Error {
    ort::Error::new(format!("expected an input or output {at}, found none"))
}

fn input(context: &ComputeContext, at: usize) -> ort::Result<ValueRef<'_>> {
    context.input(at)?.ok_or_else(|| absent(at))
}

fn numbers<'a>(name: &str, value: &'a ValueRef<'_>, expected: &[i64]) -> ort::Result<&'a [f32]> {
    let (extents, numbers) = value.try_extract_tensor::<f32>()?;
    expect(name, expected, extents)?;
    Ok(numbers)
}

fn expect(name: &str, expected: &[i64], found: &[i64]) -> ort::Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(ort::Error::new(format!("{name}: expected {expected:?}, found {found:?}")))
}
