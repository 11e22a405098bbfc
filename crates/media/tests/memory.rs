//! What an idle transport, a consumer and a speaking producer hold in memory. Bounds are some 25 % above what was measured, so that growth shows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use common::{Scene, Setup};

struct Weighing;

thread_local! {
    /// Bytes held, while something is weighed.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static WEIGHS: Cell<bool> = const { Cell::new(false) };
}

fn add(bytes: isize) {
    let _ = WEIGHS.try_with(|weighs| {
        if weighs.get() {
            HELD.set(HELD.get() + bytes);
        }
    });
}

// SAFETY: every call is handed to the system's allocator unchanged; weighing touches thread-local cells and allocates nothing.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size().cast_signed());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promises about all three are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-layout.size().cast_signed());
        // SAFETY: the caller's promises about both are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

/// Bytes that are held more afterwards by all that is one with the server; the clients' own are let be.
fn weigh(scene: &mut Scene, act: impl FnOnce(&mut Scene)) -> isize {
    HELD.set(0);
    scene.server.weighed = Some(|weighs| WEIGHS.set(weighs));
    act(scene);
    scene.server.weighed = None;
    HELD.get()
}

#[test]
fn idle_transports_consumers_and_speakers_are_small() {
    const PEOPLE: [&str; 8] = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi",
    ];
    let mut scene = Scene::with_people(Setup::default(), &PEOPLE[..4]);
    let transports = weigh(&mut scene, |scene| {
        for name in &PEOPLE[4..] {
            scene.enter(name);
            scene.signal(name);
        }
        scene.run(Duration::from_secs(3));
    });
    let each = transports / 8;
    println!("a connected transport: {each} bytes");
    assert!(each < 17_500, "a connected transport holds {each} bytes");

    let consumers = weigh(&mut scene, |scene| {
        for listener in &PEOPLE[4..] {
            for speaker in PEOPLE.iter().filter(|name| *name != listener) {
                scene.consume(listener, speaker);
                scene.pause(listener, speaker, false);
            }
        }
        scene.run(Duration::from_secs(3));
    });
    let each = consumers / 28;
    println!("a consumer: {each} bytes");
    assert!(each < 450, "a consumer holds {each} bytes");

    let speaker = weigh(&mut scene, |scene| {
        scene.speak("alice");
        scene.run(Duration::from_secs(5));
    });
    println!("a speaking producer: {speaker} bytes");
    assert!(
        speaker < 18_000,
        "a speaking producer holds {speaker} bytes"
    );
}

/// Alice speaks, bob listens on another worker; she falls silent, and speaks again.
#[test]
fn a_producer_that_falls_silent_gives_back_the_memory_of_its_packets_everywhere() {
    for workers in [1, 3] {
        let mut scene = Scene::with_people(
            Setup {
                workers,
                ..Setup::default()
            },
            &["alice", "bob", "carol"],
        );
        let mut spells = Vec::new();
        for _ in 0..3 {
            let spoke = weigh(&mut scene, |scene| {
                scene.speak("alice");
                scene.run(Duration::from_secs(5));
                scene.person("alice").speaks = false;
            });
            let rested = weigh(&mut scene, |scene| scene.run(Duration::from_secs(40)));
            spells.push((spoke, rested));
            scene.forget();
        }
        println!("of {workers} workers: {spells:?}");
        for (spoke, rested) in &spells[1..] {
            assert!(*spoke > 8_000 && *rested < -8_000, "{spells:?}");
            assert!((spoke + rested).abs() < 1_000, "{spells:?}");
        }
        assert_eq!(scene.heard_from("bob").len(), 0);
        scene.speak("alice");
        scene.run(Duration::from_secs(1));
        assert_eq!(scene.heard_from("bob").len(), 1);
    }
}
