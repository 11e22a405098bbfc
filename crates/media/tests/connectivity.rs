//! ICE as a lite agent: consent, changes of address, restarts, role conflicts (RFC 8445, RFC 7675).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Scene, Setup, Side, names};

use hocket_media::stun::Role as IceRole;

const SECOND: Duration = Duration::from_secs(1);

fn selected(scene: &mut Scene, name: &str, side: Side) -> Option<std::net::SocketAddr> {
    scene.transport_stats(name, side).selected
}

#[test]
fn a_client_that_checks_keeps_its_transport_for_ever() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    scene.run(SECOND * 300);
    let transport = scene.transport("alice", Side::Receive);
    assert_eq!(scene.close_reason(transport), None);
}

#[test]
fn a_transport_that_was_never_checked_waits_as_long_as_its_stream_lasts_and_then_connects() {
    for (workers, late) in [(1, Side::Send), (1, Side::Receive), (3, Side::Receive)] {
        let mut scene = Scene::new(Setup::with_workers(workers));
        scene.join("alice");
        scene.person("alice").client(late).checks = false;
        scene.run(SECOND * 3_600); // the handshake's time and the consent's are half a minute
        let transport = scene.transport("alice", late);
        assert_eq!(scene.close_reason(transport), None);
        assert_eq!(selected(&mut scene, "alice", late), None);
        scene.person("alice").client(late).checks = true;
        scene.join("bob");
        scene.run(SECOND * 2);
        assert!(scene.is_connected(transport), "{late:?}");
        ["alice", "bob"]
            .into_iter()
            .for_each(|name| scene.speak(name));
        scene.run(SECOND);
        assert_eq!(scene.heard_from("alice"), names(["bob"]));
        assert_eq!(scene.heard_from("bob"), names(["alice"]));
    }
}

#[test]
fn nothing_is_left_of_a_transport_that_was_never_checked_when_its_stream_ends() {
    let mut scene = Scene::new(Setup::with_workers(3));
    scene.join("alice");
    for side in [Side::Send, Side::Receive] {
        scene.person("alice").client(side).checks = false;
    }
    scene.run(SECOND * 60);
    assert_eq!(scene.holders().len(), 3, "announced to all");
    scene.leave("alice");
    assert_eq!(scene.holders(), []);
}

#[test]
fn audio_is_back_within_a_second_after_a_listener_changed_its_address() {
    for workers in [1, 3] {
        let mut scene = Scene::pair(Setup::with_workers(workers));
        scene.run(SECOND);
        let (elsewhere, now) = (scene.fresh_address(), scene.now);
        scene
            .person("bob")
            .client(Side::Receive)
            .move_to(elsewhere, now);
        scene.run(SECOND / 10);
        scene.forget();
        scene.run(SECOND);
        assert_eq!(
            scene.counts("bob", "alice").len(),
            50,
            "with {workers} workers"
        );
        assert_eq!(selected(&mut scene, "bob", Side::Receive), Some(elsewhere));
    }
}

#[test]
fn audio_goes_on_after_a_speaker_changed_its_address() {
    for workers in [1, 3] {
        let mut scene = Scene::pair(Setup::with_workers(workers));
        scene.run(SECOND);
        for _ in 0..5 {
            let (elsewhere, now) = (scene.fresh_address(), scene.now);
            scene
                .person("alice")
                .client(Side::Send)
                .move_to(elsewhere, now);
            scene.run(SECOND);
        }
        let lost = 300 - scene.counts("bob", "alice").len();
        assert!(
            lost <= 5,
            "{lost} packets came from an address before its check did"
        );
    }
}

#[test]
fn an_ice_restart_takes_new_credentials_and_ends_the_old_ones() {
    for workers in [1, 3] {
        let mut scene = Scene::pair(Setup::with_workers(workers));
        scene.run(SECOND);
        let (fresh, now) = (scene.fresh_credentials(), scene.now);
        let transport = scene.transport("bob", Side::Receive);
        let old = scene.person("bob").receive.credentials;
        scene.server.restart_ice(transport, fresh, now);
        scene.run(SECOND * 5);
        let (elsewhere, now) = (scene.fresh_address(), scene.now);
        scene.person("bob").receive.move_to(elsewhere, now);
        scene.person("bob").receive.restart_ice(fresh, now);
        scene.run(SECOND);
        assert!(scene.person("bob").receive.is_answered());
        let missed = 350 - scene.counts("bob", "alice").len();
        assert!(missed <= 2, "{missed} were sent to the old address");
        // The old credentials are worth nothing now.
        scene.person("bob").receive.restart_ice(old, now);
        scene.run(SECOND);
        assert!(!scene.person("bob").receive.is_answered());
    }
}

#[test]
fn restarts_before_the_first_check_leave_only_the_latest_credentials_and_the_ones_before() {
    let mut scene = Scene::new(Setup::with_workers(2));
    scene.enter("alice");
    let (transport, now) = (scene.transport("alice", Side::Send), scene.now);
    let credentials: Vec<_> = (0..3).map(|_| scene.fresh_credentials()).collect();
    for pair in &credentials {
        scene.server.restart_ice(transport, *pair, now);
    }
    scene.person("alice").send.restart_ice(credentials[2], now);
    scene.run(SECOND);
    assert!(scene.person("alice").send.is_answered());
    assert_eq!(
        scene
            .server
            .workers
            .iter()
            .map(|worker| worker.dump().transports)
            .sum::<usize>(),
        2
    );
}

#[test]
fn a_client_that_thinks_it_is_controlled_is_told_so() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    let check = scene
        .person("alice")
        .send
        .check(IceRole::Controlled(1), false);
    scene.person("alice").send.send(check);
    scene.run(SECOND);
    assert_eq!(scene.person("alice").send.stun_errors(), [487]);
}

#[test]
fn media_goes_where_the_client_nominated_last() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    let first = scene.person("alice").send.address;
    let (elsewhere, now) = (scene.fresh_address(), scene.now);
    scene.person("alice").send.nominates = false;
    scene.person("alice").send.move_to(elsewhere, now);
    scene.run(SECOND);
    assert_eq!(
        selected(&mut scene, "alice", Side::Send),
        Some(first),
        "validated, but not nominated"
    );
    let now = scene.now;
    scene.person("alice").send.nominates = true;
    scene.person("alice").send.move_to(elsewhere, now);
    scene.run(SECOND);
    assert_eq!(selected(&mut scene, "alice", Side::Send), Some(elsewhere));
}
