//! One producer before the channel's places: how loud it is, how long it has waited, which place it has.

use std::sync::Arc;
use std::time::Instant;

use super::{
    ActiveSpeakers, Asking, GAIN_DB, Held, LAPSE_MS, LOUDEST_DBOV, MARGIN_DB, QUIETEST_DBOV,
    STEPS_A_DB,
};
use crate::frames::Frames;
use crate::rtp::Level;

/// How loud one counts who writes no level: neither always heard nor never.
const UNKNOWN_DB: f32 = RANGE_DB / 2.0;
const RANGE_DB: f32 = (LOUDEST_DBOV - QUIETEST_DBOV) as f32;
const _: () = assert!(MARGIN_DB < RANGE_DB, "who is much louder waits for nobody");
/// Share of a new level in the loudness, when it is louder, and when it is quieter, for each 20 ms that a packet holds: a syllable brings it up,
/// and it takes more than a second to come down, so that what is compared are voices and not the moment's vowels.
const RISE: f32 = 1.0 / 4.0;
const FALL: f32 = 1.0 / 64.0;
/// The most that one packet adds to the time waited: waiting in silence counts for nothing, but a lost packet does not interrupt it.
const WAIT_STEP_MS: u64 = LAPSE_MS;
/// The longest wait that counts: ranks have 16 bits.
const WAITED_MAX_MS: u64 = 1_000_000;
const _: () =
    assert!((RANGE_DB + GAIN_DB * (WAITED_MAX_MS / 1_000) as f32) * STEPS_A_DB <= u16::MAX as f32);

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Speaker {
    channel: Arc<ActiveSpeakers>,
    ticket: u32,
    /// Quieter keeps no place, dBov.
    silence: i8,
    pub(super) held: Option<Held>,
    /// Whether it has asked and was not heard.
    waits: bool,
    /// dB above [`QUIETEST_DBOV`].
    loudness: f32,
    /// Spent in speaking without being heard since it last had a place.
    pub(super) waited_ms: u64,
    asked_at: u64,
}

impl Speaker {
    /// Somebody who has said nothing yet. `silence`: below this level, dBov, a packet keeps no place.
    pub(crate) fn new(channel: Arc<ActiveSpeakers>, silence: i8) -> Self {
        Self {
            ticket: channel.ticket(),
            channel,
            silence,
            held: None,
            waits: false,
            loudness: 0.0,
            waited_ms: 0,
            asked_at: 0,
        }
    }

    /// Takes the level of a packet, and how much sound it is the level of; whether the packet is to be heard.
    pub(crate) fn is_heard(&mut self, level: Option<Level>, frames: Frames, now: Instant) -> bool {
        if self.channel.limit() == 0 {
            return true;
        }
        let now = self.channel.at(now);
        let speaks = self.measure(level, frames);
        self.keeps(speaks, now) || (speaks && self.asks(now))
    }

    /// Whether its last packet was kept back because others were heard.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// It fell silent, is paused or over: its place is free at once. What it has waited stays to its credit.
    pub(crate) fn leave(&mut self) {
        if let Some(held) = self.held.take() {
            self.channel.leave(held);
        }
        // Its claim to be next lapses. Withdrawn, the next place would be anybody's for a moment, such as an accomplice's.
        self.waits = false;
        self.loudness = 0.0;
    }

    /// Notes how loud it is; whether that is no silence.
    fn measure(&mut self, level: Option<Level>, frames: Frames) -> bool {
        let Some(Level { dbov, .. }) = level else {
            self.loudness = UNKNOWN_DB;
            return true;
        };
        let above = f32::from(dbov.clamp(QUIETEST_DBOV, LOUDEST_DBOV) - QUIETEST_DBOV);
        let share = if above > self.loudness { RISE } else { FALL };
        self.loudness = frames.approach(self.loudness, above, share);
        dbov >= self.silence
    }

    /// Whether it has a place still.
    fn keeps(&mut self, speaks: bool, now: u64) -> bool {
        let spoke = speaks.then(|| steps(self.loudness));
        let Some(held) = self.held else { return false };
        if !self.channel.keep(held, spoke, now) {
            self.channel.leave(held); // it may be there still, beyond a lower limit
            self.held = None;
        }
        self.held.is_some()
    }

