//! What a panic in a media thread says, and how often. A process of its own, since a panic hook is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; a stand-in panics on purpose"
)]

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use hocket_engine::{Engine, EngineOptions};

fn fail() {
    panic!("a stand-in panics on purpose");
}

fn fail_a_thousand_times(thread: &str) {
    let body = || {
        for _ in 0..1_000 {
            catch_unwind(fail).unwrap_err();
        }
        catch_unwind(|| panic!("elsewhere")).unwrap_err();
    };
    let thread = Builder::new().name(thread.to_owned()).spawn(body);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_media_thread_that_panics_a_thousand_times_says_so_once_and_others_as_often_as_they_like() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    std::panic::set_hook(Box::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let engines: Vec<Engine> = (0..2)
        .map(|_| Engine::new(&EngineOptions::default()).unwrap())
        .collect();
    fail_a_thousand_times("hocket-media-9");
    assert_eq!(told.swap(0, Ordering::Relaxed), 2, "one for each place");
    fail_a_thousand_times("another");
    assert_eq!(told.load(Ordering::Relaxed), 1_001);
    drop(engines);
}
