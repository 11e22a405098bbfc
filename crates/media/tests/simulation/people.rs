//! Seats in the channels, and who sits there: a person's two clients, what they are doing, and what they still know of what they said.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hocket_media::rtcp::{Compound, Packet, write};
use hocket_media::rtp::sequence::extend;
use hocket_media::{Credentials, ProducerId, TransportId};

use crate::common::{Heard, Person, Side};
use crate::network::{Flight, is_rtcp};
use crate::workers::{Cause, Spoken};

pub const NAMES: [&str; 8] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
];
/// Levels, −dBov: what no gate shuts out, and what every gate does.
pub const LOUD: u8 = 30;
pub const SILENT: u8 = 127;
pub const SIDES: [Side; 2] = [Side::Send, Side::Receive];
/// Packets that a speaker can send again.
const KEPT: usize = 64;
/// Packets whose numbers a speaker remembers.
const REMEMBERED: usize = 1_024;

/// A place for one person at a time.
#[derive(Default)]
pub struct Seat {
    /// How many have sat here.
    pub lives: u32,
    /// Frames that were said here: no two have one count.
    said: u32,
    pub present: Option<Life>,
}

/// One person's stay.
pub struct Life {
    pub number: u32,
    pub channel: usize,
    pub person: Person,
    /// Signalling has told the certificates, and let it produce.
    pub signalled: bool,
    pub may_speak: bool,
    pub may_listen: bool,
    /// Does nothing until then, as a laptop whose lid is shut.
    pub asleep_until: Option<Instant>,
    /// Left without a word.
    pub vanished: bool,
    /// Sealed packets by SSRC and index.
    kept: VecDeque<(u32, u64, u8, Vec<u8>)>,
}

impl Seat {
    pub fn life(&self, number: u32) -> Option<&Life> {
        self.present.as_ref().filter(|life| life.number == number)
    }

    /// Somebody sits down.
    pub fn take(&mut self, mut person: Person, channel: usize) {
        self.lives += 1;
        person.count = self.said;
        self.present = Some(Life {
            number: self.lives,
            channel,
            person,
            signalled: false,
            may_speak: true,
            may_listen: true,
            asleep_until: None,
            vanished: false,
            kept: VecDeque::new(),
        });
    }

    pub fn leave(&mut self) -> Option<Life> {
        let life = self.present.take()?;
        self.said = life.person.count;
        Some(life)
    }
}

impl Life {
    pub fn transport(&self, side: Side) -> TransportId {
        match side {
            Side::Send => self.person.send_transport,
            Side::Receive => self.person.receive_transport,
        }
    }

    pub fn producer(&self) -> Option<ProducerId> {
        self.person.producer
    }

    /// Whether it does anything now.
    pub fn is_awake(&self) -> bool {
        !self.vanished && self.asleep_until.is_none()
    }

    pub fn is_connected(&self) -> bool {
        self.person.send.is_connected() && self.person.receive.is_connected()
    }

    /// The index under which a frame was sent.
    pub fn index_of(&self, count: u32) -> Option<u64> {
        self.person.sent.get(&count).map(|(index, _)| *index)
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        if self.vanished {
            None
        } else if self.asleep_until.is_some() {
            self.asleep_until
        } else {
            self.person.next_timeout()
        }
    }

