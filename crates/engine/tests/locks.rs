//! No lock on a packet's way: what a thread locks is of commands, events and its account, and does not grow with what it forwards.

mod common;

use common::locks::while_forwarding;

fn forwarding_takes_no_lock(workers: usize) {
    let taken = while_forwarding(workers);
    assert!(
        taken.locks <= taken.expected,
        "{} locks for {} packets in; {} expected",
        taken.locks,
        taken.packets_in,
        taken.expected
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
