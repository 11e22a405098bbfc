//! Who is speaking: a decision out of the audio levels that the sender wrote (RFC 6464), never out of decoded audio.
//!
//! A producer counts as speaking when its smoothed level rises above a threshold, and stops when it has stayed below a lower one for a while:
//! two thresholds and a hangover, so that a speaking ring neither flickers between words nor lights up for a keystroke.

use std::time::{Duration, Instant};

use crate::frames::Frames;

/// Begins to speak above this level, dBov. Speech into a headset lies around −35…−20, noise that a browser's suppression lets through below −55.
pub(crate) const BEGIN_DBOV: f32 = -50.0;
/// Counts as silent below this one.
const END_DBOV: f32 = -56.0;
const _: () = assert!(END_DBOV < BEGIN_DBOV);
/// How long it must be silent to have stopped. Pauses between words last up to 300 ms.
const HANGOVER: Duration = Duration::from_millis(400);
/// No packet for this long is silence too: muted, discontinuous transmission, or gone.
const QUIET: Duration = Duration::from_millis(500);
const _: () = assert!(HANGOVER.as_millis() <= QUIET.as_millis());
/// Share of a new level in the smoothed one for each 20 ms that a packet holds: a step of 40 dB takes 60 ms to cross a threshold, a click of
/// 20 ms in a packet of its own does not. One in a packet of 60 ms lends its level to all of it and counts, if it is loud: nobody can tell.
const ATTACK: f32 = 0.4;
/// The lowest level that the extension can say.
const FLOOR_DBOV: f32 = -127.0;

/// A change of who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) speaking: bool,
    /// dBov, −127…0.
    pub(crate) level: i8,
}

/// One producer's levels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observer {
    smoothed: f32,
    latest: Option<i8>,
    /// While speaking: when it counts as silent unless a loud packet comes.
    silent_at: Option<Instant>,
}

impl Default for Observer {
    fn default() -> Self {
        Self {
            smoothed: FLOOR_DBOV,
            latest: None,
            silent_at: None,
        }
    }
}

impl Observer {
    /// Whether the producer counts as speaking.
    pub(crate) fn is_speaking(&self) -> bool {
        self.silent_at.is_some()
    }

    /// The latest packet's level, dBov; `None` = the sender writes none.
    pub(crate) fn level(&self) -> Option<i8> {
        self.latest
    }

    /// When [`Observer::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.silent_at
    }

    /// Takes one packet's level, dBov −127…0, and how much sound it is the level of.
    pub(crate) fn handle_level(
        &mut self,
        level: i8,
        frames: Frames,
        now: Instant,
    ) -> Option<Change> {
        let value = f32::from(level.clamp(-127, 0));
        self.latest = Some(level.clamp(-127, 0));
        self.smoothed = frames.approach(self.smoothed, value, ATTACK);
        let began = !self.is_speaking() && self.smoothed >= BEGIN_DBOV;
        if began || (self.is_speaking() && self.smoothed >= END_DBOV) {
            self.silent_at = Some(now + QUIET);
        } else if let Some(silent_at) = &mut self.silent_at {
            // Below the threshold packets still come: the shorter hangover counts, from the first quiet one on.
            *silent_at = (*silent_at).min(now + HANGOVER);
        }
        began.then(|| self.change())
    }

    /// Whether it has been silent for long enough by now.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Change> {
        self.silent_at.filter(|silent_at| *silent_at <= now)?;
        self.stop()
    }

    /// Ends speaking at once: paused or closed.
    pub(crate) fn stop(&mut self) -> Option<Change> {
        self.smoothed = FLOOR_DBOV;
        self.silent_at.take()?;
        Some(self.change())
    }

    fn change(&self) -> Change {
        #[allow(clippy::cast_possible_truncation, reason = "−127…0 by construction")]
        let level = self.smoothed as i8;
        Change {
            speaking: self.is_speaking(),
            level,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test fails by panicking, and starts its clock somewhere"
    )]
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    fn frames(count: u32) -> Frames {
        Frames::of(Some(count * 960))
    }

    /// Feeds levels at 20 ms each and returns the changes with the packet's number.
    fn run(levels: impl IntoIterator<Item = i8>) -> Vec<(usize, bool)> {
        run_of(1, levels)
    }

    /// The same with packets of so many frames.
    fn run_of(length: u32, levels: impl IntoIterator<Item = i8>) -> Vec<(usize, bool)> {
        let (mut observer, mut now) = (Observer::default(), Instant::now());
        let mut changes = Vec::new();
        for (number, level) in levels.into_iter().enumerate() {
            now += PACKET * length;
            let due = observer.handle_timeout(now);
            changes.extend(
                due.into_iter()
                    .chain(observer.handle_level(level, frames(length), now))
                    .map(|change| (number, change.speaking)),
            );
        }
        changes
    }

    #[test]
    fn a_click_of_one_packet_is_not_speech() {
        assert_eq!(run([-90, -90, -10, -90, -90, -90]), []);
    }

    #[test]
    fn speech_is_noticed_within_five_packets() {
        let changes = run(core::iter::repeat_n(-90, 5).chain(core::iter::repeat_n(-30, 10)));
        assert!(matches!(changes[..], [(5..=9, true)]), "{changes:?}");
    }

    #[test]
    fn speech_is_noticed_after_the_same_time_whatever_the_packets_length() {
        let quiet = 30;
        for (level, after) in [(-30, 3), (-45, 5)] {
            for length in [1, 2, 3] {
                let before = core::iter::repeat_n(-90, quiet / length as usize);
                let changes = run_of(length, before.chain(core::iter::repeat_n(level, 20)));
                let [(packet, true)] = changes[..] else {
                    panic!("{changes:?}")
                };
                // It is noticed with the packet that holds the frame.
                let heard = (packet + 1) as u32 * length - quiet as u32;
                assert_eq!(heard, u32::next_multiple_of(after, length), "{level} dBov");
            }
        }
    }

    #[test]
    fn a_pause_between_words_does_not_end_speech_but_half_a_second_does() {
        let word = || core::iter::repeat_n(-25, 20);
        let between = core::iter::repeat_n(-90, 12);
        let end = core::iter::repeat_n(-90, 40);
        let changes = run(word().chain(between).chain(word()).chain(end));
        let words: Vec<bool> = changes.iter().map(|(_, speaking)| *speaking).collect();
        assert_eq!(words, [true, false]);
    }

    #[test]
    fn a_level_between_the_thresholds_changes_nothing() {
        assert_eq!(run(core::iter::repeat_n(-53, 200)), []);
    }

    #[test]
    fn no_packets_for_half_a_second_is_silence() {
        let (mut observer, now) = (Observer::default(), Instant::now());
        for _ in 0..10 {
            observer.handle_level(-20, frames(1), now);
        }
        assert!(observer.is_speaking());
        assert_eq!(observer.next_timeout(), Some(now + QUIET));
        assert_eq!(observer.handle_timeout(now + QUIET - PACKET), None);
        assert!(
            observer
                .handle_timeout(now + QUIET)
                .is_some_and(|change| !change.speaking)
        );
        assert_eq!(observer.next_timeout(), None);
    }

    #[test]
    fn a_paused_producer_stops_at_once_and_says_so_once() {
        let (mut observer, now) = (Observer::default(), Instant::now());
        for _ in 0..10 {
            observer.handle_level(-20, frames(1), now);
        }
        assert!(observer.stop().is_some());
        assert_eq!(observer.stop(), None);
    }
}
