//! One packet's way through the core: CPU time and allocations of each step, and of the whole worker with 1 to 1,000 listeners.
//!
//! `cargo bench -p hocket-media`, with `-- --quick` in some seconds. The engine's bench `floor` sets the same beside what the kernel takes.

mod common;

use std::process::ExitCode;

use common::parts::counting::Counting;
use common::{Plan, Subject, cipher, forwarding, handshake, measure, steps, table};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let plan = Plan::from_arguments();
    let mut subjects: Vec<Subject<'_>> = steps::all(plan.widest);
    for fan_out in forwarding::fan_outs(plan) {
        subjects.push(cipher::floor(fan_out));
        subjects.push(forwarding::worker(fan_out));
    }
    subjects.push(handshake::transport());
    table::report(plan, &measure(plan, subjects))
}
