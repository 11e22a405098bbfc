//! T18: audio-level lies (RFC 6464).

use std::time::{Duration, Instant};

use crate::SECOND;
use crate::common::person::{FRAME, Heard};
use crate::common::{Scene, Setup};

const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// Six people, of whom so many may be heard. Frank only listens.
fn scene(workers: u8, limit: usize) -> Scene {
    let scene = Scene::with_people(Setup::with_workers(workers), &PEOPLE);
    scene.server.speakers.set_limit(limit);
    scene
}

/// Begins to speak at a level, −dBov.
fn speak(scene: &mut Scene, name: &str, level: u8) {
    scene.person(name).level = Some(level);
    scene.speak(name);
}

/// What frank heard of somebody.
fn heard(scene: &mut Scene, speaker: &str) -> Vec<Heard> {
    let ssrc = scene.ssrc("frank", speaker);
    let heard = scene.person("frank").heard.iter();
    heard.filter(|heard| heard.ssrc == ssrc).cloned().collect()
}

/// How long after an instant frank heard somebody first.
fn first_heard(scene: &mut Scene, speaker: &str, since: Instant) -> Option<Duration> {
    let heard = heard(scene, speaker);
    let first = heard.iter().find(|heard| heard.at >= since)?;
    Some(first.at - since)
}

#[test]
fn t18_who_always_claims_the_loudest_level_does_not_silence_the_others() {
    for limit in 1..=3usize {
        let mut scene = scene(3, limit);
        let (liars, honest) = PEOPLE[..5].split_at(limit);
        for name in liars {
            speak(&mut scene, name, 0);
        }
        scene.run(SECOND);
        for name in honest {
            speak(&mut scene, name, 45);
        }
        let since = scene.now;
        let bound =
            Duration::from_millis(7_500) + SECOND * 2 * (4u32.div_ceil(limit as u32)) + FRAME * 5;
        scene.run(bound);
        for name in honest {
            let waited = first_heard(&mut scene, name, since);
            assert!(
                waited.is_some_and(|waited| waited <= bound),
                "{limit}: {name} waited {waited:?}"
            );
            let heard = heard(&mut scene, name);
            assert!(
                heard.len() >= 50,
                "{name} got to say something: {}",
                heard.len()
            );
        }
    }
}
