//! Whole channels by chance, under one seed and one clock: people come, speak, move, are muted and go, over a network that loses, doubles and
//! disorders, at workers that lag and fail; and after each step the rules of the core hold (`invariants.rs`, `ledger.rs`, `world.rs`).
//!
//! A seed that fails is told with the command that replays it. CONTRIBUTING.md says how to run more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test fails by panicking, and starts its clock somewhere"
)]

mod audit;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod invariants;
mod ledger;
mod mischance;
mod model;
mod network;
mod people;
mod replay;
mod setting;
mod signalling;
mod steps;
mod workers;
mod world;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::counting::{self, Counting};
use replay::{attempt, number, run, shrink};
use setting::Setting;
use workers::Spoken;
use world::{Identities, World};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Steps of one seed: long enough for a call in which everything happens, short enough to replay.
const STEPS_A_SEED: u64 = 1_000;
/// Steps of all seeds, unless `HOCKET_STEPS` says otherwise.
const STEPS: u64 = 100_000;

#[test]
fn a_hundred_thousand_steps_keep_every_rule() {
    let identities = Arc::new(Identities::new());
    let steps = number("HOCKET_STEPS");
    if let Some(seed) = number("HOCKET_SEED") {
        let mut setting = Setting::of(seed);
        (setting.without, setting.traced) = (replay::without(), true);
        println!("{setting:?}");
        let steps = steps.unwrap_or(STEPS_A_SEED);
        return attempt(&setting, steps, &identities)
            .unwrap_or_else(|failure| panic!("{}", failure.report()));
    }
    let first = number("HOCKET_FIRST_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let last = first + steps.unwrap_or(STEPS).div_ceil(STEPS_A_SEED);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= last {
                return;
            }
            if let Err(failure) = attempt(&Setting::of(seed), STEPS_A_SEED, &identities) {
                next.store(last, Ordering::Relaxed);
                println!("{}", failure.report());
                panic!("{}", shrink(failure, &identities).report());
            }
        }
    };
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(work)));
}

/// Who heard what, packet by packet: as it left the server, and as it was opened.
type Heard = (BTreeSet<(usize, Spoken)>, BTreeSet<(usize, usize, u32)>);

fn party(setting: Setting, steps: u64, identities: &Arc<Identities>) -> Heard {
    let mut world = World::new(setting, Arc::clone(identities));
    (world.heard, world.invariants.history) = (Some(Vec::new()), Some(BTreeSet::new()));
    run(&mut world, steps, &Cell::new(0));
    let heard = world.heard.unwrap().into_iter().collect();
    (world.invariants.history.unwrap(), heard)
}

#[test]
fn one_worker_and_three_give_every_listener_the_same_set() {
    let identities = Arc::new(Identities::new());
    let mut packets = 0;
    for seed in 1..=12 {
        let [one, three] =
            [1, 3].map(|workers| party(Setting::comparable(seed, workers), 500, &identities));
        let differ: Vec<_> = one.0.symmetric_difference(&three.0).take(5).collect();
        assert!(
            differ.is_empty(),
            "seed {seed}: sent by one alone: {differ:?}"
        );
        let differ: Vec<_> = one.1.symmetric_difference(&three.1).take(5).collect();
        assert!(
            differ.is_empty(),
            "seed {seed}: heard of one alone: {differ:?}"
        );
        packets += one.0.len();
    }
    assert!(packets > 10_000, "{packets} packets");
}

#[test]
fn a_seed_does_the_same_each_time() {
    let identities = Arc::new(Identities::new());
    for seed in [3, 4, 5] {
        let [first, second] = [(); 2].map(|()| party(Setting::of(seed), 500, &identities));
        assert!(first == second, "seed {seed}");
    }
}

#[test]
fn what_is_held_when_everybody_has_left_does_not_grow_with_the_steps() {
    let mut setting = Setting::of(2);
    (setting.workers, setting.lag, setting.full) = (3, Duration::ZERO, 0.0);
    let mut world = World::new(setting, Arc::new(Identities::new()));
    let mut held = Vec::new();
    for round in 0..16u64 {
        for step in 1..=300 {
            steps::step(&mut world, round * 300 + step);
        }
        world.end();
        world.forget();
        held.push(counting::held());
    }
    let (early, late) = held.split_at(held.len() / 2);
    let most = |held: &[isize]| held.iter().copied().max();
    assert_ne!(most(early), Some(0), "the allocator counts");
    assert!(
        most(late) <= most(early).map(|bytes| bytes + 16_384),
        "bytes held after each 300 steps: {held:?}"
    );
}
