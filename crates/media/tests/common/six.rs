//! Six people in a channel in which only so many are heard, and what the last of them, who only listens, hears of the others.

use std::time::{Duration, Instant};

use super::{Heard, Scene, Setup};

pub const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// Six people, of whom so many may be heard. Frank only listens.
pub fn scene(workers: u8, limit: usize) -> Scene {
    with_setup(Setup::with_workers(workers), limit)
}

/// As [`scene`], with a set-up of the test's own.
pub fn with_setup(setup: Setup, limit: usize) -> Scene {
    let scene = Scene::with_people(setup, &PEOPLE);
    scene.server.speakers.set_limit(limit);
    scene
}

/// Begins to speak at a level, −dBov.
pub fn speak(scene: &mut Scene, name: &str, level: u8) {
    scene.person(name).level = Some(level);
    scene.speak(name);
}

/// What frank heard of somebody.
pub fn heard(scene: &mut Scene, speaker: &str) -> Vec<Heard> {
    let ssrc = scene.ssrc("frank", speaker);
    let heard = scene.person("frank").heard.iter();
    heard.filter(|heard| heard.ssrc == ssrc).cloned().collect()
}

/// How long after an instant frank heard somebody first.
pub fn first_heard(scene: &mut Scene, speaker: &str, since: Instant) -> Option<Duration> {
    let heard = heard(scene, speaker);
    let first = heard.iter().find(|heard| heard.at >= since)?;
    Some(first.at - since)
}
