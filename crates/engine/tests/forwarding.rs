//! What one person says, the others hear: real ICE, DTLS and SRTP over loopback sockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use common::{HEARD_TYPE, Scene, on_both_families, on_loopback};
use hocket_engine::Error;
use hocket_media::{ProducerId, Stats, StatsOf};

/// One speaks, all others listen; each must hear every packet once, in order, under its own SSRC and payload type.
fn everyone_hears_the_speaker(server: &str, workers: usize, batch: bool, listeners: usize) {
    let mut scene = Scene::new(&on_loopback(server, workers, batch));
    let speaker = scene.join_connected();
    let producer = scene.produce(speaker);
    let listeners: Vec<usize> = (0..listeners).map(|_| scene.join_connected()).collect();
    for listener in &listeners {
        scene.hear(*listener, producer, 0x2000 + *listener as u32);
    }
    scene.settle();
    let words: Vec<Vec<u8>> = (0..60_u8).map(|i| vec![i; 40 + usize::from(i)]).collect();
    for word in &words {
        scene.say(speaker, word);
    }
    for listener in listeners {
        let ssrc = 0x2000 + listener as u32;
        scene.run_until("every word", |scene| {
            scene.people[listener].heard.len() >= words.len()
        });
        assert_eq!(scene.people[listener].heard_from(ssrc), words);
        let heard = &scene.people[listener].heard;
        assert!(heard.iter().all(|packet| packet.payload_type == HEARD_TYPE));
        let first = heard[0].sequence;
        let line = (0..words.len() as u16).map(|step| first.wrapping_add(step));
        assert!(
            heard.iter().map(|packet| packet.sequence).eq(line),
            "one continuous line"
        );
    }
    assert!(
        scene.people[speaker].heard.is_empty(),
        "nobody hears themselves"
    );
}

#[test]
fn over_ipv4_with_one_worker() {
    everyone_hears_the_speaker("127.0.0.1", 1, true, 3);
}

#[test]
fn over_ipv4_with_three_workers() {
    everyone_hears_the_speaker("127.0.0.1", 3, true, 12);
}

#[test]
fn over_ipv6_with_one_worker() {
    everyone_hears_the_speaker("::1", 1, true, 3);
}

#[test]
fn over_ipv6_with_three_workers() {
    everyone_hears_the_speaker("::1", 3, true, 12);
}

#[test]
fn over_ipv4_without_batches() {
    everyone_hears_the_speaker("127.0.0.1", 1, false, 3);
}

#[test]
fn over_ipv6_without_batches() {
    everyone_hears_the_speaker("::1", 1, false, 3);
}

#[test]
fn a_speaker_and_a_listener_of_different_families_meet_on_one_port() {
    let families: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for (workers, batch) in [(1, true), (3, true), (1, false)] {
        let mut scene = Scene::new(&on_both_families(workers, batch));
        let people = families.map(|family| scene.join_connected_at(family));
        let producers = people.map(|person| scene.produce(person));
        scene.hear(people[0], producers[1], 7);
        scene.hear(people[1], producers[0], 7);
        scene.settle();
        for (speaker, listener) in [(0, 1), (1, 0)].map(|(a, b)| (people[a], people[b])) {
            let word = format!("over {}", scene.people[speaker].client.address);
            scene.say(speaker, word.as_bytes());
            scene.run_until("the word over the other family", |scene| {
                !scene.people[listener].heard.is_empty()
            });
            assert_eq!(scene.people[listener].heard_from(7), [word.as_bytes()]);
        }
        let families_used = people.map(|person| scene.people[person].client.address.ip());
        assert_eq!(families_used, families);
    }
}

#[test]
fn clients_spread_over_the_workers() {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 3, true));
    for _ in 0..12 {
        scene.join_connected();
    }
    scene.run_until("an account of all twelve", |scene| {
        scene
            .engine
            .dump()
            .cores
            .iter()
            .map(|core| core.transports)
            .sum::<usize>()
            == 12
    });
    let busy = scene
        .engine
        .dump()
        .cores
        .iter()
        .filter(|core| core.transports > 0)
        .count();
    assert!(
        busy > 1,
        "all twelve on one of three workers is a chance of one in 177,000"
    );
}

#[test]
fn nothing_is_heard_before_resume_and_nothing_after_close() {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 2, true));
    let (alice, bob) = (scene.join_connected(), scene.join_connected());
    let producer = scene.produce(alice);
    let consumer = scene.hear_paused(bob, producer, 9);
    scene.settle();
    scene.say(alice, b"before resume");
    scene.run_for(Duration::from_millis(200));
    assert!(scene.people[bob].heard.is_empty());
    scene.engine.resume_consumer(consumer).unwrap();
    scene.settle();
    scene.say(alice, b"heard");
    scene.run_until("the one word", |scene| !scene.people[bob].heard.is_empty());
    scene.engine.close_consumer(consumer).unwrap();
    scene.settle();
    scene.say(alice, b"after close");
    scene.run_for(Duration::from_millis(200));
    assert_eq!(scene.people[bob].heard_from(9), [b"heard"]);
}

