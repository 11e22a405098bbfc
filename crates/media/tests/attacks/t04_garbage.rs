//! T4: SRTP errors as a hang-up (CVE-2021-41105).

use crate::common::attack::{assert_unharmed, send_from};
use crate::common::{Scene, Setup, Side};
use crate::{SECOND, rtp};
use hocket_media::{Drop, DtlsState, WorkerDump};

#[test]
fn t4_a_hundred_thousand_garbage_packets_only_raise_a_counter() {
    let mut scene = Scene::pair(Setup::default());
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    let held = |scene: &Scene| {
        let mut dump: WorkerDump = scene.server.workers[0].dump();
        dump.dropped = Default::default();
        dump
    };
    let before = held(&scene);
    for round in 0..100u16 {
        for number in 0..1_000u16 {
            let mut bytes = rtp(ssrc, number.wrapping_mul(round), usize::from(number % 200));
            if number % 3 == 0 {
                bytes[1] = 200 + (number % 5) as u8; // RTCP
            }
            send_from(&mut scene, address, &bytes);
        }
        scene.run(SECOND / 10);
    }
    assert_unharmed(&mut scene, 10);
    let counted: u32 = [
        Drop::SrtpAuthentication,
        Drop::SrtpReplay,
        Drop::RtpMalformed,
        Drop::RtcpMalformed,
    ]
    .map(|reason| scene.dropped(reason))
    .iter()
    .sum();
    assert_eq!(counted, 100_000);
    assert_eq!(held(&scene), before);
    for side in [Side::Send, Side::Receive] {
        assert_eq!(
            scene.transport_stats("alice", side).dtls,
            DtlsState::Connected
        );
    }
}

#[test]
fn a_drop_stands_in_its_transports_account_and_stays_in_the_workers_when_the_transport_is_gone() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    let transport = scene.person("alice").send_transport;
    let (address, now) = (scene.person("alice").send.address, scene.now);
    let replayed = scene.person("alice").send.recorded[0].clone();
    send_from(&mut scene, address, &replayed);
    send_from(&mut scene, address, &[0x80, 200, 0, 1]); // RTCP, cut short
    for reason in [Drop::SrtpReplay, Drop::RtcpMalformed] {
        let stats = scene.transport_stats("alice", Side::Send);
        assert_eq!((stats.dropped.get(reason), scene.dropped(reason)), (1, 1));
        let stats = scene.transport_stats("bob", Side::Receive);
        assert_eq!(stats.dropped.get(reason), 0);
    }
    scene.server.remove_transport(transport, now);
    assert_eq!(scene.dropped(Drop::SrtpReplay), 1);
}
