//! The abs-send-time header extension: 24 bits of a clock, from which a receiver learns how delays change.
//!
//! Six bits of seconds and eighteen of their fraction, 3.8 µs a unit, wrapping every 64 s. Only differences mean anything.

use crate::rtcp::Ntp;

/// The extension's three bytes.
///
/// Retransmissions have to repeat what was sent before ([`crate::srtp`]), so take the time from when the packet *arrived*; the forwarder's
/// own delay, which that leaves out, is far below what a receiver can measure.
#[must_use]
pub fn from_ntp(time: Ntp) -> [u8; 3] {
    let [_, bytes @ ..] = ((time.0 >> 14) as u32).to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{Ntp, from_ntp};

    fn units(time: Duration) -> u32 {
        let [a, b, c] = from_ntp(Ntp::from_unix(time));
        u32::from_be_bytes([0, a, b, c])
    }

    #[test]
    fn one_second_is_two_to_the_eighteenth_and_it_wraps_after_sixty_four() {
        let start = units(Duration::from_secs(1_000));
        let after = |time| units(Duration::from_secs(1_000) + time).wrapping_sub(start) & 0xFF_FFFF;
        assert_eq!(after(Duration::from_secs(1)), 1 << 18);
        assert_eq!(after(Duration::from_millis(500)), 1 << 17);
        assert_eq!(after(Duration::from_secs(64)), 0);
    }

    #[test]
    fn the_seconds_are_those_of_ntp() {
        assert_eq!(from_ntp(Ntp(0x0000_003F_8000_0000)), [0xFE, 0, 0]);
    }
}
