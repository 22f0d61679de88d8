//! The queue of embeddings that the contrastive loss compares with (`framework.py`:
//! _dequeue_and_enqueue).

use super::columns::{Asked, Columns};
use super::rows::{first, lengths};
use super::sharing::QueueShare;
use crate::graph::{Builder, Element, Value};

/// What a queue gives back of an embedding that entered earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// The embedding moved along with its class: e + (|e|/|p_then|)·(p_now − p_then), p being the
    /// class column, not normalised.
    Proxy,
    /// The embedding as it entered.
    Fifo,
}

/// A queue and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    /// The kind.
    pub kind: QueueKind,
    /// Entries at most, Q.
    pub size: usize,
}

impl QueueShare {
    /// Whose columns ranks ask for that have parts of them: with one queue of all, those of one list.
    pub(super) fn asked(self) -> Asked {
        match self {
            Self::Own => Asked::Apart,
            Self::Shared => Asked::Together,
        }
    }
}

/// What a queue holds, newest first. Entries that nothing has entered yet stand behind the `filled`
/// ones.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    /// `[Q, D]`.
    pub embeddings: Value,
    /// `[Q]`, as floats: exact below 2²⁴.
    pub labels: Value,
    /// The class columns when the entry entered `[Q, D]`, for [`QueueKind::Proxy`].
    pub proxies: Option<Value>,
    /// How many entries are there, a number.
    pub filled: Value,
}

impl QueueOptions {
    /// Puts rows at the front: embeddings `[N, D]`, labels `[N]` as integers, and `columns`, their classes' of
    /// now `[N, D]`, which a queue without proxies does not read. No gradient flows into the queue.
    ///
    /// # Panics
    /// Where a queue has proxies and is given no columns.
    pub fn enqueue(
        self,
        g: &mut Builder,
        queue: Queue,
        rows: Value,
        labels: Value,
        columns: Option<Value>,
    ) -> Queue {
        let count = g.shape(rows)[0];
        let rows = g.detach(rows);
        let float_labels = g.cast(labels, Element::Float);
        let filled = g.offset(queue.filled, count as f64);
        let size = g.scalar(self.size as f64);
        let proxies = queue.proxies.map(|proxies| {
            let columns = columns.unwrap_or_else(|| panic!("rows without their classes' columns"));
            self.push(g, proxies, columns)
        });
        Queue {
            embeddings: self.push(g, queue.embeddings, rows),
            labels: self.push(g, queue.labels, float_labels),
            proxies,
            filled: g.min(filled, size),
        }
    }

    /// The rows of a part of the queue, or of what belongs to them, behind new ones.
    pub(super) fn push(self, g: &mut Builder, old: Value, new: Value) -> Value {
        let count = g.shape(new)[0].min(self.size);
        let front = g.slice(new, 0, 0, count);
        if count == self.size {
            return front;
        }
        let rest = g.slice(old, 0, 0, self.size - count);
        g.concat(&[front, rest], 0)
    }

    /// The columns of the entries' classes as they are now `[Q, D]`.
    pub fn columns_of(
        self,
        g: &mut Builder,
        queue: &Queue,
        columns: Columns,
        share: QueueShare,
    ) -> Value {
        let labels = g.cast(queue.labels, Element::Int64);
        columns.rows_of(g, labels, share.asked())
    }

    /// The entries as the loss uses them `[Q, D]`, with the columns of now `[Q, D]`; without them as they
    /// entered.
    pub fn entries(self, g: &mut Builder, queue: &Queue, now: Option<Value>) -> Value {
        let (Some(then), Some(now)) = (queue.proxies, now) else { return queue.embeddings };
        let (length, then_length) = (lengths(g, queue.embeddings), lengths(g, then));
        let ratio = g.div(length, then_length);
        let way = g.sub(now, then);
        let way = g.mul(ratio, way);
        g.add(queue.embeddings, way)
    }

    /// Which entries are there `[1, Q]`, true or false.
    pub(super) fn present(self, g: &mut Builder, queue: &Queue) -> Value {
        first(g, self.size, queue.filled)
    }
}
