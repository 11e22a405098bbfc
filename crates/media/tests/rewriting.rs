//! What a listener gets: its own numbers, one continuous line, its own extension ids, and Opus where it has no RED (RFC 3550, 8285, 2198).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::person::{self, FRAME, FRAME_TICKS, assert_one_line};
use common::{Heard, Scene, Setup, Side, names};
use hocket_media::Drop;
use hocket_media::srtp::MAX_SOURCES;

const SECOND: Duration = Duration::from_secs(1);

fn heard(scene: &mut Scene, listener: &str) -> Vec<Heard> {
    scene.person(listener).heard.clone()
}

#[test]
fn a_listener_gets_its_own_ssrc_payload_type_and_extensions() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.person("alice").level = Some(0x80 | 23);
    scene.speak("alice");
    scene.run(SECOND);
    let ssrc = scene.ssrc("bob", "alice");
    let heard = heard(&mut scene, "bob");
    for packet in &heard {
        assert_eq!(
            (packet.ssrc, packet.payload_type),
            (ssrc, person::CONSUMER_OPUS)
        );
        let ids: Vec<u8> = packet.elements.iter().map(|(id, _)| *id).collect();
        assert_eq!(
            ids,
            [
                person::CONSUMER_MID_EXTENSION,
                person::CONSUMER_LEVEL_EXTENSION,
                person::CONSUMER_TIME_EXTENSION
            ]
        );
        assert_eq!(packet.elements[0].1, format!("c{ssrc}").as_bytes());
        assert_eq!(packet.elements[1].1, [0x80 | 23]);
    }
    // abs-send-time is ours, 18 bits of fraction: 20 ms are 5,243 of its units.
    let time = |packet: &Heard| {
        u32::from_be_bytes([
            0,
            packet.elements[2].1[0],
            packet.elements[2].1[1],
            packet.elements[2].1[2],
        ])
    };
    assert!(
        heard
            .windows(2)
            .all(|pair| (5_242..=5_244).contains(&time(&pair[1]).wrapping_sub(time(&pair[0]))))
    );
    assert!(heard[0].marker && heard[1..].iter().all(|packet| !packet.marker));
}

#[test]
fn nothing_comes_before_resume_and_the_line_goes_on_after_each_pause() {
    let mut scene = Scene::new(Setup::default());
    for name in ["alice", "bob"] {
        scene.enter(name);
        scene.signal(name);
    }
    scene.consume("bob", "alice");
    scene.run(SECOND);
    scene.speak("alice");
    scene.run(SECOND);
    assert_eq!(
        scene.heard_from("bob"),
        names([]),
        "a consumer starts paused"
    );
    for _ in 0..3 {
        scene.pause("bob", "alice", false);
        scene.pause("bob", "alice", false);
        scene.run(SECOND);
        scene.pause("bob", "alice", true);
        scene.run(SECOND);
    }
    let heard = heard(&mut scene, "bob");
    assert!((148..=152).contains(&heard.len()), "{}", heard.len());
    assert_one_line(&heard);
    assert_eq!(
        heard.iter().filter(|packet| packet.marker).count(),
        3,
        "each beginning is marked"
    );
}

#[test]
fn a_mute_lets_nothing_through_and_leaves_no_gap_in_the_line() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    scene.mute("alice", true);
    let before = scene.counts("bob", "alice").len();
    scene.run(SECOND * 2);
    assert!(
        scene.counts("bob", "alice").len() <= before + 1,
        "what was on its way"
    );
    scene.mute("alice", false);
    scene.run(SECOND);
    // She goes on counting while muted; to the listener that must not look like two seconds of loss.
    let heard = heard(&mut scene, "bob");
    assert!((98..=102).contains(&heard.len()));
    assert_one_line(&heard);
    let dropped = scene.server.workers[0].dump().dropped;
    assert!(dropped.get(Drop::ProducerPaused) >= 99);
}

#[test]
fn a_listener_without_red_gets_the_opus_inside() {
    for red in [true, false] {
        let mut scene = Scene::with_people(
            Setup {
                red,
                ..Setup::default()
            },
            &["alice", "bob"],
        );
        scene.person("alice").wraps_in_red = true;
        scene.speak("alice");
        scene.run(SECOND);
        scene.person("alice").wraps_in_red = false;
        scene.run(SECOND);
        let heard = heard(&mut scene, "bob");
        assert_one_line(&heard);
        assert_eq!(
            scene.counts("bob", "alice"),
            (0..heard.len() as u32).collect::<Vec<_>>()
        );
        let wrapped = heard
            .iter()
            .filter(|packet| packet.payload_type == person::CONSUMER_RED)
            .count();
        assert!(if red {
            (49..=51).contains(&wrapped)
        } else {
            wrapped == 0
        });
        assert!(red || heard.iter().all(|packet| packet.payload.len() == 80));
    }
}

