//! What statistics say, each figure against what the clients saw. The figures of one test differ, so that no two could change places.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Conditions, Scene, Setup, Side};
use hocket_media::rtcp::{Compound, Packet, ReportBlock, SenderInfo, write};
use hocket_media::{DtlsState, Traffic};

const SECOND: Duration = Duration::from_secs(1);

fn dtls(scene: &mut Scene, side: Side) -> (DtlsState, bool) {
    let stats = scene.transport_stats("alice", side);
    (stats.dtls, stats.srtp_profile.is_some())
}

#[test]
fn a_transport_tells_each_step_of_its_handshake() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    scene.person("alice").send.dtls_is_client = false; // it waits for our hello
    for side in [Side::Send, Side::Receive] {
        assert_eq!(dtls(&mut scene, side), (DtlsState::New, false), "no check");
    }
    scene.run(SECOND);
    let answered = scene.transport_stats("alice", Side::Send).selected;
    assert_eq!(answered, Some(scene.person("alice").send.address));
    assert_eq!(dtls(&mut scene, Side::Send), (DtlsState::New, false));
    let done = (DtlsState::AwaitingFingerprint, false);
    assert_eq!(dtls(&mut scene, Side::Receive), done);
    for side in [Side::Send, Side::Receive] {
        scene.connect("alice", side);
    }
    assert_eq!(dtls(&mut scene, Side::Send), (DtlsState::Connecting, false));
    assert_eq!(
        dtls(&mut scene, Side::Receive),
        (DtlsState::Connected, true)
    );
    scene.run(SECOND);
    assert_eq!(dtls(&mut scene, Side::Send), (DtlsState::Connected, true));
}

fn traffic(datagrams: &[Vec<u8>]) -> Traffic {
    Traffic {
        packets: datagrams.len() as u64,
        bytes: datagrams.iter().map(|bytes| bytes.len() as u64).sum(),
    }
}

fn difference(now: Traffic, before: Traffic) -> Traffic {
    Traffic {
        packets: now.packets - before.packets,
        bytes: now.bytes - before.bytes,
    }
}

#[test]
fn a_transports_traffic_is_what_its_client_sent_and_got() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    let ends = [("alice", Side::Send), ("bob", Side::Receive)];
    for (name, side) in ends {
        scene.person(name).client(side).checks = false;
    }
    scene.run(SECOND / 10); // the last answers arrive
    let before = ends.map(|(name, side)| {
        let client = scene.person(name).client(side);
        client.recorded.clear();
        client.sealed.clear();
        scene.transport_stats(name, side)
    });
    scene.speak("alice");
    scene.run(SECOND * 5);
    scene.person("alice").speaks = false;
    let (media, heard) = scene.last_heard("bob", "alice");
    let mut nack = Vec::new();
    write::receiver_report(1, &[], &mut nack);
    write::nack(1, media, [heard].into_iter(), &mut nack);
    scene.person("bob").receive.send_rtcp(nack);
    scene.run(SECOND / 10);
    for ((name, side), before) in ends.into_iter().zip(before) {
        let stats = scene.transport_stats(name, side);
        let client = scene.person(name).client(side);
        let (sent, got) = (traffic(&client.recorded), traffic(&client.sealed));
        assert!(sent.packets > 0 && got.packets > 0 && sent != got);
        assert_eq!(difference(stats.received, before.received), sent, "{name}");
        assert_eq!(difference(stats.sent, before.sent), got, "{name}");
    }
}

