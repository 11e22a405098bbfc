//! Threads under stand-in cores: wake-ups, timers, messages, panics, the end.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::AtomicUsize;

use hocket_media::{
    Command, Event as Media, Outbox, ProducerId, TransportId, WorkerDump, WorkerMessage,
};

use super::*;
use crate::mailbox::PATIENT_MAX;
use crate::random::Random;
use crate::{Engine, EngineOptions, Error, Event};

/// Tells everything that happens to it as an event whose `level` is the kind; panics when asked to.
struct Witness {
    id: WorkerId,
    /// Which core of its place it is, from 1.
    life: u64,
    due: Option<Instant>,
    outbox: Outbox,
    events: VecDeque<Media>,
    messages: VecDeque<(WorkerId, WorkerMessage)>,
}

const COMMAND: i8 = -1;
const DATAGRAM: i8 = -2;
const MESSAGE: i8 = -3;
const TIMEOUT: i8 = -4;

impl Witness {
    fn new(id: WorkerId, life: u64) -> Self {
        let (events, messages) = (VecDeque::new(), VecDeque::new());
        Self {
            id,
            life,
            due: None,
            outbox: Outbox::default(),
            events,
            messages,
        }
    }

    fn tell(&mut self, kind: i8) {
        // A topic of its own for each kind, place and life, so that nothing replaces anything.
        let topic =
            self.life * 10_000 + u64::from(self.id.0) * 100 + u64::from(kind.unsigned_abs());
        let news = Media::ProducerSpeaking {
            producer: ProducerId(topic),
            speaking: true,
            level: kind,
        };
        self.events.push_back(news);
    }

    fn pass_on(&mut self, note: &WorkerMessage) {
        let others = [WorkerId(0), WorkerId(1)]
            .into_iter()
            .filter(|other| *other != self.id);
        self.messages
            .extend(others.map(|other| (other, note.clone())));
    }
}

impl Core for Witness {
    fn handle_command(&mut self, _: Command, _: Instant) {
        self.tell(COMMAND);
    }

    fn handle_datagram(&mut self, source: SocketAddr, _: IpAddr, data: &mut [u8], now: Instant) {
        match &*data {
            b"panic" => panic!("a stand-in panics on purpose"),
            b"timer" => self.due = Some(now + Duration::from_millis(20)),
            b"pass on" => self.pass_on(&WorkerMessage::ProducerGone(ProducerId(1))),
            b"pass on in time" => self.pass_on(&WorkerMessage::AddressGone {
                address: source,
                owner: self.id,
            }),
            _ => self.tell(DATAGRAM),
        }
    }

    fn handle_message(&mut self, _: WorkerMessage, _: Instant) {
        self.tell(MESSAGE);
    }

    fn handle_timeout(&mut self, now: Instant) {
        assert!(
            self.due.take().is_some_and(|due| now >= due),
            "called before it was due"
        );
        self.tell(TIMEOUT);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn set_padding(&mut self, _: bool) {}

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn poll_event(&mut self) -> Option<Media> {
        self.events.pop_front()
    }

    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        self.messages.pop_front()
    }

    fn dump(&self) -> WorkerDump {
        WorkerDump::default()
    }
}

fn options(workers: usize, batch: bool) -> EngineOptions {
    let addresses = vec!["127.0.0.1".parse().unwrap()];
    EngineOptions {
        addresses,
        workers,
        batch,
        ..EngineOptions::default()
    }
}

fn witnesses(workers: usize, batch: bool) -> Engine {
    let lives = Arc::new(AtomicUsize::new(0));
    Engine::start(
        &options(workers, batch),
        Random::new(Some(1)).unwrap(),
        vec![],
        move |id, _| {
            Witness::new(
                id,
                lives.fetch_add(1, Ordering::Relaxed) as u64 / workers as u64 + 1,
            )
        },
    )
    .unwrap()
}

fn client(engine: &Engine) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(("127.0.0.1", engine.port())).unwrap();
    client
}

