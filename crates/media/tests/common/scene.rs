//! A channel with named people on an emulated network, under one seed and one clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hocket_media::{ConsumerOptions, Credentials, Options, ProducerOptions, Role, TransportId};

use super::client::Client;
use super::network::Network;
use super::person::{self, Person, Side};
use super::server::Server;
use super::setup::Setup;

/// See the module's documentation.
pub struct Scene {
    pub now: Instant,
    pub start: Instant,
    pub network: Network,
    pub server: Server,
    pub people: Vec<Person>,
    /// When a datagram of the server last arrived at each address, whoever is there.
    pub arrivals: BTreeMap<SocketAddr, Instant>,
    setup: Setup,
    ports: u16,
}

/// A set of names, for comparing.
pub fn names<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    names.into_iter().collect()
}

impl Scene {
    pub fn new(setup: Setup) -> Self {
        let now = Instant::now();
        let server = if setup.six {
            "2001:db8::5"
        } else {
            "198.51.100.1"
        };
        let options = Options {
            workers: setup.workers,
            dtls_seed: Some(setup.seed),
            seed: [setup.seed as u8; 32],
            ..setup.options.clone()
        };
        Self {
            now,
            start: now,
            network: Network::new(setup.seed, setup.conditions),
            server: Server::new(
                SocketAddr::new(server.parse().unwrap(), 3_478),
                options,
                now,
            ),
            people: Vec::new(),
            arrivals: BTreeMap::new(),
            setup,
            ports: 40_000,
        }
    }

    /// A scene in which these people have joined, hear each other, and say nothing yet.
    pub fn with_people(setup: Setup, names: &[&'static str]) -> Self {
        let mut scene = Self::new(setup);
        for name in names {
            scene.join(name);
        }
        scene.run(Duration::from_secs(2));
        scene
    }

    /// A scene in which alice begins to speak, and bob listens.
    pub fn pair(setup: Setup) -> Self {
        let mut scene = Self::with_people(setup, &["alice", "bob"]);
        scene.speak("alice");
        scene
    }

    /// An address that nobody has used.
    pub fn fresh_address(&mut self) -> SocketAddr {
        self.ports += 7;
        SocketAddr::new(
            if self.setup.six {
                "2001:db8::1"
            } else {
                "192.0.2.1"
            }
            .parse()
            .unwrap(),
            self.ports,
        )
    }

    pub fn fresh_credentials(&mut self) -> Credentials {
        Credentials::from_random(&self.network.random_bytes())
    }

    /// Two transports, a producer, and consumers of and for everyone else; resumed at once.
    pub fn join(&mut self, name: &'static str) {
        self.enter(name);
        self.signal(name);
        self.consume_all(name);
    }

    /// Only the two transports, known to both sides; the client begins at once.
    pub fn enter(&mut self, name: &'static str) {
        let (send, send_transport) = self.make_client();
        let (receive, receive_transport) = self.make_client();
        let number = u8::try_from(self.people.len()).unwrap() + 1;
        self.people.push(Person::new(
            name,
            number,
            send,
            receive,
            (send_transport, receive_transport),
            self.now,
        ));
    }

    /// What JoinChannel brings: fingerprints of both transports, and the producer.
    pub fn signal(&mut self, name: &str) {
        for side in [Side::Send, Side::Receive] {
            self.connect(name, side);
        }
        self.produce(name);
    }

    pub fn connect(&mut self, name: &str, side: Side) {
        let now = self.now;
        let transport = self.transport(name, side);
        let client = self.person(name).client(side);
        let role = if client.dtls_is_client {
            Role::Client
        } else {
            Role::Server
        };
        let fingerprints = client.fingerprints();
        self.server.connect(transport, role, fingerprints, now);
    }

    pub fn produce(&mut self, name: &str) {
        let now = self.now;
        let person = self.person(name);
        let (ssrc, mid) = ((!person.writes_mid).then_some(person.ssrc), person.mid());
        let transport = person.send_transport;
        let options = ProducerOptions {
            ssrc,
            mid: Some(mid.into()),
            opus_payload_type: Some(person.opus),
            red_payload_type: Some(person::RED),
            mid_extension: Some(person::MID_EXTENSION),
            audio_level_extension: Some(person::LEVEL_EXTENSION),
            abs_send_time_extension: Some(person::TIME_EXTENSION),
            nack: self.setup.nack,
            cname: Arc::from(format!("cname-{name}")),
        };
        let producer = self.server.produce(transport, options, now);
        self.person(name).producer = Some(producer);
    }

    fn consume_all(&mut self, newcomer: &'static str) {
        let others: Vec<&'static str> = self
            .people
            .iter()
            .map(|person| person.name)
            .filter(|name| *name != newcomer)
            .collect();
        for other in others {
            self.consume(newcomer, other);
            self.consume(other, newcomer);
            self.pause(newcomer, other, false);
            self.pause(other, newcomer, false);
        }
    }

    /// The SSRC under which a listener gets a speaker.
    pub fn ssrc(&mut self, listener: &str, speaker: &str) -> u32 {
        1_000 * u32::from(self.person(listener).number) + u32::from(self.person(speaker).number)
    }

    /// A paused consumer.
    pub fn consume(&mut self, listener: &'static str, speaker: &'static str) {
        let now = self.now;
        let ssrc = self.ssrc(listener, speaker);
        let producer = self.person(speaker).producer.unwrap();
        let transport = self.person(listener).receive_transport;
        let options = ConsumerOptions {
            ssrc,
            mid: format!("c{ssrc}").into(),
            opus_payload_type: person::CONSUMER_OPUS,
            red_payload_type: self.setup.red.then_some(person::CONSUMER_RED),
            mid_extension: Some(person::CONSUMER_MID_EXTENSION),
            audio_level_extension: Some(person::CONSUMER_LEVEL_EXTENSION),
            abs_send_time_extension: Some(person::CONSUMER_TIME_EXTENSION),
            nack: self.setup.nack,
        };
        let consumer = self.server.consume(transport, producer, options, now);
        self.person(listener).consumers.insert(speaker, consumer);
    }

    pub fn pause(&mut self, listener: &str, speaker: &str, paused: bool) {
        let consumer = self.person(listener).consumers[speaker];
        self.server.pause_consumer(consumer, paused, self.now);
    }

    pub fn mute(&mut self, name: &str, muted: bool) {
        let producer = self.person(name).producer.unwrap();
        self.server.pause_producer(producer, muted, self.now);
        self.settle();
    }

    /// What control does when somebody's stream ends.
    pub fn leave(&mut self, name: &str) {
        let now = self.now;
        let person = self.person(name);
        let (transports, producer) = (
            [person.send_transport, person.receive_transport],
            person.producer,
        );
        if let Some(producer) = producer {
            self.server.close_producer(producer, now);
        }
        for transport in transports {
            self.server.remove_transport(transport, now);
        }
        self.settle();
    }

    pub fn person(&mut self, name: &str) -> &mut Person {
        self.people
            .iter_mut()
            .find(|person| person.name == name)
            .unwrap()
    }

    pub fn transport(&mut self, name: &str, side: Side) -> TransportId {
        let person = self.person(name);
        match side {
            Side::Send => person.send_transport,
            Side::Receive => person.receive_transport,
        }
    }

    /// Begins to speak.
    pub fn speak(&mut self, name: &str) {
        let now = self.now;
        self.person(name).speak(now);
    }

    /// Who was heard by this person.
    pub fn heard_from(&mut self, name: &str) -> BTreeSet<&'static str> {
        let numbers = self.person(name).speakers();
        self.people
            .iter()
            .filter(|person| numbers.contains(&person.number))
            .map(|person| person.name)
            .collect()
    }

