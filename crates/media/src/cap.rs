//! How much one producer may send: packets and bits a second. What is beyond is dropped, and whoever does not stop is told to go (T19).

use std::time::{Duration, Instant};

use crate::allowance::Bucket;

/// As much as the rate lets through in so long may come at once.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Refusals that come closer together than this are one flood.
const GAP: Duration = Duration::from_secs(1);
/// A flood of this length is no accident of the network: its transport ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one producer may send in the long run, and in one second at once: what a stalled network lets go of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Packets a second, at least 1.
    pub packets: u32,
    /// Bits of payload a second. A packet of more than that many bits never passes.
    pub bits: u32,
}

impl Default for Rates {
    /// Twice the packets that Opus makes in its shortest usual frames of 10 ms; and music at 128 kbit/s with a copy of everything (RFC 2198).
    fn default() -> Self {
        Self {
            packets: 200,
            bits: 256_000,
        }
    }
}

/// What is left of one producer's rates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cap {
    packets: Bucket,
    bits: Bucket,
    /// When the flood that goes on began, and when it was last refused something.
    flood: Option<(Instant, Instant)>,
}

impl Cap {
    /// Takes a packet with a payload of so many bytes. False when it is beyond one of the rates.
    pub(crate) fn take(&mut self, length: usize, rates: Rates, now: Instant) -> bool {
        let bits = u64::try_from(length).unwrap_or(u64::MAX).saturating_mul(8);
        let granted = take(&mut self.packets, 1, rates.packets, now)
            && take(&mut self.bits, bits, rates.bits, now);
        if !granted {
            let began = match self.flood {
                Some((began, latest)) if now.saturating_duration_since(latest) < GAP => began,
                _ => now,
            };
            self.flood = Some((began, now));
        }
        granted
    }

    /// Whether it has been going on for so long that its transport is to end.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.flood
            .is_some_and(|(began, latest)| latest.saturating_duration_since(began) >= PATIENCE)
    }
}

/// Takes an amount out of a bucket that holds one second's worth of its rate.
fn take(bucket: &mut Bucket, amount: u64, rate: u32, now: Instant) -> bool {
    let nanoseconds = amount.saturating_mul(1_000_000_000) / u64::from(rate.max(1));
    bucket.take(Duration::from_nanos(nanoseconds), AT_ONCE, now)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test starts its clock somewhere"
    )]
    use super::*;

    const RATES: Rates = Rates {
        packets: 100,
        bits: 80_000,
    };

    /// Packets of a length that pass, of so many that come each 10 ms for so many seconds, and whether it is exhausted then.
    fn passed(length: usize, each: usize, seconds: u32) -> (usize, bool) {
        let (mut cap, start) = (Cap::default(), Instant::now());
        let taken = (0..seconds * 100)
            .map(|step| {
                let now = start + Duration::from_millis(10) * step;
                (0..each).filter(|_| cap.take(length, RATES, now)).count()
            })
            .sum();
        (taken, cap.is_exhausted())
    }

    #[test]
    fn t19_a_flood_of_packets_gets_a_second_at_once_and_then_its_rate() {
        let (taken, _) = passed(1, 20, 5);
        assert!((595..=600).contains(&taken), "{taken}");
    }

    #[test]
    fn t19_a_flood_of_bits_gets_a_second_at_once_and_then_its_rate() {
        let (taken, _) = passed(1_000, 1, 5); // ten times the rate: 10 of 100 a second
        assert!((59..=60).contains(&taken), "{taken}");
    }

    #[test]
    fn who_stays_within_the_rates_loses_nothing_and_is_never_told_to_go() {
        assert_eq!(passed(100, 1, 60), (6_000, false));
    }

    #[test]
    fn t19_a_flood_is_told_to_go_after_ten_seconds_and_not_before() {
        assert!(!passed(1, 4, 10).1);
        assert!(passed(1, 4, 12).1);
    }

    #[test]
    fn now_and_then_something_beyond_the_rates_is_no_flood() {
        let (mut cap, start) = (Cap::default(), Instant::now());
        for second in 0..100 {
            let now = start + Duration::from_millis(1_500) * second;
            (0..300).for_each(|_| {
                cap.take(1, RATES, now);
            });
        }
        assert!(!cap.is_exhausted());
    }

    #[test]
    fn no_packet_and_no_rate_makes_it_panic() {
        let mut cap = Cap::default();
        let nothing = Rates {
            packets: 0,
            bits: 0,
        };
        assert!(!cap.take(usize::MAX, nothing, Instant::now()));
    }
}
