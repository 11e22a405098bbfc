//! When which transport is due: a heap with at most one valid entry a transport, so that an idle transport costs nothing between its timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::slab::Slot;

/// A worker's timers. A transport that was removed, or whose timer moved, may still have an entry; the worker asks the transport itself when
/// the entry is due, so a stale one costs one look.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, Slot)>>,
}

impl Deadlines {
    /// The earliest entry's time.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Asks for a look at `slot` at `at`. `scheduled` is the transport's own note of its earliest entry, which keeps entries few.
    pub(crate) fn schedule(
        &mut self,
        slot: Slot,
        at: Option<Instant>,
        scheduled: &mut Option<Instant>,
    ) {
        let Some(at) = at else { return };
        if scheduled.is_none_or(|earlier| at < earlier) {
            *scheduled = Some(at);
            self.heap.push(Reverse((at, slot)));
        }
    }

    /// The next place that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, Slot)> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
