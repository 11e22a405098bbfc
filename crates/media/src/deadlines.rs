//! When which transport is due: a heap with at most one valid entry a transport, so that an idle transport costs nothing between its timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::slab::Slot;

/// What can wait a little is due at multiples of this: many transports are then looked at for one wake-up.
const STEP: Duration = Duration::from_millis(10);

/// A worker's timers. A transport that was removed, or whose timer moved, may still have an entry; the worker asks the transport itself when
/// the entry is due, so a stale one costs one look.
#[derive(Debug)]
pub(crate) struct Deadlines {
    start: Instant,
    heap: BinaryHeap<Reverse<(Instant, Slot)>>,
}

impl Deadlines {
    /// No timers, on a worker that begins now.
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            heap: BinaryHeap::new(),
        }
    }

    /// When something is looked at that is due at `at` and can wait a little: at the end of its step.
    pub(crate) fn in_time(&self, at: Instant) -> Instant {
        let begun = at.saturating_duration_since(self.start).subsec_nanos() % STEP.subsec_nanos();
        match begun {
            0 => at,
            begun => at + STEP - Duration::from_nanos(begun.into()),
        }
    }

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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test starts its clock somewhere"
    )]
    use super::*;

    #[test]
    fn what_can_wait_a_little_is_due_at_the_end_of_its_step_and_never_before() {
        let start = Instant::now();
        let deadlines = Deadlines::new(start);
        let after = |micros| start + Duration::from_micros(micros);
        for (due, looked_at) in [
            (0, 0),
            (1, 10_000),
            (10_000, 10_000),
            (10_001, 20_000),
            (29_999_999, 30_000_000),
        ] {
            assert_eq!(deadlines.in_time(after(due)), after(looked_at), "{due} us");
        }
    }
}
