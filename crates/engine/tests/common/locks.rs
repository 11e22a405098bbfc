//! How many locks the engine's threads take while they forward.

use std::time::{Duration, Instant};

use super::{Scene, on_loopback};

/// Packets that each speaker says, one behind the other: a producer may send 200 at once.
const WORDS: usize = 150;
const SPEAKERS: usize = 4;
const LISTENERS: usize = 6;

/// An account of itself that is up to date by then; a worker writes one each 250 ms.
const ACCOUNT: Duration = Duration::from_millis(300);

/// What was forwarded, and the locks beside it.
pub struct Taken {
    pub packets_in: usize,
    pub packets_out: usize,
    /// By all threads together.
    pub locks: u64,
    /// What is not of packets: accounts, four a second of each worker, and now and then an event (how good a connection is, who speaks).
    pub expected: u64,
}

/// Four people speak to six on so many workers.
pub fn while_forwarding(workers: usize) -> Taken {
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
    let accounts = (began.elapsed().as_millis() as u64 / 250 + 1) * workers as u64;
    Taken {
        packets_in: SPEAKERS * WORDS,
        packets_out: SPEAKERS * WORDS * LISTENERS,
        locks: taken,
        expected: accounts + (SPEAKERS + LISTENERS) as u64,
    }
}

/// Locks of all threads so far.
fn locks(scene: &mut Scene) -> u64 {
    scene.run_for(ACCOUNT);
    scene.engine.dump().locks.iter().sum()
}
