//! What a consumer costs a whole engine at the scale of a large channel, control and worker together, and what is left when the channel has
//! emptied. Bounds are some 10 % above what was measured, so that growth shows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::{Duration, Instant};

use hocket_engine::{Engine, EngineOptions, Event, TransportInfo};
use hocket_media::stun::{BindingRequest, Role, TransactionId};
use hocket_media::{
    ConsumerId, ConsumerOptions, Event as Media, ProducerId, ProducerOptions, StatsOf,
};

/// Of one channel; each hears all others, through 102,080 consumers.
const PEOPLE: usize = 320;

/// Nobody ever shakes hands here, or checks again.
const LONG: Duration = Duration::from_secs(600);

struct Weighing;

/// Bytes held by all threads.
static HELD: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is handed to the system's allocator unchanged; weighing is an addition and allocates nothing.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let grown = size.cast_signed() - layout.size().cast_signed();
        HELD.fetch_add(grown, Ordering::Relaxed);
        // SAFETY: the caller's promises about all three are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: the caller's promises about both are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

/// Somebody who sends and listens on one transport, and whose client has shown itself.
struct Person {
    transport: TransportInfo,
    producer: ProducerId,
}

/// What a channel weighed.
#[derive(Debug)]
struct Weight {
    consumer: isize,
    /// After everybody has gone, beyond what was there before the channel.
    left: isize,
}

fn held() -> isize {
    HELD.load(Ordering::Relaxed)
}

/// Waits until the worker has done all that it was told.
fn settle(engine: &Engine, person: &Person) {
    let request = engine
        .request_stats(StatsOf::Transport(person.transport.id))
        .unwrap();
    let limit = Instant::now() + LONG;
    let answers = |event: &Event| matches!(event, Event::Media(Media::StatsReply { request: answered, .. }) if *answered == request);
    while !engine.drain_events().iter().any(answers) {
        assert!(Instant::now() < limit, "no answer");
        std::thread::yield_now();
    }
}

/// One good check makes the worker the transport's owner.
fn check(engine: &Engine, transport: &TransportInfo) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let server: SocketAddr = ([127, 0, 0, 1], engine.port()).into();
    let request = BindingRequest {
        transaction_id: TransactionId([7; 12]),
        username: &format!("{}:client", transport.credentials.ufrag.as_str()),
        priority: 1,
        role: Role::Controlling(1),
        use_candidate: true,
    };
    let mut bytes = Vec::new();
    request.write(
        transport.credentials.password.as_str().as_bytes(),
        &mut bytes,
    );
    let answered = (0..60).any(|_| {
        socket.send_to(&bytes, server).unwrap();
        socket.recv(&mut [0; 512]).is_ok()
    });
    assert!(answered, "the server does not answer checks");
}

fn hear(engine: &Engine, listener: &Person, speaker: &Person, number: usize) -> ConsumerId {
    let ssrc = 1_000 + number as u32;
    let options = ConsumerOptions {
        ssrc,
        mid: number.to_string().into(),
        opus_payload_type: 100,
        red_payload_type: Some(101),
        mid_extension: Some(1),
        audio_level_extension: Some(10),
        abs_send_time_extension: Some(4),
        nack: true,
    };
    engine
        .consume(listener.transport.id, speaker.producer, options)
        .unwrap()
}

/// A channel fills, one joining after the other as in life, and empties.
fn fill_and_empty(engine: &Engine, size: usize) -> Weight {
    let empty = held();
    let router = engine.create_router().unwrap();
    let mut people = Vec::with_capacity(size);
    for _ in 0..size {
        let transport = engine.create_transport(router).unwrap();
        check(engine, &transport);
        let options = ProducerOptions {
            ssrc: Some(1),
            opus_payload_type: Some(111),
            nack: true,
            cname: "somebody".into(),
            ..ProducerOptions::default()
        };
        let producer = engine.produce(transport.id, options).unwrap();
        people.push(Person {
            transport,
            producer,
        });
    }
    settle(engine, &people[0]);
    let alone = held();
    for newcomer in 1..size {
        for other in 0..newcomer {
            let (new, old) = (&people[newcomer], &people[other]);
            for consumer in [
                hear(engine, new, old, other),
                hear(engine, old, new, newcomer),
            ] {
                engine.resume_consumer(consumer).unwrap();
            }
        }
        settle(engine, &people[newcomer]);
    }
    let (full, consumers) = (held(), engine.dump().counts.consumers);
    assert_eq!(consumers, size * (size - 1));
    for person in &people[1..] {
        engine.close_producer(person.producer).unwrap();
        engine.close_transport(person.transport.id).unwrap();
    }
    settle(engine, &people[0]);
    engine.close_router(router).unwrap();
    let last = engine.create_router().unwrap();
    let transport = engine.create_transport(last).unwrap();
    check(engine, &transport); // answered behind all that was closed
    engine.close_router(last).unwrap();
    drop(people);
    Weight {
        consumer: (full - alone) / consumers as isize,
        left: held() - empty,
    }
}

#[test]
fn a_consumer_is_small_all_told_and_a_channel_that_has_emptied_leaves_nothing_behind() {
    let engine = Engine::new(&EngineOptions {
        addresses: vec!["127.0.0.1".parse().unwrap()],
        workers: 1,
        consent: LONG,
        handshake: LONG,
        ..EngineOptions::default()
    })
    .unwrap();
    fill_and_empty(&engine, 2); // buffers are made when they are needed first
    let weight = fill_and_empty(&engine, PEOPLE);
    println!("bytes: {weight:?}");
    assert!(weight.consumer < 270, "{weight:?}");
    assert!(weight.left < 500_000, "{weight:?}");
    engine.close();
}
