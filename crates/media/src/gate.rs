//! Whether a producer is worth hearing now: silence that a client sends all the same is not handed on.
//!
//! Driven by the producer with the audio level of each packet (RFC 6464). The gate opens with the first packet that stands out and shuts when
//! none has for a while, so that a word keeps its beginning and its end. What stands out depends on the room: above the threshold, and above
//! what this microphone sends all the time. A fan at −57 dBov is shut out while a whisper of that level in a quiet room is let through.
//!
//! The extension's voice flag is not used: browsers set it in every packet that is not discontinuous transmission's.

use std::time::{Duration, Instant};

use crate::frames::Frames;
use crate::observer::BEGIN_DBOV;
use crate::rtp::Level;

/// So far above a microphone's steady noise a packet stands out, dB. Noise of one kind seldom strays further from its quieter moments.
const MARGIN_DB: f32 = 10.0;
/// However loud the room, this stands out: whoever counts as speaking is heard.
const CEILING_DBOV: f32 = BEGIN_DBOV;
/// How long the gate stays open after the last packet that stood out. The last thing that listeners get is quiet, so that their decoders'
/// concealment of what follows is quiet too.
const HANGOVER: Duration = Duration::from_millis(400);
/// Share of a new level in what counts as noise, when it is louder, and when it is quieter, for each 20 ms that a packet holds. A pause of two
/// syllables brings it down to the room's noise, and five seconds of speech without one move it by less than the margin.
const RISE: f32 = 1.0 / 256.0;
const FALL: f32 = 1.0 / 8.0;

/// One producer's gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    /// Silence in the quietest room, dBov; `None` = the gate never shuts.
    threshold: Option<f32>,
    /// From which level on a packet stands out, between the threshold and the ceiling; `None` before the first level.
    stands_out: Option<f32>,
    /// When it shuts unless something stands out before.
    open_until: Option<Instant>,
}

impl Gate {
    /// A gate that is shut until something stands out. `threshold`: dBov −127…0, or `None` for one that is always open.
    pub(crate) fn new(threshold: Option<i8>) -> Self {
        Self {
            threshold: threshold.map(f32::from),
            stands_out: None,
            open_until: None,
        }
    }

    /// Takes a packet's level, and how much sound it is the level of; whether the packet is to be heard. One without a level always is.
    pub(crate) fn admits(&mut self, level: Option<Level>, frames: Frames, now: Instant) -> bool {
        let Some(threshold) = self.threshold else {
            return true;
        };
        if level.is_none_or(|level| self.stands_out(f32::from(level.dbov), frames, threshold)) {
            self.open_until = Some(now + HANGOVER);
        }
        self.open_until.is_some_and(|until| now < until)
    }

    /// Shuts it: what comes next must stand out anew.
    pub(crate) fn shut(&mut self) {
        self.open_until = None;
    }

