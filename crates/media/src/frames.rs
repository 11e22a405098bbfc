//! How much sound a packet holds, and what that means to levels that are smoothed packet by packet.
//!
//! Clients send packets of 20 ms, or of 40 or 60 ms where they are asked to (`ptime`, RFC 7587 §6.1). The shares by which levels (RFC 6464) are
//! smoothed are meant for 20 ms, so a packet counts as that many frames of its level, and everything takes as long whatever packets are used.
//! What a packet does not tell is how its sound is spread over it: a click in 60 ms of silence has the level of 60 ms of something quieter.
//!
//! Driven by the producer with RTP timestamps, never with what Opus says of itself: the payload may be encrypted end to end.

use crate::clock::CLOCK_RATE;

/// RTP ticks of a frame.
const TICKS: u32 = CLOCK_RATE / 50;
/// Opus has no packets of more than 120 ms (RFC 6716 §3.2.5), so more ticks than that are a pause.
const MAX: u32 = 6;

/// Sound in frames of 20 ms, 1–6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frames(u32);

impl Frames {
    /// Of a packet that came so many RTP ticks after the one directly before it; `None` = that is not known. One frame when it cannot be told,
    /// as after loss or a pause, and of packets of 10 ms.
    ///
    /// Strictly this is the length of the packet before. Senders seldom change it, and then one packet is counted wrong.
    pub(crate) fn of(ticks: Option<u32>) -> Self {
        match ticks {
            // A timestamp that goes back is as far ahead as can be.
            Some(ticks) if ticks <= MAX * TICKS => Self(((ticks + TICKS / 2) / TICKS).max(1)),
            _ => Self(1),
        }
    }

    /// Where a level ends up that moves from `from` by a share of the way to `to` with each frame.
    pub(crate) fn approach(self, from: f32, to: f32, share: f32) -> f32 {
        (0..self.0).fold(from, |level, _| level + (to - level) * share)
    }
}

#[cfg(test)]
mod tests {
    use super::{Frames, MAX, TICKS};

    #[test]
    fn ticks_are_rounded_to_frames_of_20_ms() {
        let frames = [0, 120, 480, 960, 1_439, 1_440, 1_920, 2_880, 5_760]
            .map(|ticks| Frames::of(Some(ticks)).0);
        assert_eq!(frames, [1, 1, 1, 1, 1, 2, 2, 3, 6]);
    }

    #[test]
    fn what_cannot_be_one_packets_sound_is_one_frame() {
        for ticks in [
            MAX * TICKS + 1,
            400 * 48,
            u32::MAX,
            0_u32.wrapping_sub(TICKS),
        ] {
            assert_eq!(Frames::of(Some(ticks)), Frames(1), "{ticks}");
        }
        assert_eq!(Frames::of(None), Frames(1));
    }

    #[test]
    fn a_packet_moves_a_level_as_far_as_its_frames_one_by_one() {
        let one = Frames(1).approach(-90.0, -30.0, 0.4);
        assert!((one + 66.0).abs() < 1e-3, "{one}");
        let three = (0..3).fold(-90.0, |level, _| Frames(1).approach(level, -30.0, 0.4));
        assert!((Frames(3).approach(-90.0, -30.0, 0.4) - three).abs() < 1e-3);
    }
}
