//! Loss, and what repairs it: NACK to the sender, NACK from the receiver, and the bounds of both (RFC 4585 §6.2.1).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Conditions, Scene, Setup};
use hocket_media::rtcp::{Compound, Packet, write};

const SECOND: Duration = Duration::from_secs(1);

/// Plays a browser that repairs: bob asks for what he misses, alice sends again what she is asked for. Returns bob's loss, 0.0–1.0.
fn talk_over_loss(seed: u64, loss: f64, nack: bool, workers: u8) -> f64 {
    let conditions = Conditions {
        loss,
        jitter: Duration::from_millis(2),
        ..Conditions::default()
    };
    let setup = Setup {
        seed,
        workers,
        nack,
        conditions: Conditions::default(),
        ..Setup::default()
    };
    let mut scene = Scene::with_people(setup, &["alice", "bob"]);
    scene.network.conditions = conditions;
    scene.speak("alice");
    let (media, mut asked, mut answered) = (scene.ssrc("bob", "alice"), BTreeMap::new(), 0);
    for round in 0..500 {
        scene.run(SECOND / 50);
        if nack {
            bob_asks(&mut scene, media, &mut asked, round);
            answered = alice_answers(&mut scene, answered);
        }
    }
    scene.person("alice").speaks = false;
    scene.run(SECOND);
    let heard: BTreeSet<u32> = scene.counts("bob", "alice").into_iter().collect();
    let said = scene.person("alice").count;
    1.0 - heard.len() as f64 / f64::from(said)
}

/// Asks every 60 ms for each missing number of the last second.
fn bob_asks(scene: &mut Scene, media: u32, asked: &mut BTreeMap<u16, u32>, round: u32) {
    let sequences: BTreeSet<u16> = scene
        .person("bob")
        .heard
        .iter()
        .map(|heard| heard.sequence)
        .collect();
    let Some(latest) = scene.person("bob").heard.last().map(|heard| heard.sequence) else {
        return;
    };
    let missing: Vec<u16> = (1..50u16)
        .map(|back| latest.wrapping_sub(back))
        .filter(|number| {
            !sequences.contains(number)
                && sequences
                    .iter()
                    .any(|known| number.wrapping_sub(*known) < 0x8000)
        })
        .filter(|number| asked.get(number).is_none_or(|then| round - then >= 3))
        .collect();
    if missing.is_empty() {
        return;
    }
    asked.extend(missing.iter().map(|number| (*number, round)));
    let mut packet = Vec::new();
    write::receiver_report(9, &[], &mut packet);
    write::nack(9, media, missing.into_iter().rev(), &mut packet);
    scene.person("bob").receive.send_rtcp(packet);
}

/// Sends again, bit for bit, what the server asks for.
fn alice_answers(scene: &mut Scene, answered: usize) -> usize {
    let person = scene.person("alice");
    let compounds: Vec<Vec<u8>> = person
        .rtcp
        .iter()
        .skip(answered)
        .map(|(_, bytes, _)| bytes.clone())
        .collect();
    for bytes in &compounds {
        for packet in Compound::parse(bytes).unwrap().packets() {
            let Packet::Nack(nack) = packet else { continue };
            assert_eq!(nack.media, person.ssrc);
            let again: Vec<Vec<u8>> = nack
                .sequences()
                .filter_map(|wanted| {
                    person
                        .send
                        .recorded
                        .iter()
                        .find(|sent| sent[1] < 192 && sent[2..4] == wanted.to_be_bytes())
                        .cloned()
                })
                .collect();
            again.into_iter().for_each(|sent| person.send.send(sent));
        }
    }
    answered + compounds.len()
}

#[test]
fn nack_in_both_directions_repairs_what_the_network_loses() {
    for workers in [1, 3] {
        let unrepaired: f64 = (1..=3)
            .map(|seed| talk_over_loss(seed, 0.05, false, workers))
            .sum::<f64>()
            / 3.0;
        let repaired: f64 = (1..=3)
            .map(|seed| talk_over_loss(seed, 0.05, true, workers))
            .sum::<f64>()
            / 3.0;
        assert!(unrepaired > 0.07, "5 % each way: {unrepaired}");
        assert!(repaired < 0.004, "{workers} workers: {repaired}");
    }
}