#[test]
fn everyone_hears_only_whom_they_were_given_to_hear() {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 2, true));
    let people: Vec<usize> = (0..4).map(|_| scene.join_connected()).collect();
    for pair in people.chunks(2) {
        let producer = scene.produce(pair[0]);
        scene.hear(pair[1], producer, 7);
    }
    scene.settle();
    for pair in people.chunks(2) {
        let word = format!("from {}", pair[0]);
        scene.say(pair[0], word.as_bytes());
    }
    for pair in people.chunks(2) {
        let listener = pair[1];
        scene.run_until("the word", |scene| !scene.people[listener].heard.is_empty());
        assert_eq!(
            scene.people[listener].heard_from(7),
            [format!("from {}", pair[0]).as_bytes()]
        );
    }
}

#[test]
fn statistics_count_what_went_through() {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 2, true));
    let (alice, bob) = (scene.join_connected(), scene.join_connected());
    let producer = scene.produce(alice);
    let consumer = scene.hear(bob, producer, 9);
    scene.settle();
    for _ in 0..10 {
        scene.say(alice, &[1; 50]);
    }
    scene.run_until("ten words", |scene| scene.people[bob].heard.len() == 10);
    let Stats::Producer(of_alice) = scene.ask(StatsOf::Producer(producer)) else {
        unreachable!()
    };
    assert_eq!(
        (
            of_alice.received.packets,
            of_alice.received.bytes,
            of_alice.lost
        ),
        (10, 500, 0)
    );
    let Stats::Consumer(of_bob) = scene.ask(StatsOf::Consumer(consumer)) else {
        unreachable!()
    };
    assert_eq!(
        (of_bob.sent.packets, of_bob.sent.bytes, of_bob.paused),
        (10, 500, false)
    );
    let Stats::Transport(transport) = scene.ask(StatsOf::Transport(scene.people[bob].transport))
    else {
        unreachable!()
    };
    assert_eq!(transport.selected, Some(scene.people[bob].client.address));
}

/// Packets of a producer that were kept back because others were heard.
fn crowded_out(scene: &mut Scene, producer: ProducerId) -> usize {
    match scene.ask(StatsOf::Producer(producer)) {
        Stats::Producer(stats) => stats.crowded_out as usize,
        _ => unreachable!(),
    }
}

#[test]
fn of_two_who_speak_one_is_heard_where_only_one_may_be() {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 3, true));
    scene.engine.set_active_speakers(scene.router, 1).unwrap();
    let [alice, bob, carol] = [(); 3].map(|()| scene.join_connected());
    let (of_alice, of_bob) = (scene.produce(alice), scene.produce(bob));
    scene.hear(carol, of_alice, 7);
    scene.hear(carol, of_bob, 8);
    scene.settle();
    for word in 0..10_u8 {
        scene.say(alice, &[word; 50]);
        scene.say(bob, &[word; 50]);
    }
    // A thread that sleeps for 400 ms would let either take the other's place: so both are counted.
    let arrived = |scene: &mut Scene| {
        let kept_back = [of_alice, of_bob].map(|producer| crowded_out(scene, producer));
        (scene.people[carol].heard.len(), kept_back[0] + kept_back[1])
    };
    let mut counts = (0, 0);
    for _ in 0..1_000 {
        counts = arrived(&mut scene);
        if counts.0 + counts.1 == 20 {
            break;
        }
        scene.run_for(Duration::from_millis(5));
    }
    assert_eq!(counts.0 + counts.1, 20, "heard and kept back");
    assert!(
        counts.0 >= 5 && counts.1 >= 5,
        "heard, kept back: {counts:?}"
    );
    scene.engine.set_active_speakers(scene.router, 0).unwrap();
    scene.say(alice, b"all");
    scene.say(bob, b"all");
    scene.run_until("both", |scene| {
        scene.people[carol].heard.len() == counts.0 + 2
    });
}

#[test]
fn a_limit_out_of_its_range_or_of_no_router_is_refused() {
    let scene = Scene::new(&on_loopback("127.0.0.1", 1, true));
    let too_many = scene.engine.set_active_speakers(scene.router, 65);
    assert!(
        matches!(too_many, Err(Error::InvalidOption(_))),
        "{too_many:?}"
    );
    scene.engine.close_router(scene.router).unwrap();
    let gone = scene.engine.set_active_speakers(scene.router, 1);
    assert!(matches!(gone, Err(Error::UnknownId("router"))), "{gone:?}");
}