    fn stands_out(&mut self, level: f32, frames: Frames, threshold: f32) -> bool {
        let wanted = (level + MARGIN_DB).clamp(threshold, CEILING_DBOV.max(threshold));
        let limit = self.stands_out.get_or_insert(wanted);
        let share = if wanted > *limit { RISE } else { FALL };
        *limit = frames.approach(*limit, wanted, share);
        level >= *limit
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test starts its clock somewhere"
    )]
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const PACKET: Duration = Duration::from_millis(20);
    const SECOND: usize = 50;

    /// Frames of packets of 20, 40 and 60 ms.
    const LENGTHS: [u32; 3] = [1, 2, 3];

    fn frames(count: u32) -> Frames {
        Frames::of(Some(count * 960))
    }

    /// What becomes of packets with these levels, 20 ms each.
    fn run(levels: impl IntoIterator<Item = i8>) -> Vec<bool> {
        run_of(1, levels)
    }

    /// What becomes of packets of so many frames.
    fn run_of(length: u32, levels: impl IntoIterator<Item = i8>) -> Vec<bool> {
        let (mut gate, mut now) = (Gate::new(Some(-60)), Instant::now());
        let admit = |dbov| {
            now += PACKET * length;
            gate.admits(Some(Level { voice: true, dbov }), frames(length), now)
        };
        levels.into_iter().map(admit).collect()
    }

    fn count(heard: &[bool]) -> usize {
        heard.iter().filter(|heard| **heard).count()
    }

    fn noise(seed: u64, levels: core::ops::RangeInclusive<i8>) -> impl Iterator<Item = i8> {
        let mut random = StdRng::seed_from_u64(seed);
        core::iter::repeat_with(move || random.random_range(levels.clone()))
    }

    fn still(level: i8, packets: usize) -> impl Iterator<Item = i8> {
        core::iter::repeat_n(level, packets)
    }

    #[test]
    fn the_first_packet_that_stands_out_is_heard_and_so_is_what_follows_for_400_ms() {
        let heard = run(still(-90, 10).chain([-40]).chain(still(-90, 50)));
        let first = heard.iter().position(|heard| *heard);
        assert_eq!((first, count(&heard)), (Some(10), 20));
        assert!(heard[10..30].iter().all(|heard| *heard));
    }

    #[test]
    fn silence_is_never_heard() {
        assert_eq!(count(&run(still(-127, 60 * SECOND))), 0);
    }

    #[test]
    fn steady_noise_of_any_microphone_is_never_heard() {
        for length in LENGTHS {
            let heard = |noise| count(&run_of(length, noise));
            for middle in -80..=-55 {
                let noise = noise(7, middle - 3..=middle + 3).take(60 * SECOND);
                assert_eq!(heard(noise), 0, "noise around {middle} dBov");
            }
            for seed in 0..10 {
                assert_eq!(heard(noise(seed, -65..=-55).take(60 * SECOND)), 0);
            }
        }
    }

    #[test]
    fn a_fan_that_is_switched_on_is_shut_out_after_the_same_time_whatever_the_packets_length() {
        let [short, longer, longest] = LENGTHS.map(|length| {
            let heard = run_of(length, still(-80, SECOND).chain(still(-55, 5 * SECOND)));
            assert!(!heard[heard.len() - 1]);
            count(&heard) as u32 * length
        });
        assert!((190..=200).contains(&short), "{short} frames");
        assert!(short.abs_diff(longer) <= 2, "{short}, {longer}");
        assert!(short.abs_diff(longest) <= 3, "{short}, {longest}");
    }

    #[test]
    fn a_whisper_is_let_through_after_the_same_pause_whatever_the_packets_length() {
        for (length, (pause, heard)) in LENGTHS
            .into_iter()
            .flat_map(|length| [(6, false), (12, true)].map(|case| (length, case)))
        {
            let (mut gate, mut now) = (Gate::new(Some(-60)), Instant::now());
            let mut admit = |gate: &mut Gate, dbov| {
                now += PACKET * length;
                gate.admits(Some(Level { voice: true, dbov }), frames(length), now)
            };
            for _ in 0..SECOND {
                admit(&mut gate, -30);
            }
            for _ in 0..pause / length {
                admit(&mut gate, -80);
            }
            gate.shut();
            let whispers = admit(&mut gate, -56);
            assert_eq!(whispers, heard, "{length} frames, after {pause}");
        }
    }

    #[test]
    fn noise_falls_silent_again_after_speech_over_it() {
        for level in [-57, -62, -70] {
            let speech = || still(-30, SECOND).chain(still(level, 15));
            let talk = (0..5).flat_map(|_| speech());
            let heard = run(talk.chain(noise(1, level - 2..=level + 2).take(5 * SECOND)));
            let late = heard.len() - 4 * SECOND;
            assert_eq!(count(&heard[late..]), 0, "noise around {level} dBov");
            assert!(heard[..325].iter().all(|heard| *heard), "{level}");
        }
    }

    #[test]
    fn a_whisper_in_a_quiet_room_is_heard_from_its_first_packet_on() {
        let whisper = || still(-57, 8).chain(still(-72, 4)).chain(still(-59, 6));
        let words = (0..30).flat_map(|_| whisper());
        let heard = run(still(-75, 5 * SECOND).chain(words));
        assert_eq!(count(&heard[..5 * SECOND]), 0);
        assert!(heard[5 * SECOND..].iter().all(|heard| *heard));
    }

    #[test]
    fn whoever_counts_as_speaking_is_heard_without_a_pause() {
        // Music that never pauses, as loud as what just counts as speech.
        assert!(run(still(-50, 60 * SECOND)).into_iter().all(|heard| heard));
        assert!(run(still(-20, 60 * SECOND)).into_iter().all(|heard| heard));
    }

    #[test]
    fn what_says_no_level_is_always_heard() {
        let (mut gate, mut now) = (Gate::new(Some(-60)), Instant::now());
        for _ in 0..SECOND {
            now += PACKET;
            assert!(gate.admits(None, frames(1), now));
        }
        let off = || Some(Level::from_byte(127));
        assert!(Gate::new(None).admits(off(), frames(1), now));
        assert!(!Gate::new(Some(-60)).admits(off(), frames(1), now));
    }

    #[test]
    fn a_gate_that_was_shut_waits_for_something_to_stand_out() {
        let (mut gate, now) = (Gate::new(Some(-60)), Instant::now());
        let admits =
            |gate: &mut Gate, byte, now| gate.admits(Some(Level::from_byte(byte)), frames(1), now);
        assert!(admits(&mut gate, 30, now));
        gate.shut();
        assert!(!admits(&mut gate, 90, now + PACKET));
        assert!(admits(&mut gate, 30, now + PACKET * 2));
    }
}
