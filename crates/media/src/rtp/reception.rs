//! What has been received of one stream, and the report block that says so (RFC 3550 §6.4.1, A.3, A.8).

use core::time::Duration;
use std::time::Instant;

use crate::rtcp::{Ntp, ReportBlock};

/// Steps of the interarrival time that say nothing about the network: a source that began anew, a clock that jumped.
const MAX_TRANSIT_STEP: Duration = Duration::from_secs(5);

/// The counts of one stream. Fed with indices that SRTP has authenticated, so there is no probation (A.1) to go through.
#[derive(Debug, Clone, Copy)]
pub struct Reception {
    clock_rate: u32,
    /// The lowest index seen; `highest` the highest. Mean nothing while `received` is zero.
    lowest: u64,
    highest: u64,
    /// All packets, late and repeated ones too.
    received: u64,
    /// Arrival and timestamp of the packet `highest`.
    newest: Option<(Instant, u32)>,
    /// Sixteen times the jitter, in ticks: the fraction that A.8's integer arithmetic keeps.
    jitter: u32,
    /// Expected and received when the last report was made.
    reported: (u64, u64),
    /// Middle bits and arrival of the newest sender report.
    sender_report: Option<(u32, Instant)>,
}

impl Reception {
    /// Of a stream whose timestamps count `clock_rate` ticks a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            lowest: 0,
            highest: 0,
            received: 0,
            newest: None,
            jitter: 0,
            reported: (0, 0),
            sender_report: None,
        }
    }

    /// RTP ticks from the packet directly before this one, which is not counted yet; wraps, so what goes back is far ahead. `None` when that one
    /// is not the newest: this is the first packet, or it is late, or something before it was lost.
    #[must_use]
    pub fn ticks_since_previous(&self, index: u64, timestamp: u32) -> Option<u32> {
        let (_, before) = self.newest?;
        (index.checked_sub(1) == Some(self.highest)).then(|| timestamp.wrapping_sub(before))
    }

    /// Counts a packet that has been let in: its 48-bit index and its RTP timestamp.
    pub fn receive(&mut self, index: u64, timestamp: u32, now: Instant) {
        if self.received == 0 {
            (self.lowest, self.highest) = (index, index);
            self.newest = Some((now, timestamp));
        }
        self.received += 1;
        self.lowest = self.lowest.min(index);
        // A late or repeated packet took another way than the network's: it says nothing about jitter.
        if index > self.highest {
            self.highest = index;
            self.measure_jitter(timestamp, now);
            self.newest = Some((now, timestamp));
        }
    }

    /// A.8: the mean deviation of the time between packets from what their timestamps say, smoothed over sixteen packets.
    fn measure_jitter(&mut self, timestamp: u32, now: Instant) {
        let Some((before, earlier)) = self.newest else {
            return;
        };
        let elapsed = self.ticks(now.saturating_duration_since(before));
        let sent = i64::from(timestamp.wrapping_sub(earlier) as i32);
        let step = (elapsed - sent).unsigned_abs();
        if step > self.ticks(MAX_TRANSIT_STEP).unsigned_abs() {
            return;
        }
        // Both terms stay far below 2³²: the step was bounded above, and the mean never exceeds sixteen times the largest step.
        let step = u32::try_from(step).unwrap_or(u32::MAX);
        self.jitter = self
            .jitter
            .saturating_add(step)
            .saturating_sub(self.jitter.saturating_add(8) >> 4);
    }

    fn ticks(&self, time: Duration) -> i64 {
        let ticks = time.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }

    /// Remembers a sender report of this stream, so that the sender can tell the round trip from our report.
    pub fn receive_sender_report(&mut self, sent: Ntp, now: Instant) {
        self.sender_report = Some((sent.middle(), now));
    }

    /// Packets received, late and repeated ones too.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The highest index received; `None` before the first packet.
    #[must_use]
    pub fn highest(&self) -> Option<u64> {
        (self.received > 0).then_some(self.highest)
    }

    /// Packets between the lowest and the highest index that have not come; negative when more came twice than were lost.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.expected()
            .cast_signed()
            .saturating_sub_unsigned(self.received)
    }

    /// The interarrival jitter as time.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        let rate = u64::from(self.clock_rate.max(1));
        Duration::from_nanos(u64::from(self.jitter) * 1_000_000_000 / (16 * rate))
    }

    fn expected(&self) -> u64 {
        if self.received == 0 {
            0
        } else {
            self.highest - self.lowest + 1
        }
    }

    /// The block about this stream, for a report to its sender `ssrc`; `None` before the first packet.
    ///
    /// The fraction lost covers the time since the last call: call it once for each report that is sent.
    pub fn report(&mut self, ssrc: u32, now: Instant) -> Option<ReportBlock> {
        let highest = self.highest()?;
        let (expected, received) = (self.expected(), self.received);
        let fraction_lost = fraction(expected - self.reported.0, received - self.reported.1);
        self.reported = (expected, received);
        let (last_sender_report, delay) = self.sender_report.map_or((0, 0), |(sent, arrived)| {
            (sent, to_65536ths(now.saturating_duration_since(arrived)))
        });
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            lost: self.lost().clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            highest: highest as u32,
            jitter: self.jitter >> 4,
            last_sender_report,
            delay,
        })
    }
}

/// A.3: loss in 1/256; zero when nothing was expected, or when more came than was expected.
fn fraction(expected: u64, received: u64) -> u8 {
    match expected.checked_sub(received) {
        None | Some(0) => 0,
        // Nothing at all received of something expected would be 256.
        Some(lost) => u8::try_from((lost << 8) / expected).unwrap_or(u8::MAX),
    }
}

/// The unit of DLSR; 18 hours at most.
fn to_65536ths(time: Duration) -> u32 {
    u32::try_from((time.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}
