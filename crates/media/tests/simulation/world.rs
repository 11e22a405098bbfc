//! One server, everybody, and the network between them under one clock. Moves from event to event, and has everything that leaves the server looked at.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::DtlsCertificate;
use hocket_media::{Certificate, Credentials, Event, TransportId};

use crate::common::client::{Client, Version};
use crate::common::{Person, Side};
use crate::control::Control;
use crate::invariants::Invariants;
use crate::network::{Flight, Network, mix};
use crate::people::{NAMES, SIDES, Seat};
use crate::setting::Setting;
use crate::workers::{Cause, Delivery, Output, Workers};

/// Calls of `handle_timeout` in a second that one worker may need, for at most sixteen transports; 89 were the most that was seen.
const TIMEOUTS_A_SECOND: u64 = 300;
/// What workers may have to tell control in a second: of each transport how well it does, of each speaker a beginning and an end or two.
const EVENTS_A_SECOND: u64 = 100;

/// Certificates, which cost time to make and decide nothing.
pub struct Identities {
    server: Arc<Certificate>,
    client: DtlsCertificate,
}

/// See the module's documentation.
pub struct World {
    pub setting: Setting,
    pub now: Instant,
    pub start: Instant,
    pub network: Network,
    pub control: Control,
    pub seats: Vec<Seat>,
    pub invariants: Invariants,
    /// (listener's seat, speaker's seat, count) of what was opened since it was emptied; kept only while somebody looks.
    pub heard: Option<Vec<(usize, usize, u32)>>,
    identities: Arc<Identities>,
    ports: u16,
    /// Addresses of those who left, which others may get.
    pub free_addresses: Vec<SocketAddr>,
    credentials: u64,
    second: (u64, Vec<u64>),
    told: usize,
    /// Whose transports ended by themselves.
    leaving: Vec<(usize, TransportId)>,
}

impl Identities {
    pub fn new() -> Self {
        Self {
            server: Arc::new(Certificate::generate().unwrap()),
            client: dimpl::certificate::generate_self_signed_certificate().unwrap(),
        }
    }
}

impl World {
    pub fn new(setting: Setting, identities: Arc<Identities>) -> Self {
        let now = Instant::now();
        let address = "198.51.100.1:3478".parse().unwrap();
        let queues = (setting.lag, setting.full);
        let workers = Workers::new(address, setting.options(), &identities.server, queues, now);
        let second = (0, workers.timeouts.clone());
        Self {
            now,
            start: now,
            network: Network::new(setting.seed, setting.conditions),
            control: Control::new(workers, (setting.nack, setting.red), now),
            seats: NAMES.map(|_| Seat::default()).into(),
            invariants: Invariants::new(&setting),
            heard: None,
            identities,
            ports: 10_000,
            free_addresses: Vec::new(),
            credentials: 0,
            second,
            told: 0,
            leaving: Vec::new(),
            setting,
        }
    }

    /// Somebody comes: two transports, and the clients begin to check.
    pub fn enter(&mut self, seat: usize, channel: usize, change: impl FnOnce(&mut Person)) {
        let (send, of_send) = self.make_client(seat);
        let (receive, of_receive) = self.make_client(seat);
        let (name, number) = (NAMES[seat], u8::try_from(seat + 1).unwrap());
        let transports = (of_send, of_receive);
        let mut person = Person::new(name, number, send, receive, transports, self.now);
        change(&mut person);
        self.seats[seat].take(person, channel);
        self.settle();
    }

