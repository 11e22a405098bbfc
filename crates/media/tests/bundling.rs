//! What lets several packets to one listener leave as one message: they stand side by side in the outbox, and padding makes their lengths
//! agree (RFC 3550 §5.1), while what is heard stays what was said.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Scene, Setup, Side};
use hocket_media::rtcp::write;

const SECOND: Duration = Duration::from_secs(1);

fn set_padding(scene: &mut Scene, pads: bool) {
    let workers = &mut scene.server.workers;
    workers
        .iter_mut()
        .for_each(|worker| worker.set_padding(pads));
}

/// Alice says packets of each length from 60 to 120 bytes.
fn speak_every_length(scene: &mut Scene) {
    for length in 60..=120 {
        scene.person("alice").payload_length = length;
        scene.person("alice").send_frame();
        scene.run(SECOND / 50);
    }
    scene.run(SECOND / 10); // the last one is on its way
}

/// RTP datagrams that bob got, sealed.
fn sealed(scene: &mut Scene) -> Vec<Vec<u8>> {
    let sealed = scene.person("bob").receive.sealed.iter();
    sealed
        .filter(|packet| packet[1] & 0x7F >= 96)
        .cloned()
        .collect()
}

#[test]
fn padded_packets_have_few_lengths_and_are_heard_as_they_were_said() {
    // RED to a listener that takes it, RED to one that gets the Opus packet inside, and plain Opus.
    for (wraps, red) in [(true, true), (true, false), (false, false)] {
        let setup = Setup {
            red,
            ..Setup::default()
        };
        let mut scene = Scene::with_people(setup, &["alice", "bob"]);
        set_padding(&mut scene, true);
        scene.person("alice").wraps_in_red = wraps;
        speak_every_length(&mut scene);
        let sealed = sealed(&mut scene);
        let lengths: BTreeSet<usize> = sealed[1..].iter().map(Vec::len).collect();
        assert!(lengths.len() <= 3, "{lengths:?}");
        let said: Vec<u32> = (0..61).collect();
        assert_eq!(scene.counts("bob", "alice"), said);
        // Headers of two blocks, and seven bytes of the frame before; the first packet carries none.
        let (first, block) = if wraps && red { (1, 12) } else { (0, 0) };
        let heard = scene.person("bob").heard.iter();
        let octets: Vec<usize> = heard.map(|heard| heard.payload.len()).collect();
        let expected = (61..=120).map(|length| length + block);
        let expected: Vec<usize> = core::iter::once(60 + first).chain(expected).collect();
        assert_eq!(octets, expected);
        let stats = scene.consumer_stats("bob", "alice");
        assert_eq!(
            stats.sent.bytes,
            octets.iter().sum::<usize>() as u64,
            "padding is no octet of the sender's (RFC 3550 §6.4.1)"
        );
    }
}

#[test]
fn without_padding_every_packet_is_as_long_as_its_sound() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    speak_every_length(&mut scene);
    let lengths: BTreeSet<usize> = sealed(&mut scene).iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 61);
}

#[test]
fn a_retransmission_is_padded_as_the_packet_was_though_padding_has_changed_since() {
    for pads in [true, false] {
        let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
        set_padding(&mut scene, pads);
        speak_every_length(&mut scene);
        let before = sealed(&mut scene);
        scene.person("bob").receive.sealed.clear();
        set_padding(&mut scene, !pads);
        let media = scene.ssrc("bob", "alice");
        let heard = scene.person("bob").heard.iter();
        let sequences: Vec<u16> = heard.map(|heard| heard.sequence).collect();
        let mut packet = Vec::new();
        write::nack(1, media, sequences.into_iter(), &mut packet);
        scene.person("bob").receive.send_rtcp(packet);
        scene.run(SECOND / 10);
        let again = sealed(&mut scene);
        assert!(again.len() >= 60, "{}", again.len());
        let same = |packet: &Vec<u8>| before.contains(packet);
        assert!(again.iter().all(same), "one nonce, two texts");
    }
}

#[test]
fn packets_of_several_speakers_to_one_listener_stand_side_by_side() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "carol", "dave"]);
    let now = scene.now;
    for (name, length) in [("alice", 80), ("bob", 120), ("carol", 80)] {
        scene.person(name).payload_length = length;
        scene.person(name).send_frame();
        let (from, mut bytes) = scene.person(name).send.outgoing.pop_front().unwrap();
        scene.server.handle_datagram(from, &mut bytes, now);
    }
    let outbox = scene.server.workers[0].outbox();
    let order: Vec<_> = outbox
        .iter()
        .map(|sent| (sent.destination, sent.bytes.len()))
        .collect();
    let mut destinations: Vec<_> = order.iter().map(|(to, _)| *to).collect();
    destinations.dedup();
    assert_eq!(
        (order.len(), destinations.len()),
        (3 * 3, 4),
        "each listener once"
    );
    let dave = scene.person("dave").client(Side::Receive).address;
    let lengths: Vec<usize> = order
        .iter()
        .filter(|(to, _)| *to == dave)
        .map(|(_, length)| *length)
        .collect();
    assert!(
        lengths[0] > lengths[1] && lengths[1] == lengths[2],
        "longest first: {lengths:?}"
    );
}
