//! CPU time of this thread, and what it allocated meanwhile.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::parts::counting::allocations;

/// Readings from which a reading's own cost is taken.
const CALIBRATION: usize = 1_001;

/// Adds up what is timed between two calls of [`Stopwatch::reset`].
#[derive(Debug, Default)]
pub struct Stopwatch {
    spent: Duration,
    allocated: usize,
    /// What two readings with nothing between them differ by.
    own_cost: Duration,
}

impl Stopwatch {
    /// A stopwatch that knows what it costs itself.
    pub fn new() -> Self {
        let mut costs: Vec<Duration> = (0..CALIBRATION)
            .map(|_| {
                let begun = cpu_time();
                cpu_time() - begun
            })
            .collect();
        costs.sort_unstable();
        Self {
            own_cost: costs[CALIBRATION / 2],
            ..Self::default()
        }
    }

    /// Times `act`, user and system time together; a thread that waits for the processor costs nothing.
    pub fn time<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let (made, allocated) = allocations(|| self.time_allocating(act));
        self.allocated += allocated;
        made
    }

    /// As [`Stopwatch::time`], for what may allocate: work that a timer and not a packet asks for.
    pub fn time_allocating<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let begun = cpu_time();
        let made = act();
        self.spent += (cpu_time() - begun).saturating_sub(self.own_cost);
        made
    }

    /// CPU time and allocations since the last call; both begin again at zero.
    pub fn reset(&mut self) -> (Duration, usize) {
        (
            std::mem::take(&mut self.spent),
            std::mem::take(&mut self.allocated),
        )
    }
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        now.tv_sec.unsigned_abs(),
        u32::try_from(now.tv_nsec).unwrap(),
    )
}
