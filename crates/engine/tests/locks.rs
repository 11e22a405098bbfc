//! No lock on a packet's way: what a thread locks is of commands, events and its account, and does not grow with what it forwards.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Scene, on_loopback};

/// Packets that each speaker says, one behind the other: a producer may send 200 at once.
const WORDS: usize = 150;
const SPEAKERS: usize = 4;
const LISTENERS: usize = 6;

/// An account of itself that is up to date by then; a worker writes one each 250 ms.
const ACCOUNT: Duration = Duration::from_millis(300);

/// Locks of all threads so far.
fn locks(scene: &mut Scene) -> u64 {
    scene.run_for(ACCOUNT);
    scene.engine.dump().locks.iter().sum()
}

fn forwarding_takes_no_lock(workers: usize) {
    let mut scene = Scene::new(&on_loopback("127.0.0.1", workers, true));
    let speakers: Vec<usize> = (0..SPEAKERS).map(|_| scene.join_connected()).collect();
    let producers: Vec<_> = speakers.iter().map(|one| scene.produce(*one)).collect();
    let listeners: Vec<usize> = (0..LISTENERS).map(|_| scene.join_connected()).collect();
    for listener in &listeners {
        for (place, producer) in producers.iter().enumerate() {
            scene.hear(*listener, *producer, 10 + place as u32);
        }
    }
    scene.settle();
    let (began, before) = (Instant::now(), locks(&mut scene));
    for said in 1..=WORDS {
        for speaker in &speakers {
            scene.say(*speaker, b"a word");
        }
        scene.run_until("every word", |scene| {
            let heard = |listener: &usize| scene.people[*listener].heard.len();
            listeners.iter().map(heard).sum::<usize>() == said * SPEAKERS * LISTENERS
        });
    }
    let taken = locks(&mut scene) - before;
    // Four accounts a second of each worker, and now and then an event: how good a connection is, who speaks.
    let accounts = (began.elapsed().as_millis() as u64 / 250 + 1) * workers as u64;
    let events = (SPEAKERS + LISTENERS) as u64;
    assert!(
        taken <= accounts + events,
        "{taken} locks for {} packets in; {accounts} accounts",
        SPEAKERS * WORDS
    );
}

#[test]
fn forwarding_on_one_worker_takes_none() {
    forwarding_takes_no_lock(1);
}

#[test]
fn forwarding_across_workers_takes_none() {
    forwarding_takes_no_lock(3);
}
