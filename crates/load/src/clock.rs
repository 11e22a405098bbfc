//! When a datagram arrived, as the kernel saw it: a client that shares its cores with the server comes late to its own socket, and how late is not
//! the server's affair.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Older than this a stamp is not: no queue of ours holds more. What seems so has been stamped by a clock that was set meanwhile.
const OLDEST: Duration = Duration::from_secs(5);

/// One look at both clocks.
pub(crate) struct Clock {
    /// The clock that only goes forward.
    pub(crate) now: Instant,
    /// The system's, since 1970.
    system: Duration,
}

impl Clock {
    pub(crate) fn read() -> Self {
        Self {
            now: Instant::now(),
            system: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// When a datagram arrived that the kernel stamped so; now where it did not, or where the stamp cannot be.
    pub(crate) fn arrived(&self, stamp: Option<Duration>) -> Instant {
        let age = stamp.and_then(|stamp| self.system.checked_sub(stamp));
        age.filter(|age| *age <= OLDEST)
            .and_then(|age| self.now.checked_sub(age))
            .unwrap_or(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_so_long_ago_and_one_that_cannot_be_is_now() {
        let clock = Clock::read();
        let ago = |milliseconds| clock.system - Duration::from_millis(milliseconds);
        let arrived = |stamp| clock.now - clock.arrived(Some(stamp));
        assert_eq!(arrived(ago(7)), Duration::from_millis(7));
        assert_eq!(arrived(ago(6_000)), Duration::ZERO);
        let future = clock.system + Duration::from_millis(1);
        assert_eq!(clock.arrived(Some(future)), clock.now);
        assert_eq!(clock.arrived(None), clock.now);
    }
}
