//! Only so many of a channel are heard at a time, whichever workers they are on, and listeners see pauses, not loss.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::person::{FRAME, assert_one_line};
use common::six::{PEOPLE, first_heard, heard, scene, speak, with_setup};
use common::{Conditions, Heard, Scene, Setup, Side, names};
use hocket_media::rtcp::{Compound, Packet};
use hocket_media::{Drop, Event};

const SECOND: Duration = Duration::from_secs(1);

/// The most speakers whom frank heard within any 20 ms.
fn most_at_once(scene: &mut Scene) -> usize {
    let heard = &scene.person("frank").heard;
    let within = |first: &Heard| {
        let close = heard
            .iter()
            .filter(|other| other.at >= first.at && other.at < first.at + FRAME);
        close
            .map(|heard| heard.speaker)
            .collect::<BTreeSet<u8>>()
            .len()
    };
    heard.iter().map(within).max().unwrap()
}

#[test]
fn of_many_who_speak_the_loudest_are_heard_and_the_others_cost_nothing() {
    for workers in [1, 3] {
        let mut scene = scene(workers, 2);
        for (name, level) in [
            ("alice", 45),
            ("bob", 25),
            ("carol", 40),
            ("dave", 22),
            ("erin", 44),
        ] {
            speak(&mut scene, name, level);
        }
        scene.run(SECOND * 5 / 2); // the first to come had the places for two seconds
        scene.forget();
        let sent = scene.transport_stats("frank", Side::Receive).sent.packets;
        scene.run(SECOND * 2);
        assert_eq!(
            scene.heard_from("frank"),
            names(["bob", "dave"]),
            "{workers} workers"
        );
        assert_eq!(
            scene.heard_from("bob"),
            names(["dave"]),
            "nobody hears themselves"
        );
        let more = scene.transport_stats("frank", Side::Receive).sent.packets - sent;
        assert!((200..=206).contains(&more), "{more} datagrams");
    }
}

#[test]
fn what_is_kept_back_is_counted_as_that_and_never_as_loss() {
    let mut scene = scene(3, 1);
    for name in ["alice", "bob", "carol"] {
        speak(&mut scene, name, 30);
    }
    scene.run(SECOND * 10);
    let mut crowded_out = 0;
    for name in ["alice", "bob", "carol"] {
        let (stats, heard) = (
            scene.producer_stats(name),
            scene.counts("frank", name).len() as u64,
        );
        assert_eq!(stats.crowded_out, stats.received.packets - heard, "{name}");
        assert_eq!((stats.withheld, stats.lost, stats.nacks_sent), (0, 0, 0));
        assert!(stats.speaking, "whoever speaks is shown, heard or not");
        crowded_out += stats.crowded_out;
    }
    assert_eq!(u64::from(scene.dropped(Drop::CrowdedOut)), crowded_out);
}

#[test]
fn every_listener_hears_each_in_one_line_however_often_places_change_hands() {
    for workers in [1, 3] {
        let mut scene = scene(workers, 1);
        for name in ["alice", "bob", "carol"] {
            speak(&mut scene, name, 30);
        }
        scene.run(SECOND * 20);
        for name in ["alice", "bob", "carol"] {
            let heard = heard(&mut scene, name);
            assert_one_line(&heard);
            let turns = heard.iter().filter(|heard| heard.marker).count();
            assert!((2..=4).contains(&turns), "{name}: {turns} turns");
            for pair in heard.windows(2) {
                let goes_on = pair[1].count == pair[0].count + 1;
                assert_eq!(
                    goes_on, !pair[1].marker,
                    "each turn's first packet is marked"
                );
            }
        }
        assert!(
            most_at_once(&mut scene) <= 2,
            "but for one packet as a place changes hands"
        );
        let total = scene.person("frank").heard.len();
        assert!((1_000..=1_010).contains(&total), "{total} packets in 20 s");
    }
}

#[test]
fn one_worker_and_three_choose_the_same() {
    let party = |workers| {
        let mut scene = scene(workers, 2);
        for (name, level) in [("alice", 30), ("bob", 0), ("carol", 36), ("dave", 50)] {
            speak(&mut scene, name, level);
            scene.run(SECOND / 3);
        }
        scene.run(SECOND * 8);
        scene.mute("bob", true);
        scene.run(SECOND * 8);
        let counts = |name| (name, scene.counts("frank", name));
        let counts: BTreeMap<&str, Vec<u32>> = PEOPLE[..4].iter().copied().map(counts).collect();
        (counts, scene.server.messages)
    };
    let ((one, none), (three, some)) = (party(1), party(3));
    assert!(none == 0 && some > 1_000, "{some} messages between workers");
    assert_eq!(one, three);
    assert!(
        one.values().all(|counts| counts.len() > 100),
        "everybody had a turn"
    );
}

