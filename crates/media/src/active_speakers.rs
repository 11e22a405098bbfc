//! Who is heard of a channel in which too many speak: the active speakers.
//!
//! Control makes one value a channel and hands it to every producer of the channel, on whatever worker. There are as many places as speakers may
//! be heard at a time, and each producer asks for one, a packet at a time, by a `Speaker` of its own. So nobody decides for all: a place
//! changes hands by one compare-exchange, without a lock, and a holder's packet costs a load and a store.
//!
//! A free place is taken at once. A place is free when its holder fell silent, was paused or closed, or sent nothing for 400 ms. When all
//! are taken, whoever waits is ranked by loudness, as the sender writes it (RFC 6464), and by how long it has waited; the first of those who
//! wait takes the place of the quietest holder, as soon as it outranks that one by 10 dB; but nobody is cut off within 2 s.
//!
//! **Lies (T18).** Levels count between −40 and −20 dBov, and a second of waiting counts 4 dB. So one who speaks is
//! before everybody who has just had a place after 5 s of waiting, and may take anyone's after 7.5 s, whatever others claim:
//!
//! > With `K` places and `W` others who never stop and claim what they like, who speaks is heard within 7.5 s + 2 s × ⌈`W` / `K`⌉, and then for 2 s.
//!
//! Nor does it help to lie with timestamps about how much sound a packet holds: at most 120 ms count, which let a claimed level count sooner, as six
//! packets would, and not beyond what may be claimed at once; waiting and turns are by the clock alone.
//!
//! Equals take turns of 2.5 s; who is 10 dB louder than a holder waits for nothing but the 2 s that this one has. What somebody has waited is not
//! lost by a pause, and is spent with the first place.

mod speaker;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

pub(crate) use speaker::Speaker;

/// Quieter counts as this, dBov; speech into a headset lies around −35…−20, somebody far from the microphone below.
const QUIETEST_DBOV: i8 = -40;
/// Louder counts as this: a claim beyond it is worth nothing.
const LOUDEST_DBOV: i8 = -20;
/// By so much a speaker must outrank a holder: equals do not take each other's place with each syllable.
const MARGIN_DB: f32 = 10.0;
/// What a second of waiting is worth.
const GAIN_DB: f32 = 4.0;
/// A place is nobody else's for so long: a short sentence.
const HOLD_MS: u64 = 2_000;
/// Who has held a place and sends nothing for so long has fallen silent, as in the gate.
const QUIET_MS: u64 = 400;
/// Who waits, and is first, and sends nothing for so long holds nobody up. Longer than two packets of 60 ms with their jitter: one that gets lost
/// costs nobody the turn.
const LAPSE_MS: u64 = 150;
const _: () = assert!(
    ((LOUDEST_DBOV - QUIETEST_DBOV) as f32 + MARGIN_DB) / GAIN_DB == 7.5,
    "what the module promises"
);
/// Ranks are counted in sixteenths of a dB.
const STEPS_A_DB: f32 = 16.0;
const MARGIN: u32 = (MARGIN_DB * STEPS_A_DB) as u32;

/// The active speakers of one channel. See the module's documentation.
///
/// Everything is relaxed: each word carries all that its reader acts on.
#[derive(Debug)]
pub struct ActiveSpeakers {
    start: Instant,
    /// How many may be heard; 0 = all.
    limit: AtomicUsize,
    last_ticket: AtomicU32,
    /// The first of those who wait, as [`Front::pack`] writes it; 0 = nobody.
    front: AtomicU64,
    /// Made with the first limit: most channels have none.
    places: OnceLock<Box<[Place]>>,
}

/// One place. Its holder's words are two, as they do not fit into one: who it is changes hands, how it does is the holder's to write.
#[derive(Debug, Default)]
struct Place {
    /// [`pack`]: the holder's ticket, and since when it has the place; 0 = nobody.
    holder: AtomicU64,
    /// [`pack`]: the holder's loudness in steps, and when it spoke last. Of a former holder for a moment, which the time in `holder` shows.
    state: AtomicU64,
}

/// A place that is held: where, and the word that stands there as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    place: u8,
    word: u64,
}

/// Somebody who asks for a place.
#[derive(Clone, Copy, Debug)]
struct Asking {
    ticket: u32,
    /// In steps above [`QUIETEST_DBOV`], with and without what the waiting is worth.
    rank: u16,
    loudness: u16,
}

impl ActiveSpeakers {
    /// The most places that a channel can have.
    pub const MAX: usize = 64;

