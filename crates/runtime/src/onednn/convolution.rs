//! A convolution of one shape made ready: its parts, and how kernels are turned to the layout that the
//! library chooses.

use super::constants::{DNNL_BF16, DNNL_F32, DNNL_QUERY_DIFF_WEIGHTS_MD, DNNL_QUERY_WEIGHTS_MD};
use super::engine::Engine;
use super::fault::Fault;
use super::scratch::{floats, piece};
use super::shape::{Factors, Pass, Shape};
use super::spread::Spread;
use super::tensor::{Desc, long};
use super::turn::Turn;
use super::work::Work;
use std::ops::Range;
use std::sync::Mutex;

/// Numbers that are added up by one call of a thread.
const SUM_NUMBERS: usize = 1 << 16;

/// A convolution of one shape, ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    shape: Shape,
    parts: Vec<Range<usize>>,
    /// One for each size of parts, the first part's first.
    works: Vec<Work>,
    /// Kernels in PyTorch's order.
    plain: Desc,
    /// Kernels in the library's.
    kernels: Desc,
    /// From one to the other: to the library's, where kernels are read.
    turn: Turn,
}

impl Plan {
    /// Makes a convolution ready in the parts that its shape is best divided into.
    pub(super) fn new(engine: &'static Engine, shape: Shape) -> Result<Self, Fault> {
        Self::divided(engine, shape, shape.parts())
    }

    pub(super) fn divided(
        engine: &'static Engine,
        shape: Shape,
        parts: Vec<Range<usize>>,
    ) -> Result<Self, Fault> {
        let all = [shape.outputs, shape.inputs, shape.kernel, shape.kernel];
        let extents = all.map(long);
        let [_, inputs, kernel, _] = extents;
        let strides = [inputs * kernel * kernel, kernel * kernel, kernel, 1];
        let plain = Desc::strided(engine, extents, DNNL_F32, strides)?;
        let kind = match (shape.pass, shape.factors) {
            (Pass::Forward | Pass::ByImages, Factors::Bfloat16) => DNNL_BF16,
            _ => DNNL_F32,
        };
        let any = Desc::any(engine, extents, kind)?;
        let mut sizes: Vec<usize> = parts.iter().map(Range::len).collect();
        sizes.dedup();
        let first = sizes.first().copied().unwrap_or(1);
        let first = Work::new(engine, shape, first, &any)?;
        let query = match shape.pass {
            Pass::ByKernels => DNNL_QUERY_DIFF_WEIGHTS_MD,
            Pass::Forward | Pass::ByImages => DNNL_QUERY_WEIGHTS_MD,
        };
        // Kernels are turned once, so that all parts have them in the layout of the largest.
        let kernels = first.code.part(query)?;
        let turn = match shape.pass {
            Pass::ByKernels => Turn::new(engine, &kernels, &plain, all)?,
            Pass::Forward | Pass::ByImages => Turn::new(engine, &plain, &kernels, all)?,
        };
        let mut works = vec![first];
        for &images in sizes.iter().skip(1) {
            works.push(Work::new(engine, shape, images, &kernels)?);
        }
        Ok(Self { shape, parts, works, plain, kernels, turn })
    }

    fn work(&self, part: &Range<usize>) -> &Work {
        let own = self.works.iter().find(|work| work.images == part.len());
        own.expect("every size of parts has its work")
    }

    /// Floats of memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        let kernels = floats(self.kernels.bytes());
        let copies = match self.shape.pass {
            Pass::ByKernels => self.parts.len(),
            Pass::Forward | Pass::ByImages => 1,
        };
        let parts = self.parts.iter().map(|part| self.work(part).scratch()).sum::<usize>();
        copies * kernels + self.turn.scratch() + parts
    }

    /// Positions from images, or images from positions: `read` and kernels to `made`; `scratch` has the length
    /// that [`Plan::scratch`] says.
    pub(super) fn map<N: Copy + Sync>(
        &self,
        read: &[N],
        kernels: &[f32],
        made: &mut [f32],
        mut scratch: &mut [f32],
        spread: Spread<'_>,
    ) -> ort::Result<()> {
        let turned = piece(&mut scratch, floats(self.kernels.bytes()));
        let spare = piece(&mut scratch, self.turn.scratch());
        self.turn.run((&self.plain, kernels), (&self.kernels, turned), spare, spread)?;
        self.map_images(read, turned, made, scratch, spread)
    }

    /// Each part from its images, or positions, and all kernels.
    fn map_images<N: Copy + Sync>(
        &self,
        mut read: &[N],
        kernels: &[f32],
        mut made: &mut [f32],
        mut scratch: &mut [f32],
        spread: Spread<'_>,
    ) -> ort::Result<()> {
        let (image, position) = (self.shape.image_numbers(), self.shape.position_numbers());
        let (each_read, each_made) = match self.shape.pass {
            Pass::Forward => (image, position),
            _ => (position, image),
        };
        let mut tasks = Vec::new();
        for part in &self.parts {
            let work = self.work(part);
            let (own, rest) = read.split_at(part.len() * each_read);
            read = rest;
            let own_made = piece(&mut made, part.len() * each_made);
            let own_scratch = piece(&mut scratch, work.scratch());
            tasks.push(Mutex::new((work, own, own_made, own_scratch)));
        }
        spread(tasks.len(), &|number| {
            let mut task = tasks[number].lock().expect("each task is done once");
            let (work, read, made, scratch) = &mut *task;
            work.map(self.shape.pass, read, (&self.kernels, kernels), made, scratch)
        })
    }

    /// The gradient by kernels: each part's own, added in their order. `scratch` as for [`Plan::map`].
    pub(super) fn gather<N: Copy + Sync>(
        &self,
        [mut images, mut positions]: [&[N]; 2],
        made: &mut [f32],
        mut scratch: &mut [f32],
        spread: Spread<'_>,
    ) -> ort::Result<()> {
        let (image, position) = (self.shape.image_numbers(), self.shape.position_numbers());
        let length = floats(self.kernels.bytes());
        let mut sums = piece(&mut scratch, self.parts.len() * length);
        let spare = piece(&mut scratch, self.turn.scratch());
        if self.parts.is_empty() {
            made.fill(0.0);
            return Ok(());
        }
        let mut tasks = Vec::new();
        for (part, sum) in self.parts.iter().zip(sums.chunks_exact_mut(length)) {
            let work = self.work(part);
            let (own_images, rest) = images.split_at(part.len() * image);
            images = rest;
            let (own_positions, rest) = positions.split_at(part.len() * position);
            positions = rest;
            let own_scratch = piece(&mut scratch, work.scratch());
            tasks.push(Mutex::new((work, own_images, own_positions, sum, own_scratch)));
        }
        spread(tasks.len(), &|number| {
            let mut task = tasks[number].lock().expect("each task is done once");
            let (work, images, positions, sum, scratch) = &mut *task;
            work.gather([images, positions], (&self.kernels, sum), scratch)
        })?;
        drop(tasks);
        let sum = piece(&mut sums, length);
        let rows = sum.chunks_mut(SUM_NUMBERS).enumerate();
        let rows: Vec<_> = rows.map(|(number, row)| Mutex::new((number, row))).collect();
        spread(rows.len(), &|number| {
            let mut row = rows[number].lock().expect("each task is done once");
            let (number, row) = &mut *row;
            for other in sums.chunks_exact(length) {
                let other = &other[*number * SUM_NUMBERS..][..row.len()];
                row.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
            }
            Ok(())
        })?;
        drop(rows);
        self.turn.run((&self.kernels, &*sum), (&self.plain, made), spare, spread)
    }
}
