//! What a forwarded packet costs beside the least that it could: one `sendmmsg` place to a distinct address and one AES-128-GCM.
//!
//! `make bench`, or `cargo bench -p hocket-engine -- --quick`; with `--floor` the floor alone. Three groups, all in turns within one run: the steps of a packet's way through the
//! core; the core's worker with 1 to 1,000 listeners; whole channels through the engine's sockets. "Reading the bench" in CONTRIBUTING.md explains
//! the table.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]
#![allow(
    clippy::duplicate_mod,
    reason = "the core's channels and the engine's scene bring the same client"
)]

#[path = "../../../media/benches/common/mod.rs"]
mod common;
mod loopback;
#[path = "../../tests/common/mod.rs"]
mod scene;
mod send;
mod shape;

use std::collections::BTreeSet;
use std::process::ExitCode;

use common::parts::counting::Counting;
use common::{Outcome, Plan, Subject, cipher, forwarding, handshake, measure, steps, table};
use hocket_engine::socket::Sockets;
use loopback::{Ears, open_port};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Channels in which everybody speaks and hears everybody.
const PEOPLE: [usize; 3] = [10, 25, 50];

/// Packets to one listener that leave as one message.
const TOGETHER: [usize; 3] = [2, 3, 5];

/// Workers that one channel is spread over, and its listeners.
const WORKERS: [u8; 3] = [2, 4, 8];
const SPREAD: usize = 100;

/// Workers whose locks are counted.
const WORKERS_LOCKED: [usize; 2] = [1, 2];

fn main() -> ExitCode {
    let plan = Plan::from_arguments();
    let people: Vec<usize> = PEOPLE
        .into_iter()
        .filter(|all| *all <= plan.widest)
        .collect();
    let fan_outs = forwarding::fan_outs(plan);
    let widths: BTreeSet<usize> = people.iter().chain(&fan_outs).copied().collect();
    let (port, ears) = (open_port(), Ears::new(plan.widest));

    let floor_alone = std::env::args().any(|argument| argument == "--floor");
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for width in &widths {
        subjects.push(send::floor(&port, &ears, *width));
        subjects.push(cipher::floor(*width));
    }
    if !floor_alone {
        push_others(&mut subjects, plan, (&port, &ears), &people, &fan_outs);
    }
    let mut outcomes = measure(plan, subjects);
    for width in widths {
        join_floor(&mut outcomes, width);
    }
    let allocating = table::report(plan, &outcomes);
    if floor_alone || count_locks() {
        allocating
    } else {
        ExitCode::FAILURE
    }
}

/// Says how many locks the whole engine's threads take while they forward; false = more than none for a packet.
fn count_locks() -> bool {
    WORKERS_LOCKED.into_iter().all(|workers| {
        let taken = scene::locks::while_forwarding(workers);
        println!(
            "workers {workers}: {} locks while {} packets came in and {} went out; accounts and events take up to {}, packets none",
            taken.locks, taken.packets_in, taken.packets_out, taken.expected
        );
        taken.locks <= taken.expected
    })
}

/// All that is held against the floor.
fn push_others<'a>(
    subjects: &mut Vec<Subject<'a>>,
    plan: Plan,
    (port, ears): (&'a Sockets, &'a Ears),
    people: &[usize],
    fan_outs: &[usize],
) {
    subjects.push(handshake::transport());
    subjects.push(send::from_address(port, ears, plan.widest));
    for together in TOGETHER {
        subjects.push(send::together(
            port,
            ears,
            plan.widest.min(PEOPLE[2]),
            together,
        ));
    }
    let steps = steps::all(plan.widest).into_iter();
    subjects.extend(steps.map(|step| step.over(floor(plan.widest))));
    for fan_out in fan_outs.iter().copied() {
        subjects.push(forwarding::worker(fan_out).over(floor(fan_out)));
    }
    for workers in WORKERS {
        let fan_out = plan.widest.min(SPREAD);
        subjects.push(forwarding::workers(workers, fan_out).over(floor(fan_out)));
    }
    for people in people.iter().copied() {
        subjects.push(shape::one_by_one(ears, people).over(floor(people)));
        subjects.push(shape::three_at_once(ears, people).over(floor(people)));
        subjects.push(shape::all_at_once(ears, people).over(floor(people)));
    }
}

/// What the table calls the least that one of so many listeners could cost.
fn floor(listeners: usize) -> String {
    format!("floor: send + cipher, {listeners} listeners")
}

/// Puts the sum of the floor's two parts in their place.
fn join_floor(outcomes: &mut Vec<Outcome>, listeners: usize) {
    let parts = [send::name(listeners), cipher::name(listeners)];
    let is_part = |outcome: &Outcome| parts.contains(&outcome.name);
    let Some(place) = outcomes.iter().position(is_part) else {
        return;
    };
    let taken: Vec<Outcome> = outcomes
        .extract_if(.., |outcome| is_part(outcome))
        .collect();
    if let [send, cipher] = taken.as_slice() {
        outcomes.insert(place, Outcome::sum(floor(listeners), send, cipher));
    }
}
