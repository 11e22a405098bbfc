//! How many lost packets a receiver may have again (T9): a bucket that fills with time, so that a storm of requests costs no more than its bound.

use std::time::{Duration, Instant};

/// Retransmissions a second that one consumer gets: four times what a stream of 50 packets a second could ever use.
const PER_SECOND: u32 = 200;
/// How many at once: one request's worth, 17 packets, several times.
const BURST: u32 = 64;
const ONE: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);

/// See the module's documentation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    /// When the bucket would be full; before the first request it is.
    full_at: Option<Instant>,
}

impl Allowance {
    /// Takes one retransmission out of the bucket. False when it is empty.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + ONE;
        let granted = full_at.saturating_duration_since(now) <= ONE * BURST;
        if granted {
            self.full_at = Some(full_at);
        }
        granted
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
    fn t9_a_storm_gets_a_burst_and_then_a_rate() {
        let (mut allowance, start) = (Allowance::default(), Instant::now());
        let storm =
            |allowance: &mut Allowance, now| (0..10_000).filter(|_| allowance.take(now)).count();
        assert_eq!(storm(&mut allowance, start), BURST as usize);
        let in_a_second: usize = (1..=100)
            .map(|step| storm(&mut allowance, start + Duration::from_millis(10) * step))
            .sum();
        assert_eq!(in_a_second, PER_SECOND as usize);
    }
}
