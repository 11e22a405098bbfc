//! The packet time: how much sound one packet of a speaker holds (RFC 7587 §6.1, `ptime`).

use std::time::Duration;

/// RTP ticks a millisecond: Opus always counts at 48 kHz (RFC 7587 §4.1).
const TICKS_PER_MS: u32 = 48;

/// The packet times that a server may ask for, in milliseconds. A packet of one holds one, two or three frames of 20 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ptime {
    /// What everybody sends who was asked for nothing.
    #[default]
    Ms20,
    /// Two frames.
    Ms40,
    /// Three frames.
    Ms60,
}

impl Ptime {
    /// All there are, by their [`Ptime::index`].
    pub const ALL: [Self; 3] = [Self::Ms20, Self::Ms40, Self::Ms60];

    /// The packet time of so many milliseconds; `None` when there is none.
    #[must_use]
    pub fn from_ms(ms: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.ms() == ms)
    }

    /// Its milliseconds.
    #[must_use]
    pub const fn ms(self) -> u32 {
        20 * self.frames() as u32
    }

    /// Its place in [`Ptime::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Frames of 20 ms in a packet.
    pub(crate) const fn frames(self) -> usize {
        self as usize + 1
    }

    /// From one packet to the next.
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_millis(self.ms() as u64)
    }

    /// By how much a packet moves the RTP timestamp on.
    pub(crate) const fn ticks(self) -> u32 {
        TICKS_PER_MS * self.ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_20_40_and_60_ms_and_no_others() {
        let known: Vec<_> = (0..200).filter_map(Ptime::from_ms).collect();
        assert_eq!(known, Ptime::ALL);
        assert_eq!(
            known.iter().map(|one| one.ms()).collect::<Vec<_>>(),
            [20, 40, 60]
        );
        assert_eq!(
            known.iter().map(|one| one.ticks()).collect::<Vec<_>>(),
            [960, 1_920, 2_880]
        );
    }
}
