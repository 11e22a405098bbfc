//! From the first check to media: DTLS in both roles and versions, before and after signalling. `attacks` has the ways in which it must fail.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Conditions, Scene, Setup, Side, Version};
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
