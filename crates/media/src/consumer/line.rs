//! The sequence numbers and times under which a consumer's packets go out: one line without gaps of its own, over pauses and changes of source.
//!
//! Within a run (from a resume to the next pause, of one source) numbers keep their distances, so that a packet that the producer's way lost is
//! a gap for the receiver too, and a late one falls into its place. A new run goes on where the last one ended.

use std::time::Instant;

use rand::RngExt;
use rand::rngs::StdRng;

/// Ticks of RTP time a second: Opus always has 48 kHz (RFC 7587 §4.1).
const CLOCK: u64 = 48_000;
/// A run begins at least this long after the packet before it: one Opus frame of 20 ms.
const FRAME: u64 = CLOCK / 50;

/// A packet's identity and place as the receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// 48-bit SRTP index; its low 16 bits are the RTP sequence number.
    pub(crate) index: u64,
    pub(crate) timestamp: u32,
}

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    run: Option<Run>,
    /// One above the highest index sent.
    next: u64,
    /// RTP time of the packet with the highest index, and when it was due.
    last: Option<(u32, Instant)>,
    first_timestamp: u32,
}

/// An unbroken stretch of one source.
#[derive(Clone, Copy, Debug)]
struct Run {
    source: u32,
    /// The producer's number of its first packet, and ours.
    theirs: u64,
    ours: u64,
    /// Ours minus theirs, modulo 2³².
    timestamp_offset: u32,
}

impl Line {
    /// Begins at random (RFC 3550 §5.1), below 2¹⁵, so that the first wrap is far enough away for a receiver to have met the line.
    pub(crate) fn new(random: &mut StdRng) -> Self {
        Self {
            run: None,
            next: u64::from(random.random::<u16>() >> 1),
            last: None,
            first_timestamp: random.random(),
        }
    }

    /// Ends the run: what comes next follows the last packet immediately.
    pub(crate) fn interrupt(&mut self) {
        self.run = None;
    }

    /// Places a packet of `source` that is due at `at`. `None` when it is older than its run: it belongs before a pause.
    pub(crate) fn forward(
        &mut self,
        source: u32,
        sequence: u64,
        timestamp: u32,
        at: Instant,
    ) -> Option<Mapped> {
        let run = match self.run {
            Some(run) if run.source == source => run,
            _ => self.begin(source, sequence, timestamp, at),
        };
        let index = run.ours.checked_add(sequence.checked_sub(run.theirs)?)?;
        let mapped = Mapped {
            index,
            timestamp: timestamp.wrapping_add(run.timestamp_offset),
        };
        if index >= self.next {
            self.next = index.checked_add(1)?;
            self.last = Some((mapped.timestamp, at));
        }
        Some(mapped)
    }

    /// Which packet of the producer went out under this sequence number: its source and number, and its index. `None` when none of this run did.
    pub(crate) fn sent_as(&self, sequence: u16) -> Option<(u32, u64, u64)> {
        let run = self.run?;
        let latest = self.next.checked_sub(1)?;
        // The nearest index at or below the latest one that ends in these 16 bits.
        let index = latest.checked_sub(u64::from((latest as u16).wrapping_sub(sequence)))?;
        let behind = index.checked_sub(run.ours)?;
        Some((run.source, run.theirs.checked_add(behind)?, index))
    }

    /// The time under which a packet of this run goes out again.
    pub(crate) fn timestamp(&self, timestamp: u32) -> Option<u32> {
        self.run
            .map(|run| timestamp.wrapping_add(run.timestamp_offset))
    }

    fn begin(&mut self, source: u32, sequence: u64, timestamp: u32, at: Instant) -> Run {
        let begins = match self.last {
            None => self.first_timestamp,
            Some((last, then)) => {
                let passed =
                    at.saturating_duration_since(then).as_micros() * u128::from(CLOCK) / 1_000_000;
                // The low 32 bits: RTP time wraps.
                last.wrapping_add(passed.max(u128::from(FRAME)) as u32)
            }
        };
        let run = Run {
            source,
            theirs: sequence,
            ours: self.next,
            timestamp_offset: begins.wrapping_sub(timestamp),
        };
        self.run = Some(run);
        run
    }
}
