//! What an idle transport, a consumer and a speaking producer hold in memory. Bounds are some 25 % above what was measured, so that growth shows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::counting::Counting;
use common::{Scene, Setup};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that are held more afterwards by all that is one with the server; the clients' own are let be.
fn weigh(scene: &mut Scene, act: impl FnOnce(&mut Scene)) -> isize {
    let before = scene.server.held;
    act(scene);
    scene.server.held - before
}

#[test]
fn idle_transports_consumers_and_speakers_are_small() {
    const PEOPLE: [&str; 8] = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
    ];
    let mut scene = Scene::with_people(Setup::default(), &PEOPLE[..4]);
    let transports = weigh(&mut scene, |scene| {
        for name in &PEOPLE[4..] {
            scene.enter(name);
            scene.signal(name);
        }
        scene.run(Duration::from_secs(3));
    });
    let each = transports / 8;
    println!("a connected transport: {each} bytes");
    assert!(each < 17_500, "a connected transport holds {each} bytes");

    let consumers = weigh(&mut scene, |scene| {
        for listener in &PEOPLE[4..] {
            for speaker in PEOPLE.iter().filter(|name| *name != listener) {
                scene.consume(listener, speaker);
                scene.pause(listener, speaker, false);
            }
        }
        scene.run(Duration::from_secs(3));
    });
    let each = consumers / 28;
    println!("a consumer: {each} bytes");
    assert!(each < 450, "a consumer holds {each} bytes");

    let speaker = weigh(&mut scene, |scene| {
        scene.speak("alice");
        scene.run(Duration::from_secs(5));
    });
    println!("a speaking producer: {speaker} bytes");
    assert!(
        speaker < 18_000,
        "a speaking producer holds {speaker} bytes"
    );
}

/// Alice speaks, bob listens on another worker; she falls silent, and speaks again.
#[test]
fn a_producer_that_falls_silent_gives_back_the_memory_of_its_packets_everywhere() {
    for workers in [1, 3] {
        let mut scene = Scene::with_people(
            Setup {
                workers,
                ..Setup::default()
            },
            &["alice", "bob", "carol"],
        );
        let mut spells = Vec::new();
        for _ in 0..3 {
            let spoke = weigh(&mut scene, |scene| {
                scene.speak("alice");
                scene.run(Duration::from_secs(5));
                scene.person("alice").speaks = false;
            });
            let rested = weigh(&mut scene, |scene| scene.run(Duration::from_secs(40)));
            spells.push((spoke, rested));
            scene.forget();
        }
        println!("of {workers} workers: {spells:?}");
        for (spoke, rested) in &spells[1..] {
            assert!(*spoke > 8_000 && *rested < -8_000, "{spells:?}");
            assert!((spoke + rested).abs() < 1_000, "{spells:?}");
        }
        assert_eq!(scene.heard_from("bob").len(), 0);
        scene.speak("alice");
        scene.run(Duration::from_secs(1));
        assert_eq!(scene.heard_from("bob").len(), 1);
    }
}
