//! Those of a crowd who speak: what each sends, and whose turn it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hocket_media::Outbox;
use hocket_media::client::Transport;

use crate::pace::{Pace, Turn};
use crate::ptime::Ptime;
use crate::report::Counters;
use crate::speaker::{SpeakOptions, Speaker};

/// See the module's documentation. Speakers are told by their transport's place.
pub(crate) struct Voices {
    counters: Arc<Counters>,
    speakers: Vec<Option<Speaker>>,
    pace: Pace,
    /// Wishes for other packet times so far.
    wishes: usize,
}

impl Voices {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            speakers: Vec::new(),
            pace: Pace::default(),
            wishes: 0,
        }
    }

    /// Lets somebody speak from now on, without an end.
    pub(crate) fn add(&mut self, place: usize, options: SpeakOptions, now: Instant) {
        self.remove(place);
        if self.speakers.len() <= place {
            self.speakers.resize_with(place + 1, || None);
        }
        if let Some(slot) = self.speakers.get_mut(place) {
            *slot = Some(Speaker::new(options));
            self.pace.add(place, options.ptime, now);
        }
    }

    /// Takes a wish for another packet time. Harmless for somebody who does not speak.
    ///
    /// All speakers of a channel may get theirs in one moment, and who speaks each 20 ms has a phase within 20 ms. If all then changed at once,
    /// they would speak within the same third of each 60 ms for ever. Clients that take a while each would not: so one goes on with the old length for a
    /// packet more than another, as many as make the new phases even.
    pub(crate) fn wish(&mut self, place: usize, ptime: Ptime) {
        if let Some(Some(speaker)) = self.speakers.get_mut(place) {
            speaker.wish(ptime, self.wishes % ptime.frames());
            self.wishes += 1;
        }
    }

    /// Lets somebody speak no more, and forgets what was sent.
    pub(crate) fn remove(&mut self, place: usize) {
        self.pace.remove(place);
        if let Some(mut speaker) = self.speakers.get_mut(place).and_then(Option::take) {
            finish(&self.counters, &mut speaker);
        }
    }

    /// Lets nobody speak.
    pub(crate) fn silence(&mut self) {
        self.pace.clear();
        let speakers = self.speakers.iter_mut().flatten();
        speakers.for_each(|speaker| finish(&self.counters, speaker));
    }

    /// Lets everybody who is connected say so much sound, and counts from here on.
    pub(crate) fn measure(
        &mut self,
        sound: Duration,
        now: Instant,
        connected: impl Fn(usize) -> bool,
    ) {
        self.silence();
        for (place, speaker) in self.speakers.iter_mut().enumerate() {
            let Some(speaker) = speaker else { continue };
            speaker.begin(sound);
            if connected(place) && speaker.goes_on() {
                self.pace.add(place, speaker.ptime(), now);
                speaker.counted = true;
                self.counters.speaking.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// When the next one is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.pace.next()
    }

    /// Whose turn it is; [`Voices::speak`] takes it.
    pub(crate) fn next_turn(&mut self, now: Instant) -> Option<Turn> {
        self.pace.pop_due(now)
    }

    /// Sends a packet on the speaker's transport.
    pub(crate) fn speak(
        &mut self,
        turn: Turn,
        transport: &mut Transport,
        epoch: Instant,
        now: Instant,
        outbox: &mut Outbox,
    ) {
        let Some(Some(speaker)) = self.speakers.get_mut(turn.speaker) else {
            return;
        };
        speaker.speak(transport, epoch, now, outbox);
        if speaker.goes_on() {
            self.pace.again(turn, speaker.ptime());
        } else {
            finish(&self.counters, speaker);
        }
    }

    /// How long the schedule has stood still since the count began.
    pub(crate) fn paused(&self) -> Duration {
        self.pace.paused()
    }

    /// Everybody who speaks, by place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Speaker)> {
        let all = self.speakers.iter().enumerate();
        all.filter_map(|(place, speaker)| speaker.as_ref().map(|speaker| (place, speaker)))
    }
}

/// Takes a speaker off those who have packets of the measurement to send.
fn finish(counters: &Counters, speaker: &mut Speaker) {
    if std::mem::take(&mut speaker.counted) {
        counters.speaking.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "voices_tests.rs"]
mod tests;
