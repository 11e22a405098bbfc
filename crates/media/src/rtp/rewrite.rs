//! One continuous line of sequence numbers and timestamps for a listener, whatever its source does (RFC 3550 §5.1, §7.1).
//!
//! A listener's stream starts at numbers of its own. While a source is forwarded both count on in step, so that what was lost on the way to
//! us is seen as lost, and what comes in disorder leaves in the same. When forwarding pauses, or another source takes its place, the
//! line goes on with the next number and a timestamp that fits the time that has passed: the listener sees silence, never a loss or a jump.
//!
//! Each unbroken run is a *stretch*: two offsets. A retransmission is mapped by the same offsets, so it comes out as it did the first time.

use core::time::Duration;
use std::time::Instant;

use super::sequence;

/// Packet indices have 48 bits (RFC 3711 §3.3.1).
const MAX_INDEX: u64 = (1 << 48) - 1;
/// How far a source's clock may run ahead of ours over a pause and still be believed.
const MAX_CLOCK_LEAD: Duration = Duration::from_secs(2);

/// Where a packet stands on a listener's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// The 48-bit index: its low 16 bits are the sequence number to write, the rest is the rollover counter.
    pub index: u64,
    /// The timestamp to write.
    pub timestamp: u32,
    /// The first packet of a stretch: write the marker (RFC 3551 §4.1), each time this packet is sent.
    pub begins: bool,
}

/// A packet that a listener asks for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Which packet of the source it was.
    pub source_index: u64,
    /// Its index on the listener's line.
    pub index: u64,
    /// As in [`Mapped::begins`].
    pub begins: bool,
}

/// What the next packet means to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It belongs to the stretch.
    Continues,
    /// It is the source's first after a pause.
    Resumes,
    /// It is the first of another source, or the very first.
    Starts,
}

/// One unbroken run.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The first packet's index at the source, and on the line.
    source_start: u64,
    start: u64,
    /// The newest packet's index at the source.
    source_newest: u64,
    /// From the source's timestamps to the line's.
    timestamp_offset: u32,
}

/// The newest packet on the line.
#[derive(Debug, Clone, Copy)]
struct Newest {
    index: u64,
    timestamp: u32,
    at: Instant,
}

/// A listener's line. Plain values, 88 bytes; it never allocates.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    clock_rate: u32,
    first: (u16, u32),
    next: Next,
    stretch: Option<Stretch>,
    newest: Option<Newest>,
}

impl Line {
    /// A line that will start at these numbers.
    ///
    /// Take random ones, and a sequence number below 2¹⁵: a listener that misses the first packets could otherwise miss a rollover and
    /// would then decrypt nothing (RFC 3711 §3.3.1). `clock_rate` is in ticks a second.
    #[must_use]
    pub fn new(first_sequence: u16, first_timestamp: u32, clock_rate: u32) -> Self {
        Self {
            clock_rate,
            first: (first_sequence, first_timestamp),
            next: Next::Starts,
            stretch: None,
            newest: None,
        }
    }

    /// Forwarding stops for a while; the same source will go on.
    pub fn pause(&mut self) {
        if self.next == Next::Continues {
            self.next = Next::Resumes;
        }
    }

    /// Another source takes over: its numbers have nothing to do with the old one's.
    pub fn change_source(&mut self) {
        self.next = Next::Starts;
    }

