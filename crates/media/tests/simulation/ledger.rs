//! What has been seen of each stream: which packets a producer's worker took, where each stands on each listener's line, and what was sealed
//! under which index.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

use crate::workers::Spoken;

/// Packets of a stream that are remembered: more than a client's replay window, or its server's history.
const REMEMBERED: usize = 512;
/// A source's clock is believed when it runs ahead by so much over a pause; the rest is what the ways of two packets differ by.
const LEAD: Duration = Duration::from_millis(2_500);
/// By so much packets overtake each other at most.
const DISORDER: Duration = Duration::from_millis(150);
/// What was on its way when the clock jumped has arrived so soon after; it is of before.
const STUCK: Duration = Duration::from_millis(500);

/// What a producer's worker made of its packets.
#[derive(Default)]
pub struct Source {
    ssrc: u32,
    /// How often that was another. What is late of the one before makes it that one again for a packet.
    changes: u64,
    /// With when.
    taken: BTreeMap<u64, Instant>,
    /// When packets were kept back.
    kept_back: BTreeMap<u64, Instant>,
    /// The newest that it judged, forwarded or not.
    newest: Option<u64>,
    /// When it judged the latest that said of itself anything but silence.
    pub loud: Option<Instant>,
}

impl Source {
    /// Notes what became of a packet. Whether it is newer than all before.
    pub fn note(&mut self, spoken: Spoken, taken: bool, now: Instant) -> bool {
        if self.ssrc != spoken.ssrc {
            *self = Self {
                ssrc: spoken.ssrc,
                changes: self.changes + 1,
                loud: self.loud,
                ..Self::default()
            };
        }
        if taken {
            let before = self.taken.insert(spoken.index, now);
            assert!(before.is_none(), "taken twice: {spoken:?}");
        } else {
            self.kept_back.insert(spoken.index, now);
        }
        while self.taken.len() > REMEMBERED {
            self.taken.pop_first();
        }
        while self.kept_back.len() > REMEMBERED {
            self.kept_back.pop_first();
        }
        let is_newest = self.newest.is_none_or(|newest| spoken.index > newest);
        self.newest = self.newest.max(Some(spoken.index));
        is_newest
    }

    /// How many changes there have been, with this packet's.
    fn changes(&self, spoken: Spoken) -> u64 {
        self.changes + u64::from(self.ssrc != spoken.ssrc)
    }

    /// Packets between two that its worker has not taken, or just now, so that another worker may not have got them.
    fn untaken(&self, from: u64, to: u64, lately: Option<Instant>) -> u64 {
        let between = self.taken.range(from + 1..to);
        let taken = between.filter(|(_, at)| lately.is_none_or(|lately| **at < lately));
        to - from - 1 - taken.count() as u64
    }

    /// Whether a packet of this stream was kept back before an instant.
    pub fn kept_back(&self, ssrc: u32, index: u64, before: Instant) -> bool {
        let kept = self.kept_back.get(&index).filter(|_| ssrc == self.ssrc);
        kept.is_some_and(|at| *at < before)
    }
}

/// What lies between a producer's worker and a consumer's.
pub struct Between<'a> {
    /// Nothing waits anywhere, so that what was asked for holds at once.
    pub prompt: bool,
    /// How long things may wait.
    pub grace: Duration,
    /// When packets found a full queue.
    pub overruns: &'a [Instant],
    /// When time was lost last.
    pub jumped: Instant,
}

/// One consumer's stream, as the server sends it.
#[derive(Default)]
pub struct Line {
    highest: Option<Seen>,
    /// Whether it paused since: the next number follows without a gap.
    interrupted: bool,
    /// Which packet each number was given to, and when.
    places: BTreeMap<u64, (Spoken, Instant)>,
}

#[derive(Clone, Copy)]
struct Seen {
    index: u64,
    timestamp: u32,
    at: Instant,
    spoken: Spoken,
    /// [`Source::changes`] up to this one.
    changes: u64,
}

impl Line {
    pub fn was_interrupted(&mut self) {
        self.interrupted = true;
    }

    /// The 48-bit index of a sequence number.
    pub fn index(&self, sequence: u16) -> u64 {
        match self.highest {
            Some(seen) => hocket_media::rtp::sequence::extend(seen.index, sequence),
            None => u64::from(sequence),
        }
    }

