//! T19: one member floods. What is beyond its rates is dropped, whoever talks meanwhile does not notice, and a flood that does not stop ends
//! its transport.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::attack::assert_unharmed;
use common::{Scene, Setup, Side, names};
use hocket_media::options::Rates;
use hocket_media::{CloseReason, Drop, Options};

const SECOND: Duration = Duration::from_secs(1);

/// Alice talks to bob for so long, while mallory sends so many packets of so many bytes each 20 ms.
fn flooded(setup: Setup, seconds: u32, packets: usize, bytes: usize) -> Scene {
    let mut scene = Scene::with_people(setup, &["alice", "bob", "mallory"]);
    scene.speak("alice");
    scene.person("mallory").payload_length = bytes;
    for _ in 0..seconds * 50 {
        (0..packets).for_each(|_| scene.person("mallory").send_frame());
        scene.run(SECOND / 50);
    }
    scene
}

#[test]
fn t19_ten_times_the_bits_are_capped_though_the_packets_are_few() {
    let mut scene = flooded(Setup::default(), 8, 1, 1_000); // 400 kbit/s; with ten times 40 kbit/s in usual packets
    let heard = scene.counts("bob", "mallory").len();
    assert!((284..=288).contains(&heard), "{heard} of 256 kbit/s"); // a second's worth more
    assert_eq!(
        scene.dropped(Drop::RtpFlood),
        400 - u32::try_from(heard).unwrap()
    );
    assert_unharmed(&mut scene, 8);
}

#[test]
fn t19_four_hundred_packets_a_second_are_capped_at_two_hundred() {
    let mut scene = flooded(Setup::with_workers(3), 8, 8, 20);
    let heard = scene.counts("bob", "mallory").len();
    assert!((1_795..=1_805).contains(&heard), "{heard}");
    assert_unharmed(&mut scene, 8);
}

#[test]
fn t19_a_flood_that_does_not_stop_ends_its_transport_and_no_other() {
    let mut scene = flooded(Setup::default(), 12, 8, 20);
    let sending = scene.transport("mallory", Side::Send);
    assert_eq!(scene.close_reason(sending), Some(CloseReason::Flood));
    assert_unharmed(&mut scene, 12);
    scene.forget();
    scene.run(SECOND);
    assert_eq!(scene.heard_from("bob"), names(["alice"]));
}

#[test]
fn the_rates_are_what_the_options_say() {
    let options = Options {
        producer: Rates {
            packets: 25,
            bits: 1_000_000,
        },
        ..Options::default()
    };
    let setup = Setup {
        options,
        ..Setup::default()
    };
    let mut scene = flooded(setup, 4, 1, 1_000);
    let heard = scene.counts("bob", "mallory").len();
    assert!((123..=126).contains(&heard), "{heard}");
}

#[test]
fn opus_in_its_shortest_usual_frames_and_music_with_a_copy_of_everything_lose_nothing() {
    for (packets, bytes) in [(2, 80), (1, 640)] {
        let mut scene = flooded(Setup::default(), 15, packets, bytes);
        assert_eq!(scene.counts("bob", "mallory").len(), 750 * packets);
        assert_eq!(scene.dropped(Drop::RtpFlood), 0);
    }
}
