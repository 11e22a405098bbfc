//! T5: RTP bleed and injection (CVE-2025-53399).

use crate::common::attack::{assert_unharmed, send_from};
use crate::common::{Scene, Setup};
use crate::{SECOND, rtp};
use hocket_media::Drop;

#[test]
fn t5_injected_rtp_from_elsewhere_or_without_keys_reaches_nobody_and_is_not_answered() {
    let mut scene = Scene::pair(Setup::default());
    let (address, ssrc) = (
        scene.person("alice").send.address,
        scene.person("alice").ssrc,
    );
    let elsewhere = scene.fresh_address();
    for sequence in 0..1_000u16 {
        for source in [address, elsewhere] {
            send_from(&mut scene, source, &rtp(ssrc, sequence, 80));
        }
        let now = scene.now;
        let sent: Vec<_> = scene.server.workers[0]
            .outbox()
            .iter()
            .map(|datagram| datagram.destination)
            .collect();
        assert_eq!(sent, [], "{now:?}");
    }
    scene.run(SECOND);
    assert!(!scene.arrivals.contains_key(&elsewhere));
    assert_unharmed(&mut scene, 1);
    assert!(
        scene
            .person("bob")
            .heard
            .iter()
            .all(|heard| heard.payload[5..].iter().all(|byte| *byte == 0xA5))
    );
    assert_eq!(scene.dropped(Drop::UnknownAddress), 1_000);
}
