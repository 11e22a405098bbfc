//! RTCP: what we tell senders and receivers, and what we make of what they tell us (RFC 3550 §6).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Conditions, Scene, Setup, Side};
use hocket_media::Event;
use hocket_media::rtcp::{Compound, Ntp, Packet, ReportBlock, SenderInfo, write};

const SECOND: Duration = Duration::from_secs(1);

/// Packets of all compounds that came in on one side.
fn received<T>(
    scene: &mut Scene,
    name: &str,
    side: Side,
    read: impl Fn(Packet<'_>) -> Vec<T>,
) -> Vec<T> {
    let compounds: Vec<Vec<u8>> = scene
        .person(name)
        .rtcp
        .iter()
        .filter(|(at, ..)| *at == side)
        .map(|(_, bytes, _)| bytes.clone())
        .collect();
    compounds
        .iter()
        .flat_map(|bytes| {
            Compound::parse(bytes)
                .unwrap()
                .packets()
                .flat_map(&read)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn sender_reports(scene: &mut Scene, name: &str) -> Vec<SenderInfo> {
    received(scene, name, Side::Receive, |packet| match packet {
        Packet::SenderReport(report) => vec![report.info],
        _ => vec![],
    })
}

fn blocks(scene: &mut Scene, name: &str) -> Vec<ReportBlock> {
    received(scene, name, Side::Send, |packet| match packet {
        Packet::ReceiverReport(report) => report.blocks().collect(),
        _ => vec![],
    })
}

#[test]
fn a_receiver_gets_sender_reports_with_names_whose_clock_fits_the_stream() {
    for workers in [1, 3] {
        let mut scene =
            Scene::with_people(Setup::with_workers(workers), &["alice", "bob", "carol"]);
        ["alice", "carol"]
            .into_iter()
            .for_each(|name| scene.speak(name));
        scene.run(SECOND * 10);
        let names = received(&mut scene, "bob", Side::Receive, |packet| match packet {
            Packet::SourceDescription(names) => names
                .chunks()
                .map(|chunk| (chunk.ssrc, chunk.cname.unwrap().to_owned()))
                .collect(),
            _ => vec![],
        });
        for speaker in ["alice", "carol"] {
            let ssrc = scene.ssrc("bob", speaker);
            assert!(names.contains(&(ssrc, format!("cname-{speaker}"))));
            let reports: Vec<SenderInfo> = sender_reports(&mut scene, "bob")
                .into_iter()
                .filter(|info| info.ssrc == ssrc)
                .collect();
            assert!(
                (3..=10).contains(&reports.len()),
                "{} reports in ten seconds",
                reports.len()
            );
            for pair in reports.windows(2) {
                let seconds = (pair[1].ntp.0 - pair[0].ntp.0) as f64 / 2f64.powi(32);
                let ticks = f64::from(pair[1].rtp_timestamp.wrapping_sub(pair[0].rtp_timestamp));
                assert!(
                    (ticks - seconds * 48_000.0).abs() < 2.0,
                    "{ticks} ticks in {seconds} s"
                );
            }
            let last = reports.last().unwrap();
            let heard = scene
                .person("bob")
                .heard
                .iter()
                .rfind(|heard| heard.ssrc == ssrc)
                .unwrap()
                .timestamp;
            assert!(
                heard.wrapping_sub(last.rtp_timestamp).cast_signed().abs() < 48_000 * 4,
                "the same clock as the packets"
            );
            assert_eq!(last.octets, last.packets * 80);
        }
    }
}

#[test]
fn a_silent_consumer_is_not_reported_on() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.run(SECOND * 10);
    assert_eq!(sender_reports(&mut scene, "bob"), []);
    assert_eq!(blocks(&mut scene, "alice"), []);
}

#[test]
fn a_sender_gets_receiver_reports_with_loss_jitter_and_the_echo_of_its_clock() {
    let conditions = Conditions {
        loss: 0.1,
        jitter: Duration::from_millis(8),
        ..Conditions::default()
    };
    let mut scene = Scene::pair(Setup {
        conditions,
        nack: false,
        seed: 3,
        ..Setup::default()
    });
    scene.run(SECOND * 2);
    let (ssrc, start) = (scene.person("alice").ssrc, scene.now);
    let mut report = Vec::new();
    let info = SenderInfo {
        ssrc,
        ntp: Ntp(0x0000_1234_5678_0000),
        ..SenderInfo::default()
    };
    write::sender_report(&info, &[], &mut report);
    scene.network.conditions.loss = 0.0;
    scene.person("alice").send.send_rtcp(report);
    scene.settle();
    scene.network.conditions.loss = 0.1;
    scene.run(SECOND * 20);
    let blocks = blocks(&mut scene, "alice");
    assert!(blocks.len() >= 7, "{}", blocks.len());
    let last = blocks.last().unwrap();
    assert_eq!((last.ssrc, last.last_sender_report), (ssrc, 0x1234_5678));
    let delay = Duration::from_secs_f64(f64::from(last.delay) / 65_536.0);
    assert!(
        delay < scene.now - start && delay > SECOND * 15,
        "{delay:?}"
    );
    assert!(
        (60..=140).contains(&last.lost),
        "{} of 1,100 were lost at a tenth",
        last.lost
    );
    assert!((48..400).contains(&last.jitter), "{} ticks", last.jitter);
    let stats = scene.producer_stats("alice");
    assert!((i64::from(last.lost) - stats.lost).abs() < 20);
}

#[test]
fn a_receivers_report_becomes_the_consumers_statistics_and_the_transports_quality() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND * 4);
    let report = *sender_reports(&mut scene, "bob").last().unwrap();
    let sent_at = scene.person("bob").rtcp.last().unwrap().2;
    let block = ReportBlock {
        ssrc: report.ssrc,
        fraction_lost: 64,
        jitter: 480,
        last_sender_report: report.ntp.middle(),
        delay: ((scene.now - sent_at).as_nanos() * 65_536 / 1_000_000_000) as u32,
        ..ReportBlock::default()
    };
    let mut bytes = Vec::new();
    write::receiver_report(77, &[block], &mut bytes);
    scene.person("bob").receive.send_rtcp(bytes);
    scene.run(SECOND * 4);
    let stats = scene.consumer_stats("bob", "alice");
    assert!(
        (stats.loss - 0.25).abs() < 0.01 && (stats.jitter_ms - 10.0).abs() < 0.1,
        "{stats:?}"
    );
    let rtt = stats.rtt_ms.unwrap();
    assert!(
        (rtt - 20.0).abs() < 1.0,
        "{rtt} ms over a network of 10 ms each way"
    );
    let transport = scene.transport("bob", Side::Receive);
    let quality: Vec<(f32, Option<f32>)> = scene
        .server
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Quality {
                transport: of,
                loss,
                rtt_ms,
                ..
            } if *of == transport => Some((*loss, *rtt_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(quality.len(), 1, "one report, one event");
    assert!(
        (quality[0].0 - 0.25).abs() < 0.01
            && quality[0].1.is_some_and(|rtt| (rtt - 20.0).abs() < 1.0)
    );
}

#[test]
fn quality_is_told_at_most_once_in_two_seconds() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND * 60);
    let transport = scene.transport("alice", Side::Send);
    let told = scene
        .server
        .events
        .iter()
        .filter(|event| matches!(event, Event::Quality { transport: of, .. } if *of == transport))
        .count();
    assert!((15..=30).contains(&told), "{told} times in a minute");
}

#[test]
fn a_receiver_hears_goodbye_from_a_consumer_that_it_has_heard() {
    for workers in [1, 3] {
        let mut scene =
            Scene::with_people(Setup::with_workers(workers), &["alice", "bob", "carol"]);
        scene.speak("alice");
        scene.run(SECOND);
        ["alice", "carol"]
            .into_iter()
            .for_each(|name| scene.leave(name));
        scene.run(SECOND);
        let gone = received(&mut scene, "bob", Side::Receive, |packet| match packet {
            Packet::Bye(bye) => bye.sources().collect(),
            _ => vec![],
        });
        assert_eq!(
            gone,
            [scene.ssrc("bob", "alice")],
            "of carol he never heard"
        );
    }
}

/// What was told of a speaker so far.
fn spells(scene: &mut Scene, name: &str) -> Vec<bool> {
    let id = scene.person(name).producer.unwrap();
    let told = scene.server.events.iter().filter_map(|event| match event {
        Event::ProducerSpeaking {
            producer, speaking, ..
        } if *producer == id => Some(*speaking),
        _ => None,
    });
    told.collect()
}

/// Says goodbye on behalf of a source, and waits until it has arrived and no longer.
fn say_bye(scene: &mut Scene, name: &str, side: Side, ssrc: u32) {
    let mut packet = Vec::new();
    write::receiver_report(ssrc, &[], &mut packet);
    write::bye(&[ssrc], &mut packet);
    scene.person(name).client(side).send_rtcp(packet);
    scene.run(Duration::from_millis(11));
}

#[test]
fn a_source_that_says_goodbye_speaks_no_longer_and_is_counted_anew() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    scene.person("alice").index += 10; // lost
    scene.run(SECOND);
    assert_eq!(scene.producer_stats("alice").lost, 10);
    scene.person("alice").speaks = false;
    scene.run(Duration::from_millis(20)); // her last packet arrives
    let (ssrc, received) = (
        scene.person("alice").ssrc,
        scene.producer_stats("alice").received,
    );
    assert_eq!(spells(&mut scene, "alice"), [true]);
    say_bye(&mut scene, "alice", Side::Send, ssrc);
    assert_eq!(spells(&mut scene, "alice"), [true, false]);
    let stats = scene.producer_stats("alice");
    assert_eq!((stats.lost, stats.speaking), (0, false));
    assert_eq!(stats.received, received, "what was received stays received");
    scene.forget();
    scene.run(SECOND * 5);
    assert_eq!(
        blocks(&mut scene, "alice"),
        [],
        "there is no stream to report on"
    );
    scene.speak("alice");
    scene.run(SECOND * 5);
    assert_eq!(
        scene.counts("bob", "alice").len(),
        250,
        "she goes on all the same"
    );
    assert_eq!(spells(&mut scene, "alice"), [true, false, true]);
    let blocks = blocks(&mut scene, "alice");
    assert!(!blocks.is_empty() && blocks.iter().all(|block| block.lost == 0));
}

