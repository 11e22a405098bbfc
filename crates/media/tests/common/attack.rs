//! What the tests of attacks share: whether the pair that talks meanwhile noticed.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::{Scene, Side};

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

pub fn send_from(scene: &mut Scene, source: SocketAddr, bytes: &[u8]) {
    let now = scene.now;
    scene
        .server
        .handle_datagram(source, &mut bytes.to_vec(), now);
}
