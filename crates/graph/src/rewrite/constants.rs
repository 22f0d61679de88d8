//! Constants of a model, and tensors made of numbers.

use super::attributes::find;
use crate::onnx::{ElementType, Graph, Location, Tensor};
use std::collections::HashMap;

/// Constants by name: initialisers, what nodes `Constant` make, and other names for these.
pub(super) struct Constants<'a>(HashMap<&'a str, &'a Tensor>);

/// Numbers and their extents.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers {
    pub(super) extents: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl<'a> Constants<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        let own = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
        let mut known: HashMap<&str, &Tensor> = own.collect();
        for node in &graph.node {
            let tensor = match node.op_type.as_str() {
                "Constant" => find(node, "value").and_then(|own| own.t.as_deref()),
                // Exporters write a tensor that several nodes have once.
                "Identity" => node.input.first().and_then(|name| known.get(name.as_str()).copied()),
                _ => None,
            };
            if let (Some(tensor), Some(name)) = (tensor, node.output.first()) {
                known.insert(name, tensor);
            }
        }
        Self(known)
    }

    /// The floats of a name; nothing where there are none, or not as many as its extents say.
    pub(super) fn floats(&self, name: &str) -> Option<Numbers> {
        let tensor = self.0.get(name)?;
        if tensor.data_type != ElementType::Float as i32
            || tensor.data_location != Location::Default as i32
        {
            return None;
        }
        let extents = tensor.dims.iter().map(|&extent| usize::try_from(extent).ok());
        let extents: Vec<usize> = extents.collect::<Option<_>>()?;
        let count = extents.iter().try_fold(1_usize, |all, &extent| all.checked_mul(extent))?;
        let values: Vec<f32> = match tensor.raw_data.is_empty() {
            true => tensor.float_data.clone(),
            false if tensor.raw_data.len() % size_of::<f32>() != 0 => return None,
            false => {
                let (all, _) = tensor.raw_data.as_chunks();
                all.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
            }
        };
        (values.len() == count).then_some(Numbers { extents, values })
    }

    /// As many finite floats as there are channels, one for each.
    pub(super) fn by_channel(&self, name: &str, channels: usize) -> Option<Vec<f32>> {
        let numbers = self.floats(name)?;
        let fits = numbers.extents == [channels] && numbers.values.iter().all(|x| x.is_finite());
        fits.then_some(numbers.values)
    }

    /// The same of numbers that are spread over images `[images, channels, height, width]`.
    pub(super) fn spread_by_channel(&self, name: &str, channels: usize) -> Option<Vec<f32>> {
        let Numbers { extents, values } = self.floats(name)?;
        let finite = values.iter().all(|x| x.is_finite());
        let extents: Vec<usize> = extents.into_iter().skip_while(|&extent| extent == 1).collect();
        match (&values[..], &extents[..]) {
            _ if !finite => None,
            (&[one], []) => Some(vec![one; channels]),
            (_, &[own, 1, 1]) if own == channels => Some(values),
            _ => None,
        }
    }

    /// The one number of a name.
    pub(super) fn number(&self, name: &str) -> Option<f32> {
        let numbers = self.floats(name)?;
        <[f32; 1]>::try_from(numbers.values).ok().map(|[number]| number)
    }

    /// Whether the name is one number, which is the same in every order of axes.
    pub(super) fn is_number(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|tensor| tensor.dims.len() <= 4 && tensor.dims.iter().all(|&own| own == 1))
    }
}

/// Floats as an initialiser.
pub(super) fn tensor(name: String, extents: &[usize], values: &[f32]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw(name, extents, ElementType::Float, bytes)
}

/// Integers as an initialiser.
pub(super) fn integers(name: String, values: &[i64]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw(name, &[values.len()], ElementType::Int64, bytes)
}

fn raw(name: String, extents: &[usize], element: ElementType, bytes: Vec<u8>) -> Tensor {
    Tensor {
        name,
        dims: extents.iter().map(|&extent| extent as i64).collect(),
        data_type: element as i32,
        raw_data: bytes.into(),
        ..Tensor::default()
    }
}
