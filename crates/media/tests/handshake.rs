//! From the first check to media: DTLS in both roles and versions, before and after signalling, and all ways in which it must fail (T1, T2, T3).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Client, Conditions, Scene, Setup, Side, Version, names};
use hocket_media::{CloseReason, Drop, Event, Role};

const SECOND: Duration = Duration::from_secs(1);

fn profile(scene: &mut Scene, name: &str, side: Side) -> Option<&'static str> {
    scene.transport_stats(name, side).srtp_profile
}

#[test]
fn either_version_and_either_side_first_leads_to_media() {
    for version in [Version::V12, Version::V13, Version::Both] {
        for client_is_dtls_client in [true, false] {
            let mut scene = Scene::new(Setup {
                version,
                ..Setup::default()
            });
            for name in ["alice", "bob"] {
                scene.enter(name);
                for side in [Side::Send, Side::Receive] {
                    scene.person(name).client(side).dtls_is_client = client_is_dtls_client;
                }
                scene.signal(name);
            }
            scene.consume("bob", "alice");
            scene.pause("bob", "alice", false);
            scene.run(SECOND);
            scene.speak("alice");
            scene.run(SECOND);
            assert_eq!(
                scene.counts("bob", "alice").len(),
                50,
                "{version:?}, client sends the hello: {client_is_dtls_client}"
            );
            assert_eq!(
                profile(&mut scene, "bob", Side::Receive),
                Some("SRTP_AEAD_AES_256_GCM")
            );
        }
    }
}

#[test]
fn the_handshake_runs_before_the_fingerprint_is_known_and_media_waits_for_it() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    scene.run(SECOND);
    assert!(
        scene.person("alice").send.is_connected(),
        "the client's side is done"
    );
    let transport = scene.transport("alice", Side::Send);
    assert!(!scene.is_connected(transport));
    scene.speak("alice");
    scene.run(SECOND);
    assert!(
        scene.dropped(Drop::NotConnected) > 40,
        "what comes too early is dropped"
    );
    scene.connect("alice", Side::Send);
    scene.settle();
    assert!(scene.is_connected(transport), "no round trip is left to do");
}

#[test]
fn a_hello_of_theirs_that_comes_first_or_crosses_ours_decides_an_open_role() {
    for hello_first in [true, false] {
        let mut scene = Scene::new(Setup::default());
        scene.enter("alice");
        if hello_first {
            scene.run(Duration::from_millis(35));
        }
        let (transport, now) = (scene.transport("alice", Side::Send), scene.now);
        let fingerprints = scene.person("alice").send.fingerprints();
        scene
            .server
            .connect(transport, Role::Auto, fingerprints, now);
        scene.run(SECOND * 2);
        assert!(scene.is_connected(transport), "hello first: {hello_first}");
        assert!(scene.person("alice").send.is_connected());
    }
}

#[test]
fn an_open_role_without_a_hello_of_theirs_makes_us_the_client() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    scene.person("alice").send.dtls_is_client = false;
    let (transport, now) = (scene.transport("alice", Side::Send), scene.now);
    let fingerprints = scene.person("alice").send.fingerprints();
    scene
        .server
        .connect(transport, Role::Auto, fingerprints, now);
    scene.run(SECOND);
    assert!(scene.is_connected(transport));
}

#[test]
fn a_handshake_succeeds_over_a_network_that_loses_a_fifth() {
    for seed in 1..=20 {
        let conditions = Conditions {
            loss: 0.2,
            ..Conditions::default()
        };
        let mut scene = Scene::new(Setup {
            seed,
            conditions,
            ..Setup::default()
        });
        scene.join("alice");
        scene.run(SECOND * 15);
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("alice", side);
            assert!(
                scene.is_connected(transport),
                "seed {seed}, {side:?}: {:?}",
                scene.close_reason(transport)
            );
        }
    }
}

#[test]
fn t3_another_certificate_gets_no_media_and_ends_with_a_clear_reason() {
    for signalled_first in [true, false] {
        let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
        scene.enter("mallory");
        if !signalled_first {
            scene.run(SECOND);
        }
        // Mallory joins with alice's fingerprint.
        let now = scene.now;
        for side in [Side::Send, Side::Receive] {
            let fingerprints = scene.person("alice").client(side).fingerprints();
            let transport = scene.transport("mallory", side);
            scene
                .server
                .connect(transport, Role::Client, fingerprints, now);
        }
        scene.produce("mallory");
        scene.consume("mallory", "alice");
        scene.pause("mallory", "alice", false);
        scene.consume("bob", "mallory");
        scene.pause("bob", "mallory", false);
        ["alice", "mallory"]
            .into_iter()
            .for_each(|name| scene.speak(name));
        scene.run(SECOND);
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("mallory", side);
            assert_eq!(
                scene.close_reason(transport),
                Some(CloseReason::FingerprintMismatch)
            );
        }
        assert_eq!(scene.heard_from("mallory"), names([]));
        assert_eq!(
            scene.person("mallory").receive.unreadable,
            0,
            "not one packet was sent to her"
        );
        assert_eq!(scene.heard_from("bob"), names(["alice"]));
    }
}

