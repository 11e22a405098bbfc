//! A worker's own clock for the wire: what sender reports and abs-send-time count in.
//!
//! The core knows no wall clock, and nobody needs one of it: RFC 3550 §4 lets a sender count from any beginning of its own. It begins one second
//! before the worker did, because a middle part of zero means "no report yet" (§6.4.1).

use std::time::{Duration, Instant};

use crate::rtcp::Ntp;

/// RTP ticks a second of all audio here (RFC 7587 §4.1).
pub(crate) const CLOCK_RATE: u32 = 48_000;

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start }
    }

    /// The clock at an instant; before its beginning it stands.
    pub(crate) fn at(self, now: Instant) -> Ntp {
        Ntp::from_unix(now.saturating_duration_since(self.start) + Duration::from_secs(1))
    }
}
