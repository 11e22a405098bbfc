//! T2: forged DTLS alerts, plaintext-epoch records, a second ClientHello on a live association.

use std::time::Duration;

use crate::SECOND;
use crate::common::attack::send_from;
use crate::common::{Client, Scene, Setup, Side, Version};
use hocket_media::{CloseReason, DtlsState};

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

/// A real one, of a client that comes from the same 5-tuple: a browser's reload behind a NAT, or somebody who forges its address.
#[test]
fn t2_a_second_client_hello_on_a_live_association_changes_nothing() {
    for (version, calls) in [
        (Version::V12, false),
        (Version::V13, false),
        (Version::Both, false),
        (Version::Both, true),
    ] {
        let mut scene = Scene::new(Setup {
            version,
            ..Setup::default()
        });
        for name in ["alice", "bob"] {
            scene.enter(name);
            for side in [Side::Send, Side::Receive] {
                scene.person(name).client(side).dtls_is_client = !calls;
            }
            scene.signal(name);
        }
        scene.consume("bob", "alice");
        scene.pause("bob", "alice", false);
        scene.run(SECOND * 2);
        scene.speak("alice");
        for round in 0..20 {
            let side = if round % 2 == 0 {
                Side::Send
            } else {
                Side::Receive
            };
            let theirs = [Version::V12, Version::V13, Version::Both][round % 3];
            let (server, now) = (scene.server.address, scene.now);
            let client = scene.person("alice").client(side);
            let (address, credentials) = (client.address, client.credentials);
            let mut second = Client::new(address, server, credentials, theirs, round as u64, now);
            second.begin_dtls(now);
            for (from, bytes) in second.outgoing {
                send_from(&mut scene, from, &bytes);
            }
            scene.run(SECOND / 10);
        }
        for side in [Side::Send, Side::Receive] {
            let transport = scene.transport("alice", side);
            assert_eq!(scene.close_reason(transport), None, "{version:?} {side:?}");
            let stats = scene.transport_stats("alice", side);
            assert_eq!(stats.dtls, DtlsState::Connected);
        }
        let heard = scene.counts("bob", "alice").len();
        assert!(heard >= 98, "{version:?}, server calls: {calls}: {heard}");
    }
}