/// Wait for the descriptor, as the event loop above does, until `count` events came.
fn events(engine: &Engine, count: usize) -> Vec<Event> {
    let mut poll = mio::Poll::new().unwrap();
    let mut ready = mio::Events::with_capacity(4);
    let descriptor = engine.descriptor();
    let mut source = mio::unix::SourceFd(&descriptor);
    poll.registry()
        .register(&mut source, mio::Token(0), mio::Interest::READABLE)
        .unwrap();
    let mut events = Vec::new();
    while events.len() < count {
        poll.poll(&mut ready, Some(Duration::from_secs(5))).unwrap();
        assert!(!ready.is_empty(), "only {events:?}");
        events.extend(engine.drain_events());
    }
    events
}

fn kinds(events: &[Event]) -> Vec<i8> {
    let mut kinds: Vec<i8> = events.iter().map(|event| news(event).1).collect();
    kinds.sort_unstable();
    kinds
}

/// The topic of something that a witness told, and its kind.
fn news(event: &Event) -> (u64, i8) {
    match event {
        Event::Media(Media::ProducerSpeaking {
            producer, level, ..
        }) => (producer.0, *level),
        _ => (0, 0),
    }
}

#[test]
fn a_sleeping_worker_hears_a_command_and_a_datagram_at_once() {
    for batch in [true, false] {
        let engine = witnesses(1, batch);
        let started = Instant::now();
        let router = engine.create_router().unwrap();
        engine.create_transport(router).unwrap();
        assert_eq!(kinds(&events(&engine, 1)), [COMMAND]);
        client(&engine).send(b"hello").unwrap();
        assert_eq!(kinds(&events(&engine, 1)), [DATAGRAM]);
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn a_broadcast_reaches_every_worker() {
    let engine = witnesses(3, true);
    let router = engine.create_router().unwrap();
    let transport = engine.create_transport(router).unwrap();
    engine.restart_ice(transport.id).unwrap();
    // What is announced waits for what wakes them: some tell of both at once, some of each.
    let mut told = BTreeSet::new();
    while told.len() < 3 {
        told.extend(events(&engine, 1).iter().map(news));
    }
    assert!(told.iter().all(|(_, kind)| *kind == COMMAND), "{told:?}");
}

#[test]
fn what_wakes_a_worker_finds_the_patient_commands_done() {
    let engine = witnesses(1, true);
    let router = engine.create_router().unwrap();
    for _ in 0..20 {
        engine.create_transport(router).unwrap();
        client(&engine).send(b"hello").unwrap();
        let told = events(&engine, 2);
        let order: Vec<i8> = told.iter().map(|event| news(event).1).collect();
        assert_eq!(order, [COMMAND, DATAGRAM]);
    }
}

#[test]
fn a_timeout_comes_when_it_is_due_and_not_before() {
    let engine = witnesses(1, true);
    client(&engine).send(b"timer").unwrap();
    assert_eq!(kinds(&events(&engine, 1)), [TIMEOUT]);
}

#[test]
fn what_one_worker_has_for_another_wakes_it() {
    let engine = witnesses(2, true);
    for _ in 0..20 {
        client(&engine).send(b"pass on").unwrap();
        assert_eq!(kinds(&events(&engine, 1)), [MESSAGE]);
    }
}

#[test]
fn patient_notes_wake_a_worker_when_many_wait() {
    let engine = witnesses(2, true);
    let client = client(&engine);
    let mut told = Vec::new();
    for round in 1..=PATIENT_MAX + 1 {
        client.send(b"pass on in time").unwrap();
        client.send(b"hello").unwrap();
        // One round at a time: the kernel has room for fewer.
        while told.iter().filter(|kind| **kind == DATAGRAM).count() < round {
            told.extend(kinds(&events(&engine, 1)));
        }
    }
    while !told.contains(&MESSAGE) {
        told.extend(kinds(&events(&engine, 1)));
    }
}

#[test]
fn a_panic_costs_one_core_and_no_thread() {
    for batch in [true, false] {
        let engine = witnesses(1, batch);
        let client = client(&engine);
        for life in 1..=3 {
            client.send(b"panic").unwrap();
            let failed = Event::WorkerFailed {
                worker: WorkerId(0),
                transports: vec![],
            };
            assert_eq!(events(&engine, 1), [failed]);
            client.send(b"hello").unwrap();
            let topic = (life + 1) * 10_000 + u64::from(DATAGRAM.unsigned_abs());
            let news = Media::ProducerSpeaking {
                producer: ProducerId(topic),
                speaking: true,
                level: DATAGRAM,
            };
            assert_eq!(events(&engine, 1), [Event::Media(news)]);
        }
        assert_eq!(engine.dump().threads, 1);
    }
}

#[test]
fn a_new_core_hears_of_the_transports_that_are_not_lost() {
    let engine = witnesses(1, true);
    let router = engine.create_router().unwrap();
    engine.create_transport(router).unwrap();
    assert_eq!(kinds(&events(&engine, 1)), [COMMAND]);
    client(&engine).send(b"panic").unwrap();
    assert_eq!(
        kinds(&events(&engine, 2)),
        [COMMAND, 0],
        "announced again, and the failure told"
    );
    assert_eq!(engine.dump().counts.transports, 1);
}

#[test]
fn a_place_where_no_core_can_live_still_closes_at_once() {
    let make = |_, _| -> Witness { panic!("a stand-in panics on purpose") };
    let engine =
        Engine::start(&options(2, true), Random::new(None).unwrap(), vec![], make).unwrap();
    events(&engine, 4);
    let started = Instant::now();
    engine.close();
    assert!(started.elapsed() < Duration::from_millis(500));
    assert_eq!(engine.dump().threads, 0);
}

#[test]
fn closing_ends_the_threads_and_every_command() {
    let engine = witnesses(3, true);
    let router = engine.create_router().unwrap();
    assert_eq!(engine.dump().threads, 3);
    let started = Instant::now();
    engine.close();
    engine.close();
    assert!(started.elapsed() < Duration::from_millis(500));
    assert_eq!(engine.dump().threads, 0);
    assert!(matches!(
        engine.create_transport(router),
        Err(Error::Closed)
    ));
    assert!(matches!(
        engine.close_transport(TransportId(1)),
        Err(Error::Closed)
    ));
}

/// Holds up its worker at the first command until the test lets it go.
struct Stuck {
    gate: std::sync::mpsc::Receiver<()>,
    witness: Witness,
}

impl Core for Stuck {
    fn handle_command(&mut self, _: Command, _: Instant) {
        let _ = self.gate.recv();
    }

    fn handle_datagram(&mut self, _: SocketAddr, _: IpAddr, _: &mut [u8], _: Instant) {}

    fn handle_message(&mut self, _: WorkerMessage, _: Instant) {}

    fn handle_timeout(&mut self, _: Instant) {}

    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    fn set_padding(&mut self, _: bool) {}

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.witness.outbox
    }

    fn poll_event(&mut self) -> Option<Media> {
        None
    }

    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        None
    }

    fn dump(&self) -> WorkerDump {
        WorkerDump::default()
    }
}