#[test]
fn a_goodbye_for_a_foreign_source_ends_nothing() {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob", "carol"]);
    scene.speak("alice");
    scene.run(SECOND);
    scene.person("alice").index += 10;
    scene.run(SECOND);
    let (alice, heard_by_bob) = (scene.person("alice").ssrc, scene.ssrc("bob", "alice"));
    // Bob on both his transports, for her stream and for what he hears of it; she for one that is nobody's.
    for side in [Side::Send, Side::Receive] {
        say_bye(&mut scene, "bob", side, alice);
        say_bye(&mut scene, "bob", side, heard_by_bob);
    }
    say_bye(&mut scene, "alice", Side::Send, alice + 77);
    assert_eq!(spells(&mut scene, "alice"), [true]);
    let stats = scene.producer_stats("alice");
    assert_eq!((stats.lost, stats.speaking), (10, true));
    scene.forget();
    scene.run(SECOND);
    assert_eq!(scene.counts("bob", "alice").len(), 50);
    assert_eq!(scene.counts("carol", "alice").len(), 50);
}

#[test]
fn t9_a_storm_of_goodbyes_ends_few_spells_of_speaking() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let ssrc = scene.person("alice").ssrc;
    for _ in 0..500 {
        say_bye(&mut scene, "alice", Side::Send, ssrc);
    }
    let ends = spells(&mut scene, "alice")
        .iter()
        .filter(|speaks| !**speaks)
        .count();
    assert!((5..=8).contains(&ends), "{ends} in five and a half seconds");
    assert!(scene.counts("bob", "alice").len() > 300);
}