    /// Whether a number below the highest has been given to no packet that was sent.
    pub fn lacks(&self, index: u64) -> bool {
        let below = self.highest.is_some_and(|seen| index < seen.index);
        below && !self.places.contains_key(&index)
    }

    /// Which packet has this number.
    pub fn place(&self, sequence: u16) -> Option<(Spoken, Instant)> {
        self.places.get(&self.index(sequence)).copied()
    }

    /// The numbers of late, newest last.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = u16> {
        self.places.keys().map(|index| *index as u16)
    }

    /// A number is given to a packet, for the first time.
    pub fn place_first(
        &mut self,
        source: &Source,
        (index, timestamp): (u64, u32),
        spoken: Spoken,
        between: &Between<'_>,
        now: Instant,
    ) {
        let next = Seen {
            index,
            timestamp,
            at: now,
            spoken,
            changes: source.changes(spoken),
        };
        self.places.insert(index, (spoken, now));
        if self.places.len() > REMEMBERED {
            self.places.pop_first();
        }
        let Some(seen) = self.highest else {
            assert!(index < 1 << 15, "begins near a rollover: {index}");
            self.interrupted = false;
            self.highest = Some(next);
            return;
        };
        let same = seen.changes == next.changes && seen.spoken.ssrc == spoken.ssrc;
        let forward = timestamp.wrapping_sub(seen.timestamp).cast_signed();
        if index < seen.index {
            assert!(
                !same || spoken.index < seen.spoken.index,
                "a lower number for a later packet"
            );
            assert!(
                forward < 0,
                "timestamps go back: {forward} ticks at a lower number"
            );
            return;
        }
        assert!(
            !same || spoken.index > seen.spoken.index,
            "a higher number for an earlier packet"
        );
        let interrupted = core::mem::take(&mut self.interrupted) && between.prompt;
        let lost = if interrupted || !same {
            0
        } else {
            // What waits for a worker while the clock jumps is late by the jump.
            let waited = now.saturating_duration_since(between.jumped) < STUCK;
            let lately = if waited {
                seen.at - DISORDER
            } else {
                now - between.grace
            };
            let lately = (!between.prompt).then_some(lately);
            source.untaken(seen.spoken.index, spoken.index, lately)
        };
        let gap = index - seen.index - 1;
        // One that overtook the other may have been lost before that one was seen.
        let since = seen.at - between.grace - DISORDER;
        let overruns = between.overruns.iter().rev();
        let lost = lost + overruns.take_while(|at| **at >= since).count() as u64;
        let unknown = !same && !between.prompt; // another worker may be a change behind
        assert!(
            unknown || gap <= lost,
            "{gap} numbers left out between packets {} and {}, and {lost} packets lost; interrupted: {interrupted}",
            seen.spoken.index,
            spoken.index,
        );
        assert!(forward > 0, "timestamps go back by {forward} ticks");
        let latest = ((now - seen.at) + LEAD).as_millis() * 48;
        let was_stuck = seen.at.saturating_duration_since(between.jumped) < STUCK;
        assert!(
            was_stuck || i64::from(forward) <= latest as i64,
            "timestamps jump by {forward} ticks, of {latest} that passed"
        );
        self.highest = Some(next);
    }
}

/// What has been sealed with one transport's keys.
#[derive(Default)]
pub struct Sealed {
    rtp: HashMap<(u32, u64), u64>,
    rtcp: HashSet<(u32, u32)>,
}

impl Sealed {
    /// Notes an RTP packet. Whether the same bytes were sent before; other bytes under one index are a fault.
    pub fn note_rtp(&mut self, ssrc: u32, index: u64, bytes: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        let hash = hasher.finish();
        match self.rtp.insert((ssrc, index), hash) {
            None => false,
            Some(before) => {
                assert_eq!(before, hash, "SSRC {ssrc}, index {index} seals two packets");
                true
            }
        }
    }

    /// Notes an RTCP packet under AES-GCM (RFC 7714 §9.2).
    pub fn note_rtcp(&mut self, bytes: &[u8]) {
        let ssrc = u32::from_be_bytes(*bytes[4..].first_chunk().unwrap());
        let word = u32::from_be_bytes(*bytes.last_chunk().unwrap());
        assert!(word >> 31 == 1, "RTCP in the clear");
        assert!(
            self.rtcp.insert((ssrc, word)),
            "RTCP of SSRC {ssrc}, index {word:x} twice"
        );
    }
}
