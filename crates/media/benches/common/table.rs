//! The outcomes as a table for people, and the verdict about allocations.

use std::process::ExitCode;

use super::{Outcome, Plan};

/// Prints what came out. Fails when anything allocated.
pub fn report(plan: Plan, outcomes: &[Outcome]) -> ExitCode {
    if plan.is_timed {
        println!(
            "{:<44}{:>10}{:>8}{:>9}{:>8}{:>9}{:>14}",
            "CPU time of one thread",
            "ns in",
            "ns out",
            "spread",
            "allocs",
            "× floor",
            "ns over floor"
        );
        outcomes
            .iter()
            .for_each(|outcome| println!("{}", line(outcome, outcomes)));
    }
    let allocating: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.allocated > 0)
        .map(|outcome| outcome.name.as_str())
        .collect();
    if allocating.is_empty() {
        println!("{} subjects, none allocated after warm-up", outcomes.len());
        return ExitCode::SUCCESS;
    }
    eprintln!("allocated after warm-up: {}", allocating.join("; "));
    ExitCode::FAILURE
}

fn line(outcome: &Outcome, all: &[Outcome]) -> String {
    let each = outcome.median();
    let (inward, outward) = match outcome.fan_out {
        0 => (format!("{each:.0}"), String::new()),
        fan_out => (
            format!("{:.0}", each * fan_out as f64),
            format!("{each:.0}"),
        ),
    };
    let (ratio, excess) = outcome.against_floor(all).map_or_else(
        || (String::new(), String::new()),
        |(ratio, excess)| (format!("{ratio:.2}"), over(excess)),
    );
    let behind = if outcome.note.is_empty() {
        &excess
    } else {
        &outcome.note
    };
    format!(
        "{:<44}{inward:>10}{outward:>8}{:>7.0} %{:>8}{ratio:>9}{behind:>14}",
        outcome.name,
        outcome.spread() * 100.0,
        outcome.allocated
    )
}

/// What is more than the floor; a part of the way alone is less, and how much says nothing.
fn over(excess: f64) -> String {
    if excess > 0.0 {
        format!("{excess:.0}")
    } else {
        String::new()
    }
}
