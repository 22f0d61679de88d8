//! Sums over ranks of what a program makes, begun while it makes the rest.
//!
//! Buckets are summed one after the other, in their order, whenever each is announced: so all ranks exchange
//! in one order, whatever their graphs run first, and whether they begin ahead or not.

use super::bulletin::{Announced, Bulletin};
use crate::{Buffer, Error};
use qgface_group::{Group, Reduction};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// What ranks sum of a program's outputs.
#[derive(Debug, Clone, Copy)]
pub struct Sums<'a> {
    /// The ranks.
    pub group: &'a Group,
    /// Outputs by what is summed in one go; nodes announce a bucket by its number here.
    pub buckets: &'a [Vec<Buffer>],
    /// Whether a bucket is summed when it is announced, if those before it are; else all when the program has
    /// run. The sums are the same to the bit.
    pub ahead: bool,
}

/// What was summed of a program's outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summed {
    /// Buckets that were announced where they lie, each with all before it, so that they are summed as soon as
    /// those are.
    pub ahead: usize,
    /// The time in which ranks exchanged something, or waited for each other, while the program ran.
    pub hidden: Duration,
}

/// The floats of a buffer that a run has locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) first: *mut f32,
    pub(crate) count: usize,
}

// SAFETY: a run keeps the buffer's lock while there are parts, and hands each to one thread.
#[allow(unsafe_code)]
unsafe impl Send for Part {}

impl Sums<'_> {
    /// Runs, and sums ahead or then. `parts` are the buckets' floats.
    ///
    /// # Safety
    /// Each part must be the floats of a buffer that nobody else reads or writes until this returns, but for the
    /// run, which does neither once it has announced them from there.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn around(
        &self,
        bulletin: &Bulletin,
        parts: Vec<Vec<Part>>,
        model: &Path,
        run: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Summed, Error> {
        let failed = |source: qgface_group::Error| {
            let source = Box::new(source);
            Error::Sums { model: model.to_path_buf(), source }
        };
        let mut summing = Summing { group: self.group, parts, next: 0, scratch: Vec::new() };
        if !self.ahead {
            run()?;
            summing.rest().map_err(failed)?;
            return Ok(Summed::default());
        }
        let (tell, told) = mpsc::channel();
        let (over, is_over) = mpsc::channel();
        thread::scope(|scope| {
            let listening = bulletin.listen(tell);
            let worker = scope.spawn(move || summing.ahead(&told, &is_over));
            let ran = run();
            let exchanged = self.group.waited();
            if ran.is_ok() {
                // It is received by a thread that ends with an error at most.
                _ = over.send(());
            }
            drop((listening, over));
            let worked = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let after = self.group.waited().saturating_sub(exchanged);
            ran?;
            let (ahead, spent) = worked.map_err(failed)?;
            Ok(Summed { ahead, hidden: spent.saturating_sub(after) })
        })
    }
}

/// Buckets on their way.
struct Summing<'g> {
    group: &'g Group,
    parts: Vec<Vec<Part>>,
    /// The first that is not summed yet.
    next: usize,
    scratch: Vec<f32>,
}

impl Summing<'_> {
    /// Sums what is announced, and, if the run has ended well, the rest; how many buckets were the first, and the
    /// time that all took of ranks.
    fn ahead(
        mut self,
        told: &Receiver<Announced>,
        is_over: &Receiver<()>,
    ) -> Result<(usize, Duration), qgface_group::Error> {
        // The program exchanges nothing behind what it announces.
        let mut begun = None;
        let mut made = vec![false; self.parts.len()];
        // It ends when the run does.
        for Announced { number, made: at } in told {
            let Some(parts) = self.parts.get(number) else { continue };
            // What lies elsewhere is copied to its buffer later.
            let lies_here = parts.iter().map(|own| own.first.addr()).eq(at);
            made[number] |= lies_here;
            begun.get_or_insert_with(|| self.group.waited());
            while made.get(self.next).is_some_and(|made| *made) {
                self.sum()?;
            }
        }
        let ahead = self.next;
        let begun = begun.unwrap_or_else(|| self.group.waited());
        if is_over.recv().is_ok() {
            self.rest()?;
        }
        Ok((ahead, self.group.waited().saturating_sub(begun)))
    }

    fn rest(&mut self) -> Result<(), qgface_group::Error> {
        while self.next < self.parts.len() {
            self.sum()?;
        }
        Ok(())
    }

    /// Sums the next bucket; small tensors are put together, summed, and put back.
    #[allow(unsafe_code)]
    fn sum(&mut self) -> Result<(), qgface_group::Error> {
        let Self { group, parts, next, scratch } = self;
        let mut parts: Vec<&mut [f32]> = parts[*next]
            .iter()
            // SAFETY: `around` has them to itself, and each bucket is taken once.
            .map(|own| unsafe { std::slice::from_raw_parts_mut(own.first, own.count) })
            .collect();
        *next += 1;
        if let [alone] = &mut parts[..] {
            return group.all_reduce(alone, Reduction::Sum);
        }
        scratch.clear();
        parts.iter().for_each(|own| scratch.extend_from_slice(own));
        group.all_reduce(scratch, Reduction::Sum)?;
        let mut rest = &scratch[..];
        for own in parts {
            let (first, others) = rest.split_at(own.len());
            own.copy_from_slice(first);
            rest = others;
        }
        Ok(())
    }
}