#[test]
fn a_retransmission_is_bit_for_bit_what_was_sent_before() {
    for red in [true, false] {
        let mut scene = Scene::with_people(
            Setup {
                red,
                ..Setup::default()
            },
            &["alice", "bob"],
        );
        scene.person("alice").wraps_in_red = true;
        scene.speak("alice");
        scene.run(SECOND);
        let sealed: Vec<Vec<u8>> = scene
            .person("bob")
            .receive
            .sealed
            .iter()
            .filter(|packet| packet[1] < 192)
            .cloned()
            .collect();
        scene.person("bob").receive.sealed.clear();
        let (media, sequences) = (
            scene.ssrc("bob", "alice"),
            scene
                .person("bob")
                .heard
                .iter()
                .map(|heard| heard.sequence)
                .collect::<Vec<_>>(),
        );
        let mut packet = Vec::new();
        write::nack(1, media, sequences.into_iter(), &mut packet);
        scene.person("bob").receive.send_rtcp(packet);
        scene.person("alice").speaks = false;
        scene.run(SECOND / 10);
        let again: Vec<Vec<u8>> = scene
            .person("bob")
            .receive
            .sealed
            .iter()
            .filter(|packet| packet[1] < 192)
            .cloned()
            .collect();
        assert!(again.len() >= 49, "{}", again.len());
        for packet in again {
            let first = sealed.iter().find(|sent| sent[2..4] == packet[2..4]);
            assert!(
                first.is_none_or(|first| *first == packet),
                "one nonce, two texts"
            );
        }
    }
}

#[test]
fn what_was_lost_on_the_way_to_us_is_a_gap_for_the_listener_too_and_falls_into_place_when_it_comes()
{
    let mut scene = Scene::pair(Setup {
        nack: false,
        ..Setup::default()
    });
    scene.run(SECOND);
    let held = {
        let person = scene.person("alice");
        person.send_frame();
        person.send.outgoing.pop_back().unwrap().1
    };
    scene.run(SECOND / 5);
    scene.person("alice").send.send(held);
    scene.run(SECOND / 5);
    let heard: BTreeMap<u16, u32> = scene
        .person("bob")
        .heard
        .iter()
        .map(|heard| (heard.sequence, heard.count))
        .collect();
    let first = *heard.iter().min_by_key(|(_, count)| **count).unwrap().0;
    for (sequence, count) in heard {
        assert_eq!(u32::from(sequence.wrapping_sub(first)), count);
    }
}

#[test]
fn a_consumer_that_did_not_negotiate_nack_gets_nothing_again() {
    let mut scene = Scene::pair(Setup {
        nack: false,
        ..Setup::default()
    });
    scene.run(SECOND);
    let (media, heard) = scene.last_heard("bob", "alice");
    let mut packet = Vec::new();
    write::nack(1, media, [heard].into_iter(), &mut packet);
    scene.person("bob").receive.send_rtcp(packet);
    scene.run(SECOND);
    let stats = scene.consumer_stats("bob", "alice");
    assert_eq!((stats.retransmitted, stats.refused), (0, 1));
}

/// Found by the simulation: what alice had said in between seemed lost to him, who asked for it and got it.
#[test]
fn who_begins_to_hear_somebody_misses_nothing_of_before_when_an_older_packet_comes_late() {
    for workers in [1, 3] {
        let mut scene =
            Scene::with_people(Setup::with_workers(workers), &["alice", "bob", "carol"]);
        scene.pause("bob", "alice", true);
        scene.person("alice").send_frame();
        scene.run(SECOND / 50);
        scene.person("alice").send_frame();
        let late = scene.person("alice").send.outgoing.pop_back().unwrap();
        (0..3).for_each(|_| scene.person("alice").send_frame());
        scene.run(SECOND / 10);
        scene.pause("bob", "alice", false);
        scene.person("alice").send.outgoing.push_back(late);
        scene.run(SECOND / 50);
        (0..2).for_each(|_| scene.person("alice").send_frame());
        scene.run(SECOND / 10);
        assert_eq!(scene.counts("bob", "alice"), [5, 6]);
        let sequences = scene.person("bob").heard.iter().map(|heard| heard.sequence);
        let sequences: Vec<u16> = sequences.collect();
        assert_eq!(sequences[1], sequences[0].wrapping_add(1));
        assert_eq!(
            scene.counts("carol", "alice").len(),
            7,
            "who heard her before gets it"
        );
    }
}

/// Found by the simulation: a packet that came late, in a pause, was his for the asking.
#[test]
fn who_is_paused_gets_nothing_again() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "carol"]);
    scene.person("alice").send_frame();
    scene.run(SECOND / 50);
    scene.person("alice").send_frame();
    let late = scene.person("alice").send.outgoing.pop_back().unwrap();
    scene.person("alice").send_frame();
    scene.run(SECOND / 50);
    let (media, last) = scene.last_heard("bob", "alice");
    let ask = |scene: &mut Scene| {
        let mut packet = Vec::new();
        write::receiver_report(1, &[], &mut packet);
        write::nack(
            1,
            media,
            [last.wrapping_sub(1), last].into_iter(),
            &mut packet,
        );
        scene.person("bob").receive.send_rtcp(packet);
        scene.run(SECOND / 20);
        scene.person("bob").receive.sealed.len()
    };
    scene.pause("bob", "alice", true);
    scene.person("alice").send.outgoing.push_back(late);
    scene.run(SECOND / 50);
    assert_eq!(scene.counts("carol", "alice").len(), 3);
    scene.person("bob").receive.sealed.clear();
    assert_eq!(ask(&mut scene), 0);
    scene.pause("bob", "alice", false);
    assert_eq!(ask(&mut scene), 2, "what it missed, and what it asked for");
}
