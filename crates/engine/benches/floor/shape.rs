//! Whole channels through the engine's sockets: everybody speaks, everybody hears everybody else, one worker serves them.
//!
//! Timed is what a worker's thread does about packets: `recvmmsg`, the core with its timers and reports, `sendmmsg`. Not in it: the poll and the
//! wake-up before a turn, and the engine's queues, which only a whole server shows. A turn here is the receiving half of `Turner::turn` and
//! `Turner::settle`, which are private to the engine.

use std::net::SocketAddr;
use std::time::Instant;

use hocket_engine::socket::{Receiver, Sender, Sockets};
use hocket_media::Outbox;

use crate::common::parts::person::FRAME;
use crate::common::{Channel, LOCAL, Subject};
use crate::loopback::{Ears, PATIENCE, drain, open_port};

/// Copies that a round makes at least.
const COPIES: usize = 500;

/// As `turn.rs` has it.
const OUTBOX_MAX: usize = 1_024;

/// Packets come one after another, each forwarded at once: a machine with little to do.
pub fn one_by_one(ears: &Ears, people: usize) -> Subject<'_> {
    subject(ears, people, 1, "one a turn")
}

/// A few packets wait when a turn begins: what a busy worker lets gather in a millisecond.
pub fn three_at_once(ears: &Ears, people: usize) -> Subject<'_> {
    subject(ears, people, 3, "three a turn")
}

/// All of one frame's packets wait when a turn begins: a machine with much to do.
pub fn all_at_once(ears: &Ears, people: usize) -> Subject<'_> {
    subject(ears, people, people, "all in a turn")
}

fn subject<'a>(ears: &'a Ears, people: usize, at_once: usize, how: &str) -> Subject<'a> {
    let mut place = Place::new(ears, people);
    let frames = COPIES.div_ceil(people * (people - 1));
    let name = format!("channel, 1 × {people}, {how}");
    Subject::new(name, people - 1, move |stopwatch| {
        for _ in 0..frames {
            let mut sent = 0;
            for first in (0..people).step_by(at_once) {
                let speakers = first..people.min(first + at_once);
                let packets = speakers.len();
                place.speak(speakers);
                sent += stopwatch.time(|| place.turn(packets));
                sent += stopwatch.time_allocating(|| place.run_timers());
            }
            assert!(sent >= people * (people - 1), "everybody hears everybody");
            drain(&[ears, &place.mouths], sent);
        }
        frames * people * (people - 1)
    })
}

/// A channel, and the sockets at both ends.
struct Place {
    channel: Channel,
    mouths: Ears,
    sockets: Sockets,
    address: SocketAddr,
    receiver: Receiver,
    sender: Sender,
}

impl Place {
    fn new(ears: &Ears, people: usize) -> Self {
        let (sockets, mouths) = (open_port(), Ears::new(people));
        let address = sockets
            .v4
            .as_ref()
            .expect("IPv4")
            .local_addr()
            .expect("bound");
        let listeners = &ears.addresses[..people];
        Self {
            channel: Channel::new(address, &mouths.addresses, listeners, |ear, mouth| {
                ear != mouth
            }),
            mouths,
            sockets,
            address,
            receiver: Receiver::new(true),
            sender: Sender::new(true),
        }
    }

    /// These people say their next packet, and time goes on by their share of a frame.
    fn speak(&mut self, speakers: std::ops::Range<usize>) {
        let share = FRAME * speakers.len() as u32 / self.channel.speakers() as u32;
        self.channel.advance(share);
        for speaker in speakers {
            let (_, bytes) = self.channel.speak(speaker);
            self.mouths.say(speaker, &bytes, self.address);
        }
    }

    /// Takes this many packets that wait, and lets go what comes of them; returns how many datagrams left.
    fn turn(&mut self, expected: usize) -> usize {
        let Self {
            channel,
            sockets,
            receiver,
            sender,
            ..
        } = self;
        let (now, worker, begun) = (channel.now, channel.worker(), Instant::now());
        let socket = sockets.v4.as_ref().expect("IPv4");
        let (mut taken, mut sent) = (0, 0);
        while taken < expected {
            let receipt = receiver.receive(socket, LOCAL, |arrival| {
                worker.handle_datagram(arrival.source, arrival.local, arrival.data, now);
                if worker.outbox().len() >= OUTBOX_MAX {
                    sent += send_all(sender, sockets, worker.outbox());
                }
            });
            taken += receipt.expect("loopback gives it").taken;
            assert!(
                begun.elapsed() < PATIENCE,
                "{taken} of {expected} packets came in"
            );
        }
        sent += send_all(sender, sockets, worker.outbox());
        while worker.poll_event().is_some() {}
        sent
    }

    /// Does what is due: reports, and what else has a timer.
    fn run_timers(&mut self) -> usize {
        let (now, worker) = (self.channel.now, self.channel.worker());
        if worker.next_timeout().is_none_or(|due| due > now) {
            return 0;
        }
        worker.handle_timeout(now);
        send_all(&mut self.sender, &self.sockets, worker.outbox())
    }
}

fn send_all(sender: &mut Sender, sockets: &Sockets, outbox: &mut Outbox) -> usize {
    let report = sender.empty(sockets, outbox);
    assert_eq!(report.no_room + report.refused, 0, "{report:?}");
    report.sent
}
