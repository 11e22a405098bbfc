//! Silence that a client sends is not handed on, and listeners see discontinuous transmission, not loss (RFC 3551 §4.1).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::person::assert_one_line;
use common::{Conditions, Heard, Scene, Setup, Side, names};
use hocket_media::rtcp::{Compound, Packet, write};
use hocket_media::{Drop, Options};

const SECOND: Duration = Duration::from_secs(1);
const SPEECH: Option<u8> = Some(30);
const SILENCE: Option<u8> = Some(127);

/// Says something for a while.
fn say(scene: &mut Scene, name: &str, level: Option<u8>, time: Duration) {
    scene.person(name).level = level;
    scene.run(time);
}

fn heard(scene: &mut Scene, listener: &str, speaker: &str) -> Vec<Heard> {
    let ssrc = scene.ssrc(listener, speaker);
    let heard = scene.person(listener).heard.iter();
    heard.filter(|heard| heard.ssrc == ssrc).cloned().collect()
}

/// Sequence numbers that the server has asked a speaker for.
fn asked(scene: &mut Scene, name: &str) -> Vec<u16> {
    let compounds = scene.person(name).rtcp.clone();
    let mut asked = Vec::new();
    for (_, bytes, _) in &compounds {
        for packet in Compound::parse(bytes).unwrap().packets() {
            if let Packet::Nack(nack) = packet {
                asked.extend(nack.sequences());
            }
        }
    }
    asked
}

fn ask(scene: &mut Scene, listener: &str, speaker: &str, sequences: &[u16]) {
    let media = scene.ssrc(listener, speaker);
    let mut packet = Vec::new();
    write::receiver_report(1, &[], &mut packet);
    write::nack(1, media, sequences.iter().copied(), &mut packet);
    scene.person(listener).receive.send_rtcp(packet);
}

/// Media as it came in, since the last call.
fn media(scene: &mut Scene, listener: &str) -> Vec<Vec<u8>> {
    let mut sealed = core::mem::take(&mut scene.person(listener).receive.sealed);
    sealed.retain(|packet| packet[1] < 192);
    sealed
}

#[test]
fn who_falls_silent_and_speaks_again_is_heard_in_one_line_without_the_silence() {
    for workers in [1, 3] {
        let setup = Setup::with_workers(workers);
        let mut scene = Scene::with_people(setup, &["alice", "bob", "carol"]);
        scene.speak("alice");
        let mut words = Vec::new();
        for _ in 0..3 {
            let first = scene.person("alice").count;
            say(&mut scene, "alice", SPEECH, SECOND);
            // The last packet that stands out, and what comes within 400 ms behind it.
            words.push(first..scene.person("alice").count + 19);
            say(&mut scene, "alice", SILENCE, SECOND * 3);
        }
        for listener in ["bob", "carol"] {
            let heard = heard(&mut scene, listener, "alice");
            assert_one_line(&heard);
            let spoken: Vec<u32> = words.iter().cloned().flatten().collect();
            assert_eq!(scene.counts(listener, "alice"), spoken);
            for packet in &heard {
                let begins = words.iter().any(|word| word.start == packet.count);
                assert_eq!(packet.marker, begins, "each word's first packet is marked");
            }
        }
        let stats = scene.producer_stats("alice");
        let heard = scene.counts("bob", "alice").len() as u64;
        assert_eq!(stats.withheld, stats.received.packets - heard);
        assert_eq!(u64::from(scene.dropped(Drop::Silence)), stats.withheld);
        assert_eq!(stats.lost, 0);
    }
}

#[test]
fn of_open_microphones_only_those_that_are_spoken_into_cost_anything() {
    let mut scene = Scene::with_people(Setup::with_workers(2), &["alice", "bob", "carol", "dave"]);
    for (name, level) in [("alice", 30), ("bob", 127), ("carol", 57), ("dave", 64)] {
        scene.person(name).level = Some(level);
        scene.speak(name);
    }
    scene.run(SECOND * 10);
    assert_eq!(scene.heard_from("bob"), names(["alice"]));
    assert_eq!(scene.heard_from("alice"), names([]));
    let sent = scene.transport_stats("alice", Side::Receive).sent.packets;
    scene.run(SECOND * 10);
    let more = scene.transport_stats("alice", Side::Receive).sent.packets - sent;
    assert!(
        more <= 8,
        "{more} datagrams to somebody who hears nobody: answers to checks alone"
    );
}

