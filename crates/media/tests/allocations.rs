//! A forwarded packet costs no allocation after warm-up: from the socket's buffer to the sealed copies in the outbox.
//!
//! This binary has an allocator that counts; so it holds one test, and nothing else runs in it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::counting::{Counting, allocations};
use common::person::FRAME;
use common::{Scene, Setup, Side};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Alice speaks `packets` packets to all others.
fn forward(scene: &mut Scene, packets: usize) -> (usize, usize) {
    forward_all(scene, &["alice"], packets)
}

/// Each of these speaks `packets` packets to all others. Returns allocations on the server's side, and the datagrams that left it.
fn forward_all(scene: &mut Scene, speakers: &[&str], packets: usize) -> (usize, usize) {
    let (mut allocated, mut sent) = (0, 0);
    for packet in 0..packets * speakers.len() {
        let speaker = packet % speakers.len();
        if speaker == 0 {
            scene.now += FRAME;
        }
        let person = scene.person(speakers[speaker]);
        person.send_frame();
        let (from, mut bytes) = person.send.outgoing.pop_front().unwrap();
        let (now, home, local) = (scene.now, scene.server.home_of(from), scene.server.local());
        let workers = &mut scene.server.workers;
        let ((), counted) = allocations(|| {
            workers[home].handle_datagram(from, local, &mut bytes, now);
            for place in 0..workers.len() {
                while let Some((to, message)) = workers[place].poll_message() {
                    workers[usize::from(to.0)].handle_message(message, now);
                }
            }
        });
        allocated += counted;
        for worker in workers {
            sent += worker.outbox().len();
            worker.outbox().clear();
            while worker.poll_event().is_some() {}
        }
    }
    (allocated, sent)
}

#[test]
fn a_forwarded_packet_costs_no_allocation_after_warm_up() {
    for (workers, passed_on, red) in [
        (1, false, false),
        (1, false, true),
        (3, false, true),
        (3, true, true),
    ] {
        let mut scene = Scene::with_people(
            Setup::with_workers(workers),
            &["alice", "bob", "carol", "dave", "erin", "frank"],
        );
        scene.person("alice").wraps_in_red = red;
        if passed_on {
            move_to_another_worker(&mut scene);
        }
        forward(&mut scene, 200);
        let (allocated, sent) = forward(&mut scene, 1_000);
        assert_eq!(sent, 5_000);
        assert_eq!(
            allocated, 0,
            "{workers} workers, packets passed on between them: {passed_on}"
        );
    }
    for workers in [1, 3] {
        let mut scene = Scene::with_people(
            Setup::with_workers(workers),
            &["alice", "bob", "carol", "dave", "erin"],
        );
        scene.server.speakers.set_limit(2);
        let speakers = ["alice", "bob", "carol", "dave"];
        forward_all(&mut scene, &speakers, 500);
        let (allocated, sent) = forward_all(&mut scene, &speakers, 1_000);
        assert!(
            (8_000..8_100).contains(&sent),
            "two of four are heard by four: {sent}"
        );
        assert_eq!(allocated, 0, "{workers} workers, while places change hands");
    }
}

/// Alice's packets reach a worker that does not own her transport.
fn move_to_another_worker(scene: &mut Scene) {
    let address = scene.person("alice").send.address;
    let home = scene.server.home_of(address);
    let elsewhere = loop {
        let address = scene.fresh_address();
        if scene.server.home_of(address) != home {
            break address;
        }
    };
    let now = scene.now;
    scene
        .person("alice")
        .client(Side::Send)
        .move_to(elsewhere, now);
    scene.run(Duration::from_secs(1));
    let _ = scene.person("alice").send.outgoing.drain(..);
}
