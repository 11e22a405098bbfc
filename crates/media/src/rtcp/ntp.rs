//! Wall-clock time as RTCP writes it (RFC 3550 §4, RFC 5905 §6).

use core::time::Duration;

/// Seconds from 1 January 1900, where NTP begins, to 1 January 1970, where Unix time begins.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// An NTP timestamp: seconds since 1900 in the upper 32 bits, their fraction in units of 2⁻³² s in the lower. Wraps in 2036.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ntp(pub u64);

impl Ntp {
    /// From the time since the Unix epoch. Rounds down to 2⁻³² s (0.23 ns).
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs().wrapping_add(UNIX_EPOCH);
        let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// The middle 32 bits, in units of 1/65536 s: what a report block repeats as LSR. Wraps every 18 hours.
    #[must_use]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}