#[test]
fn without_a_threshold_silence_is_forwarded() {
    let options = Options {
        silence_dbov: None,
        ..Options::default()
    };
    let mut scene = Scene::with_people(
        Setup {
            options,
            ..Setup::default()
        },
        &["alice", "bob"],
    );
    scene.person("alice").level = SILENCE;
    scene.speak("alice");
    scene.run(SECOND);
    assert_eq!(scene.counts("bob", "alice").len(), 50);
    assert_eq!(scene.producer_stats("alice").withheld, 0);
}

#[test]
fn what_is_lost_of_a_silence_is_not_asked_for() {
    let mut scene = Scene::pair(Setup {
        nack: true,
        ..Setup::default()
    });
    say(&mut scene, "alice", SPEECH, SECOND);
    say(&mut scene, "alice", SILENCE, SECOND);
    scene.network.conditions = Conditions {
        loss: 0.3,
        jitter: Duration::from_millis(50),
        ..Conditions::default()
    };
    say(&mut scene, "alice", SILENCE, SECOND * 10);
    assert_eq!(asked(&mut scene, "alice"), []);
    assert!(scene.producer_stats("alice").lost > 100);
}

#[test]
fn a_words_lost_beginning_is_asked_for_and_falls_into_its_place() {
    let mut scene = Scene::pair(Setup::default());
    say(&mut scene, "alice", SPEECH, SECOND);
    say(&mut scene, "alice", SILENCE, SECOND);
    let (index, count, held) = {
        let person = scene.person("alice");
        person.level = SPEECH;
        let (index, count) = (person.index, person.count);
        person.send_frame();
        (index, count, person.send.outgoing.pop_back().unwrap().1)
    };
    scene.run(Duration::from_millis(60));
    assert_eq!(asked(&mut scene, "alice"), [index as u16]);
    scene.person("alice").send.send(held);
    scene.run(SECOND / 5);
    let mut heard = heard(&mut scene, "bob", "alice");
    heard.sort_by_key(|packet| packet.count);
    assert!(
        heard
            .windows(2)
            .all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1))
    );
    let word = heard.iter().map(|packet| packet.count);
    assert_eq!(word.filter(|spoken| *spoken >= count).min(), Some(count));
}

#[test]
fn a_listener_gets_again_what_it_missed_on_either_side_of_a_silence() {
    for wraps in [false, true] {
        let mut scene = Scene::pair(Setup::default());
        scene.person("alice").wraps_in_red = wraps;
        say(&mut scene, "alice", SPEECH, SECOND);
        say(&mut scene, "alice", SILENCE, SECOND);
        say(&mut scene, "alice", SPEECH, SECOND / 10);
        scene.person("alice").speaks = false;
        scene.run(SECOND / 10);
        let heard = heard(&mut scene, "bob", "alice");
        let across = &heard[heard.len() - 30..];
        assert!(across[0].count < 70 && across[29].count > 100);
        let sequences: Vec<u16> = across.iter().map(|packet| packet.sequence).collect();
        let first_time = media(&mut scene, "bob");
        let next = heard[heard.len() - 1].sequence.wrapping_add(1);
        ask(&mut scene, "bob", "alice", &sequences);
        ask(&mut scene, "bob", "alice", &[next]);
        scene.run(SECOND / 10);
        let again = media(&mut scene, "bob");
        assert!(
            again.iter().all(|packet| first_time.contains(packet)),
            "bit for bit"
        );
        let stats = scene.consumer_stats("bob", "alice");
        assert_eq!((stats.retransmitted, stats.refused), (30, 1));
    }
}

#[test]
fn who_fell_silent_is_reported_on_once_more_and_then_no_longer() {
    let reports = |scene: &mut Scene| {
        let rtcp = &scene.person("bob").rtcp;
        let of_receive = rtcp.iter().filter(|(side, ..)| *side == Side::Receive);
        of_receive.count()
    };
    let mut scene = Scene::pair(Setup::default());
    say(&mut scene, "alice", SPEECH, SECOND * 5);
    say(&mut scene, "alice", SILENCE, SECOND * 5);
    let told = reports(&mut scene);
    assert!((2..=6).contains(&told), "{told}");
    say(&mut scene, "alice", SILENCE, SECOND * 20);
    assert_eq!(reports(&mut scene), told);
    say(&mut scene, "alice", SPEECH, SECOND * 5);
    assert!(reports(&mut scene) > told);
}
