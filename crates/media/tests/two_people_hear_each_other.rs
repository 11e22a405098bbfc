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