    /// Counts that a listener heard of a speaker.
    pub fn counts(&mut self, listener: &str, speaker: &str) -> Vec<u32> {
        let number = self.person(speaker).number;
        self.person(listener).counts_of(number)
    }

    /// The SSRC under which a listener hears a speaker, and the sequence number of the last packet heard.
    pub fn last_heard(&mut self, listener: &str, speaker: &str) -> (u32, u16) {
        let ssrc = self.ssrc(listener, speaker);
        let mut heard = self.person(listener).heard.iter();
        (
            ssrc,
            heard.rfind(|heard| heard.ssrc == ssrc).unwrap().sequence,
        )
    }

    /// Everybody forgets what they heard.
    pub fn forget(&mut self) {
        self.people.iter_mut().for_each(|person| {
            person.heard.clear();
            person.rtcp.clear();
        });
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
            self.step();
        }
        self.now = end;
    }

    /// Sends what waits to be sent and lets the workers talk, without time passing.
    pub fn settle(&mut self) {
        self.server.drive(&mut self.network, self.now);
        for person in &mut self.people {
            for side in [Side::Send, Side::Receive] {
                let client = person.client(side);
                let server = client.server;
                while let Some((from, bytes)) = client.outgoing.pop_front() {
                    self.network.send(from, server, bytes, self.now);
                }
            }
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let people = self.people.iter().filter_map(Person::next_timeout).min();
        [
            self.network.next_arrival(),
            self.server.next_timeout(),
            people,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn step(&mut self) {
        while let Some(flight) = self.network.arrived(self.now) {
            let mut bytes = flight.bytes;
            if flight.to == self.server.address {
                self.server
                    .handle_datagram(flight.from, &mut bytes, self.now);
            } else {
                self.deliver(flight.to, &mut bytes);
            }
        }
        self.server.handle_timeout(self.now);
        for person in &mut self.people {
            person.handle_timeout(self.now);
            person.listen();
        }
    }

    fn deliver(&mut self, to: SocketAddr, bytes: &mut [u8]) {
        self.arrivals.insert(to, self.now);
        let found = self
            .people
            .iter_mut()
            .find_map(|person| person.side_of(to).map(|side| (person, side)));
        if let Some((person, side)) = found {
            person.client(side).handle_datagram(bytes, self.now);
        }
    }

    fn make_client(&mut self) -> (Client, TransportId) {
        let (credentials, address) = (self.fresh_credentials(), self.fresh_address());
        let transport = self.server.create_transport(credentials, self.now);
        let seed = self.setup.seed.wrapping_mul(1_000) + u64::from(self.ports);
        let client = Client::new(
            address,
            self.server.address,
            credentials,
            self.setup.version,
            seed,
            self.now,
        );
        (client, transport)
    }
}