    /// Wakes up, checks, speaks. A sleeper's clock went on, or stood still, as that of a sound card does.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(until) = self.asleep_until.filter(|until| *until <= now) {
            self.asleep_until = None;
            self.go_on(until, now);
        }
        if self.is_awake() {
            self.person.handle_timeout(now);
        }
    }

    /// Speaks on after a time in which nobody let it.
    pub fn go_on(&mut self, since: Instant, now: Instant) {
        if self.person.speaks {
            let passed = (now - since).as_millis() as u32 * 48;
            self.person.timestamp = self.person.timestamp.wrapping_add(passed);
            self.person
                .speak(now + Duration::from_micros(u64::from(self.person.number) * 977));
        }
    }

    /// Takes a datagram, if anybody is there to take it; what it says is heard.
    pub fn take(&mut self, side: Side, bytes: &mut [u8], now: Instant) -> Vec<Heard> {
        if !self.is_awake() {
            return Vec::new();
        }
        self.person.client(side).handle_datagram(bytes, now);
        self.person.listen();
        self.answer_requests();
        self.person.receive_lengths.clear();
        self.person.client(side).sealed.clear();
        core::mem::take(&mut self.person.heard)
    }

    /// Sends again what the server asks for.
    fn answer_requests(&mut self) {
        for (side, bytes, _) in core::mem::take(&mut self.person.rtcp) {
            for packet in Compound::parse(&bytes).expect("RTCP of ours").packets() {
                if let (Side::Send, Packet::Nack(nack)) = (side, packet) {
                    nack.sequences()
                        .for_each(|sequence| self.send_again(nack.media, sequence));
                }
            }
        }
    }

    fn send_again(&mut self, ssrc: u32, sequence: u16) {
        let mut kept = self.kept.iter();
        let found = kept.find(|(of, index, ..)| *of == ssrc && *index as u16 == sequence);
        if let Some((.., bytes)) = found {
            let address = self.person.send.address;
            self.person
                .send
                .outgoing
                .push_back((address, bytes.clone()));
        }
    }

    /// What its clients have to send.
    pub fn outgoing(&mut self, seat: usize) -> Vec<Flight> {
        let mut flights = Vec::new();
        for side in SIDES {
            let server = self.person.client(side).server;
            while let Some((from, bytes)) = self.person.client(side).outgoing.pop_front() {
                let cause = self.cause(seat, &bytes);
                flights.push(Flight {
                    from,
                    to: server,
                    bytes,
                    cause,
                });
            }
            self.person.client(side).recorded.clear();
        }
        while self.person.sent.len() > REMEMBERED {
            self.person.sent.pop_first();
        }
        flights
    }

    fn cause(&mut self, seat: usize, bytes: &[u8]) -> Cause {
        if bytes[0] >> 6 != 2 {
            return Cause::Other;
        }
        if is_rtcp(bytes) {
            return Cause::Report(seat);
        }
        let ssrc = u32::from_be_bytes(*bytes[8..].first_chunk().unwrap());
        let sequence = u16::from_be_bytes(*bytes[2..].first_chunk().unwrap());
        let mut kept = self.kept.iter();
        let known = kept.find(|(of, _, _, packet)| *of == ssrc && packet == bytes);
        let (index, level, asked) = match known {
            Some((_, index, level, _)) => (*index, *level, true),
            None => {
                let level = self.person.level.unwrap_or_default();
                (extend(self.person.index, sequence), level, false)
            }
        };
        if !asked {
            self.kept.push_back((ssrc, index, level, bytes.to_vec()));
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        Cause::Speech(Spoken {
            seat,
            life: self.number,
            ssrc,
            index,
            level,
            asked,
        })
    }

    /// Asks the server for packets again.
    pub fn ask(&mut self, media: u32, sequences: &[u16]) {
        let mut packet = Vec::new();
        write::receiver_report(1, &[], &mut packet);
        write::nack(1, media, sequences.iter().copied(), &mut packet);
        self.person.receive.send_rtcp(packet);
    }

    /// Says that its stream has ended, though it goes on.
    pub fn say_bye(&mut self) {
        let mut packet = Vec::new();
        write::receiver_report(self.person.ssrc, &[], &mut packet);
        write::bye(&[self.person.ssrc], &mut packet);
        self.person.send.send_rtcp(packet);
    }

    /// Its stream gets another SSRC, and begins anew.
    pub fn change_source(&mut self) {
        self.person.ssrc += 1_000;
        self.person.index = 7;
        self.person.sent.clear();
    }

    pub fn move_to(&mut self, side: Side, address: SocketAddr, now: Instant) {
        self.person.client(side).move_to(address, now);
    }

    pub fn restart_ice(&mut self, side: Side, credentials: Credentials, now: Instant) {
        self.person.client(side).restart_ice(credentials, now);
    }
}