    /// A channel in which everybody is heard, until [`Self::set_limit`].
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            limit: AtomicUsize::new(0),
            last_ticket: AtomicU32::new(0),
            front: AtomicU64::new(0),
            places: OnceLock::new(),
        }
    }

    /// For control: how many may be heard at a time, at most [`Self::MAX`]; 0 = all. Holds from the next packet on.
    pub fn set_limit(&self, limit: usize) {
        if limit > 0 {
            let places = || (0..Self::MAX).map(|_| Place::default()).collect();
            self.places.get_or_init(places);
        }
        self.limit.store(limit.min(Self::MAX), Relaxed);
    }

    /// How many may be heard at a time; 0 = all.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// A number for one speaker of the channel, from 1. It comes again after 16 million speakers: if both were there, either would take the
    /// other's turn as the first of those who wait, and nothing worse.
    fn ticket(&self) -> u32 {
        self.last_ticket.fetch_add(1, Relaxed) % (TICKETS - 1) + 1
    }

    /// The channel's clock, ms.
    fn at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_millis() as u64
    }

    /// The places that there are now.
    fn places(&self) -> &[Place] {
        let places = self.places.get().map(AsRef::as_ref).unwrap_or_default();
        places.get(..self.limit()).unwrap_or(places)
    }

    /// Whether a place is still its holder's; notes how the holder does, if it spoke.
    fn keep(&self, held: Held, spoke: Option<u16>, now: u64) -> bool {
        let place = self.places().get(usize::from(held.place));
        let Some(place) = place.filter(|place| place.holder.load(Relaxed) == held.word) else {
            return false;
        };
        if let Some(loudness) = spoke {
            place.state.store(pack(loudness.into(), now), Relaxed);
        }
        true
    }

    /// Gives one who asks a place, if there is one and nobody is before it.
    fn ask(&self, asking: Asking, now: u64) -> Option<Held> {
        if !self.come_forward(asking, now) {
            return None;
        }
        let places = self.places();
        let word = pack(asking.ticket, now);
        let free = places.iter().position(|place| place.take_free(word, now));
        let taken = free.or_else(|| Self::take_weakest(places, asking, word, now))?;
        let state = pack(asking.loudness.into(), now);
        places.get(taken)?.state.store(state, Relaxed);
        self.step_back(asking.ticket);
        Some(Held {
            place: u8::try_from(taken).ok()?,
            word,
        })
    }

    /// Gives up a place.
    fn leave(&self, held: Held) {
        let places = self.places.get().map(AsRef::as_ref).unwrap_or_default();
        if let Some(place) = places.get(usize::from(held.place)) {
            // A failure means that somebody else has it already.
            let _ = place
                .holder
                .compare_exchange(held.word, 0, Relaxed, Relaxed);
        }
    }

    /// Whether one who asks is the first of those who wait, and notes it.
    fn come_forward(&self, asking: Asking, now: u64) -> bool {
        let own = Front {
            ticket: asking.ticket,
            rank: asking.rank,
            seen: now,
        };
        let replace = |word| own.is_before(Front::unpack(word)).then(|| own.pack());
        self.front.fetch_update(Relaxed, Relaxed, replace).is_ok()
    }

    /// No longer waits.
    fn step_back(&self, ticket: u32) {
        let clear = |word| (Front::unpack(word).ticket == ticket).then_some(0);
        let _ = self.front.fetch_update(Relaxed, Relaxed, clear);
    }

    /// Takes the quietest holder's place, of equals the one's that has had it longest.
    fn take_weakest(places: &[Place], asking: Asking, word: u64, now: u64) -> Option<usize> {
        let holders = places.iter().enumerate().filter_map(|(index, place)| {
            let (holder, state) = (place.holder.load(Relaxed), place.state.load(Relaxed));
            let (loudness, since) = (upper(state), time(holder));
            let over = now.saturating_sub(since) >= HOLD_MS;
            let weaker = u32::from(asking.rank) >= loudness + MARGIN;
            (over && weaker).then_some((loudness, since, holder, index))
        });
        let (_, _, holder, index) = holders.min()?;
        let place = places.get(index)?;
        let taken = place
            .holder
            .compare_exchange(holder, word, Relaxed, Relaxed);
        taken.ok().map(|_| index)
    }
}

impl Place {
    /// Takes the place if nobody has it who speaks.
    fn take_free(&self, word: u64, now: u64) -> bool {
        let holder = self.holder.load(Relaxed);
        let spoke = time(holder).max(time(self.state.load(Relaxed)));
        let is_free = holder == 0 || now.saturating_sub(spoke) > QUIET_MS;
        is_free
            && self
                .holder
                .compare_exchange(holder, word, Relaxed, Relaxed)
                .is_ok()
    }
}

/// Two numbers in one word: 24 bits, and ms of the channel's clock in 40 (34 years).
fn pack(upper: u32, ms: u64) -> u64 {
    u64::from(upper) << TIME_BITS | ms & ((1 << TIME_BITS) - 1)
}

fn upper(word: u64) -> u32 {
    (word >> TIME_BITS) as u32
}

fn time(word: u64) -> u64 {
    word & ((1 << TIME_BITS) - 1)
}

const TIME_BITS: u32 = 40;
const TICKETS: u32 = 1 << (u64::BITS - TIME_BITS);

/// The first of those who wait.
#[derive(Clone, Copy)]
struct Front {
    /// 24 bits; 0 = nobody.
    ticket: u32,
    /// When it was seen last.
    rank: u16,
    /// ms of the channel's clock; of one that was packed the lower 24 bits. A front of 4.7 hours ago would look fresh for a moment.
    seen: u64,
}

impl Front {
    const SEEN_BITS: u32 = 24;

    fn pack(self) -> u64 {
        let seen = self.seen & ((1 << Self::SEEN_BITS) - 1);
        u64::from(self.ticket) << TIME_BITS | u64::from(self.rank) << Self::SEEN_BITS | seen
    }

    fn unpack(word: u64) -> Self {
        Self {
            ticket: upper(word),
            rank: (word >> Self::SEEN_BITS) as u16,
            seen: word & ((1 << Self::SEEN_BITS) - 1),
        }
    }

    /// Whether this one, which is here now, goes before what was noted. Workers' clocks differ a little, so that may be of a later moment.
    fn is_before(self, noted: Self) -> bool {
        let age = self.seen.wrapping_sub(noted.seen).wrapping_add(LAPSE_MS);
        let lapsed = age & ((1 << Self::SEEN_BITS) - 1) > 2 * LAPSE_MS;
        noted.ticket == 0 || noted.ticket == self.ticket || lapsed || self.rank > noted.rank
    }
}
