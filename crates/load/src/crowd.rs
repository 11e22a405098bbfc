//! The clients of one thread: their transports, who speaks when, what each hears. Sans-IO: its driver gives it datagrams and time, sends what
//! stands in the outbox, and calls [`Crowd::speak`] while somebody is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hocket_media::Outbox;
use hocket_media::client::{Failure, Identity, Outcome, Remote, Transport, TransportOptions};
use hocket_media::rtp::Header;

use crate::places;
use crate::ptime::Ptime;
use crate::report::{Counters, Report};
pub use crate::speaker::SpeakOptions;
use crate::stamp;
use crate::stream::{Arrival, Stream};
use crate::streams::Streams;
use crate::voices::Voices;

/// Our user name fragment, the same for all: a lite server sends no checks that would name it.
const FRAGMENT: &str = "load";

/// What all threads of a client share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) identity: Arc<Identity>,
    pub(crate) counters: Arc<Counters>,
    /// What stamps count from.
    pub(crate) epoch: Instant,
    pub(crate) patience: Duration,
    /// Each so manieth packet of a stream is opened; the first one always.
    pub(crate) sample: u64,
    pub(crate) seed: u64,
}

/// One transport, and what happens on it.
struct Member {
    transport: Transport,
    made: Instant,
    /// The earliest look at it that stands in the heap.
    scheduled: Option<Instant>,
    streams: Streams,
}

/// See the module's documentation.
pub struct Crowd {
    common: Common,
    members: Vec<Member>,
    deadlines: BinaryHeap<Reverse<(Instant, usize)>>,
    voices: Voices,
    outbox: Outbox,
    /// Histograms and sums; what streams and speakers count stands with them.
    tally: Report,
    failures: Vec<(usize, Failure)>,
    /// RTP packets of which [`Counters::arrived`] does not know yet.
    arrived: usize,
}

impl Crowd {
    pub(crate) fn new(common: Common) -> Self {
        Self {
            voices: Voices::new(Arc::clone(&common.counters)),
            common,
            members: Vec::new(),
            deadlines: BinaryHeap::new(),
            outbox: Outbox::default(),
            tally: Report::default(),
            failures: Vec::new(),
            arrived: 0,
        }
    }

