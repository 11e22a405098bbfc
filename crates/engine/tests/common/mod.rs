//! People with real sockets: the sans-IO client of the media core's own tests, each with a UDP socket on loopback.
//!
//! One thread drives all clients of a test, as an event loop would: it sends what they have to send, waits for what comes
//! or for the next timeout, and looks at the engine's events. No test sleeps; each waits for something with a limit.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_patterns,
    reason = "a test fails by panicking, and no test uses every part"
)]

#[path = "../../../media/tests/common/client.rs"]
pub mod client;
pub mod locks;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use client::{Client, Opened, Version};
use hocket_engine::{Engine, EngineOptions, Event, RouterId};
use hocket_media::{
    ConsumerId, ConsumerOptions, Event as Media, ProducerId, ProducerOptions, Role, Stats, StatsOf,
    TransportId,
};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

/// How long anything may take. Loopback needs milliseconds; a busy machine needs patience.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Payload type of Opus on the way in, and towards listeners.
pub const SENT_TYPE: u8 = 111;
pub const HEARD_TYPE: u8 = 96;

/// A person: one client on one transport.
pub struct Person {
    pub transport: TransportId,
    pub client: Client,
    /// RTP packets heard so far.
    pub heard: Vec<Heard>,
    sockets: HashMap<SocketAddr, UdpSocket>,
    index: u64,
}

/// An RTP packet as a listener got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub payload: Vec<u8>,
}

/// A test's engine and people.
pub struct Scene {
    pub engine: Engine,
    pub people: Vec<Person>,
    pub events: Vec<Media>,
    /// Transports that went with a failed worker.
    pub failed: Vec<TransportId>,
    server: IpAddr,
    pub router: RouterId,
    poll: Poll,
    next_token: usize,
}

/// Options for an engine on the loopback address of one family.
pub fn on_loopback(server: &str, workers: usize, batch: bool) -> EngineOptions {
    let addresses = vec![server.parse().unwrap()];
    EngineOptions {
        addresses,
        workers,
        batch,
        ..EngineOptions::default()
    }
}

/// Options for an engine on the loopback addresses of both families; who does not say otherwise talks IPv4.
pub fn on_both_families(workers: usize, batch: bool) -> EngineOptions {
    EngineOptions {
        addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        ..on_loopback("127.0.0.1", workers, batch)
    }
}

impl Scene {
    pub fn new(options: &EngineOptions) -> Self {
        Self::on(Engine::new(options).unwrap(), options.addresses[0])
    }

    /// A scene on an engine that listens on `server`.
    pub fn on(engine: Engine, server: IpAddr) -> Self {
        let router = engine.create_router().unwrap();
        let poll = Poll::new().unwrap();
        Self {
            engine,
            people: Vec::new(),
            events: Vec::new(),
            failed: Vec::new(),
            server,
            router,
            poll,
            next_token: 0,
        }
    }

    /// Let somebody join: a transport, told the person's fingerprint. Gives the person's number.
    pub fn join(&mut self) -> usize {
        self.join_at(self.server)
    }

    /// As [`Scene::join`], by the engine's address `ip`, from the same.
    fn join_at(&mut self, ip: IpAddr) -> usize {
        let info = self.engine.create_transport(self.router).unwrap();
        let server = SocketAddr::new(ip, self.engine.port());
        let (address, socket) = self.socket(ip);
        let seed = 1_000 + self.people.len() as u64;
        let client = Client::new(
            address,
            server,
            info.credentials,
            Version::Both,
            seed,
            Instant::now(),
        );
        self.engine
            .connect_transport(info.id, Role::Client, client.fingerprints())
            .unwrap();
        let sockets = HashMap::from([(address, socket)]);
        self.people.push(Person {
            transport: info.id,
            client,
            heard: Vec::new(),
            sockets,
            index: 0,
        });
        self.people.len() - 1
    }

    /// As [`Scene::join`], and wait until media may flow.
    pub fn join_connected(&mut self) -> usize {
        self.join_connected_at(self.server)
    }

    /// As [`Scene::join_connected`], by the engine's address `ip`.
    pub fn join_connected_at(&mut self, ip: IpAddr) -> usize {
        let person = self.join_at(ip);
        let transport = self.people[person].transport;
        self.run_until("connected", |scene| {
            scene.people[person].client.is_connected()
                && scene.events.contains(&Media::TransportConnected(transport))
        });
        person
    }

    /// Give a person's audio a producer.
    pub fn produce(&mut self, person: usize) -> ProducerId {
        let options = ProducerOptions {
            ssrc: Some(ssrc_of(person)),
            opus_payload_type: Some(SENT_TYPE),
            nack: true,
            cname: format!("person-{person}").into(),
            ..ProducerOptions::default()
        };
        self.engine
            .produce(self.people[person].transport, options)
            .unwrap()
    }

    /// Let a person hear a producer, from now on; the stream's SSRC is `ssrc`.
    pub fn hear(&mut self, person: usize, producer: ProducerId, ssrc: u32) -> ConsumerId {
        let consumer = self.hear_paused(person, producer, ssrc);
        self.engine.resume_consumer(consumer).unwrap();
        consumer
    }

    /// Let a person hear a producer once it is resumed.
    pub fn hear_paused(&mut self, person: usize, producer: ProducerId, ssrc: u32) -> ConsumerId {
        let options = ConsumerOptions {
            ssrc,
            mid: ssrc.to_string().into(),
            opus_payload_type: HEARD_TYPE,
            red_payload_type: None,
            mid_extension: Some(1),
            audio_level_extension: None,
            abs_send_time_extension: None,
            nack: true,
        };
        self.engine
            .consume(self.people[person].transport, producer, options)
            .unwrap()
    }

