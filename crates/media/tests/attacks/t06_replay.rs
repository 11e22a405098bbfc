//! T6: SRTP and SRTCP replay (RFC 3711 §3.3.2).

use crate::SECOND;
use crate::common::attack::{assert_unharmed, send_from};
use crate::common::{Scene, Setup};
use hocket_media::rtcp::write;
use hocket_media::{Drop, Event};

#[test]
fn t6_recorded_packets_sent_again_are_forwarded_once() {
    for workers in [1, 3] {
        let mut scene = Scene::pair(Setup::with_workers(workers));
        scene.person("alice").index = 65_400; // a rollover comes after 136 packets
        let address = scene.person("alice").send.address;
        let elsewhere = scene.fresh_address();
        let (mut in_the_window, mut outside_it) = (0, 0);
        for _ in 0..50 {
            scene.run(SECOND / 5);
            let recorded = scene.person("alice").send.recorded.clone();
            // The newest ones have all arrived, or arrive as copies that overtake them.
            for (age, packet) in recorded.iter().rev().enumerate().take(300) {
                match age {
                    0..=127 => in_the_window += 1,
                    _ => outside_it += 1,
                }
                send_from(&mut scene, address, packet);
                send_from(&mut scene, elsewhere, packet);
            }
        }
        assert!(in_the_window > 5_000 && outside_it > 4_000);
        scene.run(SECOND);
        scene.person("alice").speaks = false;
        scene.run(SECOND / 10);
        assert_unharmed(&mut scene, 11);
        let replays = scene.dropped(Drop::SrtpReplay);
        assert!(replays >= in_the_window + outside_it - 50, "{replays}");
        let accepted = scene.producer_stats("alice").received.packets;
        assert_eq!(accepted, u64::from(scene.person("alice").count));
    }
}

#[test]
fn t6_packets_of_a_closed_producer_sent_again_are_not_taken_for_the_next_ones() {
    let mut scene = Scene::pair(Setup::default());
    scene.person("alice").writes_mid = true; // the next producer's too
    scene.run(SECOND);
    scene.person("alice").speaks = false;
    scene.run(SECOND / 10);
    let (producer, now) = (scene.person("alice").producer.unwrap(), scene.now);
    let address = scene.person("alice").send.address;
    let recorded = scene.person("alice").send.recorded.clone();
    scene.server.close_producer(producer, now);
    scene.person("alice").ssrc = 424_242;
    scene.produce("alice");
    for packet in &recorded {
        send_from(&mut scene, address, packet);
    }
    assert_eq!(scene.dropped(Drop::SrtpReplay) as usize, recorded.len());
    assert_eq!(scene.producer_stats("alice").received.packets, 0);
    scene.person("alice").send_frame();
    scene.run(SECOND / 10);
    assert_eq!(scene.producer_stats("alice").received.packets, 1);
}

#[test]
fn t6_rtcp_that_is_sent_again_is_acted_on_once() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let (media, heard) = scene.last_heard("bob", "alice");
    let mut nack = Vec::new();
    write::nack(1, media, [heard].into_iter(), &mut nack);
    scene.person("bob").receive.send_rtcp(nack);
    let sealed = scene.person("bob").receive.recorded.last().unwrap().clone();
    for _ in 0..10 {
        scene.run(SECOND / 20);
        scene.person("bob").receive.send(sealed.clone());
    }
    assert_eq!(scene.consumer_stats("bob", "alice").retransmitted, 1);
}

/// A goodbye ends a spell of speaking: recorded ones would end every later one, from within SRTCP's window and from outside it.
#[test]
fn t6_a_goodbye_that_is_sent_again_later_ends_no_spell_of_speaking() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let ssrc = scene.person("alice").ssrc;
    let mut goodbye = Vec::new();
    write::receiver_report(ssrc, &[], &mut goodbye);
    write::bye(&[ssrc], &mut goodbye);
    scene.person("alice").send.send_rtcp(goodbye);
    let sealed = scene.person("alice").send.recorded.last().unwrap().clone();
    scene.run(SECOND);
    let producer = scene.person("alice").producer.unwrap();
    let ends = |scene: &Scene| {
        let ended = |event: &&Event| matches!(event, Event::ProducerSpeaking { producer: id, speaking: false, .. } if *id == producer);
        scene.server.events.iter().filter(ended).count()
    };
    assert_eq!(ends(&scene), 1);
    for _ in 0..200 {
        let mut report = Vec::new();
        write::receiver_report(ssrc, &[], &mut report);
        scene.person("alice").send.send_rtcp(report);
        scene.person("alice").send.send(sealed.clone());
        scene.run(SECOND / 20);
    }
    assert_eq!(ends(&scene), 1);
    assert_eq!(scene.dropped(Drop::SrtpReplay), 200);
}
