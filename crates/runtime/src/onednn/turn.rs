//! Kernels from one layout to another, in parts that threads share.

use super::constants::{DNNL_ARG_DST, DNNL_ARG_SRC};
use super::engine::Engine;
use super::fault::Fault;
use super::primitive::Primitive;
use super::scratch::{floats, piece};
use super::shape::PARTS;
use super::spread::Spread;
use super::tensor::{Desc, Memory};
use std::sync::Mutex;

/// Outputs of a part are a multiple of these, of which the library's blocks are parts.
const OUTPUTS: usize = 64;

/// Numbers of a part that are worth a call.
const PART_NUMBERS: usize = 1 << 16;

/// How kernels of `[outputs, inputs, rows, columns]` are copied to another layout, or another element.
#[derive(Debug)]
pub(super) struct Turn {
    parts: Vec<Part>,
}

/// Kernels of some outputs.
#[derive(Debug)]
struct Part {
    code: Primitive,
    from: Desc,
    to: Desc,
}

impl Turn {
    /// Makes it ready: in parts by outputs where both layouts can be divided so, else in one.
    pub(super) fn new(
        engine: &'static Engine,
        from: &Desc,
        to: &Desc,
        extents: [usize; 4],
    ) -> Result<Self, Fault> {
        let each = outputs_of_a_part(extents);
        let parts = (0..extents[0]).step_by(each).map(|first| {
            let own = [each.min(extents[0] - first), extents[1], extents[2], extents[3]];
            let part = |whole: &Desc| whole.part(own, [first, 0, 0, 0]);
            Part::new(engine, part(from)?, part(to)?)
        });
        let parts = parts.collect::<Result<Vec<_>, Fault>>().or_else(|_| {
            let whole = |desc: &Desc| desc.part(extents, [0; 4]);
            Ok(vec![Part::new(engine, whole(from)?, whole(to)?)?])
        })?;
        Ok(Self { parts })
    }

    /// Floats of memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        self.parts.iter().map(|part| floats(part.code.scratch_bytes())).sum()
    }

    /// Turns kernels; `scratch` has the length that [`Turn::scratch`] says.
    #[allow(unsafe_code)]
    pub(super) fn run(
        &self,
        (whole, from): (&Desc, &[f32]),
        to: (&Desc, &mut [f32]),
        mut scratch: &mut [f32],
        spread: Spread<'_>,
    ) -> ort::Result<()> {
        // The library does not say how far a part reaches that begins later.
        Memory::read(whole, from)?;
        // SAFETY: parts are of other outputs each.
        let places = unsafe { Memory::parts(to, self.parts.iter().map(|part| &part.to)) }?;
        let task = |(part, place)| {
            let part: &Part = part;
            let spare = piece(&mut scratch, floats(part.code.scratch_bytes()));
            Mutex::new((part, place, spare))
        };
        let tasks: Vec<_> = self.parts.iter().zip(places).map(task).collect();
        spread(tasks.len(), &|number| {
            let mut task = tasks[number].lock().expect("each task is done once");
            let (part, to, spare) = &mut *task;
            let from = Memory::read(&part.from, from)?;
            part.code.run(&[(DNNL_ARG_SRC, &from), (DNNL_ARG_DST, to)], spare)
        })
    }
}

impl Part {
    fn new(engine: &'static Engine, from: Desc, to: Desc) -> Result<Self, Fault> {
        let code = Primitive::reorder(engine, &from, &to)?;
        Ok(Self { code, from, to })
    }
}

/// Outputs of a part of kernels.
fn outputs_of_a_part([outputs, inputs, rows, columns]: [usize; 4]) -> usize {
    let numbers = outputs * inputs * rows * columns;
    let most = (numbers / PART_NUMBERS).clamp(1, PARTS);
    match outputs.div_ceil(most).next_multiple_of(OUTPUTS) {
        each if outputs.is_multiple_of(OUTPUTS) => each.min(outputs),
        _ => outputs.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_divided_where_that_is_worth_it_and_they_lie_in_whole_blocks() {
        for (extents, each) in [
            ([512, 512, 3, 3], 64),
            ([2048, 512, 3, 3], 128),
            ([128, 128, 3, 3], 64),
            ([64, 64, 3, 3], 64),
            ([512, 4, 1, 1], 512),
            ([500, 512, 3, 3], 500),
        ] {
            assert_eq!(outputs_of_a_part(extents), each, "{extents:?}");
        }
    }
}
