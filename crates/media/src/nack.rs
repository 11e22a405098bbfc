//! What to ask a sender for again: the gaps of one producer's stream, each with the time of its next request (RFC 4585 §6.2.1).
//!
//! Driven by the producer's owner: [`Generator::receive`] for every authenticated packet, [`Generator::poll`] when
//! [`Generator::next_timeout`] has come (sooner does no harm); what it hands out goes into [`crate::rtcp::write::nack`].
//!
//! **Bounds** (T9). A sender who tears gaps into its numbers makes us ask that sender, and no more than this: [`MAX_MISSING`] numbers are
//! remembered, each is asked for [`MAX_TRIES`] times, and requests leave 50 times a second at most. A packet costs O([`MAX_MISSING`])
//! whatever its number is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Numbers that are remembered as missing: 2.5 s of 20-ms packets. A jump over more is taken for a new beginning.
pub const MAX_MISSING: usize = 128;
/// Requests for one packet at most. On a path that loses half of everything, both ways, a tenth is still missing after eight.
pub const MAX_TRIES: u8 = 8;

/// From the moment a gap is seen to the first request. Packets that overtake each other on Wi-Fi do so by a few ms.
const REORDERING: Duration = Duration::from_millis(10);
/// Age at which a missing packet is given up: listeners' jitter buffers have played silence for it by then.
const GIVE_UP: Duration = Duration::from_secs(1);
/// From one request to the next, whatever they ask for.
const MIN_INTERVAL: Duration = Duration::from_millis(20);
/// The round trip that is assumed while none is known.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
/// The longest round trip that is waited for. Peers choose what the measurement says, so it must not choose the timer.
const MAX_RTT: Duration = Duration::from_millis(500);

// One poll fits into one NACK, which the peer's parser (if it is ours) reads whole.
const _: () = assert!(MAX_MISSING <= crate::rtcp::MAX_SEQUENCES);
// The slowest path, too, gets a second request before its packets are given up.
const _: () = assert!(GIVE_UP.as_millis() > MAX_RTT.as_millis() + 2 * REORDERING.as_millis());

/// A packet that has not come.
#[derive(Debug, Clone, Copy)]
struct Missing {
    index: u64,
    /// When a packet behind it came.
    noticed: Instant,
    /// The last request for it.
    asked: Option<Instant>,
    tries: u8,
}

impl Missing {
    /// When it is to be asked for next. `None` when that is past the end of time.
    fn due(&self, retry: Duration) -> Option<Instant> {
        match self.asked {
            Some(asked) => asked.checked_add(retry),
            None => self.noticed.checked_add(REORDERING),
        }
    }
}

/// The missing packets of one stream. Takes no memory for a stream without loss.
#[derive(Debug, Default)]
pub struct Generator {
    /// The highest index received; `None` before the first packet.
    highest: Option<u64>,
    /// Rising by index, and so by `noticed` as well; all below `highest`.
    missing: VecDeque<Missing>,
    /// The last request for anything.
    asked: Option<Instant>,
}

impl Generator {
    /// For a stream of which nothing has been received. Its first packet is its beginning, wherever it counts from.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet came in. `index` is its authenticated 48-bit packet index (RFC 3711 §3.3.1), so a retransmission fills its gap as well.
    ///
    /// The oldest gaps make room for new ones. A jump over more than [`MAX_MISSING`] numbers forgets all of them: too much is gone to be
    /// of use to anybody.
    pub fn receive(&mut self, index: u64, now: Instant) {
        let Some(highest) = self.highest else {
            self.highest = Some(index);
            return;
        };
        let Some(ahead) = index.checked_sub(highest).filter(|ahead| *ahead > 0) else {
            self.fill(index);
            return;
        };
        self.highest = Some(index);
        // One more than the list holds: of a jump by n, n - 1 packets are missing.
        if usize::try_from(ahead).is_ok_and(|ahead| ahead <= MAX_MISSING + 1) {
            self.open(highest + 1..index, now);
        } else {
            self.missing.clear();
        }
    }

    /// Nobody is to hear what lies below `index`: what is missing of it, of that nothing is known yet, will not be asked for.
    pub fn skip_to(&mut self, index: u64) {
        let below = index.checked_sub(1);
        self.highest = self
            .highest
            .map(|highest| below.map_or(highest, |below| highest.max(below)));
    }

    fn fill(&mut self, index: u64) {
        if let Ok(place) = self
            .missing
            .binary_search_by_key(&index, |missing| missing.index)
        {
            self.missing.remove(place);
        }
    }

    fn open(&mut self, gap: core::ops::Range<u64>, now: Instant) {
        for index in gap {
            if self.missing.len() >= MAX_MISSING {
                self.missing.pop_front();
            }
            self.missing.push_back(Missing {
                index,
                noticed: now,
                asked: None,
                tries: 0,
            });
        }
    }

    /// Appends the sequence numbers to ask for now, rising, at most [`MAX_MISSING`]; none when it is not yet time.
    ///
    /// `rtt` is the round trip to the sender, zero when unknown: a packet is asked for again when the answer should have come.
    pub fn poll(&mut self, now: Instant, rtt: Duration, out: &mut Vec<u16>) {
        if self.next_timeout(rtt).is_none_or(|due| now < due) {
            return;
        }
        let retry = retry_after(rtt);
        let before = out.len();
        self.missing.retain_mut(|missing| {
            if now.saturating_duration_since(missing.noticed) >= GIVE_UP {
                return false;
            }
            if missing.due(retry).is_some_and(|due| due <= now) {
                // The sequence number is the index without its rollover count.
                out.push((missing.index & 0xFFFF) as u16);
                missing.asked = Some(now);
                missing.tries += 1;
            }
            missing.tries < MAX_TRIES
        });
        if out.len() > before {
            self.asked = Some(now);
        }
    }

    /// When [`Generator::poll`] has something to do, with the round trip that it will be given. `None` while nothing is missing.
    #[must_use]
    pub fn next_timeout(&self, rtt: Duration) -> Option<Instant> {
        let retry = retry_after(rtt);
        let due = self
            .missing
            .iter()
            .filter_map(|missing| missing.due(retry))
            .min()?;
        let allowed = self.asked.and_then(|asked| asked.checked_add(MIN_INTERVAL));
        Some(allowed.map_or(due, |allowed| allowed.max(due)))
    }

    /// Packets that are missing and not given up, 0–[`MAX_MISSING`].
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    /// Forgets the stream: for a producer that was paused or got another source. The next packet is a first one.
    ///
    /// That requests leave 50 times a second at most holds on over it.
    pub fn reset(&mut self) {
        self.highest = None;
        self.missing.clear();
    }
}

/// The time that an answer may take: the round trip, and as much as packets overtake each other by.
fn retry_after(rtt: Duration) -> Duration {
    let rtt = if rtt.is_zero() {
        DEFAULT_RTT
    } else {
        rtt.min(MAX_RTT)
    };
    rtt + REORDERING
}