    /// Puts a packet of the source, by its 48-bit index and timestamp, on the line.
    ///
    /// `None`: do not forward it. It is from before the stretch, where its number would be that of another packet, or the line has come to
    /// its end.
    pub fn map(&mut self, source_index: u64, timestamp: u32, now: Instant) -> Option<Mapped> {
        let mut stretch = match (self.next, self.stretch) {
            (Next::Continues, Some(stretch)) => stretch,
            (Next::Resumes, Some(stretch)) if source_index <= stretch.source_newest => return None,
            (Next::Resumes, Some(stretch)) => self.resume(&stretch, source_index, timestamp, now),
            _ => self.start(source_index, timestamp, now),
        };
        let index = stretch
            .start
            .checked_add(source_index.checked_sub(stretch.source_start)?)?;
        if index > MAX_INDEX {
            return None;
        }
        let timestamp = timestamp.wrapping_add(stretch.timestamp_offset);
        stretch.source_newest = stretch.source_newest.max(source_index);
        if self.newest.is_none_or(|newest| index > newest.index) {
            self.newest = Some(Newest {
                index,
                timestamp,
                at: now,
            });
        }
        self.next = Next::Continues;
        self.stretch = Some(stretch);
        Some(Mapped {
            index,
            timestamp,
            begins: index == stretch.start,
        })
    }

    /// A stretch whose first packet is the next on the line, as late as the time that has passed.
    fn start(&self, source_index: u64, timestamp: u32, now: Instant) -> Stretch {
        let (start, first) = match self.newest {
            None => (u64::from(self.first.0), self.first.1),
            Some(newest) => (
                newest.index + 1,
                newest.timestamp.wrapping_add(self.elapsed(newest, now)),
            ),
        };
        Stretch {
            source_start: source_index,
            start,
            source_newest: source_index,
            timestamp_offset: first.wrapping_sub(timestamp),
        }
    }

    /// The source's clock went on during the pause, and the line's with it; unless the source began anew without telling.
    fn resume(&self, before: &Stretch, source_index: u64, timestamp: u32, now: Instant) -> Stretch {
        let fresh = self.start(source_index, timestamp, now);
        let Some(newest) = self.newest else {
            return fresh;
        };
        let lead = timestamp
            .wrapping_add(before.timestamp_offset)
            .wrapping_sub(newest.timestamp);
        let latest = self
            .elapsed(newest, now)
            .saturating_add(self.ticks(MAX_CLOCK_LEAD));
        if lead == 0 || lead > latest.min(i32::MAX as u32) {
            return fresh;
        }
        Stretch {
            timestamp_offset: before.timestamp_offset,
            ..fresh
        }
    }

    /// Ticks since the newest packet, one 20-ms frame at least: two packets of different sound never share a timestamp.
    fn elapsed(&self, newest: Newest, now: Instant) -> u32 {
        self.ticks(now.saturating_duration_since(newest.at))
            .max(self.clock_rate / 50)
    }

    /// Wraps as timestamps do.
    fn ticks(&self, time: Duration) -> u32 {
        (time.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000) as u32
    }

    /// Which packet the listener means by `sequence` in a NACK. Looking it up moves nothing.
    ///
    /// `None` for what has not been sent, and for what stands before the present stretch: nobody needs sound from before a pause.
    #[must_use]
    pub fn find(&self, sequence: u16) -> Option<Sent> {
        let (stretch, newest) = (self.stretch?, self.newest?);
        let index = sequence::extend(newest.index, sequence);
        if index > newest.index {
            return None;
        }
        let source_index = stretch.source_start + index.checked_sub(stretch.start)?;
        Some(Sent {
            source_index,
            index,
            begins: index == stretch.start,
        })
    }

    /// The line's timestamp for one of the source: for retransmissions, and for the sender reports that are passed on.
    ///
    /// `None` before the first packet of the present source.
    #[must_use]
    pub fn timestamp(&self, source_timestamp: u32) -> Option<u32> {
        match self.next {
            Next::Starts => None,
            Next::Continues | Next::Resumes => {
                Some(source_timestamp.wrapping_add(self.stretch?.timestamp_offset))
            }
        }
    }

    /// What the line's clock shows now, for a sender report of our own; `None` before the first packet.
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let newest = self.newest?;
        Some(
            newest
                .timestamp
                .wrapping_add(self.ticks(now.saturating_duration_since(newest.at))),
        )
    }
}