/// Bob answers the latest sender report that he has; it seems to have taken `longer` for the way.
fn answer(scene: &mut Scene, longer: Duration) {
    let (_, bytes, at) = scene.person("bob").rtcp.last().unwrap().clone();
    let mut packets = Compound::parse(&bytes).unwrap().packets();
    let info: SenderInfo = packets
        .find_map(|packet| match packet {
            Packet::SenderReport(report) => Some(report.info),
            _ => None,
        })
        .unwrap();
    let delay = scene.now - at - longer;
    let block = ReportBlock {
        ssrc: info.ssrc,
        fraction_lost: 64,
        jitter: 480,
        last_sender_report: info.ntp.middle(),
        delay: (delay.as_nanos() * 65_536 / 1_000_000_000) as u32,
        ..ReportBlock::default()
    };
    let mut report = Vec::new();
    write::receiver_report(77, &[block], &mut report);
    scene.person("bob").receive.send_rtcp(report);
    scene.run(SECOND / 50);
}

#[test]
fn a_consumers_round_trip_is_the_latest_and_its_transports_the_smoothed_one() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND * 4);
    let near = |rtt: Option<f32>, expected: f32| (rtt.unwrap() - expected).abs() < 0.5;
    let told = |scene: &mut Scene| {
        let transport = scene.transport_stats("bob", Side::Receive);
        (
            scene.consumer_stats("bob", "alice").rtt_ms,
            transport.rtt_ms,
        )
    };
    assert_eq!(told(&mut scene), (None, None));
    answer(&mut scene, Duration::ZERO);
    let (latest, smoothed) = told(&mut scene);
    assert!(
        near(latest, 20.0) && near(smoothed, 20.0),
        "{latest:?} {smoothed:?}"
    );
    answer(&mut scene, Duration::from_millis(80));
    let (latest, smoothed) = told(&mut scene);
    assert!(
        near(latest, 100.0) && near(smoothed, 30.0),
        "{latest:?} {smoothed:?}"
    );
    let of_alice = scene.transport_stats("alice", Side::Send).rtt_ms;
    assert_eq!(of_alice, None, "nobody reports on what she is not sent");
}

#[test]
fn a_producers_jitter_losses_and_requests_are_told_apart() {
    let mut scene = Scene::pair(Setup::default());
    scene.network.conditions = Conditions {
        jitter: Duration::from_millis(8),
        ..Conditions::default()
    };
    scene.run(SECOND * 2);
    scene.person("alice").index += 3; // lost for good
    scene.run(SECOND * 2);
    scene.person("alice").speaks = false;
    scene.run(SECOND);
    let mut asked = 0;
    for (_, bytes, _) in &scene.person("alice").rtcp {
        for packet in Compound::parse(bytes).unwrap().packets() {
            if let Packet::Nack(nack) = packet {
                asked += nack.sequences().count() as u64;
            }
        }
    }
    let stats = scene.producer_stats("alice");
    assert!(asked > 10, "{asked}");
    assert_eq!(
        (stats.nacks_sent, stats.lost, stats.withheld),
        (asked, 3, 0)
    );
    // Two ways that differ by up to 8 ms, evenly, do so by a third of that on average.
    assert!((1.5..4.0).contains(&stats.jitter_ms), "{stats:?}");
}

#[test]
fn a_consumers_counts_are_told_apart() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND * 4);
    scene.person("alice").speaks = false;
    scene.run(SECOND / 10);
    let (media, last) = scene.last_heard("bob", "alice");
    let mut nack = Vec::new();
    write::receiver_report(1, &[], &mut nack);
    let wanted = [
        last.wrapping_sub(2),
        last.wrapping_sub(1),
        last,
        last + 1,
        last + 2,
    ];
    write::nack(1, media, wanted.into_iter(), &mut nack);
    scene.person("bob").receive.send_rtcp(nack);
    answer(&mut scene, Duration::ZERO);
    let stats = scene.consumer_stats("bob", "alice");
    let said = u64::from(scene.person("alice").count);
    assert_eq!((stats.sent.packets, stats.sent.bytes), (said, said * 80));
    assert_eq!((stats.retransmitted, stats.refused), (3, 2));
    assert_eq!((stats.loss, stats.jitter_ms), (0.25, 10.0));
    assert!(!stats.paused);
    scene.pause("bob", "alice", true);
    assert!(scene.consumer_stats("bob", "alice").paused);
}
