//! T11: consent (RFC 7675).

use crate::SECOND;
use crate::common::{Scene, Setup, Side, names};
use hocket_media::CloseReason;

#[test]
fn t11_a_peer_that_falls_silent_is_sent_nothing_after_thirty_seconds() {
    let mut scene = Scene::pair(Setup::default());
    scene.run(SECOND);
    for side in [Side::Send, Side::Receive] {
        scene.person("bob").client(side).checks = false;
    }
    let (silent, one_way) = (scene.now, scene.network.conditions.delay);
    scene.run(SECOND * 26);
    assert!(
        scene.counts("bob", "alice").len() > 1_200,
        "until then he is sent everything"
    );
    scene.run(SECOND * 4);
    scene.forget();
    scene.run(SECOND * 5);
    for side in [Side::Send, Side::Receive] {
        let address = scene.person("bob").client(side).address;
        let last = scene.arrivals[&address] - silent;
        assert!(last <= SECOND * 30 + one_way * 2, "{side:?}: {last:?}");
    }
    assert_eq!(scene.heard_from("bob"), names([]));
    assert!(scene.person("bob").rtcp.is_empty());
    for side in [Side::Send, Side::Receive] {
        let transport = scene.transport("bob", side);
        assert_eq!(
            scene.close_reason(transport),
            Some(CloseReason::ConsentExpired)
        );
    }
    assert_eq!(scene.server.workers[0].dump().transports, 2, "alice stays");
    assert_eq!(
        scene.server.workers[0].dump().consumers,
        0,
        "nobody hears bob, and bob hears nobody"
    );
}
