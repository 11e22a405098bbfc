//! One received media packet in the clear, shared by all who forward it, and the pool that packets come from.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::id::ProducerId;
use crate::rtp::red::Blocks;

/// Packets of one producer that may be asked for again: 1.28 s at 20 ms each, three round trips across the world; 3.84 s at 60 ms.
pub(crate) const HISTORY: usize = 64;
/// A padded payload's length is a multiple of this, bytes: voice of varying bit rate then comes in two or three lengths, and packets to one
/// listener often in one, so that they can leave together. 32 beat 16 and none (BASELINE.md); 48 costs 3 to 10 % less CPU than 32 with payloads
/// of 60 to 140 bytes, for 8 bytes more a packet, and 64 no less than 48.
const GRAIN: usize = 48;
/// Packets of one producer that are kept for use again: the history, and what is on its way between workers.
const POOL_MAX: usize = HISTORY + 16;

/// A producer's packet after authentication, decryption and parsing. Read-only once it is shared.
#[derive(Debug)]
pub struct MediaPacket {
    pub(crate) producer: ProducerId,
    /// Its number among the producer's packets that are handed on: rises with the sender's sequence number, and has gaps only for what was lost
    /// on its way to us. Plus [`MediaPacket::source`] it names a packet for good.
    pub(crate) sequence: u64,
    /// Counts the producer's changes of SSRC: a change begins a new line of sequence numbers and times.
    pub(crate) source: u32,
    /// Counts the producer's pauses: what was left out between two runs is silence, not loss.
    pub(crate) run: u32,
    /// Whether a newer one came before it: no listener's stretch begins with it, or what lies between would seem lost.
    pub(crate) late: bool,
    /// RTP time, ticks at 48 kHz, as the producer wrote it.
    pub(crate) timestamp: u32,
    /// When it arrived.
    pub(crate) received: Instant,
    pub(crate) marker: bool,
    pub(crate) codec: Codec,
    /// The audio-level extension's byte: voice flag and −dBov (RFC 6464 §3).
    pub(crate) level: Option<u8>,
    /// Where in `payload` the Opus packet lies; all of it unless it came as RED.
    pub(crate) opus: Range<usize>,
    /// What is sent behind the header, padding included.
    pub(crate) payload: Vec<u8>,
    /// Bytes of padding at the payload's end (RFC 3550 §5.1). Set once, where the packet came in: each listener's copy of it, and each
    /// retransmission, is padded alike.
    pub(crate) padding: u8,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// One Opus packet (RFC 7587).
    Opus,
    /// Opus packets wrapped in RED (RFC 2198).
    Red(Blocks),
}

impl MediaPacket {
    fn empty(producer: ProducerId, now: Instant) -> Self {
        Self {
            producer,
            sequence: 0,
            source: 0,
            run: 0,
            late: false,
            timestamp: 0,
            received: now,
            marker: false,
            codec: Codec::Opus,
            level: None,
            opus: 0..0,
            payload: Vec::new(),
            padding: 0,
        }
    }

    /// The Opus packet alone, for a receiver that has no RED; with the padding, which follows it: a RED payload ends with its primary block.
    pub(crate) fn opus(&self) -> &[u8] {
        self.payload.get(self.opus.start..).unwrap_or_default()
    }

    /// Writes the payload, padded if `pads`.
    pub(crate) fn set_payload(&mut self, payload: &[u8], pads: bool) {
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        self.padding = 0;
        let grown = payload.len().next_multiple_of(GRAIN);
        if pads && grown > payload.len() {
            self.padding = (grown - payload.len()) as u8; // below GRAIN
            self.payload.resize(grown - 1, 0);
            self.payload.push(self.padding);
        }
    }
}

/// A ring of packets that are used again once nobody holds them. It grows to what its producer's listeners hold at a time and no further,
/// so that forwarding allocates nothing after that.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    packets: Vec<Arc<MediaPacket>>,
    next: usize,
}

