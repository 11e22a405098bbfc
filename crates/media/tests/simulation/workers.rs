//! The engine's part: each worker has a mailbox, and *turns* take what waits there, as `crates/engine/src/turn.rs` does: commands, what
//! others tell, packets of others, datagrams, what is due. One thread does it all, and with a lag each worker leaves things waiting for a while.
//!
//! What comes out is told together with its cause, so that each packet that leaves is known to be of one that came.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hocket_media::{
    Certificate, Command, Drop, Drops, Event, Options, Worker, WorkerDump, WorkerId, WorkerMessage,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// One packet of somebody's voice: whose, in which of their stays, of which stream, and its 48-bit index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spoken {
    pub seat: usize,
    pub life: u32,
    pub ssrc: u32,
    pub index: u64,
    /// The level that it carries, −dBov.
    pub level: u8,
    /// Whether it was asked for and sent again.
    pub asked: bool,
}

/// Why a worker does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Speech(Spoken),
    /// RTCP of the client at this seat.
    Report(usize),
    Other,
}

/// A datagram that waits in a worker's socket.
pub struct Delivery {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
    pub cause: Cause,
}

/// What workers do to the world.
pub enum Output {
    Sent {
        to: SocketAddr,
        bytes: Vec<u8>,
        cause: Cause,
    },
    Told(Event),
    /// What became of a spoken packet at its last worker.
    Judged {
        spoken: Spoken,
        dropped: Option<Drop>,
    },
}

/// See the module's documentation.
pub struct Workers {
    pub address: SocketAddr,
    places: Vec<Place>,
    options: Arc<Options>,
    certificate: Arc<Certificate>,
    lag: Duration,
    full: f64,
    random: StdRng,
    /// When packets between workers found no room.
    pub overruns: Vec<Instant>,
    /// Calls of `handle_timeout` by each.
    pub timeouts: Vec<u64>,
    outputs: Vec<Output>,
}

struct Place {
    worker: Worker,
    commands: VecDeque<Command>,
    notes: VecDeque<WorkerMessage>,
    packets: VecDeque<(Cause, WorkerMessage)>,
    datagrams: VecDeque<Delivery>,
    wake: Option<Instant>,
    padding: bool,
}

