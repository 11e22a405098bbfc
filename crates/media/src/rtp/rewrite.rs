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

/// A listener's line. Plain values, 56 bytes; it never allocates.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The stretch: its first packet's index at the source and on the line, the newest packet's index at the source, and the way from the
    /// source's timestamps to the line's.
    source_start: u64,
    start: u64,
    source_newest: u64,
    timestamp_offset: u32,
    /// The newest packet's timestamp on the line, and when it was put there; before the first packet `start` and this are where to begin.
    timestamp: u32,
    at: Option<Instant>,
    clock_rate: u32,
    next: Next,
}

impl Line {
    /// A line that will start at these numbers.
    ///
    /// Take random ones, and a sequence number below 2¹⁵: a listener that misses the first packets could otherwise miss a rollover and
    /// would then decrypt nothing (RFC 3711 §3.3.1). `clock_rate` is in ticks a second.
    #[must_use]
    pub fn new(first_sequence: u16, first_timestamp: u32, clock_rate: u32) -> Self {
        Self {
            source_start: 0,
            start: u64::from(first_sequence),
            source_newest: 0,
            timestamp_offset: 0,
            timestamp: first_timestamp,
            at: None,
            clock_rate,
            next: Next::Starts,
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

    /// Whether the next packet belongs to the stretch, and begins none.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.next == Next::Continues
    }

    /// Puts a packet of the source, by its 48-bit index and timestamp, on the line.
    ///
    /// `None`: do not forward it. It is from before the stretch, where its number would be that of another packet, or the line has come to
    /// its end.
    pub fn map(&mut self, source_index: u64, timestamp: u32, now: Instant) -> Option<Mapped> {
        let mut line = *self; // moves only for a packet that has a place
        match line.next {
            Next::Continues => {}
            Next::Resumes if source_index <= line.source_newest => return None,
            Next::Resumes => line.resume(source_index, timestamp, now),
            Next::Starts => line.begin(source_index, timestamp, now),
        }
        let index = line
            .start
            .checked_add(source_index.checked_sub(line.source_start)?)?;
        if index > MAX_INDEX {
            return None;
        }
        let timestamp = timestamp.wrapping_add(line.timestamp_offset);
        if line.next != Next::Continues || source_index > line.source_newest {
            (line.source_newest, line.timestamp, line.at) = (source_index, timestamp, Some(now));
        }
        line.next = Next::Continues;
        *self = line;
        Some(Mapped {
            index,
            timestamp,
            begins: index == self.start,
        })
    }

    /// Begins a stretch: its first packet is the next on the line, as late as the time that has passed.
    fn begin(&mut self, source_index: u64, timestamp: u32, now: Instant) {
        let first = match self.newest_index() {
            None => self.timestamp,
            Some(newest) => {
                self.start = newest + 1;
                self.timestamp.wrapping_add(self.elapsed(now))
            }
        };
        self.source_start = source_index;
        self.source_newest = source_index;
        self.timestamp_offset = first.wrapping_sub(timestamp);
    }

    /// The source's clock went on during the pause, and the line's with it; unless the source began anew without telling.
    fn resume(&mut self, source_index: u64, timestamp: u32, now: Instant) {
        let offset = self.timestamp_offset;
        let lead = timestamp.wrapping_add(offset).wrapping_sub(self.timestamp);
        let latest = self.elapsed(now).saturating_add(self.ticks(MAX_CLOCK_LEAD));
        self.begin(source_index, timestamp, now);
        if lead != 0 && lead <= latest.min(i32::MAX as u32) {
            self.timestamp_offset = offset;
        }
    }

    /// The newest packet's index on the line.
    fn newest_index(&self) -> Option<u64> {
        self.at?;
        Some(self.start + self.source_newest.saturating_sub(self.source_start))
    }

    /// Ticks since the newest packet, one 20-ms frame at least: two packets of different sound never share a timestamp.
    fn elapsed(&self, now: Instant) -> u32 {
        let time = self.at.map(|at| now.saturating_duration_since(at));
        self.ticks(time.unwrap_or_default())
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
        let newest = self.newest_index()?;
        let index = sequence::extend(newest, sequence);
        if index > newest {
            return None;
        }
        Some(Sent {
            source_index: self.source_start + index.checked_sub(self.start)?,
            index,
            begins: index == self.start,
        })
    }

    /// The line's timestamp for one of the source, for retransmissions.
    ///
    /// `None` before the first packet of the present source.
    #[must_use]
    pub fn timestamp(&self, source_timestamp: u32) -> Option<u32> {
        match self.next {
            Next::Starts => None,
            Next::Continues | Next::Resumes => {
                Some(source_timestamp.wrapping_add(self.timestamp_offset))
            }
        }
    }

    /// What the line's clock shows now, for a sender report of our own; `None` before the first packet.
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> Option<u32> {
        let passed = self.ticks(now.saturating_duration_since(self.at?));
        Some(self.timestamp.wrapping_add(passed))
    }
}
