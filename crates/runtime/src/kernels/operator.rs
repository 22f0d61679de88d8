//! What all operators share: being taken by the runtime, and holding shapes against each other.

use super::super::guard::guarded;
use super::call::Call;
use super::port::{Extent, Port, output_type, refuse};
use ort::Error;
use ort::operator::{
    ComputeContext, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext,
};
use ort::value::{DynTensorRef, DynTensorValueType};
use std::marker::PhantomData;

/// An operator on images of floats. Its first input is an image.
pub(super) trait Channelwise: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// What it takes.
    const INPUTS: &'static [Port];
    /// What it makes.
    const OUTPUTS: &'static [Port];
    /// Inputs in whose memory an output may lie.
    const INPLACES: &'static [(u32, u32)] = &[];

    /// With the attributes of a node.
    ///
    /// # Errors
    /// An attribute that is missing or out of range.
    fn new(attributes: &KernelContext<'_>) -> Result<Self, Error>;

    /// Computes.
    ///
    /// # Errors
    /// Whatever the runtime refuses with.
    fn compute(&self, call: &Call<'_>) -> Result<(), Error>;
}

/// An operator as the runtime takes it.
#[derive(Debug)]
pub(super) struct Custom<K>(PhantomData<fn() -> K>);

impl<K> Custom<K> {
    /// To be added to a domain.
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The kernel of a node.
#[derive(Debug)]
pub(super) struct Kernel<K>(K);

impl<K: Channelwise> ort::operator::Kernel for Kernel<K> {
    fn compute(&mut self, context: &ComputeContext) -> Result<(), Error> {
        // A panic that left it would end the process.
        let done = guarded(|| self.0.compute(&call::<K>(context)?));
        done.unwrap_or_else(|panic| Err(Error::new(format!("{}: {panic}", K::NAME))))
    }
}

impl<K: Channelwise> Operator for Custom<K> {
    type Kernel<'attr> = Kernel<K>;

    const INPLACES: &[(u32, u32)] = K::INPLACES;

    fn name(&self) -> &str {
        K::NAME
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let input = |port: &Port| match port.optional {
            true => OperatorInput::optional(port.element),
            false => OperatorInput::required(port.element),
        };
        K::INPUTS.iter().map(input)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        K::OUTPUTS.iter().map(|port| OperatorOutput::required(port.element))
    }

    fn create_kernel<'attr>(&self, attributes: &KernelContext<'attr>) -> Result<Kernel<K>, Error> {
        K::new(attributes).map(Kernel)
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> Result<(), Error> {
        let inputs = context.inputs();
        for (at, port) in K::OUTPUTS.iter().enumerate() {
            if let Some(kind) = output_type(K::INPUTS, &inputs, port) {
                context.set_output(at, &kind)?;
            }
        }
        Ok(())
    }
}

/// The inputs of a computation, held against each other.
fn call<'a, K: Channelwise>(context: &'a ComputeContext) -> Result<Call<'a>, Error> {
    let input = |at| match context.input(at)? {
        Some(value) => value.downcast::<DynTensorValueType>().map(Some),
        None => Ok(None),
    };
    let count = context.num_inputs()?.min(K::INPUTS.len());
    let inputs = (0..count).map(input).collect::<Result<Vec<_>, _>>()?;
    let given: Vec<(&Port, Vec<usize>)> = K::INPUTS
        .iter()
        .zip(&inputs)
        .filter_map(|(port, input)| Some((port, extents(input.as_ref()?))))
        .collect();
    let (shape, channels) = agree::<K>(&given)?;
    Ok(Call::new(context, inputs, shape, channels))
}

/// Extents of a tensor that is there, of which none is open.
fn extents(tensor: &DynTensorRef<'_>) -> Vec<usize> {
    tensor.shape().iter().map(|&extent| usize::try_from(extent).unwrap_or(0)).collect()
}

/// The shape of the images and their channels, where all inputs fit.
fn agree<K: Channelwise>(given: &[(&Port, Vec<usize>)]) -> Result<(Vec<usize>, usize), Error> {
    let misfit = |port: &Port, expected: String, found: &[usize]| {
        Err(refuse(K::NAME, port.name, &expected, &format!("{found:?}")))
    };
    let Some((first, shape)) = given.first() else {
        return Err(refuse(K::NAME, "inputs", "an image", "none"));
    };
    let channels = match shape.last().copied().unwrap_or(1) {
        0 => return misfit(first, "an image of channels".to_owned(), shape),
        channels => channels,
    };
    for (port, extents) in given {
        let expected = match port.extent {
            Extent::Image => &shape[..],
            Extent::Channels => &[channels],
            Extent::Number => &[],
        };
        if extents != expected {
            return misfit(port, format!("{expected:?}"), extents);
        }
    }
    Ok((shape.clone(), channels))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, program_in, refusal};
    use crate::Runtime;
    use std::sync::Barrier;

    #[test]
    fn a_panic_is_a_refusal_and_ends_nothing() {
        let Some(runtime) = Runtime::installed() else { return };
        for (rows, words) in [(1, "Broken: part 0 of 1"), (4096, "a part of the work: part")] {
            let shape: &[usize] = &[rows, 64];
            let said = refusal(&runtime, ("Broken", vec![]), &[shape], &[shape]);
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn programs_of_a_domain_that_is_new_may_be_opened_at_once() {
        let Some(runtime) = Runtime::installed() else { return };
        let shape: &[usize] = &[2, 3];
        let model = model("ChannelAffine", vec![], &[shape, &[3], &[3]], &[shape]);
        for round in 0..200 {
            let (domain, both) = (format!("new{round}"), Barrier::new(2));
            let open = || {
                both.wait();
                program_in(&domain, &runtime, &model, 1).map(|_| ())
            };
            std::thread::scope(|scope| {
                let opened = [scope.spawn(open), scope.spawn(open)];
                opened.into_iter().for_each(|opened| opened.join().unwrap().unwrap());
            });
        }
    }
}
