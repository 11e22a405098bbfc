//! Who leaves takes along what is theirs and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Scene, Setup, names};

const SECOND: Duration = Duration::from_secs(1);
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// Found by the simulation: the listener that took the leaver's place in the list of a speaker's listeners was lost with it.
#[test]
fn a_paused_consumer_outlives_the_listener_before_it() {
    for leaver in ["bob", "carol", "dave"] {
        for paused in ["erin", "frank"] {
            let mut scene = Scene::with_people(Setup::default(), &PEOPLE);
            scene.pause(paused, "alice", true);
            scene.leave(leaver);
            scene.speak("alice");
            scene.run(SECOND);
            assert_eq!(scene.heard_from(paused), names([]));
            scene.pause(paused, "alice", false);
            scene.run(SECOND);
            for listener in PEOPLE[1..].iter().filter(|name| **name != leaver) {
                assert_eq!(
                    scene.heard_from(listener),
                    names(["alice"]),
                    "{leaver} left: {listener}"
                );
            }
        }
    }
}
