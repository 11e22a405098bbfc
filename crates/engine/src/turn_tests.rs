//! A long flush, under a stand-in core that has something for hundreds at once.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};

use hocket_media::{ProducerId, WorkerDump};

use super::*;
use crate::affinity::allowed;
use crate::random::Random;
use crate::{Engine, EngineOptions, Event as Told};

/// Transports that a datagram goes to.
const LISTENERS: usize = 300;

/// Tells by an event's level what happened.
const COMMAND: i8 = -1;
const DURING: i8 = -2;
const AFTER: i8 = -3;

/// Sends what it is told to send to hundreds, and while a flush lasts itself sends datagrams to its worker.
struct Loud {
    outbox: Outbox,
    events: Vec<Event>,
    /// A client of the worker, once there is one.
    client: Arc<OnceLock<UdpSocket>>,
    /// Whether one is to come in the middle of the next flush.
    late: bool,
    /// Until when there is always another datagram, and how many are under way.
    flood: Option<Instant>,
    under_way: usize,
}

impl Loud {
    fn tell(&mut self, level: i8) {
        self.events.push(Event::ProducerSpeaking {
            producer: ProducerId(u64::from(level.unsigned_abs())),
            speaking: true,
            level,
        });
    }

    fn send(&self, data: &[u8]) {
        if let Some(client) = self.client.get() {
            client.send(data).unwrap();
        }
    }
}

impl Core for Loud {
    fn handle_command(&mut self, _: Command, _: Instant) {
        self.flood = None;
        self.tell(COMMAND);
    }

    fn handle_datagram(
        &mut self,
        source: SocketAddr,
        local: IpAddr,
        data: &mut [u8],
        now: Instant,
    ) {
        match &*data {
            b"once" => self.late = true,
            b"flood" => self.flood = Some(now + Duration::from_secs(4)),
            b"more" => self.under_way -= 1,
            b"where" => return self.tell(cores(allowed())),
            _ => {
                let waits = self.outbox.iter().next().is_some();
                return self.tell(if waits { DURING } else { AFTER });
            }
        }
        for _ in 0..LISTENERS {
            self.outbox.push(source, local, b"voice");
        }
    }

    fn handle_message(&mut self, _: WorkerMessage, _: Instant) {}

    fn handle_timeout(&mut self, _: Instant) {}

    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    fn set_padding(&mut self, _: bool) {}

    fn outbox(&mut self) -> &mut Outbox {
        let waiting = self.outbox.iter().count();
        if self.late && (1..LISTENERS).contains(&waiting) {
            self.late = false;
            self.send(b"late");
        }
        if self.under_way == 0 && self.flood.is_some_and(|end| Instant::now() < end) {
            self.under_way = 8;
            (0..8).for_each(|_| self.send(b"more"));
        }
        &mut self.outbox
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        None
    }

    fn dump(&self) -> WorkerDump {
        WorkerDump::default()
    }
}

/// How many cores, as the level of an event that is none of the others.
fn cores(allowed: Vec<usize>) -> i8 {
    i8::try_from(allowed.len()).unwrap_or(i8::MAX)
}

fn loud() -> (Engine, Arc<OnceLock<UdpSocket>>) {
    loud_with(EngineOptions {
        workers: 1,
        ..EngineOptions::default()
    })
}

fn loud_with(options: EngineOptions) -> (Engine, Arc<OnceLock<UdpSocket>>) {
    let options = EngineOptions {
        addresses: vec!["127.0.0.1".parse().unwrap()],
        ..options
    };
    let known = Arc::new(OnceLock::new());
    let client = Arc::clone(&known);
    let make = move |_, _| Loud {
        outbox: Outbox::default(),
        events: Vec::new(),
        client: Arc::clone(&client),
        late: false,
        flood: None,
        under_way: 0,
    };
    let engine = Engine::start(&options, Random::new(Some(1)).unwrap(), vec![], make).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(("127.0.0.1", engine.port())).unwrap();
    known.set(client).unwrap();
    (engine, known)
}

/// The first event's level, and how long it took to come.
fn first(engine: &Engine) -> (i8, Duration) {
    let began = Instant::now();
    loop {
        if let Some(Told::Media(Event::ProducerSpeaking { level, .. })) =
            engine.drain_events().first()
        {
            return (*level, began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_secs(10), "nothing came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_arrives_while_a_long_flush_lasts_is_taken_before_it_ends() {
    let (engine, client) = loud();
    client.get().unwrap().send(b"once").unwrap();
    assert_eq!(first(&engine).0, DURING);
}

#[test]
fn after_a_long_flush_a_worker_stays_on_its_core_if_each_has_one() {
    let everywhere = cores(allowed());
    for (more, pin_workers, afterwards) in
        [(0, true, 1), (1, true, everywhere), (0, false, everywhere)]
    {
        let (engine, client) = loud_with(EngineOptions {
            workers: allowed().len() + more,
            pin_workers,
            ..EngineOptions::default()
        });
        let client = client.get().unwrap();
        client.send(b"where").unwrap();
        assert_eq!(first(&engine).0, everywhere);
        client.send(b"once").unwrap();
        assert_eq!(first(&engine).0, DURING);
        client.send(b"where").unwrap();
        assert_eq!(first(&engine).0, afterwards, "{more} {pin_workers}");
    }
}

#[test]
fn whatever_arrives_a_flush_ends_and_commands_have_their_turn() {
    let (engine, client) = loud();
    client.get().unwrap().send(b"flood").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let router = engine.create_router().unwrap();
    engine.create_transport(router).unwrap();
    let (level, after) = first(&engine);
    assert_eq!(level, COMMAND);
    assert!(after < Duration::from_secs(2), "{after:?}");
}
