//! A channel over several workers sounds the same as over one: who hears what does not depend on which worker the kernel chose.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Conditions, Scene, Setup, Side};

const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// A lively half minute in a channel; returns what each listener heard of each speaker.
fn party(workers: u8) -> (BTreeMap<(&'static str, &'static str), Vec<u32>>, Scene) {
    let conditions = Conditions {
        jitter: Duration::from_millis(5),
        ..Conditions::default()
    };
    let mut scene = Scene::with_people(
        Setup {
            workers,
            conditions,
            ..Setup::default()
        },
        &PEOPLE[..5],
    );
    let second = Duration::from_secs(1);
    PEOPLE[..4].iter().for_each(|name| scene.speak(name));
    scene.run(second);
    scene.mute("bob", true);
    scene.pause("alice", "carol", true);
    scene.run(second);
    scene.mute("bob", false);
    scene.pause("alice", "carol", false);
    scene.join("frank");
    scene.run(second);
    let elsewhere = scene.fresh_address();
    let now = scene.now;
    scene
        .person("dave")
        .client(Side::Send)
        .move_to(elsewhere, now);
    scene.run(second);
    scene.leave("carol");
    scene.run(second);
    let mut heard = BTreeMap::new();
    for listener in PEOPLE {
        for speaker in PEOPLE {
            let mut counts = scene.counts(listener, speaker);
            counts.sort_unstable();
            heard.insert((listener, speaker), counts);
        }
    }
    (heard, scene)
}

#[test]
fn one_worker_and_three_give_every_listener_the_same() {
    let (one, scene) = party(1);
    assert_eq!(scene.server.messages, 0);
    let (three, scene) = party(3);
    assert!(
        scene.server.messages > 1_000,
        "the channel was spread over workers: {}",
        scene.server.messages
    );
    for (pair, counts) in &one {
        assert_eq!(counts, &three[pair], "what {} heard of {}", pair.0, pair.1);
    }
    assert_eq!(one[&("bob", "alice")].len(), 250 - 1, "nothing was lost");
    assert_eq!(
        one[&("erin", "bob")].len(),
        200 - 1,
        "but what bob said while muted"
    );
    assert!(one[&("alice", "erin")].is_empty());
}

#[test]
fn nothing_is_left_in_any_worker_when_all_have_left() {
    let (_, mut scene) = party(3);
    PEOPLE
        .iter()
        .filter(|name| **name != "carol")
        .for_each(|name| scene.leave(name));
    scene.run(Duration::from_millis(100));
    assert_eq!(scene.holders(), []);
}
