//! T7: state changed before authentication.

use crate::common::attack::{assert_unharmed, send_from};
use crate::common::{Scene, Setup, names};
use crate::{SECOND, rtp};
use hocket_media::Drop;

/// Forged packets of alice's stream: numbers far ahead and behind, of foreign sources, with her producer's mid.
fn forge(scene: &mut Scene, round: u16) {
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    for ahead in [1u16, 100, 0x4000, 0x7FFF, 0x8000, 0xFFFF] {
        let sequence = (scene.person("alice").index as u16).wrapping_add(ahead);
        send_from(scene, address, &rtp(ssrc, sequence, 80));
        let foreign = ssrc + u32::from(round) + 1;
        send_from(scene, address, &rtp(foreign, sequence, 80));
    }
    let mut foreign = rtp(99 + u32::from(round), round, 100);
    foreign.splice(12..12, [0xBE, 0xDE, 0, 1, 0x41, b'm', b'1', 0]);
    foreign[0] = 0x90;
    send_from(scene, address, &foreign);
}

#[test]
fn t7_forged_numbers_sources_and_mids_move_nothing_before_the_first_packet_and_after() {
    // By the SSRC that was signalled, and by the mid that packets carry: then the first authentic packet makes the mapping.
    for writes_mid in [false, true] {
        let mut scene = Scene::new(Setup::default());
        for name in ["alice", "bob"] {
            scene.enter(name);
            scene.person(name).writes_mid = writes_mid;
            scene.signal(name);
        }
        scene.consume("bob", "alice");
        scene.pause("bob", "alice", false);
        scene.run(SECOND * 2);
        // The first number is a guess that only an authentic packet settles; soon after it comes a rollover.
        scene.person("alice").index = 65_450;
        for round in 0..50 {
            forge(&mut scene, round);
        }
        scene.speak("alice");
        for round in 0..50 {
            forge(&mut scene, round);
            scene.run(SECOND / 10);
        }
        assert_unharmed(&mut scene, 5);
        let stats = scene.producer_stats("alice");
        let said = u64::from(scene.person("alice").count);
        assert!(stats.received.packets + 1 >= said, "{stats:?} of {said}");
        let forged = scene.dropped(Drop::SrtpAuthentication) + scene.dropped(Drop::SrtpReplay);
        assert_eq!(forged, 100 * 13);
        assert_eq!(scene.heard_from("bob"), names(["alice"]));
    }
}
