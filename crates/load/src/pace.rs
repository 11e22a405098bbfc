//! Who speaks when: one packet each 20 ms a speaker, the speakers spread evenly over the 20 ms.
//!
//! All have the same period, so their order never changes: a ring, whose head is the next to speak. No step costs more with more speakers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One Opus packet (RFC 7587 §4.2: the usual 20 ms).
pub(crate) const FRAME: Duration = Duration::from_millis(20);

/// See the module's documentation. Speakers are told by their place.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    ring: VecDeque<(Instant, usize)>,
}

impl Pace {
    /// Lets a speaker begin, at a phase of its own within the 20 ms after `now`.
    pub(crate) fn add(&mut self, speaker: usize, now: Instant) {
        let due = now + phase(speaker);
        let place = self.ring.partition_point(|(other, _)| *other <= due);
        self.ring.insert(place, (due, speaker));
    }

    /// Lets nobody speak.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
    }

    /// Ends one speaker's turns.
    pub(crate) fn remove(&mut self, speaker: usize) {
        self.ring.retain(|(_, other)| *other != speaker);
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.ring.front().map(|(due, _)| *due)
    }

    /// The next speaker that is due, with when it was; `again` tells whether it speaks once more.
    pub(crate) fn pop_due(
        &mut self,
        now: Instant,
        again: impl FnOnce(usize) -> bool,
    ) -> Option<(Instant, usize)> {
        let (due, speaker) = *self.ring.front().filter(|(due, _)| *due <= now)?;
        self.ring.pop_front();
        if again(speaker) {
            self.ring.push_back((due + FRAME, speaker));
        }
        Some((due, speaker))
    }
}

/// A speaker's share of the 20 ms: multiples of the golden section lie far from each other, however many there are.
fn phase(speaker: usize) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    FRAME.mul_f64((speaker as f64 * GOLDEN).fract())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn everyone_speaks_each_20_ms_in_the_same_order() {
        let start = Instant::now();
        let mut pace = Pace::default();
        (0..10).for_each(|speaker| pace.add(speaker, start));
        let round = |pace: &mut Pace| -> Vec<_> {
            (0..10)
                .map(|_| pace.pop_due(start + FRAME * 3, |_| true).unwrap())
                .collect()
        };
        let (first, second) = (round(&mut pace), round(&mut pace));
        for (one, two) in first.iter().zip(&second) {
            assert_eq!((one.0 + FRAME, one.1), *two);
        }
        let gaps = first.windows(2).map(|pair| match pair {
            [one, two] => two.0 - one.0,
            _ => Duration::ZERO,
        });
        assert!(
            gaps.max().unwrap() < Duration::from_millis(5),
            "spread evenly"
        );
    }

    #[test]
    fn whoever_has_said_all_is_not_asked_again() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.add(0, start);
        pace.add(1, start);
        pace.remove(1);
        assert_eq!(pace.pop_due(start, |_| false), Some((start, 0)));
        assert_eq!(pace.next(), None);
    }
}
