//! What must not work (THREATS.md), on the core: garbage, injection, replay, forgery, malformed packets, unauthenticated checks.
//! A legal pair talks meanwhile and does not notice.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::attack::{assert_unharmed, send_from};
use common::person::{OPUS, RED};
use common::{Scene, Setup, Side};
use hocket_media::Drop;

const SECOND: Duration = Duration::from_secs(1);

/// An RTP packet in the clear.
fn rtp(ssrc: u32, sequence: u16, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x80, OPUS];
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&ssrc.to_be_bytes());
    bytes.resize(12 + length, 0x5A);
    bytes
}

#[test]
fn t4_a_hundred_thousand_garbage_packets_only_raise_a_counter() {
    let mut scene = Scene::pair(Setup::default());
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    for round in 0..100u16 {
        for number in 0..1_000u16 {
            let mut bytes = rtp(ssrc, number.wrapping_mul(round), usize::from(number % 200));
            if number % 3 == 0 {
                bytes[1] = 200 + (number % 5) as u8; // RTCP
            }
            send_from(&mut scene, address, &bytes);
        }
        scene.run(SECOND / 10);
    }
    assert_unharmed(&mut scene, 10);
    let counted: u32 = [
        Drop::SrtpAuthentication,
        Drop::SrtpReplay,
        Drop::RtpMalformed,
        Drop::RtcpMalformed,
    ]
    .map(|reason| scene.dropped(reason))
    .iter()
    .sum();
    assert_eq!(counted, 100_000);
}

#[test]
fn t5_injected_rtp_from_elsewhere_or_without_keys_reaches_nobody_and_is_not_answered() {
    let mut scene = Scene::pair(Setup::default());
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    let elsewhere = scene.fresh_address();
    for sequence in 0..1_000u16 {
        for source in [address, elsewhere] {
            send_from(&mut scene, source, &rtp(ssrc, sequence, 80));
        }
        let now = scene.now;
        let sent: Vec<_> = scene.server.workers[0]
            .outbox()
            .iter()
            .map(|datagram| datagram.destination)
            .collect();
        assert_eq!(sent, [], "{now:?}");
    }
    scene.run(SECOND);
    assert_unharmed(&mut scene, 1);
    assert!(
        scene
            .person("bob")
            .heard
            .iter()
            .all(|heard| heard.payload[5..].iter().all(|byte| *byte == 0xA5))
    );
    assert_eq!(scene.dropped(Drop::UnknownAddress), 1_000);
}

#[test]
fn t6_recorded_packets_sent_again_are_forwarded_once() {
    let mut scene = Scene::pair(Setup::default());
    scene.person("alice").index = 65_400; // a rollover comes after 136 packets
    scene.run(SECOND * 2);
    let address = scene.person("alice").send.address;
    let in_the_window = scene.person("alice").send.recorded.clone();
    in_the_window
        .iter()
        .for_each(|packet| send_from(&mut scene, address, packet));
    scene.run(SECOND * 8);
    let outside_it = scene.person("alice").send.recorded.clone();
    assert!(outside_it.len() >= 500);
    outside_it
        .iter()
        .for_each(|packet| send_from(&mut scene, address, packet));
    scene.run(SECOND);
    assert_unharmed(&mut scene, 11);
    assert!(scene.dropped(Drop::SrtpReplay) >= 600);
}

#[test]
fn t6_packets_of_a_closed_producer_sent_again_are_not_taken_for_the_next_ones() {
    let mut scene = Scene::pair(Setup::default());
    scene.person("alice").writes_mid = true; // the next producer's too
    scene.run(SECOND);
    scene.person("alice").speaks = false;
    scene.run(SECOND / 10);
    let (producer, now) = (scene.person("alice").producer.unwrap(), scene.now);
    let address = scene.person("alice").send.address;
    let recorded = scene.person("alice").send.recorded.clone();
    scene.server.close_producer(producer, now);
    scene.person("alice").ssrc = 424_242;
    scene.produce("alice");
    for packet in &recorded {
        send_from(&mut scene, address, packet);
    }
    assert_eq!(scene.dropped(Drop::SrtpReplay) as usize, recorded.len());
    assert_eq!(scene.producer_stats("alice").received.packets, 0);
    scene.person("alice").send_frame();
    scene.run(SECOND / 10);
    assert_eq!(scene.producer_stats("alice").received.packets, 1);
}

#[test]
fn a_drop_stands_in_its_transports_account_and_stays_in_the_workers_when_the_transport_is_gone() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let transport = scene.person("alice").send_transport;
    let (address, now) = (scene.person("alice").send.address, scene.now);
    let replayed = scene.person("alice").send.recorded[0].clone();
    send_from(&mut scene, address, &replayed);
    send_from(&mut scene, address, &[0x80, 200, 0, 1]); // RTCP, cut short
    for reason in [Drop::SrtpReplay, Drop::RtcpMalformed] {
        let stats = scene.transport_stats("alice", Side::Send);
        assert_eq!((stats.dropped.get(reason), scene.dropped(reason)), (1, 1));
        let stats = scene.transport_stats("bob", Side::Receive);
        assert_eq!(stats.dropped.get(reason), 0);
    }
    scene.server.remove_transport(transport, now);
    assert_eq!(scene.dropped(Drop::SrtpReplay), 1);
}

