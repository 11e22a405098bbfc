//! The main job: what one says, the others hear, as it was said.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Scene, Setup, names};

#[test]
fn each_hears_the_other_and_nobody_hears_himself() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "carol"]);
    scene.speak("alice");
    scene.run(Duration::from_secs(1));
    scene.speak("bob");
    scene.run(Duration::from_secs(1));
    assert_eq!(scene.heard_from("alice"), names(["bob"]));
    assert_eq!(scene.heard_from("bob"), names(["alice"]));
    assert_eq!(scene.heard_from("carol"), names(["alice", "bob"]));
    assert_eq!(
        scene.counts("carol", "alice"),
        (0..100).collect::<Vec<u32>>()
    );
}

#[test]
fn people_hear_each_other_over_ipv6_too() {
    let mut scene = Scene::pair(Setup {
        six: true,
        workers: 2,
        ..Setup::default()
    });
    scene.run(Duration::from_secs(1));
    assert_eq!(scene.counts("bob", "alice").len(), 50);
}

#[test]
fn a_late_joiner_hears_from_then_on() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(Duration::from_secs(1));
    scene.join("carol");
    scene.run(Duration::from_secs(1));
    let counts = scene.counts("carol", "alice");
    assert!(counts[0] >= 50 && counts.len() >= 40, "{counts:?}");
    assert_eq!(scene.counts("bob", "alice").len(), 100);
}

#[test]
fn t16_after_control_removed_a_speaker_no_packet_of_hers_is_forwarded() {
    for workers in [1, 3] {
        let mut scene = Scene::pair(Setup::with_workers(workers));
        scene.run(Duration::from_secs(1));
        scene.leave("alice");
        scene.run(Duration::from_millis(15)); // what was already on its way to bob
        scene.forget();
        scene.run(Duration::from_secs(2));
        assert_eq!(scene.heard_from("bob"), names([]));
    }
}
