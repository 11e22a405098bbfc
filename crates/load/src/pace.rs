//! Who speaks when: one packet each 20 ms a speaker, the speakers spread evenly over the 20 ms.
//!
//! All have the same period, so their order never changes: a ring, whose head is the next to speak. No step costs more with more speakers.
//!
//! **Nobody catches up.** When the crowd got no core for longer than a turn, the whole schedule moves, and how far is told. A crowd of
//! people never sends a third of a second of voice at once; one that did would overrun buffers, the server's and its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One Opus packet (RFC 7587 §4.2: the usual 20 ms).
pub(crate) const FRAME: Duration = Duration::from_millis(20);

/// See the module's documentation. Speakers are told by their place.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    ring: VecDeque<(Instant, usize)>,
    /// How far the schedule has moved.
    paused: Duration,
}

impl Pace {
    /// Lets a speaker begin, at a phase of its own within the 20 ms after `now`.
    pub(crate) fn add(&mut self, speaker: usize, now: Instant) {
        let due = now + phase(speaker);
        let place = self.ring.partition_point(|(other, _)| *other <= due);
        self.ring.insert(place, (due, speaker));
    }

    /// Lets nobody speak, and begins anew to add up pauses.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
        self.paused = Duration::ZERO;
    }

    /// How long the schedule has stood still since the last [`Pace::clear`].
    pub(crate) fn paused(&self) -> Duration {
        self.paused
    }

    /// Ends one speaker's turns.
    pub(crate) fn remove(&mut self, speaker: usize) {
        self.ring.retain(|(_, other)| *other != speaker);
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.ring.front().map(|(due, _)| *due)
    }

    /// The next speaker that is due, with when it was; `again` tells whether it speaks once more. At most one turn behind,
    /// or the schedule moves.
    pub(crate) fn pop_due(
        &mut self,
        now: Instant,
        again: impl FnOnce(usize) -> bool,
    ) -> Option<(Instant, usize)> {
        let (due, speaker) = *self.ring.front().filter(|(due, _)| *due <= now)?;
        self.move_by(now.saturating_duration_since(due + FRAME));
        let (kept, _) = self.ring.pop_front()?;
        if again(speaker) {
            self.ring.push_back((kept + FRAME, speaker));
        }
        Some((due, speaker))
    }

    fn move_by(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.paused += pause;
            self.ring.iter_mut().for_each(|(due, _)| *due += pause);
        }
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
        let round = |pace: &mut Pace, now: Instant| -> Vec<_> {
            (0..10)
                .map(|_| pace.pop_due(now, |_| true).unwrap())
                .collect()
        };
        let first = round(&mut pace, start + FRAME);
        let second = round(&mut pace, start + FRAME * 2);
        assert_eq!(pace.paused(), Duration::ZERO);
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
    fn after_a_pause_everyone_speaks_once_and_then_as_before() {
        let start = Instant::now();
        let mut pace = Pace::default();
        (0..10).for_each(|speaker| pace.add(speaker, start));
        let late = start + FRAME * 9;
        let mut spoken = 0;
        while pace.pop_due(late, |_| true).is_some() {
            spoken += 1;
        }
        assert_eq!(spoken, 11, "once each, and the first for its next turn");
        assert_eq!(pace.paused(), FRAME * 8);
        let later = late + FRAME;
        let next = std::iter::from_fn(|| pace.pop_due(later, |_| true));
        assert_eq!(next.count(), 10);
        assert_eq!(pace.paused(), FRAME * 8);
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