#[test]
fn t7_forged_far_ahead_numbers_and_foreign_sources_move_nothing() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    for round in 0..50u16 {
        for ahead in [1u16, 100, 0x4000, 0x7FFF, 0x8000, 0xFFFF] {
            let sequence = (scene.person("alice").index as u16).wrapping_add(ahead);
            send_from(&mut scene, address, &rtp(ssrc, sequence, 80));
            send_from(
                &mut scene,
                address,
                &rtp(ssrc + u32::from(round) + 1, sequence, 80),
            );
        }
        // The mid of her producer, in a packet of a foreign source.
        let mut foreign = rtp(99, round, 100);
        foreign.splice(12..12, [0xBE, 0xDE, 0, 1, 0x41, b'm', b'1', 0]);
        foreign[0] = 0x90;
        send_from(&mut scene, address, &foreign);
        scene.run(SECOND / 10);
    }
    assert_unharmed(&mut scene, 6);
    let stats = scene.producer_stats("alice");
    assert!(stats.received.packets >= 299, "{stats:?}");
}

/// Alice seals and sends a packet of her own whose first byte, rest of the header, payload type and payload are as given.
fn send_sealed(scene: &mut Scene, first: u8, rest: &[u8], payload_type: u8, payload: &[u8]) {
    let person = scene.person("alice");
    let mut header = rtp(person.ssrc, person.index as u16, 0);
    header[0] = first;
    header[1] = payload_type;
    header.extend_from_slice(rest);
    let index = person.index;
    person.index += 1;
    person.send.send_rtp(&header, payload, index);
    scene.run(Duration::from_millis(25));
}

/// First byte, rest of the header, payload type, payload, and why it is dropped.
type Case<'a> = (u8, &'a [u8], u8, &'a [u8], Drop);

#[test]
fn t8_malformed_rtp_from_a_member_is_dropped_and_counted() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    scene.person("alice").speaks = false;
    let sources = [0xCC; 4 * 15];
    let cases: [Case<'_>; 9] = [
        (0xA0, &[], OPUS, &[1, 2, 3, 0], Drop::RtpMalformed), // padding of no bytes
        (0xA0, &[], OPUS, &[1, 2, 3, 255], Drop::RtpMalformed), // padding of more than there is
        (0xA0, &[], OPUS, &[4, 4, 4, 4], Drop::RtpMalformed), // nothing but padding
        (0x80, &[], OPUS, &[], Drop::RtpMalformed),           // no payload
        (0x8F, &sources, OPUS, &[], Drop::RtpMalformed),      // fifteen sources, no payload
        (0x80, &[], RED, &[0xEF, 0, 3], Drop::RtpMalformed),  // RED that ends within its list
        (0x80, &[], RED, &[OPUS], Drop::RtpMalformed),        // RED without its primary block
        (
            0x80,
            &[],
            RED,
            &[0xEF, 0, 9, 1, OPUS, 1, 2],
            Drop::RtpMalformed,
        ), // RED shorter than it says
        (0x80, &[], 99, &[1, 2, 3], Drop::RtpPayloadType),
    ];
    for (first, rest, payload_type, payload, reason) in cases {
        let before = scene.dropped(reason);
        send_sealed(&mut scene, first, rest, payload_type, payload);
        assert_eq!(
            scene.dropped(reason),
            before + 1,
            "{first:x} {payload_type} {payload:?}"
        );
    }
    // An extension that runs over the end, or a header cut short, cannot even be sealed: it fails before the cipher.
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    let mut overrun = rtp(ssrc, 1, 30);
    overrun[0] = 0x90;
    for length in 2..overrun.len() {
        send_from(&mut scene, address, &overrun[..length]);
    }
    scene.speak("alice");
    scene.run(SECOND);
    assert_unharmed(&mut scene, 2);
}

#[test]
fn one_byte_of_opus_and_many_sources_are_legal() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    send_sealed(&mut scene, 0x80, &[], OPUS, &[0xF8]); // discontinuous transmission
    send_sealed(&mut scene, 0x8F, &[0xCC; 4 * 15], OPUS, &[9; 20]);
    let lengths: Vec<usize> = scene.person("bob").receive_lengths.clone();
    assert_eq!(lengths, [1, 20]);
}

#[test]
fn t19_a_member_that_floods_is_capped_and_harms_nobody() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "mallory"]);
    scene.speak("alice");
    for _ in 0..500 {
        (0..20).for_each(|_| scene.person("mallory").send_frame()); // 2,000 a second
        scene.run(SECOND / 100);
    }
    assert_unharmed(&mut scene, 5);
    let heard = scene.counts("bob", "mallory").len();
    assert!(
        (1_000..=1_210).contains(&heard),
        "{heard} packets in five seconds"
    );
    assert!(scene.dropped(Drop::RtpFlood) > 8_000);
}
