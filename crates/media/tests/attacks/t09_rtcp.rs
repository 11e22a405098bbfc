//! T9: malformed RTCP compounds (CVE-2021-43804), NACK storms.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::SECOND;
use crate::common::attack::assert_unharmed;
use crate::common::{Scene, Setup, Side};
use hocket_media::rtcp::write;
use hocket_media::{Drop, DtlsState};

#[test]
fn t9_a_nack_storm_gets_a_bounded_number_of_packets_and_harms_nobody() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "carol"]);
    scene.speak("alice");
    scene.run(SECOND * 2);
    let media = scene.ssrc("bob", "alice");
    for _ in 0..100 {
        let sequences: Vec<u16> = scene
            .person("bob")
            .heard
            .iter()
            .rev()
            .take(60)
            .map(|heard| heard.sequence)
            .collect();
        for _ in 0..100 {
            let mut packet = Vec::new();
            write::nack(1, media, sequences.iter().copied(), &mut packet);
            scene.person("bob").receive.send_rtcp(packet);
        }
        scene.run(SECOND / 100);
    }
    let stats = scene.consumer_stats("bob", "alice");
    assert!(
        (150..=64 + 200 + 10).contains(&stats.retransmitted),
        "{stats:?}"
    );
    assert!(
        scene.dropped(Drop::RtcpFlood) > 9_000,
        "of 10,000 compounds in a second most were not even read"
    );
    let carol = scene.counts("carol", "alice");
    assert!(carol.len() >= 148, "{}", carol.len());
}

#[test]
fn t9_malformed_compounds_are_dropped_whole() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let (media, heard) = scene.last_heard("bob", "alice");
    let mut good = Vec::new();
    write::receiver_report(1, &[], &mut good);
    write::nack(1, media, [heard].into_iter(), &mut good);
    for cut in 9..good.len() {
        scene.person("bob").receive.send_rtcp(good[..cut].to_vec());
    }
    for byte in 0..8 {
        let mut changed = good.clone();
        changed[byte] ^= 0x3F;
        changed[0] = changed[0] & 0x3F | 0x80;
        changed[1] = 200 + changed[1] % 16;
        changed.extend_from_slice(&[0; 3]);
        scene.person("bob").receive.send_rtcp(changed);
    }
    scene.run(SECOND);
    assert_eq!(
        scene.consumer_stats("bob", "alice").retransmitted,
        0,
        "no part of them was acted on"
    );
    scene.person("bob").receive.send_rtcp(good);
    scene.run(SECOND / 10);
    assert_eq!(scene.consumer_stats("bob", "alice").retransmitted, 1);
}

/// What a member of the channel can seal: any packet type, count and length, whole compounds with some bytes changed or cut.
#[test]
fn t9_ten_thousand_fuzzed_compounds_harm_nobody() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let (media, heard) = scene.last_heard("bob", "alice");
    let mut good = Vec::new();
    write::receiver_report(1, &[], &mut good);
    write::nack(1, media, [heard].into_iter(), &mut good);
    write::source_description(&[(1, "bob"), (2, "nobody")], &mut good);
    write::bye(&[1, media], &mut good);
    let mut random = StdRng::seed_from_u64(9);
    for number in 0..10_000 {
        let mut packet = good.clone();
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..packet.len());
            packet[at] = random.random();
        }
        packet.truncate(random.random_range(8..=good.len()));
        packet[0] = 0x80 | packet[0] & 0x3F;
        packet[1] = 192 + packet[1] % 32;
        let side = if number % 2 == 0 {
            Side::Send
        } else {
            Side::Receive
        };
        scene.person("bob").client(side).send_rtcp(packet);
        if number % 10 == 0 {
            scene.run(SECOND / 100); // a thousand a second; what is over the limit is not even read
        }
    }
    scene.run(SECOND);
    let malformed = scene.dropped(Drop::RtcpMalformed);
    assert!(malformed > 100, "{malformed} were read and refused");
    let account = scene.transport_stats("bob", Side::Receive);
    assert_eq!(account.dtls, DtlsState::Connected);
    let sent = scene.consumer_stats("bob", "alice");
    assert!(sent.retransmitted < 64 + 200 * 12, "{sent:?}");
    assert!(scene.counts("bob", "alice").len() >= 12 * 50 - 2);
    scene.person("bob").heard.retain({
        let mut seen = std::collections::BTreeSet::new();
        move |heard| seen.insert(heard.count) // what bob asked for again came again
    });
    assert_unharmed(&mut scene, 12);
}
