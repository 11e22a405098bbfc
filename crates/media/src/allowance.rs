//! How often something may happen: a bucket that fills with time, so that a storm costs no more than its bound (T9).

use std::time::{Duration, Instant};

/// A bucket whose content is time: what is taken costs so long, and it holds so long at most. Sixteen bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// When it will be full again; in the past or `None` = it is.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes what costs so long out of a bucket of that size. False when there is less in it, and then nothing is taken.
    pub(crate) fn take(&mut self, cost: Duration, size: Duration, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + cost;
        let granted = full_at.saturating_duration_since(now) <= size;
        if granted {
            self.full_at = Some(full_at);
        }
        granted
    }
}

/// `BURST` at once, `RATE` a second in the long run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance<const RATE: u32, const BURST: u32> {
    bucket: Bucket,
}

impl<const RATE: u32, const BURST: u32> Allowance<RATE, BURST> {
    const ONE: Duration = Duration::from_nanos(1_000_000_000 / RATE as u64);

    /// Takes one out of the bucket. False when it is empty.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.bucket.take(Self::ONE, Self::ONE * BURST, now)
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
        let (mut allowance, start) = (Allowance::<200, 64>::default(), Instant::now());
        let storm = |allowance: &mut Allowance<200, 64>, now| {
            (0..10_000).filter(|_| allowance.take(now)).count()
        };
        assert_eq!(storm(&mut allowance, start), 64);
        let in_a_second: usize = (1..=100)
            .map(|step| storm(&mut allowance, start + Duration::from_millis(10) * step))
            .sum();
        assert_eq!(in_a_second, 200);
        assert_eq!(
            storm(&mut allowance, start + Duration::from_secs(3_600)),
            64
        );
    }
}
