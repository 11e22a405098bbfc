//! T10: connectivity checks by people who should not send them: no answer, no memory, no amplification, no slow look-up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::SECOND;
use crate::common::attack::{assert_unharmed, send_from};
use crate::common::{Scene, Setup, Side, names};
use hocket_media::stun::{BindingRequest, Role as IceRole, TransactionId};
use hocket_media::{Credentials, Drop};

/// A check with every part that it needs, of a client who knows these credentials.
fn check(credentials: Credentials, password: &[u8], username: Option<&str>) -> Vec<u8> {
    let own = format!("{}:peer", credentials.ufrag.as_str());
    let request = BindingRequest {
        transaction_id: TransactionId([7; 12]),
        username: username.unwrap_or(&own),
        priority: 1,
        role: IceRole::Controlling(1),
        use_candidate: true,
    };
    let mut out = Vec::new();
    request.write(password, &mut out);
    out
}

#[test]
fn t10_checks_without_the_password_get_no_answer_at_all() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let credentials = scene.person("alice").send.credentials;
    let good = check(credentials, credentials.password.as_str().as_bytes(), None);
    let huge = "x".repeat(513);
    let unknown = scene.fresh_credentials();
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    let mut without_fingerprint = good[..good.len() - 8].to_vec();
    without_fingerprint[3] -= 8;
    let bad = [
        check(credentials, b"wrong", None),
        check(credentials, b"", None),
        check(unknown, unknown.password.as_str().as_bytes(), None),
        check(
            credentials,
            credentials.password.as_str().as_bytes(),
            Some(&huge),
        ),
        check(
            credentials,
            credentials.password.as_str().as_bytes(),
            Some(":"),
        ),
        flipped,
        without_fingerprint,
        good[..20].to_vec(),
    ];
    let before = scene.server.workers[0].dump();
    for number in 0..1_000u16 {
        let address = SocketAddr::from(([203, 0, 113, 1], 1_000 + number));
        for bytes in &bad {
            send_from(&mut scene, address, bytes);
            assert!(scene.server.workers[0].outbox().is_empty());
        }
    }
    let mut after = scene.server.workers[0].dump();
    after.dropped = before.dropped;
    assert_eq!(after, before, "nothing is remembered of them");
    scene.run(SECOND);
    assert_unharmed(&mut scene, 2);
}

#[test]
fn t10_addresses_of_one_transport_are_bounded() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let credentials = scene.person("alice").receive.credentials;
    let good = check(credentials, credentials.password.as_str().as_bytes(), None);
    for number in 0..1_000u16 {
        send_from(
            &mut scene,
            SocketAddr::from(([203, 0, 113, 1], 1_000 + number)),
            &good,
        );
    }
    assert_eq!(scene.server.workers[0].dump().addresses, 8 + 3);
    scene.run(SECOND);
    assert_unharmed(&mut scene, 2);
}

#[test]
fn t10_an_answer_is_no_longer_than_the_check() {
    let mut scene = Scene::pair(Setup::default());
    let credentials = scene.person("alice").send.credentials;
    let good = check(credentials, credentials.password.as_str().as_bytes(), None);
    let six: SocketAddr = "[2001:db8::1]:5000".parse().unwrap();
    for address in [six, SocketAddr::from(([203, 0, 113, 1], 1))] {
        send_from(&mut scene, address, &good);
        let answers: Vec<usize> = scene.server.workers[0]
            .outbox()
            .iter()
            .map(|datagram| datagram.bytes.len())
            .collect();
        assert_eq!(answers.len(), 1);
        assert!(
            answers[0] <= good.len(),
            "{} bytes for {}",
            answers[0],
            good.len()
        );
        scene.server.workers[0].outbox().clear();
    }
}

#[test]
fn t10_a_member_cannot_take_anothers_address_with_a_check_of_its_own_transport() {
    for workers in [1, 3] {
        let people = ["alice", "bob", "carol", "dave", "erin"];
        let mut scene = Scene::with_people(Setup::with_workers(workers), &people);
        scene.speak("alice");
        scene.run(SECOND);
        let victim = scene.person("alice").send.address;
        for mallory in &people[1..] {
            let own = scene.person(mallory).send.credentials;
            for _ in 0..20 {
                send_from(
                    &mut scene,
                    victim,
                    &check(own, own.password.as_str().as_bytes(), None),
                );
                scene.run(SECOND / 10);
            }
        }
        assert_unharmed(&mut scene, 9);
        assert_eq!(scene.dropped(Drop::AddressTaken), 80);
    }
}

