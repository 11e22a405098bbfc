//! T1: a stranger's ClientHello (CVE-2023-49786, -51443, -51275).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::SECOND;
use crate::common::attack::send_from;
use crate::common::{Client, Scene, Setup, Side, Version};
use hocket_media::{Drop, WorkerDump};

/// Twenty-four people, a new one each 50 ms.
const PEOPLE: [&str; 24] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim",
    "leo", "mia", "nina", "oscar", "peggy", "quinn", "rupert", "sybil", "trent", "uma", "victor",
    "walter", "xenia",
];

/// What a client of its own kind begins with, twice: as it comes with DTLS 1.2, and with 1.3.
fn hellos(scene: &mut Scene) -> Vec<Vec<u8>> {
    let (address, credentials) = (scene.fresh_address(), scene.fresh_credentials());
    let mut hellos = Vec::new();
    for version in [Version::V12, Version::Both] {
        let (server, now) = (scene.server.address, scene.now);
        let mut stranger = Client::new(address, server, credentials, version, 1, now);
        stranger.begin_dtls(now);
        hellos.extend(stranger.outgoing.into_iter().map(|(_, bytes)| bytes));
    }
    assert!(hellos.len() >= 2);
    hellos
}

/// All join, one after the other. Before each step a flood of hellos comes: from strangers, and from the IP of each one who is there or is
/// just coming, with another port.
fn join_all(workers: u8, flood: bool) -> (Scene, usize) {
    let mut scene = Scene::new(Setup::with_workers(workers));
    let hellos = hellos(&mut scene);
    let mut sent = 0;
    for name in PEOPLE {
        scene.enter(name);
        scene.signal(name);
        for step in 0..25u16 {
            if flood {
                let victim = scene.person(name).send.address;
                for number in 0..8u16 {
                    let port = 1_024 + step * 8 + number; // the victims' are 40,000 and more
                    for ip in [victim.ip(), [203, 0, 113, 9].into()] {
                        for hello in &hellos {
                            send_from(&mut scene, SocketAddr::new(ip, port), hello);
                            sent += 1;
                        }
                    }
                }
            }
            scene.run(SECOND / 500);
        }
    }
    scene.run(SECOND);
    (scene, sent)
}

fn without_counts(scene: &Scene) -> Vec<WorkerDump> {
    let dumps = scene.server.workers.iter().map(|worker| {
        let mut dump = worker.dump();
        dump.dropped = Default::default();
        dump
    });
    dumps.collect()
}

#[test]
fn t1_a_flood_of_client_hellos_makes_no_state_and_stops_none_of_many_joins() {
    for workers in [1, 3] {
        let (mut flooded, sent) = join_all(workers, true);
        for name in PEOPLE {
            for side in [Side::Send, Side::Receive] {
                let transport = flooded.transport(name, side);
                assert!(flooded.is_connected(transport), "{name} {side:?}");
            }
        }
        assert_eq!(flooded.dropped(Drop::UnknownAddress) as usize, sent);
        assert!(sent > 15_000, "{sent}");
        let (quiet, _) = join_all(workers, false);
        assert_eq!(without_counts(&flooded), without_counts(&quiet));
        let people: BTreeSet<SocketAddr> = flooded
            .people
            .iter()
            .flat_map(|person| [person.send.address, person.receive.address])
            .collect();
        let answered: BTreeSet<SocketAddr> = flooded.arrivals.into_keys().collect();
        assert_eq!(answered, people, "nobody else was sent a byte");
    }
}