#[test]
fn a_handshake_that_never_comes_ends_the_transport_on_time() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    scene.person("alice").send.dtls_is_client = false; // and nobody tells us to be the client
    scene.run(Duration::from_millis(30_100));
    let transport = scene.transport("alice", Side::Send);
    assert_eq!(
        scene.close_reason(transport),
        Some(CloseReason::HandshakeTimeout)
    );
    let transport = scene.transport("alice", Side::Receive);
    assert_eq!(
        scene.close_reason(transport),
        None,
        "the other one did shake hands"
    );
}

#[test]
fn a_client_that_says_goodbye_is_gone_at_once() {
    for version in [Version::V12, Version::V13] {
        let mut scene = Scene::with_people(
            Setup {
                version,
                ..Setup::default()
            },
            &["alice", "bob"],
        );
        let now = scene.now;
        scene.person("alice").send.say_goodbye(now);
        scene.run(SECOND / 10);
        let transport = scene.transport("alice", Side::Send);
        assert_eq!(scene.close_reason(transport), Some(CloseReason::PeerClosed));
        assert_eq!(
            scene.server.workers[0].dump().producers,
            1,
            "alice's producer went with it"
        );
    }
}

#[test]
fn control_that_removes_a_transport_says_goodbye_to_its_client() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.leave("alice");
    scene.run(SECOND / 10);
    assert!(scene.person("alice").send.closed_by_server);
    assert!(scene.person("alice").receive.closed_by_server);
    let ended = scene
        .server
        .events
        .iter()
        .filter(|event| matches!(event, Event::TransportClosed { .. }))
        .count();
    assert_eq!(ended, 0, "control knows what it did");
}

#[test]
fn t1_a_strangers_client_hello_makes_no_state_and_gets_no_answer() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    let before = scene.server.workers[0].dump();
    let (victim, credentials, now) = (
        scene.person("alice").send.address,
        scene.fresh_credentials(),
        scene.now,
    );
    for number in 0..1_000u16 {
        // From nowhere, and from the victim's own IP with another port.
        let address = std::net::SocketAddr::new(victim.ip(), 1_024 + number);
        let mut stranger = Client::new(
            address,
            scene.server.address,
            credentials,
            Version::Both,
            u64::from(number),
            now,
        );
        if number < 3 {
            stranger.begin_dtls(now);
        }
        for (from, mut bytes) in stranger.outgoing.drain(..) {
            scene.server.handle_datagram(from, &mut bytes, now);
        }
        let mut hello = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1];
        hello.resize(53, number as u8);
        scene.server.handle_datagram(address, &mut hello, now);
    }
    assert!(scene.server.workers[0].outbox().is_empty());
    let mut after = scene.server.workers[0].dump();
    assert!(after.dropped.get(Drop::UnknownAddress) > 1_000);
    after.dropped = before.dropped;
    assert_eq!(after, before);
    scene.join("bob");
    scene.run(SECOND);
    let transport = scene.transport("bob", Side::Send);
    assert!(scene.is_connected(transport));
}

/// A plaintext or fake-encrypted DTLS record.
fn record(kind: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0xFE, 0xFD];
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes()[2..]);
    bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn t2_forged_records_on_a_live_association_change_nothing() {
    for version in [Version::V12, Version::V13] {
        let mut scene = Scene::pair(Setup {
            version,
            ..Setup::default()
        });
        let mut hello = vec![1, 0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 41];
        hello.resize(53, 3);
        let bodies: [&[u8]; 6] = [&[2, 40], &[1, 0], &[2, 0], &hello, &[], &[0xFF; 64]];
        for (address, kind) in [Side::Send, Side::Receive]
            .map(|side| scene.person("alice").client(side).address)
            .into_iter()
            .flat_map(|address| (20..64u8).map(move |kind| (address, kind)))
        {
            for epoch in [0, 1, 2, 3, u16::MAX] {
                for body in bodies {
                    for sequence in [0, 1, 7, 1 << 40] {
                        let now = scene.now;
                        scene.server.handle_datagram(
                            address,
                            &mut record(kind, epoch, sequence, body),
                            now,
                        );
                    }
                }
            }
            scene.run(SECOND / 10);
        }
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("alice", side);
            assert_eq!(scene.close_reason(transport), None, "{version:?} {side:?}");
        }
        let heard = scene.counts("bob", "alice").len();
        assert!(heard >= 439, "{version:?}: {heard}");
        // And the association is still good for a real goodbye.
        let now = scene.now;
        scene.person("alice").send.say_goodbye(now);
        scene.run(SECOND / 10);
        let transport = scene.transport("alice", Side::Send);
        assert_eq!(scene.close_reason(transport), Some(CloseReason::PeerClosed));
    }
}

#[test]
fn t2_a_forged_alert_in_the_middle_of_a_handshake_does_not_end_the_join() {
    for version in [Version::V12, Version::V13] {
        for after in 0..60 {
            let mut scene = Scene::new(Setup {
                version,
                ..Setup::default()
            });
            scene.join("alice");
            scene.run(Duration::from_millis(after));
            let (address, now) = (scene.person("alice").send.address, scene.now);
            scene
                .server
                .handle_datagram(address, &mut record(21, 0, 9, &[2, 40]), now);
            scene.run(SECOND * 4);
            let transport = scene.transport("alice", Side::Send);
            assert!(
                scene.is_connected(transport),
                "{version:?}, alert after {after} ms: {:?}",
                scene.close_reason(transport)
            );
        }
    }
}
