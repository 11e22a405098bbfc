//! Who speaks when: one packet each packet time a speaker, the speakers of each packet time spread evenly over it.
//!
//! Those of one packet time have the same period, so their order never changes: a ring, whose head is the next to speak. There is a ring for
//! each, and the earliest of three heads is the next of all. No step costs more with more speakers.
//!
//! **Nobody catches up.** When the crowd got no core for longer than a turn of 20 ms, the whole schedule moves, and how far is told. A crowd
//! of people never sends a third of a second of voice at once; one that did would overrun buffers, the server's and its own. The turn is 20 ms
//! for longer packets too: the same stall is the same pause, whatever is sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ptime::Ptime;

/// How late somebody may speak by the schedule.
const TURN: Duration = Ptime::Ms20.duration();

/// See the module's documentation. Speakers are told by their place.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// By [`Ptime::index`]; each in the order of what is due.
    rings: [VecDeque<(Instant, usize)>; Ptime::ALL.len()],
    /// How far the schedule has moved.
    paused: Duration,
}

/// Somebody's turn to speak, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) speaker: usize,
    /// When it was due, after the schedule moved if it had to.
    pub(crate) due: Instant,
    /// How late it comes by the schedule as it was before.
    pub(crate) late: Duration,
}

impl Pace {
    /// Lets a speaker begin, at a phase of its own within the packet time after `now`.
    pub(crate) fn add(&mut self, speaker: usize, ptime: Ptime, now: Instant) {
        self.insert(speaker, ptime, now + phase(speaker, ptime));
    }

    /// Lets a speaker go on after its turn: the next packet holds so much sound, and is due when that has been said.
    pub(crate) fn again(&mut self, turn: Turn, ptime: Ptime) {
        self.insert(turn.speaker, ptime, turn.due + ptime.duration());
    }

    /// Lets nobody speak, and begins anew to add up pauses.
    pub(crate) fn clear(&mut self) {
        self.rings.iter_mut().for_each(VecDeque::clear);
        self.paused = Duration::ZERO;
    }

    /// How long the schedule has stood still since the last [`Pace::clear`].
    pub(crate) fn paused(&self) -> Duration {
        self.paused
    }

    /// Ends one speaker's turns.
    pub(crate) fn remove(&mut self, speaker: usize) {
        for ring in &mut self.rings {
            ring.retain(|(_, other)| *other != speaker);
        }
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let heads = self.rings.iter().filter_map(VecDeque::front);
        heads.map(|(due, _)| *due).min()
    }

    /// The turn of the next speaker that is due, who has no other one until [`Pace::again`]. At most one turn behind, or the schedule moves.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Turn> {
        let late = now.checked_duration_since(self.next()?)?;
        self.move_by(late.saturating_sub(TURN));
        let heads = self.rings.iter_mut().filter(|ring| !ring.is_empty());
        let ring = heads.min_by_key(|ring| ring.front().copied())?;
        let (due, speaker) = ring.pop_front()?;
        Some(Turn { speaker, due, late })
    }

    /// Nearly always at the end: turns come in order, and each ring's next ones follow by the same time.
    fn insert(&mut self, speaker: usize, ptime: Ptime, due: Instant) {
        if let Some(ring) = self.rings.get_mut(ptime.index()) {
            let place = ring.partition_point(|(other, _)| *other <= due);
            ring.insert(place, (due, speaker));
        }
    }

    fn move_by(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.paused += pause;
            let all = self.rings.iter_mut().flatten();
            all.for_each(|(due, _)| *due += pause);
        }
    }
}

/// A speaker's share of its packet time: multiples of the golden section lie far from each other, however many there are.
fn phase(speaker: usize, ptime: Ptime) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    ptime.duration().mul_f64((speaker as f64 * GOLDEN).fract())
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