    /// Whether it gets a place.
    fn asks(&mut self, now: u64) -> bool {
        let step = now.saturating_sub(self.asked_at).min(WAIT_STEP_MS);
        self.waited_ms = (self.waited_ms + step).min(WAITED_MAX_MS);
        self.asked_at = now;
        let credit = GAIN_DB * self.waited_ms as f32 / 1_000.0;
        let asking = Asking {
            ticket: self.ticket,
            rank: steps(self.loudness + credit),
            loudness: steps(self.loudness),
        };
        self.held = self.channel.ask(asking, now);
        self.waits = self.held.is_none();
        if self.held.is_some() {
            self.waited_ms = 0;
        }
        self.held.is_some()
    }
}

fn steps(db: f32) -> u16 {
    (db * STEPS_A_DB) as u16
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test starts its clock somewhere"
    )]
    use std::time::Duration;

    use super::*;

    const SILENCE: i8 = -60;
    /// Frames of packets of 20, 40 and 60 ms.
    const LENGTHS: [u32; 3] = [1, 2, 3];

    fn frames(count: u32) -> Frames {
        Frames::of(Some(count * 960))
    }

    fn at(dbov: i8) -> Option<Level> {
        Some(Level { voice: true, dbov })
    }

    /// A channel with one place, and so many speakers who have said nothing.
    fn speakers<const N: usize>() -> ([Speaker; N], Instant) {
        let start = Instant::now();
        let channel = Arc::new(ActiveSpeakers::new(start));
        channel.set_limit(1);
        let speaker = |_| Speaker::new(Arc::clone(&channel), SILENCE);
        (core::array::from_fn(speaker), start)
    }

    #[test]
    fn a_voice_comes_up_and_goes_down_in_the_same_time_whatever_its_packets_length() {
        let after = |length: u32, ms: u32| {
            let ([mut speaker], start) = speakers();
            for packet in 0..ms / (length * 20) {
                let ms = packet * length * 20;
                let level = if ms < 240 { -25 } else { -90 };
                let now = start + Duration::from_millis(ms.into());
                speaker.is_heard(at(level), frames(length), now);
            }
            speaker.loudness
        };
        for ms in [120, 240, 360, 1_200] {
            let [short, longer, longest] = LENGTHS.map(|length| after(length, ms));
            assert!((short - longer).abs() < 1e-3, "{short}, {longer}");
            assert!((short - longest).abs() < 1e-3, "{short}, {longest}");
        }
    }

    #[test]
    fn t18_waiting_counts_by_the_clock_however_much_sound_packets_claim_to_hold() {
        for claimed in 1..=6 {
            let ([mut holder, mut waiting], start) = speakers();
            for ms in (0..=1_800).step_by(60) {
                let now = start + Duration::from_millis(1_000 + ms);
                assert!(holder.is_heard(at(-20), frames(3), now));
                assert!(!waiting.is_heard(at(-20), frames(claimed), now));
            }
            assert_eq!(waiting.waited_ms, WAIT_STEP_MS + 1_800, "{claimed}");
        }
    }

    #[test]
    fn t18_who_claims_more_sound_than_there_is_is_no_louder_than_may_be_claimed() {
        let ([mut liar], start) = speakers();
        for packet in 0..100 {
            liar.is_heard(at(0), frames(6), start + Duration::from_millis(packet));
            assert!(liar.loudness <= RANGE_DB);
        }
    }

    #[test]
    fn a_lost_packet_of_60_ms_costs_who_waits_neither_the_turn_nor_the_time() {
        let ([mut holder, mut first, mut second], start) = speakers();
        let now = |ms| start + Duration::from_millis(ms);
        assert!(holder.is_heard(at(-30), frames(3), now(1_000)));
        assert!(!first.is_heard(at(-20), frames(3), now(1_010)));
        assert!(!second.is_heard(at(-40), frames(3), now(1_020)));
        // What `first` sends at 1,070 is lost.
        assert!(!first.is_heard(at(-20), frames(3), now(1_130)));
        assert_eq!(first.waited_ms, WAIT_STEP_MS + 120);
        holder.leave();
        // What it sends at 1,190 is lost, and the next comes late.
        assert!(!second.is_heard(at(-40), frames(3), now(1_270)));
        assert!(first.is_heard(at(-20), frames(3), now(1_275)));
    }
}
