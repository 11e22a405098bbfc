//! An engine's end and its limits: threads, descriptors, time, queues.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::UdpSocket;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{Scene, on_loopback};
use hocket_engine::{EngineOptions, MAX_WORKERS};

/// Tests of this file look at the whole process, so they run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static PROCESS: Mutex<()> = Mutex::new(());
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entries(of: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{of}"))
        .unwrap()
        .count()
}

#[test]
fn descriptors_and_threads_return_to_the_base_line() {
    let _alone = alone();
    drop(Scene::new(&on_loopback("127.0.0.1", 3, true)));
    let before = (entries("fd"), entries("task"));
    for _ in 0..5 {
        let mut scene = Scene::new(&on_loopback("127.0.0.1", 3, true));
        scene.join_connected();
        scene.join_connected();
        let started = Instant::now();
        scene.engine.close();
        assert!(
            started.elapsed() < Duration::from_millis(500),
            "well under a second, with clients connected"
        );
        assert_eq!(scene.engine.dump().threads, 0);
    }
    // A joined thread's entry goes a moment after the join.
    let limit = Instant::now() + common::PATIENCE;
    while (entries("fd"), entries("task")) != before && Instant::now() < limit {
        std::thread::yield_now();
    }
    assert_eq!((entries("fd"), entries("task")), before);
}

#[test]
fn an_engine_without_a_number_of_workers_runs_one_thread_a_core() {
    let _alone = alone();
    let cores = std::thread::available_parallelism()
        .unwrap()
        .get()
        .min(MAX_WORKERS);
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 0, true));
    assert_eq!(scene.engine.workers(), cores);
    scene.join_connected();
    scene.run_until("an account of every worker", |scene| {
        let cores = scene.engine.dump().cores;
        cores.iter().map(|core| core.transports).sum::<usize>() == 1
    });
    let dump = scene.engine.dump();
    assert_eq!((dump.threads, dump.cores.len()), (cores, cores));
}

#[test]
fn a_transport_without_consent_ends_and_leaves_nothing() {
    let _alone = alone();
    let options = EngineOptions {
        consent: Duration::from_millis(300),
        ..on_loopback("127.0.0.1", 2, true)
    };
    let mut scene = Scene::new(&options);
    let (alice, bob) = (scene.join_connected(), scene.join_connected());
    let producer = scene.produce(alice);
    scene.hear(bob, producer, 9);
    for person in [alice, bob] {
        scene.people[person].client.checks = false;
    }
    scene.run_until("both gone", |scene| scene.closed().len() == 2);
    assert!(
        scene
            .closed()
            .iter()
            .all(|(_, reason)| reason == "consent-expired"),
        "{:?}",
        scene.closed()
    );
    let counts = scene.engine.dump().counts;
    assert_eq!(
        (counts.transports, counts.producers, counts.consumers),
        (0, 0, 0)
    );
    scene.run_until("empty workers", |scene| {
        scene
            .engine
            .dump()
            .cores
            .iter()
            .all(|core| core.announced + core.transports + core.feeds + core.addresses == 0)
    });
}

#[test]
fn a_hundred_joins_and_leaves_leave_nothing_in_the_workers() {
    let _alone = alone();
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 3, true));
    for _ in 0..50 {
        let (alice, bob) = (scene.join_connected(), scene.join_connected());
        let producer = scene.produce(alice);
        scene.hear(bob, producer, 9);
        for person in [alice, bob] {
            scene
                .engine
                .close_transport(scene.people[person].transport)
                .unwrap();
        }
        scene.people.clear();
        scene.events.clear();
    }
    scene.run_until("empty workers", |scene| {
        let dump = scene.engine.dump();
        let held = |core: &hocket_media::WorkerDump| {
            core.announced
                + core.transports
                + core.producers
                + core.consumers
                + core.feeds
                + core.addresses
                + core.foreign_addresses
        };
        dump.cores.iter().all(|core| held(core) == 0)
            && dump.commands.iter().all(|waiting| *waiting == 0)
    });
}

#[test]
fn strangers_cost_a_counter_and_disturb_nobody() {
    let _alone = alone();
    let mut scene = Scene::new(&on_loopback("127.0.0.1", 2, true));
    let (alice, bob) = (scene.join_connected(), scene.join_connected());
    let producer = scene.produce(alice);
    scene.hear(bob, producer, 9);
    scene.settle();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = ("127.0.0.1", scene.engine.port());
    for round in 0..40_u8 {
        for first in [0_u8, 22, 128, 200, 255] {
            stranger.send_to(&[first; 300], server).unwrap();
        }
        stranger.send_to(&[], server).unwrap();
        stranger.send_to(&[22; 4_000], server).unwrap();
        scene.say(alice, &[round; 20]);
    }
    scene.run_until("every word", |scene| scene.people[bob].heard.len() == 40);
    scene.run_until("all strangers counted", |scene| {
        let dropped = scene.engine.dump().dropped;
        dropped.get("too-long") == Some(&40) && dropped.values().sum::<u64>() >= 40 * 7
    });
    stranger.set_nonblocking(true).unwrap();
    assert!(
        stranger.recv(&mut [0; 64]).is_err(),
        "no stranger gets an answer"
    );
}
