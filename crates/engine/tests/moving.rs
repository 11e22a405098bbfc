//! A client whose address changes sends one new check, and audio flows on, whichever worker the kernel then picks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Scene, on_both_families, on_loopback};
use hocket_engine::EngineOptions;

/// Both move again and again; with three workers most moves land on one that does not own the transport.
fn audio_flows_on(options: &EngineOptions, places: &[&str]) {
    let mut scene = Scene::new(options);
    let (alice, bob) = (scene.join_connected(), scene.join_connected());
    let producer = scene.produce(alice);
    scene.hear(bob, producer, 9);
    scene.settle();
    let mut said = Vec::new();
    for (step, place) in places.iter().cycle().take(12).enumerate() {
        let mover = if step % 2 == 0 { alice } else { bob };
        scene.move_person(mover, place.parse().unwrap());
        scene.run_until("an answer at the new address", |scene| {
            scene.people[mover].client.is_answered()
        });
        scene.settle();
        said.push(format!("after move {step}").into_bytes());
        scene.say(alice, &said[step]);
        scene.run_until("the word after the move", |scene| {
            scene.people[bob].heard.len() > step
        });
    }
    assert_eq!(scene.people[bob].heard_from(9), said);
    assert!(scene.closed().is_empty(), "nobody had to join anew");
}

#[test]
fn to_another_port_with_three_workers() {
    audio_flows_on(&on_loopback("127.0.0.1", 3, true), &["127.0.0.1"]);
}

#[test]
fn to_another_port_over_ipv6() {
    audio_flows_on(&on_loopback("::1", 3, true), &["::1"]);
}

#[test]
fn to_another_port_without_batches() {
    audio_flows_on(&on_loopback("127.0.0.1", 1, false), &["127.0.0.1"]);
}

#[test]
fn to_another_address() {
    audio_flows_on(
        &on_loopback("127.0.0.1", 3, true),
        &["127.0.0.2", "127.0.0.3"],
    );
}

/// As a telephone does that leaves the house: one network has only IPv4, the next prefers IPv6. Each move is one of a person to the family
/// that they are not on.
#[test]
fn to_the_other_family_and_back_on_one_port() {
    for (workers, batch) in [(3, true), (1, false)] {
        audio_flows_on(
            &on_both_families(workers, batch),
            &["::1", "::1", "127.0.0.1", "127.0.0.1"],
        );
    }
}