    /// Control takes somebody out, whose clients may not have noticed.
    pub fn leave(&mut self, seat: usize) {
        let Some(mut life) = self.seats[seat].leave() else {
            return;
        };
        let producer = life.producer();
        if let Some(producer) = producer.filter(|id| self.control.producers[id].closed.is_none()) {
            self.control.close_producer(producer, self.now);
        }
        for side in SIDES {
            self.control
                .remove_transport(life.transport(side), self.now);
            self.free_addresses.push(life.person.client(side).address);
        }
        self.settle();
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            match self.next_event().filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
            self.happen();
        }
        self.now = end;
        self.settle();
    }

    /// The clock goes on by so much, and nobody could do anything meanwhile.
    pub fn jump(&mut self, time: Duration) {
        let before = self.now;
        self.now += time;
        for life in self
            .seats
            .iter_mut()
            .filter_map(|seat| seat.present.as_mut())
        {
            life.go_on(before, self.now);
        }
        self.control.jumped = self.now;
        self.second.0 = self.seconds();
        self.second.1.clone_from(&self.control.workers.timeouts);
        self.settle();
    }

    /// Lets workers turn and clients send until nothing more happens now.
    pub fn settle(&mut self) {
        loop {
            let outputs = self.control.workers.turn(self.now);
            let idle = outputs.is_empty();
            outputs
                .into_iter()
                .for_each(|output| self.take_output(output));
            if idle {
                break;
            }
        }
        self.invariants.check_completeness(&self.control);
        while let Some((seat, transport)) = self.leaving.pop() {
            self.leave_of(seat, transport);
        }
        for seat in 0..self.seats.len() {
            if let Some(life) = &mut self.seats[seat].present {
                for flight in life.outgoing(seat) {
                    self.network.send(flight, self.now);
                }
            }
        }
    }

    /// An address that nobody has used.
    pub fn fresh_address(&mut self) -> SocketAddr {
        self.ports += 7;
        SocketAddr::from(([192, 0, 2, 1], self.ports))
    }

    pub fn fresh_credentials(&mut self) -> Credentials {
        self.credentials += 1;
        let mut random = [0; Credentials::RANDOM];
        for (place, byte) in random.iter_mut().enumerate() {
            let key = self.credentials << 8 | place as u64;
            *byte = mix(self.setting.seed, key) as u8;
        }
        Credentials::from_random(&random)
    }

    /// What must hold after each step.
    pub fn check(&mut self) {
        if self.setting.is_prompt() {
            self.invariants.check_bounds(&self.control);
        }
        assert!(
            self.network.len() < 10_000,
            "too many datagrams on their way"
        );
        self.control.forget_ended(self.now - Duration::from_secs(2));
        if self.seconds() != self.second.0 {
            let passed = self.seconds() - self.second.0;
            let told = core::mem::take(&mut self.told) as u64;
            assert!(
                told <= EVENTS_A_SECOND * (passed + 1),
                "{told} events in {passed} s"
            );
            let (before, after) = (&self.second.1, &self.control.workers.timeouts);
            for (worker, (before, after)) in before.iter().zip(after).enumerate() {
                let calls = after - before;
                assert!(
                    calls <= TIMEOUTS_A_SECOND * passed,
                    "worker {worker}: {calls} timers in {passed} s"
                );
            }
            self.second = (self.seconds(), after.clone());
        }
    }

    /// When everybody has left, nothing is held, and nothing is due any more.
    pub fn end(&mut self) {
        (0..self.seats.len()).for_each(|seat| self.leave(seat));
        self.run(Duration::from_secs(1));
        self.invariants.check_bounds(&self.control);
        for dump in self.control.workers.dumps() {
            let held = [
                dump.announced,
                dump.feeds,
                dump.addresses,
                dump.foreign_addresses,
            ];
            assert_eq!(held, [0; 4], "{dump:?}");
        }
        self.run(Duration::from_secs(60));
        assert_eq!(self.control.workers.next_turn(), None, "a timer of nobody");
    }

    /// Forgets all that was, but for the server.
    pub fn forget(&mut self) {
        self.network.forget();
        self.free_addresses = Vec::new();
        self.control.forget_ended(self.now);
    }

    fn seconds(&self) -> u64 {
        (self.now - self.start).as_secs()
    }

    fn next_event(&self) -> Option<Instant> {
        let people = self
            .seats
            .iter()
            .filter_map(|seat| seat.present.as_ref()?.next_timeout());
        let others = [
            self.network.next_arrival(),
            self.control.workers.next_turn(),
        ];
        people.chain(others.into_iter().flatten()).min()
    }

    /// What is due now.
    fn happen(&mut self) {
        while let Some(flight) = self.network.arrived(self.now) {
            if flight.to == self.control.workers.address {
                self.deliver_to_server(flight);
            } else {
                self.deliver_to_client(flight);
            }
        }
        for life in self
            .seats
            .iter_mut()
            .filter_map(|seat| seat.present.as_mut())
        {
            if life.next_timeout().is_some_and(|at| at <= self.now) {
                life.handle_timeout(self.now);
            }
        }
    }

    fn deliver_to_server(&mut self, flight: Flight) {
        let Flight {
            from, bytes, cause, ..
        } = flight;
        let delivery = Delivery { from, bytes, cause };
        self.control.workers.receive(delivery, self.now);
        if self.setting.is_prompt() {
            self.settle();
        }
    }

    fn deliver_to_client(&mut self, mut flight: Flight) {
        for seat in 0..self.seats.len() {
            let Some(life) = &mut self.seats[seat].present else {
                continue;
            };
            let Some(side) = life.person.side_of(flight.to) else {
                continue;
            };
            for heard in life.take(side, &mut flight.bytes, self.now) {
                assert_eq!(side, Side::Receive);
                self.invariants
                    .heard(&self.control, &self.seats, seat, &heard);
                if let Some(all) = &mut self.heard {
                    all.push((seat, usize::from(heard.speaker) - 1, heard.count));
                }
            }
            return;
        }
    }

    fn take_output(&mut self, output: Output) {
        match output {
            Output::Sent { to, bytes, cause } => {
                self.invariants
                    .sent(&mut self.control, to, &bytes, cause, self.now);
                let flight = Flight {
                    from: self.control.workers.address,
                    to,
                    bytes,
                    cause: Cause::Other,
                };
                self.network.send(flight, self.now);
            }
            Output::Judged { spoken, dropped } => {
                self.invariants
                    .judged(&mut self.control, spoken, dropped, self.now);
            }
            Output::Told(event) => self.hear(&event),
        }
    }

    /// Control hears what a worker tells, and acts on it as the voice service does: whose transport ends, leaves.
    fn hear(&mut self, event: &Event) {
        self.told += 1;
        match event {
            Event::TransportConnected(id) => {
                self.control.transports.get_mut(id).unwrap().connected = true;
            }
            Event::TransportClosed { transport, reason } => {
                if self.setting.traced {
                    println!("        {transport:?} ends by itself: {reason}");
                }
                if self.control.note_ended(*transport, self.now) {
                    let seat = self.control.transports[transport].seat;
                    self.check_reason(seat, *reason);
                    self.leaving.push((seat, *transport));
                }
            }
            Event::ProducerSpeaking { producer, .. } => {
                assert!(
                    self.control.producers.contains_key(producer),
                    "{producer:?}"
                );
            }
            _ => {}
        }
    }

    /// Nobody is thrown out without a reason that they gave.
    fn check_reason(&self, seat: usize, reason: hocket_media::CloseReason) {
        use hocket_media::CloseReason;
        let expected = [
            CloseReason::ConsentExpired,
            CloseReason::HandshakeTimeout,
            CloseReason::PeerClosed,
        ];
        assert!(expected.contains(&reason), "{}: {reason}", NAMES[seat]);
    }

    fn leave_of(&mut self, seat: usize, transport: TransportId) {
        let here = self.seats[seat].present.as_ref();
        if here.is_some_and(|life| SIDES.map(|side| life.transport(side)).contains(&transport)) {
            self.leave(seat);
        }
    }

    fn make_client(&mut self, seat: usize) -> (Client, TransportId) {
        let (credentials, address) = (self.fresh_credentials(), self.fresh_address());
        let transport = self
            .control
            .create_transport(seat, credentials, address, self.now);
        let client = Client::with_certificate(
            address,
            self.control.workers.address,
            credentials,
            Version::Both,
            self.setting.seed.wrapping_mul(1_000) + u64::from(self.ports),
            self.identities.client.clone(),
            self.now,
        );
        (client, transport)
    }
}
