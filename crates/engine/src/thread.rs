//! A worker's thread: runs its core, and replaces it when it panics.
//!
//! A panic is our bug, never bad input, and it must not take the process or another channel with it. It is caught at the
//! thread's root; what the worker owned is over and is told so; a new core takes its place, with the same sockets, because
//! closing one would make the kernel deal all clients anew among the others.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hocket_media::WorkerId;

use crate::driven::Core;
use crate::panics;
use crate::shared::Shared;
use crate::turn::{Place, Turner};

/// Wait after a first failure; doubled with each that follows soon.
const BACK_OFF: Duration = Duration::from_millis(10);

/// Longest wait.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// A core that ran so long failed by itself, and not because its place is cursed.
const SOUND_AFTER: Duration = Duration::from_secs(10);

/// Start a thread that runs what `make` makes, until the engine stops.
pub(crate) fn spawn<C, F>(
    mut place: Place,
    shared: Arc<Shared>,
    make: F,
) -> io::Result<JoinHandle<()>>
where
    C: Core,
    F: Fn(WorkerId, Instant) -> C + Send + 'static,
{
    let name = format!("{}{}", panics::THREADS, place.id);
    shared.threads.fetch_add(1, Ordering::AcqRel);
    let body = {
        let shared = Arc::clone(&shared);
        move || {
            let _alive = Alive(Arc::clone(&shared));
            live(&mut place, &shared, &make);
        }
    };
    std::thread::Builder::new()
        .name(name)
        .spawn(body)
        .inspect_err(|_| {
            shared.threads.fetch_sub(1, Ordering::AcqRel);
        })
}

/// Counts the thread out, however it ends.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::AcqRel);
    }
}

fn live<C: Core>(place: &mut Place, shared: &Shared, make: &impl Fn(WorkerId, Instant) -> C) {
    let mut back_off = BACK_OFF;
    while !shared.is_stopped() {
        let started = Instant::now();
        if run_once(place, shared, make) {
            return;
        }
        shared.bury(place.id);
        back_off = if started.elapsed() > SOUND_AFTER {
            BACK_OFF
        } else {
            (back_off * 2).min(BACK_OFF_MAX)
        };
        pause(shared, back_off);
    }
}

/// Run one core to its end; false = it panicked, or its poll failed.
fn run_once<C: Core>(
    place: &mut Place,
    shared: &Shared,
    make: &impl Fn(WorkerId, Instant) -> C,
) -> bool {
    let id = place.id;
    // Unwind safety: the core and all that the turner made die with the panic. What stays is the place (sockets and poll,
    // which hold no state of ours) and the shared part, whose locks recover by themselves.
    let life = AssertUnwindSafe(|| {
        let now = Instant::now();
        Turner::new(make(id, now), place, shared, now).map_or(Ok(()), Turner::run)
    });
    matches!(catch_unwind(life), Ok(Ok(())))
}

/// Wait, but not longer than the engine lives: `Engine::close` unparks.
fn pause(shared: &Shared, length: Duration) {
    let end = Instant::now() + length;
    while !shared.is_stopped() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left);
    }
}

#[cfg(test)]
#[path = "thread_tests.rs"]
mod tests;