impl Pool {
    /// Lets go of its packets; tells whether there were any.
    pub(crate) fn empty(&mut self) -> bool {
        let had = !self.packets.is_empty();
        *self = Self::default();
        had
    }

    /// A packet to share, as `write` fills it: whole, since it may hold what it held before.
    pub(crate) fn take(
        &mut self,
        producer: ProducerId,
        now: Instant,
        write: impl FnOnce(&mut MediaPacket),
    ) -> Arc<MediaPacket> {
        self.make_free(producer, now);
        let Some(place) = self.packets.get_mut(self.next) else {
            let mut packet = MediaPacket::empty(producer, now);
            write(&mut packet);
            return Arc::new(packet); // not reached: `make_free` has put one there
        };
        if let Some(packet) = Arc::get_mut(place) {
            write(packet);
        }
        self.next += 1;
        Arc::clone(place)
    }

    /// Sees to it that nobody holds the packet at `next`: a free one is there, or the ring grows, or, full, the held one is left to its holders.
    fn make_free(&mut self, producer: ProducerId, now: Instant) {
        if self.next >= self.packets.len() {
            self.next = 0;
        }
        let held = self
            .packets
            .get_mut(self.next)
            .is_none_or(|packet| Arc::get_mut(packet).is_none());
        if !held {
            return;
        }
        let fresh = Arc::new(MediaPacket::empty(producer, now));
        let full = self.packets.len() >= POOL_MAX;
        match self.packets.get_mut(self.next) {
            Some(place) if full => *place = fresh,
            _ => self.packets.insert(self.next, fresh),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test starts its clock somewhere"
    )]
    use super::*;

    fn take(pool: &mut Pool, sequence: u64) -> Arc<MediaPacket> {
        pool.take(ProducerId(1), Instant::now(), |packet| {
            packet.sequence = sequence
        })
    }

    #[test]
    fn packets_that_nobody_holds_are_used_again() {
        let mut pool = Pool::default();
        for sequence in 0..1_000 {
            assert_eq!(take(&mut pool, sequence).sequence, sequence);
        }
        assert_eq!(pool.packets.len(), 1);
    }

    #[test]
    fn the_pool_grows_to_what_is_held_and_never_writes_into_a_held_packet() {
        let mut pool = Pool::default();
        let mut history = std::collections::VecDeque::new();
        for sequence in 0..1_000u64 {
            history.push_back(take(&mut pool, sequence));
            if history.len() > HISTORY {
                history.pop_front();
            }
            let numbers: Vec<u64> = history.iter().map(|packet| packet.sequence).collect();
            assert!(
                numbers
                    .windows(2)
                    .all(|pair| matches!(pair, [a, b] if a + 1 == *b)),
                "{numbers:?}"
            );
        }
        assert!(pool.packets.len() <= HISTORY + 2, "{}", pool.packets.len());
    }

    #[test]
    fn a_listener_that_never_lets_go_does_not_make_the_pool_grow_without_bound() {
        let mut pool = Pool::default();
        let held: Vec<_> = (0..1_000)
            .map(|sequence| take(&mut pool, sequence))
            .collect();
        assert_eq!(pool.packets.len(), POOL_MAX);
        assert!(
            held.iter()
                .enumerate()
                .all(|(number, packet)| packet.sequence == number as u64)
        );
    }

    #[test]
    fn a_padded_payload_says_how_much_of_it_is_padding() {
        let mut pool = Pool::default();
        for (length, padded) in [(1, 48), (47, 48), (48, 48), (49, 96), (100, 144)] {
            for pads in [true, false] {
                let payload = vec![7; length];
                let packet = pool.take(ProducerId(1), Instant::now(), |packet| {
                    packet.set_payload(&payload, pads)
                });
                let whole = if pads { padded } else { length };
                assert_eq!(packet.payload.len(), whole);
                assert_eq!(usize::from(packet.padding), whole - length);
                assert!(packet.payload.starts_with(&payload));
                if whole > length {
                    assert_eq!(packet.payload.last(), Some(&packet.padding));
                }
            }
        }
    }
}