#[test]
fn who_makes_room_is_followed_at_once() {
    type Ends = fn(&mut Scene);
    let ends: [(&str, Ends, u64); 4] = [
        ("muted", |scene| scene.mute("alice", true), 0),
        ("gone", |scene| scene.leave("alice"), 0),
        (
            "silent",
            |scene| scene.person("alice").level = Some(127),
            400,
        ),
        (
            "without packets",
            |scene| scene.person("alice").speaks = false,
            400,
        ),
    ];
    for workers in [1, 3] {
        for (how, end, within) in ends {
            let mut scene = scene(workers, 1);
            speak(&mut scene, "alice", 30);
            scene.run(SECOND);
            speak(&mut scene, "bob", 30);
            scene.run(SECOND);
            assert!(scene.counts("frank", "bob").is_empty());
            end(&mut scene);
            let since = scene.now;
            scene.run(SECOND);
            let took = first_heard(&mut scene, "bob", since).unwrap();
            let limits = Duration::from_millis(within.saturating_sub(20))
                ..=Duration::from_millis(within + 60);
            assert!(limits.contains(&took), "{how}, {workers} workers: {took:?}");
            assert!(!scene.counts("carol", "bob").is_empty());
        }
    }
}

#[test]
fn clients_that_write_no_level_are_neither_always_heard_nor_never() {
    let mut scene = scene(1, 1);
    scene.person("alice").level = None;
    scene.speak("alice");
    speak(&mut scene, "bob", 20);
    speak(&mut scene, "carol", 45);
    scene.run(SECOND * 60);
    for name in ["alice", "bob", "carol"] {
        let heard = scene.counts("frank", name).len();
        assert!((300..2_400).contains(&heard), "{name}: {heard} of 3000");
    }
}

#[test]
fn what_is_lost_of_somebody_who_is_not_heard_is_not_asked_for() {
    let mut scene = scene(1, 1);
    speak(&mut scene, "alice", 20);
    scene.run(SECOND);
    scene.network.conditions = Conditions {
        loss: 0.3,
        ..Conditions::default()
    };
    speak(&mut scene, "bob", 45);
    scene.run(SECOND * 5);
    let stats = scene.producer_stats("bob");
    assert!(stats.lost > 50, "{}", stats.lost);
    assert!(scene.counts("frank", "bob").is_empty());
    let told = scene.person("bob").rtcp.iter().filter(|(side, bytes, _)| {
        let compound = Compound::parse(bytes).unwrap();
        *side == Side::Send
            && compound
                .packets()
                .any(|packet| matches!(packet, Packet::Nack(_)))
    });
    assert_eq!(told.count(), 0);
}

#[test]
fn over_a_bad_network_no_number_is_given_twice_and_order_is_kept() {
    let conditions = Conditions {
        loss: 0.05,
        jitter: Duration::from_millis(40),
        ..Conditions::default()
    };
    let mut scene = with_setup(
        Setup {
            nack: false,
            ..Setup::with_workers(3)
        },
        2,
    );
    scene.network.conditions = conditions;
    for name in &PEOPLE[..5] {
        speak(&mut scene, name, 30);
    }
    scene.run(SECOND * 30);
    for name in &PEOPLE[..5] {
        let mut heard = heard(&mut scene, name);
        heard.sort_by_key(|heard| heard.count);
        let first = heard[0].sequence;
        let sequences: Vec<u16> = heard
            .iter()
            .map(|heard| heard.sequence.wrapping_sub(first))
            .collect();
        assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
        assert!(heard.len() > 300);
    }
}

#[test]
fn the_limit_changes_in_mid_call_and_without_one_everybody_is_heard() {
    let mut scene = scene(3, 0);
    for name in &PEOPLE[..5] {
        speak(&mut scene, name, 30);
    }
    for (limit, packets) in [(0, 500), (2, 200), (3, 300), (1, 100), (0, 500)] {
        scene.server.speakers.set_limit(limit);
        scene.run(SECOND / 5);
        scene.forget();
        scene.run(SECOND * 2);
        let heard = scene.person("frank").heard.len();
        let most = packets + 2 * limit; // and one packet as a place changes hands
        assert!(
            (packets..=most).contains(&heard),
            "{limit} may be heard: {heard}"
        );
    }
}

#[test]
fn who_speaks_is_told_whether_heard_or_not() {
    let mut scene = scene(1, 1);
    speak(&mut scene, "alice", 20);
    scene.run(SECOND);
    speak(&mut scene, "bob", 45);
    scene.run(SECOND * 2);
    assert!(scene.counts("frank", "bob").is_empty());
    let bob = scene.person("bob").producer.unwrap();
    let told = |event: &Event| matches!(event, Event::ProducerSpeaking { producer, speaking: true, .. } if *producer == bob);
    assert!(scene.server.events.iter().any(told));
}