    /// Datagrams to send. Their local address is that of the transport's place.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// How many transports were made: the next one's place.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// When somebody speaks, or [`Crowd::handle_timeout`] is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let deadline = self.deadlines.peek().map(|Reverse((at, _))| *at);
        [deadline, self.voices.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Makes a transport at the next place.
    pub(crate) fn create(&mut self, remote: Remote, now: Instant) {
        let place = self.members.len();
        let options = TransportOptions {
            local: places::address(place),
            fragment: FRAGMENT.to_owned(),
            patience: self.common.patience,
            // Any odd factor keeps places apart; the generator behind it does the mixing.
            seed: self
                .common
                .seed
                .wrapping_add((place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        };
        let identity = Arc::clone(&self.common.identity);
        self.members.push(Member {
            transport: Transport::new(identity, remote, &options, now),
            made: now,
            scheduled: None,
            streams: Streams::default(),
        });
        self.act(place, now, |transport, outbox| {
            transport.handle_timeout(now, outbox)
        });
    }

    /// Lets a transport speak from now on.
    pub(crate) fn add_speaker(&mut self, place: usize, options: SpeakOptions, now: Instant) {
        if place < self.members.len() {
            self.voices.add(place, options, now);
        }
    }

    /// Lets a transport's packets hold so much sound from soon on.
    pub(crate) fn set_ptime(&mut self, place: usize, ptime: Ptime) {
        self.voices.wish(place, ptime);
    }

    /// Waits for streams on a transport.
    pub(crate) fn hear(&mut self, place: usize, ssrcs: &[u32], now: Instant) {
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        for &ssrc in ssrcs {
            member.streams.add(Stream::new(ssrc, now));
        }
    }

    /// Forgets a stream with all that it counted.
    pub(crate) fn unhear(&mut self, place: usize, ssrc: u32) {
        if let Some(member) = self.members.get_mut(place) {
            member.streams.remove(ssrc);
        }
    }

    /// Ends a transport as its client wishes.
    pub(crate) fn close(&mut self, place: usize, now: Instant) {
        self.voices.remove(place);
        if let Some(member) = self.members.get_mut(place) {
            member.transport.close(now, &mut self.outbox);
        }
    }

    /// Lets nobody speak.
    pub(crate) fn silence(&mut self) {
        self.voices.silence();
    }

    /// Lets every connected speaker send so much sound, and counts from here on.
    pub(crate) fn measure(&mut self, sound: Duration, now: Instant) {
        let (connect, first_packet) = (
            std::mem::take(&mut self.tally.connect),
            std::mem::take(&mut self.tally.first_packet),
        );
        self.tally = Report {
            connect,
            first_packet,
            ..Report::default()
        };
        for member in &mut self.members {
            member.streams.iter_mut().for_each(Stream::begin);
        }
        let members = &self.members;
        let connected = |place: usize| {
            let member = members.get(place);
            member.is_some_and(|member| member.transport.is_connected())
        };
        self.voices.measure(sound, now, connected);
    }

    /// Takes a datagram that came to the transport at this place: to its socket when it `arrived`, to us `now`.
    pub fn handle_datagram(
        &mut self,
        place: usize,
        source: SocketAddr,
        data: &mut [u8],
        arrived: Instant,
        now: Instant,
    ) {
        let outcome = self.act(place, now, |transport, outbox| {
            transport.handle_datagram(source, data, now, outbox)
        });
        match outcome {
            Outcome::Rtp => {
                self.arrived += 1;
                self.receive(place, data, arrived);
            }
            Outcome::Rtcp => self.tally.rtcp += 1,
            _ => {}
        }
    }

    /// Lets others know how many packets have arrived since it was called last: once a turn, since they share the counter. Gives the number.
    pub(crate) fn publish(&mut self) -> usize {
        let arrived = std::mem::take(&mut self.arrived);
        if arrived > 0 {
            self.common
                .counters
                .arrived
                .fetch_add(arrived, Ordering::AcqRel);
        }
        arrived
    }

    /// Does what is due for transports.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(Reverse((at, place))) = self.deadlines.peek().copied()
            && at <= now
        {
            self.deadlines.pop();
            if let Some(member) = self.members.get_mut(place)
                && member.scheduled == Some(at)
            {
                member.scheduled = None;
            }
            self.act(place, now, |transport, outbox| {
                transport.handle_timeout(now, outbox)
            });
        }
    }

    /// Lets those speak who are due, at most so many; gives how many that were.
    pub fn speak(&mut self, now: Instant, most: usize) -> usize {
        for spoken in 0..most {
            let Some(turn) = self.voices.next_turn(now) else {
                return spoken;
            };
            let Some(member) = self.members.get_mut(turn.speaker) else {
                continue;
            };
            let (transport, outbox) = (&mut member.transport, &mut self.outbox);
            self.voices
                .speak(turn, transport, self.common.epoch, now, outbox);
            self.tally.slip.record(turn.late);
        }
        most
    }

    /// How long the schedule of those who speak has stood still since the count began.
    pub(crate) fn paused(&self) -> Duration {
        self.voices.paused()
    }

    /// What has been counted. `name` gives the transport at a place its id.
    pub(crate) fn report(&self, name: impl Fn(usize) -> u64) -> Report {
        let mut report = self.tally.clone();
        for member in &self.members {
            for stream in member.streams.iter() {
                report.expected += stream.expected();
                report.received += stream.received();
                report.again += stream.again();
            }
        }
        for (place, speaker) in self.voices.iter() {
            report.sent.push((name(place), speaker.sent().iter().sum()));
            report.asked += speaker.asked();
            for (sum, sent) in report.by_ptime.iter_mut().zip(speaker.sent()) {
                *sum += sent;
            }
        }
        let failures = self.failures.iter();
        report.failures = failures
            .map(|(place, failure)| (name(*place), failure.as_str()))
            .collect();
        report
    }

    /// Has a transport do something, and notes what comes of it and when it wants to be looked at next.
    fn act(
        &mut self,
        place: usize,
        now: Instant,
        step: impl FnOnce(&mut Transport, &mut Outbox) -> Outcome,
    ) -> Outcome {
        let Some(member) = self.members.get_mut(place) else {
            return Outcome::Nothing;
        };
        let outcome = step(&mut member.transport, &mut self.outbox);
        if outcome == Outcome::Rtp {
            return outcome; // moves no timer
        }
        if let Some(at) = member.transport.next_timeout()
            && member.scheduled.is_none_or(|earlier| at < earlier)
        {
            member.scheduled = Some(at);
            self.deadlines.push(Reverse((at, place)));
        }
        match outcome {
            Outcome::Connected => {
                self.tally
                    .connect
                    .record(now.saturating_duration_since(member.made));
                self.common
                    .counters
                    .connected
                    .fetch_add(1, Ordering::AcqRel);
            }
            Outcome::Failed(failure) => {
                self.failures.push((place, failure));
                self.common.counters.failed.fetch_add(1, Ordering::AcqRel);
            }
            _ => {}
        }
        outcome
    }

    /// Counts an RTP packet, and opens it if it is one of the sample.
    fn receive(&mut self, place: usize, data: &mut [u8], arrived: Instant) {
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        let Ok(header) = Header::parse_protected(data) else {
            self.tally.unexpected += 1;
            return;
        };
        let Some(stream) = member.streams.find(header.ssrc) else {
            self.tally.unexpected += 1;
            return;
        };
        let awaited = stream.awaited;
        let Arrival { first, number } = stream.receive(header.sequence);
        if first {
            let waited = arrived.saturating_duration_since(awaited);
            self.tally.first_packet.record(waited);
            self.common.counters.begun.fetch_add(1, Ordering::AcqRel);
        }
        if number.is_multiple_of(self.common.sample) {
            self.open(place, data, arrived);
        }
    }

    fn open(&mut self, place: usize, data: &mut [u8], arrived: Instant) {
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        let opened = member.transport.open_rtp(data);
        let Some(packet) = opened.and_then(|opened| data.get(..opened.len)) else {
            self.tally.unreadable += 1;
            return;
        };
        self.tally.opened += 1;
        let Ok(header) = Header::parse(packet) else {
            return;
        };
        if let Some(sent) = stamp::read(header.payload(packet), self.common.epoch) {
            self.tally
                .delay
                .record(arrived.saturating_duration_since(sent));
        }
    }
}
