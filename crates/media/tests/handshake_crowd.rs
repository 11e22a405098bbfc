//! A crowd that joins at once: its handshakes are done in slices, so that no voice waits for them, and what waits is bounded.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use common::{Scene, Setup, Side};
use hocket_media::Drop;
use hocket_media::demux::{Class, classify};

const SECOND: Duration = Duration::from_secs(1);
/// Datagrams of handshakes that a worker handles at one time, and those of all and of one transport that it lets wait.
const STEPS: usize = 4;
const WAITING_MAX: usize = 1_024;
const WAITING_EACH: usize = 8;

/// So many people open both transports, and their hellos are just about to arrive, all at the same time.
fn with_hellos_about_to_arrive(scene: &mut Scene, people: usize) {
    (0..people).for_each(|_| scene.enter("one of many"));
    scene.run(Duration::from_millis(20)); // checks and their answers; now come the hellos
    scene.settle();
    scene.now += Duration::from_millis(10);
}

/// Gives the server what has arrived by now, with nothing done in between, as one receive call would.
fn deliver(scene: &mut Scene) {
    while let Some(mut flight) = scene.network.arrived(scene.now) {
        let (from, now) = (flight.from, scene.now);
        scene.server.handle_datagram(from, &mut flight.bytes, now);
    }
}

/// Whom the worker has written datagrams of this class to.
fn written(scene: &mut Scene, class: Class) -> BTreeSet<SocketAddr> {
    let outbox = scene.server.workers[0].outbox();
    outbox
        .iter()
        .filter(|datagram| classify(datagram.bytes) == class)
        .map(|datagram| datagram.destination)
        .collect()
}

#[test]
fn voices_do_not_wait_for_a_crowd_that_shakes_hands() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    with_hellos_about_to_arrive(&mut scene, 20);
    scene.now -= Duration::from_millis(10);
    scene.person("alice").send_frame();
    scene.settle();
    scene.now += Duration::from_millis(10);

    deliver(&mut scene);
    let bob = scene.person("bob").receive.address;
    assert_eq!(written(&mut scene, Class::Rtp), BTreeSet::from([bob]));
    assert_eq!(written(&mut scene, Class::Dtls).len(), STEPS);
    let next = scene.server.next_timeout().unwrap() - scene.now;
    assert!(
        next < Duration::from_millis(1),
        "the next slice is due at once"
    );

    scene.run(SECOND);
    let transports: Vec<_> = scene.people[2..]
        .iter_mut()
        .flat_map(|person| [&mut person.send, &mut person.receive])
        .collect();
    assert_eq!(transports.len(), 40);
    assert!(
        transports.iter().all(|client| client.is_connected()),
        "and everybody's turn comes"
    );
}

#[test]
fn one_transport_has_few_datagrams_waiting() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    with_hellos_about_to_arrive(&mut scene, 3);
    deliver(&mut scene);
    let (address, now) = (scene.person("alice").send.address, scene.now);
    for _ in 0..WAITING_EACH + 5 {
        let mut record = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0];
        scene.server.handle_datagram(address, &mut record, now);
    }
    assert_eq!(scene.dropped(Drop::Overflow), 5);
    scene.run(SECOND);
    assert_eq!(
        scene.dropped(Drop::Overflow),
        5,
        "and room again afterwards"
    );
    scene.connect("alice", Side::Send);
    scene.settle();
    let transport = scene.transport("alice", Side::Send);
    assert!(scene.is_connected(transport));
}

#[test]
fn few_datagrams_of_handshakes_wait_in_all() {
    let mut scene = Scene::new(Setup::default());
    (0..70).for_each(|_| scene.enter("one of many"));
    scene.run(Duration::from_millis(15));
    let addresses: Vec<SocketAddr> = scene
        .people
        .iter()
        .flat_map(|person| [person.send.address, person.receive.address])
        .collect();
    let now = scene.now;
    for _ in 0..WAITING_EACH {
        for address in &addresses {
            let mut record = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0];
            scene.server.handle_datagram(*address, &mut record, now);
        }
    }
    let sent = u32::try_from(addresses.len() * WAITING_EACH).unwrap();
    let kept = u32::try_from(STEPS + WAITING_MAX).unwrap();
    assert_eq!(scene.dropped(Drop::Overflow), sent - kept);
}