#[test]
fn a_listener_finds_its_own_number_in_every_red_block() {
    // Another number than the speaker's, and by chance the same.
    for (carries, opus) in [0, 1, 2]
        .into_iter()
        .flat_map(|carries| [person::OPUS, person::CONSUMER_OPUS].map(|opus| (carries, opus)))
    {
        let mut scene = Scene::new(Setup::default());
        scene.enter("alice");
        scene.person("alice").opus = opus;
        scene.signal("alice");
        scene.join("bob");
        scene.run(SECOND);
        scene.person("alice").wraps_in_red = true;
        scene.person("alice").carries = carries;
        scene.speak("alice");
        scene.run(SECOND);
        let heard = heard(&mut scene, "bob");
        let whole = &heard[carries..];
        assert!(whole.len() >= 47);
        for packet in whole {
            assert_eq!(packet.payload_type, person::CONSUMER_RED);
            assert_eq!(packet.block_types, vec![person::CONSUMER_OPUS; carries + 1]);
            let earlier = packet.count - carries as u32..packet.count;
            assert_eq!(packet.carried, earlier.collect::<Vec<_>>());
        }
    }
}

#[test]
fn red_with_anything_but_opus_in_an_older_block_is_dropped() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.person("alice").wraps_in_red = true;
    scene.speak("alice");
    scene.run(SECOND);
    let before = scene.counts("bob", "alice").len();
    scene.person("alice").carried_type = Some(13);
    scene.run(SECOND);
    let more = scene.counts("bob", "alice").len() - before;
    assert!(more <= 1, "what was on its way");
    assert!(scene.dropped(Drop::RtpPayloadType) >= 49);
    scene.person("alice").carried_type = None;
    scene.run(SECOND);
    assert!(scene.counts("bob", "alice").len() >= before + 49);
}

/// What a listener must not get belated: each frame that came along with a later one was forwarded itself.
fn assert_nothing_withheld_is_carried(heard: &[Heard]) {
    let counts: BTreeSet<u32> = heard.iter().map(|packet| packet.count).collect();
    for packet in heard {
        let withheld = packet.carried.iter().find(|count| !counts.contains(count));
        assert_eq!(withheld, None, "in packet {}", packet.count);
    }
    let whole = heard.iter().filter(|packet| packet.carried.len() == 2);
    assert!(
        whole.count() * 10 > heard.len() * 8,
        "the rest is as it was"
    );
}

#[test]
fn red_carries_nothing_along_that_was_said_in_a_mute() {
    for workers in [1, 3] {
        let mut scene = Scene::with_people(Setup::with_workers(workers), &["alice", "bob"]);
        scene.person("alice").wraps_in_red = true;
        scene.person("alice").carries = 2;
        scene.speak("alice");
        for _ in 0..5 {
            scene.run(SECOND);
            scene.mute("alice", true);
            scene.run(SECOND + FRAME * 3);
            scene.mute("alice", false);
        }
        scene.run(SECOND);
        assert_nothing_withheld_is_carried(&heard(&mut scene, "bob"));
    }
}

#[test]
fn red_carries_nothing_along_that_was_said_in_a_mute_and_lost_or_overtaken() {
    for late in [0, 1, 2] {
        let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
        scene.person("alice").wraps_in_red = true;
        scene.person("alice").carries = 2;
        scene.speak("alice");
        scene.run(SECOND);
        scene.person("alice").speaks = false;
        scene.run(SECOND / 10);
        scene.mute("alice", true);
        let mut said: Vec<_> = (0..3)
            .map(|_| {
                scene.person("alice").send_frame();
                scene.person("alice").send.outgoing.pop_back().unwrap().1
            })
            .collect();
        // One of what she says muted is lost, or comes when she is no longer muted; the others come in time.
        let belated = said.remove(late);
        said.into_iter()
            .for_each(|packet| scene.person("alice").send.send(packet));
        scene.run(SECOND / 10);
        scene.mute("alice", false);
        let arrived = late.min(1);
        (0..arrived).for_each(|_| scene.person("alice").send.send(belated.clone()));
        scene.run(SECOND / 10);
        scene.speak("alice");
        scene.run(SECOND);
        assert_nothing_withheld_is_carried(&heard(&mut scene, "bob"));
    }
}

