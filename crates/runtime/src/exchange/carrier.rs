//! What carries an exchange: the processor's memory through a group, or a device's.

use super::row::Collective;
use ort::operator::ComputeContext;
use ort::value::{DynTensor, DynTensorRefMut};
use qgface_fs::causes::chain;
use qgface_group::{Error, Group, Reduction};
use std::sync::Arc;

/// Carries what ranks exchange.
pub(crate) trait Carrier: Send + Sync {
    /// How many ranks there are.
    fn ranks(&self) -> usize;

    /// The execution provider that has the nodes, none for the processor's.
    fn provider(&self) -> Option<&'static str>;

    /// Makes y of x, floats, or puts that behind what the device has to do. The number is the node's.
    ///
    /// # Errors
    /// What keeps it, in words.
    fn carry(
        &self,
        context: &ComputeContext,
        collective: Collective,
        x: &DynTensor,
        y: &mut DynTensorRefMut<'_>,
        number: usize,
    ) -> Result<(), String>;
}

impl Carrier for Arc<Group> {
    fn ranks(&self) -> usize {
        self.size()
    }

    fn provider(&self) -> Option<&'static str> {
        None
    }

    fn carry(
        &self,
        _: &ComputeContext,
        collective: Collective,
        x: &DynTensor,
        y: &mut DynTensorRefMut<'_>,
        number: usize,
    ) -> Result<(), String> {
        let said = |error: ort::Error| error.to_string();
        let (_, x) = x.try_extract_tensor::<f32>().map_err(said)?;
        let (_, y) = y.try_extract_tensor_mut::<f32>().map_err(said)?;
        made(self, collective, x, y, number).map_err(|error| chain(&error))
    }
}

fn made(
    group: &Group,
    collective: Collective,
    x: &[f32],
    y: &mut [f32],
    number: usize,
) -> Result<(), Error> {
    let whole = |y: &mut [f32], with: &dyn Fn(&mut [f32]) -> Result<(), Error>| {
        y.copy_from_slice(x);
        with(y)
    };
    match collective {
        Collective::Sum => whole(y, &|y| group.all_reduce(y, Reduction::Sum)),
        Collective::Max => whole(y, &|y| group.all_reduce(y, Reduction::Max)),
        Collective::Tell => whole(y, &|y| group.broadcast(y, number)),
        Collective::Gather => group.all_gather(x, y),
        Collective::Scatter => group.reduce_scatter(x, y),
    }
}
