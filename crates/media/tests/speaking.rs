//! Who is speaking, by the levels that senders write (RFC 6464).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Scene, Setup, Side};
use hocket_media::{Event, Stats, StatsOf};

const SECOND: Duration = Duration::from_secs(1);

/// What was told of a speaker so far: (speaks, level).
fn told(scene: &mut Scene, name: &str) -> Vec<(bool, i8)> {
    let id = scene.person(name).producer.unwrap();
    let told = scene.server.events.iter().filter_map(|event| match event {
        Event::ProducerSpeaking {
            producer,
            speaking,
            level,
        } if *producer == id => Some((*speaking, *level)),
        _ => None,
    });
    told.collect()
}

fn words(scene: &mut Scene, name: &str) -> Vec<bool> {
    told(scene, name)
        .into_iter()
        .map(|(speaking, _)| speaking)
        .collect()
}

#[test]
fn a_voice_is_told_once_and_its_end_once() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    assert_eq!(words(&mut scene, "alice"), [true]);
    assert!((-60..=-20).contains(&told(&mut scene, "alice")[0].1));
    scene.person("alice").level = Some(127);
    scene.run(SECOND);
    assert_eq!(words(&mut scene, "alice"), [true, false]);
    assert!(words(&mut scene, "bob").is_empty());
}

#[test]
fn a_speaker_whose_packets_stop_is_silent_within_half_a_second() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    scene.speak("alice");
    scene.run(SECOND);
    scene.person("alice").speaks = false;
    scene.run(Duration::from_millis(550));
    assert_eq!(words(&mut scene, "alice"), [true, false]);
}

#[test]
fn a_muted_speaker_is_silent_at_once_and_stays_so() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    scene.speak("alice");
    scene.run(SECOND);
    scene.mute("alice", true);
    assert_eq!(words(&mut scene, "alice"), [true, false]);
    scene.run(SECOND);
    assert_eq!(words(&mut scene, "alice"), [true, false]);
    scene.mute("alice", false);
    scene.run(SECOND);
    assert_eq!(words(&mut scene, "alice"), [true, false, true]);
}

#[test]
fn a_speaker_that_leaves_is_silent() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    scene.leave("alice");
    assert_eq!(words(&mut scene, "alice"), [true, false]);
}

#[test]
fn noise_below_the_threshold_and_streams_without_levels_tell_nothing() {
    for (level, forwarded) in [(Some(52), false), (None, true)] {
        let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
        scene.person("alice").level = level;
        scene.speak("alice");
        scene.run(SECOND * 5);
        assert!(words(&mut scene, "alice").is_empty());
        let heard = scene.counts("bob", "alice").len();
        assert_eq!(heard, if forwarded { 250 } else { 0 });
    }
}

#[test]
fn statistics_say_level_and_speaking_and_what_was_counted() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let stats = scene.producer_stats("alice");
    assert_eq!(
        (stats.level, stats.speaking, stats.paused),
        (Some(-30), true, false)
    );
    assert_eq!(
        (stats.received.packets, stats.received.bytes, stats.lost),
        (50, 50 * 80, 0)
    );
    let stats = scene.transport_stats("alice", Side::Send);
    assert!(
        stats.received.packets > 50
            && stats.sent.packets >= 4
            && stats.selected == Some(scene.person("alice").send.address)
    );
    let transport = scene.transport("alice", Side::Send);
    let gone = StatsOf::Producer(hocket_media::ProducerId(999));
    assert_eq!(scene.stats(transport, gone), Stats::Gone(gone));
}