    /// Say something: one packet whose payload is `words`.
    pub fn say(&mut self, person: usize, words: &[u8]) {
        let speaker = &mut self.people[person];
        let mut header = vec![0x80, SENT_TYPE];
        header.extend((speaker.index as u16).to_be_bytes());
        header.extend((speaker.index as u32 * 960).to_be_bytes());
        header.extend(ssrc_of(person).to_be_bytes());
        speaker.client.send_rtp(&header, words, speaker.index);
        speaker.index += 1;
        self.flush();
    }

    /// Ask the engine to do what has been told so far: commands and packets travel by different ways, and a packet that
    /// overtakes the command that makes its consumer is rightly lost.
    pub fn settle(&mut self) {
        for person in 0..self.people.len() {
            self.ask(StatsOf::Transport(self.people[person].transport));
        }
    }

    /// Ask for statistics and wait for the answer.
    pub fn ask(&mut self, of: StatsOf) -> Stats {
        let asked = self.engine.request_stats(of).unwrap();
        let mut answer = None;
        self.run_until("an answer", |scene| {
            answer = scene.events.iter().find_map(|event| match event {
                Media::StatsReply { request, stats } if *request == asked => Some(stats.clone()),
                _ => None,
            });
            answer.is_some()
        });
        answer.unwrap()
    }

    /// A person goes to a new port of `ip`, as behind a router that forgot its mapping, and checks from there; to the engine's address of the
    /// other family, when `ip` is of that.
    pub fn move_person(&mut self, person: usize, ip: IpAddr) {
        let (address, socket) = self.socket(ip);
        let mover = &mut self.people[person];
        mover.sockets.clear();
        mover.sockets.insert(address, socket);
        if ip.is_ipv4() != mover.client.server.is_ipv4() {
            mover.client.server.set_ip(ip);
        }
        mover.client.move_to(address, Instant::now());
    }

    /// Drive everybody until `done`, or panic with `what` when it takes too long.
    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let limit = Instant::now() + PATIENCE;
        loop {
            self.turn();
            if done(self) {
                return;
            }
            assert!(
                Instant::now() < limit,
                "waited too long for: {what}; events: {:?}",
                self.events
            );
            self.wait();
        }
    }

    /// Drive everybody for as long as a silence must last to be believed.
    pub fn run_for(&mut self, length: Duration) {
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.turn();
            self.wait();
        }
    }

    /// Reasons for which transports ended by themselves.
    pub fn closed(&self) -> Vec<(TransportId, String)> {
        let closed = |event: &Media| match event {
            Media::TransportClosed { transport, reason } => Some((*transport, reason.to_string())),
            _ => None,
        };
        self.events.iter().filter_map(closed).collect()
    }

    fn socket(&mut self, ip: IpAddr) -> (SocketAddr, UdpSocket) {
        let mut socket = UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap();
        self.next_token += 1;
        self.poll
            .registry()
            .register(&mut socket, Token(self.next_token), Interest::READABLE)
            .unwrap();
        (socket.local_addr().unwrap(), socket)
    }

    fn turn(&mut self) {
        let now = Instant::now();
        for person in &mut self.people {
            person.receive(now);
            person.client.handle_timeout(now);
        }
        self.flush();
        for event in self.engine.drain_events() {
            match event {
                Event::Media(event) => self.events.push(event),
                Event::WorkerFailed { transports, .. } => self.failed.extend(transports),
                _ => {}
            }
        }
    }

    fn flush(&mut self) {
        for person in &mut self.people {
            person.send();
        }
    }

    /// Wait for a datagram, a client's timeout, or a moment: the engine's events have a descriptor of their own.
    fn wait(&mut self) {
        let due = self
            .people
            .iter()
            .filter_map(|person| person.client.next_timeout())
            .min();
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let moment = Duration::from_millis(2);
        self.poll
            .poll(
                &mut Events::with_capacity(64),
                Some(left.map_or(moment, |left| left.min(moment))),
            )
            .unwrap();
    }
}

impl Person {
    fn send(&mut self) {
        while let Some((from, bytes)) = self.client.outgoing.pop_front() {
            if let Some(socket) = self.sockets.get(&from) {
                socket.send_to(&bytes, self.client.server).unwrap();
            }
        }
    }

    fn receive(&mut self, now: Instant) {
        let mut buffer = [0; 2_048];
        for socket in self.sockets.values() {
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                assert_eq!(
                    from, self.client.server,
                    "an answer comes from the address that was asked"
                );
                self.client.handle_datagram(&mut buffer[..length], now);
            }
        }
        while let Some(opened) = self.client.opened.pop_front() {
            if let Opened::Rtp(packet, _) = opened {
                self.heard.push(Heard::parse(&packet));
            }
        }
    }

    /// The payloads heard under one SSRC, in order of arrival.
    pub fn heard_from(&self, ssrc: u32) -> Vec<&[u8]> {
        self.heard
            .iter()
            .filter(|heard| heard.ssrc == ssrc)
            .map(|heard| heard.payload.as_slice())
            .collect()
    }
}

impl Heard {
    /// Enough of RFC 3550 §5.1 for packets that the engine wrote: no padding, no CSRC, perhaps an extension.
    fn parse(packet: &[u8]) -> Self {
        let extension = if packet[0] & 0x10 == 0 {
            0
        } else {
            4 + 4 * usize::from(u16::from_be_bytes([packet[14], packet[15]]))
        };
        Self {
            ssrc: u32::from_be_bytes(packet[8..12].try_into().unwrap()),
            payload_type: packet[1] & 0x7F,
            sequence: u16::from_be_bytes([packet[2], packet[3]]),
            payload: packet[12 + extension..].to_vec(),
        }
    }
}

/// The SSRC under which a person speaks.
pub fn ssrc_of(person: usize) -> u32 {
    0x1000 + person as u32
}
