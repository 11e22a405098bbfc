//! What the tests of attacks share: a pair that talks meanwhile, and whether it noticed.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hocket_media::Drop;

use super::{Scene, Setup, Side};

/// Alice speaks, bob listens.
pub fn pair() -> Scene {
    let mut scene = Scene::with_people(Setup::default(), &["alice", "bob"]);
    scene.speak("alice");
    scene
}

/// The pair lost nothing in what was said since the start.
pub fn assert_unharmed(scene: &mut Scene, seconds: usize) {
    let counts = scene.counts("bob", "alice");
    let distinct: BTreeSet<u32> = counts.iter().copied().collect();
    assert_eq!(counts.len(), distinct.len(), "nothing was heard twice");
    assert!(
        counts.len() >= seconds * 50 - 2,
        "{} packets in {seconds} s",
        counts.len()
    );
    for (name, side) in [("alice", Side::Send), ("bob", Side::Receive)] {
        let transport = scene.transport(name, side);
        assert_eq!(scene.close_reason(transport), None);
    }
}

pub fn dropped(scene: &Scene, reason: Drop) -> u32 {
    scene
        .server
        .workers
        .iter()
        .map(|worker| worker.dump().dropped.get(reason))
        .sum()
}

pub fn send_from(scene: &mut Scene, source: SocketAddr, bytes: &[u8]) {
    let now = scene.now;
    scene
        .server
        .handle_datagram(source, &mut bytes.to_vec(), now);
}