impl Workers {
    pub fn new(
        address: SocketAddr,
        options: Options,
        certificate: &Arc<Certificate>,
        (lag, full): (Duration, f64),
        now: Instant,
    ) -> Self {
        let mut workers = Self {
            address,
            places: Vec::new(),
            random: StdRng::from_seed(options.seed),
            timeouts: vec![0; usize::from(options.workers)],
            options: Arc::new(options),
            certificate: Arc::clone(certificate),
            lag,
            full,
            overruns: Vec::new(),
            outputs: Vec::new(),
        };
        for place in 0..workers.options.workers {
            let worker = workers.fresh(place, now);
            workers.places.push(Place::of(worker));
        }
        workers
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    pub fn dumps(&self) -> impl Iterator<Item = WorkerDump> {
        self.places.iter().map(|place| place.worker.dump())
    }

    /// Puts a command where it belongs.
    pub fn command(&mut self, worker: WorkerId, command: Command, now: Instant) {
        let place = usize::from(worker.0);
        self.places[place].commands.push_back(command);
        self.wake(place, now);
    }

    /// Takes a datagram to the worker that the kernel chooses by its source.
    pub fn receive(&mut self, delivery: Delivery, now: Instant) {
        let place = self.home_of(delivery.from);
        self.places[place].datagrams.push_back(delivery);
        self.wake(place, now);
    }

    /// The worker fails: all that it knew is gone, and a new one takes its place.
    pub fn replace(&mut self, worker: WorkerId, now: Instant) {
        let fresh = Place::of(self.fresh(worker.0, now));
        self.places[usize::from(worker.0)] = fresh;
        for place in 0..self.places.len() {
            if place != usize::from(worker.0) {
                let gone = WorkerMessage::WorkerGone(worker);
                self.places[place].notes.push_back(gone);
                self.wake(place, now);
            }
        }
    }

    pub fn toggle_padding(&mut self, worker: usize) {
        let place = &mut self.places[worker];
        place.padding = !place.padding;
        place.worker.set_padding(place.padding);
    }

    /// When a worker has something to do.
    pub fn next_turn(&self) -> Option<Instant> {
        let due = self
            .places
            .iter()
            .flat_map(|place| [place.wake, place.worker.next_timeout()]);
        due.flatten().min()
    }

    /// Lets those turn who have something to do by now, until none has, and gives what came of it.
    pub fn turn(&mut self, now: Instant) -> Vec<Output> {
        while let Some(place) = (0..self.places.len()).find(|place| self.is_due(*place, now)) {
            self.turn_one(place, now);
        }
        core::mem::take(&mut self.outputs)
    }

    fn is_due(&self, place: usize, now: Instant) -> bool {
        let Place { wake, worker, .. } = &self.places[place];
        [*wake, worker.next_timeout()]
            .into_iter()
            .flatten()
            .any(|at| at <= now)
    }

    fn turn_one(&mut self, place: usize, now: Instant) {
        self.places[place].wake = None;
        while let Some(command) = self.places[place].commands.pop_front() {
            self.places[place].worker.handle_command(command, now);
            self.collect(place, Cause::Other, now);
        }
        while let Some(note) = self.places[place].notes.pop_front() {
            self.places[place].worker.handle_message(note, now);
            self.collect(place, Cause::Other, now);
        }
        while let Some((cause, packet)) = self.places[place].packets.pop_front() {
            let is_datagram = matches!(packet, WorkerMessage::Datagram(_));
            let before = self.drops(place);
            self.places[place].worker.handle_message(packet, now);
            let passed = self.collect(place, cause, now);
            if is_datagram && !passed {
                self.judge(place, &before, cause);
            }
        }
        while let Some(mut delivery) = self.places[place].datagrams.pop_front() {
            let (cause, local) = (delivery.cause, self.local());
            let before = self.drops(place);
            self.places[place].worker.handle_datagram(
                delivery.from,
                local,
                &mut delivery.bytes,
                now,
            );
            if !self.collect(place, cause, now) {
                self.judge(place, &before, cause);
            }
        }
        self.do_what_is_due(place, now);
    }

    /// A timer that is due leads to a later one, or its thread would never sleep.
    fn do_what_is_due(&mut self, place: usize, now: Instant) {
        let worker = &mut self.places[place].worker;
        if worker.next_timeout().is_some_and(|at| at <= now) {
            worker.handle_timeout(now);
            let next = worker.next_timeout();
            assert!(next.is_none_or(|at| at > now), "worker {place} spins");
            self.timeouts[place] += 1;
            self.collect(place, Cause::Other, now);
        }
    }

    /// Takes what a worker has to say. Whether it passed a datagram on.
    fn collect(&mut self, place: usize, cause: Cause, now: Instant) -> bool {
        let mut passed = false;
        while let Some((to, message)) = self.places[place].worker.poll_message() {
            let to = usize::from(to.0);
            if message.is_lossy() {
                passed |= matches!(message, WorkerMessage::Datagram(_));
                if self.random.random_bool(self.full) {
                    self.overruns.push(now);
                    continue;
                }
                self.places[to].packets.push_back((cause, message));
            } else {
                self.places[to].notes.push_back(message);
            }
            self.wake(to, now);
        }
        let local = self.local();
        let worker = &mut self.places[place].worker;
        for datagram in worker.outbox().iter() {
            assert_eq!(
                datagram.local, local,
                "an answer leaves from the address that was asked"
            );
            self.outputs.push(Output::Sent {
                to: datagram.destination,
                bytes: datagram.bytes.to_vec(),
                cause,
            });
        }
        worker.outbox().clear();
        while let Some(event) = worker.poll_event() {
            self.outputs.push(Output::Told(event));
        }
        passed
    }

    fn judge(&mut self, place: usize, before: &Drops, cause: Cause) {
        let Cause::Speech(spoken) = cause else { return };
        let after = self.drops(place);
        let mut reasons = Drop::ALL.into_iter();
        let dropped = reasons.find(|reason| after.get(*reason) != before.get(*reason));
        self.outputs.push(Output::Judged { spoken, dropped });
    }

    fn wake(&mut self, place: usize, now: Instant) {
        if self.places[place].wake.is_none() {
            let lag = self.lag.mul_f64(self.random.random());
            self.places[place].wake = Some(now + lag);
        }
    }

    fn home_of(&self, source: SocketAddr) -> usize {
        (usize::from(source.port()).wrapping_mul(31) ^ usize::from(source.port() >> 3))
            % self.places.len()
    }

    fn drops(&self, place: usize) -> Drops {
        self.places[place].worker.dump().dropped
    }

    fn local(&self) -> IpAddr {
        self.address.ip()
    }

    fn fresh(&self, place: u8, now: Instant) -> Worker {
        let (options, certificate) = (Arc::clone(&self.options), Arc::clone(&self.certificate));
        Worker::new(WorkerId(place), options, certificate, now)
    }
}

impl Place {
    fn of(worker: Worker) -> Self {
        Self {
            worker,
            commands: VecDeque::new(),
            notes: VecDeque::new(),
            packets: VecDeque::new(),
            datagrams: VecDeque::new(),
            wake: None,
            padding: false,
        }
    }
}