#[test]
fn a_worker_that_falls_behind_refuses_what_begins_and_takes_what_ends() {
    let (open, gate) = std::sync::mpsc::channel();
    let gate = Arc::new(std::sync::Mutex::new(Some(gate)));
    let make = move |id, _| {
        let gate = gate.lock().unwrap().take().unwrap();
        Stuck {
            gate,
            witness: Witness::new(id, 1),
        }
    };
    let engine = Engine::start(
        &options(1, true),
        Random::new(Some(1)).unwrap(),
        vec![],
        make,
    )
    .unwrap();
    let router = engine.create_router().unwrap();
    let mut transports = Vec::new();
    let refusal = loop {
        match engine.create_transport(router) {
            Ok(info) => transports.push(info.id),
            Err(error) => break error,
        }
        assert!(transports.len() <= 40_000, "no bound");
    };
    assert!(matches!(refusal, Error::Overloaded(_)), "{refusal}");
    assert!(matches!(
        engine.restart_ice(transports[0]),
        Err(Error::Overloaded(_))
    ));
    let waiting = engine.dump().commands[0];
    for transport in &transports {
        engine.close_transport(*transport).unwrap();
    }
    assert_eq!(engine.dump().commands[0], waiting + transports.len());
    assert_eq!(engine.dump().counts.transports, 0);
    drop(open);
    engine.close();
}