#[test]
fn t10_an_address_whose_transport_fell_silent_may_be_used_again() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let old = scene.person("alice").send.address;
    scene.person("alice").send.checks = false;
    scene.person("alice").speaks = false;
    scene.run(SECOND * 11);
    scene.enter("carol");
    let now = scene.now;
    let unused = scene.fresh_address();
    scene.person("alice").send.address = unused;
    scene.person("carol").send.move_to(old, now);
    scene.signal("carol");
    scene.run(SECOND);
    let transport = scene.transport("carol", Side::Send);
    assert!(scene.is_connected(transport));
    assert_eq!(scene.heard_from("bob"), names(["alice"]));
}

/// A check that its transport answers with an error, role conflict, makes its source nobody's address: on the transport's own worker, and on
/// the one that passed it on.
#[test]
fn t10_refused_checks_from_many_addresses_fill_no_workers_table() {
    let mut scene = Scene::with_people(Setup::with_workers(3), &["alice", "bob"]);
    scene.speak("alice");
    scene.run(SECOND);
    let held = |scene: &Scene| {
        let dumps = scene.server.workers.iter().map(|worker| worker.dump());
        dumps
            .map(|dump| (dump.addresses, dump.foreign_addresses))
            .collect::<Vec<_>>()
    };
    let before = held(&scene);
    let refused = scene
        .person("bob")
        .receive
        .check(IceRole::Controlled(7), true);
    for number in 0..1_000u16 {
        let address = SocketAddr::from(([203, 0, 113, 1], 1_000 + number));
        send_from(&mut scene, address, &refused);
        scene.settle();
    }
    scene.run(SECOND);
    assert_eq!(held(&scene), before);
    assert_unharmed(&mut scene, 2);
}

#[test]
fn t10_less_leaves_than_has_come_from_anyone_who_has_not_authenticated() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice"); // announced, and not a word heard
    let credentials = scene.person("alice").send.credentials;
    scene.person("alice").send.checks = false;
    scene.person("alice").receive.checks = false;
    let good = check(credentials, credentials.password.as_str().as_bytes(), None);
    for length in 0..good.len() {
        for first in [good[0], 22, 64, 0x80, 0xFF] {
            for second in [good[1], 200] {
                let mut bytes = good[..length].to_vec();
                bytes.iter_mut().take(1).for_each(|byte| *byte = first);
                bytes
                    .iter_mut()
                    .skip(1)
                    .take(1)
                    .for_each(|byte| *byte = second);
                let source = scene.fresh_address();
                send_from(&mut scene, source, &bytes);
                assert!(scene.server.workers[0].outbox().is_empty());
            }
        }
    }
    scene.run(SECOND);
    assert!(scene.arrivals.is_empty());
    assert_eq!(scene.server.workers[0].dump().addresses, 0);
}

/// How long it takes to refuse checks and media of strangers on a server with so many transports: the least of several rounds.
fn time_to_refuse(transports: usize) -> Duration {
    let mut scene = Scene::new(Setup::default());
    for _ in 0..transports {
        let (credentials, now) = (scene.fresh_credentials(), scene.now);
        scene.server.create_transport(credentials, now);
    }
    assert_eq!(scene.server.workers[0].dump().announced, transports);
    let unknown = scene.fresh_credentials();
    let bad = check(unknown, unknown.password.as_str().as_bytes(), None);
    let media = crate::rtp(1, 1, 80);
    let rounds = (0..20).map(|_| {
        let began = Instant::now();
        for number in 0..500u16 {
            let address = SocketAddr::from(([203, 0, 113, 1], 1_000 + number));
            send_from(&mut scene, address, &bad);
            send_from(&mut scene, address, &media);
        }
        began.elapsed()
    });
    rounds.min().unwrap()
}

#[test]
fn t10_a_strangers_look_up_takes_as_long_among_ten_thousand_transports_as_among_ten() {
    let (few, many) = (time_to_refuse(10), time_to_refuse(10_000));
    assert!(
        many < few * 4,
        "{few:?} among ten, {many:?} among ten thousand"
    );
}