#[test]
fn red_carries_nothing_along_from_before_a_listener_listened() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.person("alice").wraps_in_red = true;
    scene.person("alice").carries = 2;
    scene.speak("alice");
    for _ in 0..5 {
        scene.pause("bob", "alice", true);
        scene.run(SECOND);
        scene.pause("bob", "alice", false);
        scene.run(SECOND);
    }
    assert_nothing_withheld_is_carried(&heard(&mut scene, "bob"));
}

#[test]
fn red_carries_nothing_along_of_a_silence() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.person("alice").wraps_in_red = true;
    scene.person("alice").carries = 2;
    scene.speak("alice");
    for _ in 0..5 {
        scene.person("alice").level = Some(30);
        scene.run(SECOND);
        scene.person("alice").level = Some(127);
        scene.run(SECOND);
    }
    let heard = heard(&mut scene, "bob");
    assert!(heard.len() < 5 * 75);
    assert_nothing_withheld_is_carried(&heard);
}

#[test]
fn a_speaker_that_signalled_no_ssrc_is_known_by_its_mid() {
    let mut scene = Scene::new(Setup::default());
    scene.enter("alice");
    scene.person("alice").writes_mid = true;
    scene.signal("alice");
    scene.enter("bob");
    scene.signal("bob");
    scene.consume("bob", "alice");
    scene.pause("bob", "alice", false);
    scene.run(SECOND);
    scene.speak("alice");
    scene.run(SECOND / 2);
    scene.person("alice").writes_mid = false; // browsers write it only until they hear a report
    scene.run(SECOND / 2);
    assert_eq!(scene.counts("bob", "alice").len(), 50);
}

#[test]
fn a_speakers_new_source_goes_on_in_the_same_line() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    {
        let person = scene.person("alice");
        person.ssrc = 424_242;
        person.index = 5;
        person.timestamp = 77;
        person.writes_mid = true;
    }
    scene.run(SECOND);
    let heard = heard(&mut scene, "bob");
    assert_eq!(heard.len(), 100);
    assert_one_line(&heard);
}

#[test]
fn a_speaker_may_begin_a_thousand_streams_on_one_transport_and_then_needs_another() {
    let mut scene = Scene::with_people(Setup::default(), &["alice"]);
    for stream in 0..=MAX_SOURCES as u32 {
        let (producer, now) = (scene.person("alice").producer.unwrap(), scene.now);
        scene.server.close_producer(producer, now);
        scene.person("alice").ssrc = 10_000 + stream;
        scene.produce("alice");
        scene.person("alice").send_frame();
        scene.run(SECOND / 50);
        let heard = usize::try_from(scene.producer_stats("alice").received.packets).unwrap();
        assert_eq!(
            heard == 1,
            (stream as usize) < MAX_SOURCES,
            "stream {stream}"
        );
    }
    assert_eq!(scene.dropped(Drop::Overflow), 1);
}

#[test]
fn sequence_numbers_and_times_wrap_without_anyone_noticing() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    {
        let person = scene.person("alice");
        person.index = 65_500;
        person.timestamp = u32::MAX - 100 * FRAME_TICKS;
    }
    scene.speak("alice");
    // A consumer's line begins below 2^15, so 65,536 packets cross its wrap at least once.
    scene.run(Duration::from_millis(20 * 66_000));
    let heard = heard(&mut scene, "bob");
    assert!(heard.len() >= 65_999, "{}", heard.len());
    assert_one_line(&heard);
}

#[test]
fn a_packet_without_a_level_carries_none_on() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.person("alice").level = None;
    scene.speak("alice");
    scene.run(SECOND);
    let heard = heard(&mut scene, "bob");
    assert!(!heard.is_empty());
    assert!(heard.iter().all(|packet| {
        packet
            .elements
            .iter()
            .all(|(id, _)| *id != person::CONSUMER_LEVEL_EXTENSION)
    }));
}

#[test]
fn an_ssrc_is_never_used_twice_on_one_transport() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let (consumer, now) = (scene.person("bob").consumers["alice"], scene.now);
    scene.server.close_consumer(consumer, now);
    scene.consume("bob", "alice"); // under the SSRC of the one before
    scene.pause("bob", "alice", false);
    scene.run(SECOND / 10);
    scene.forget();
    scene.run(SECOND);
    assert_eq!(scene.heard_from("bob"), names([]));
    assert_eq!(scene.dropped(Drop::SsrcUsed), 1);
    let transport = scene.transport("bob", Side::Receive);
    assert_eq!(scene.close_reason(transport), None);
}
