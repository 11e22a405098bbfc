//! A whole worker under datagrams of its peers, of strangers, and of somebody on the path, in each state of a transport.
//!
//! It plays in the scene of the media core's tests, so the DTLS library is reached through the worker, in both roles and versions.

mod state;
mod step;

use std::net::SocketAddr;
use std::time::Duration;

use hocket_media::TransportId;

use crate::common::{Scene, Side};
use crate::reader::Reader;
use state::{Start, State};
use step::Step;

/// With the longest waits these are 16 s: no consent expires, whatever gets lost.
const STEPS_MAX: usize = 64;

/// Two bytes that say where it begins, then the steps.
pub fn run(bytes: &[u8]) {
    let mut input = Reader::new(bytes);
    let start = Start::read(&mut input);
    let mut scene = start.scene();
    let stranger = scene.fresh_address();
    let lasting = lasting(&mut scene, start.state);
    let mut goodbye = false;
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        let step = Step::read(&mut input);
        goodbye |= step == Step::Goodbye;
        step.act(&mut scene, stranger);
        assert_unanswered(&mut scene, stranger);
        scene.settle();
    }
    for (name, transport) in lasting {
        if name == "bob" || !goodbye {
            let reason = scene.close_reason(transport);
            assert_eq!(reason, None, "nobody but {name} can end it");
        }
    }
    for name in ["alice", "bob"] {
        if scene.people.iter().any(|person| person.name == name) {
            scene.leave(name);
        }
    }
    scene.run(Duration::from_secs(1));
    assert_eq!(scene.holders(), []);
}

/// A worker survives a panic of the DTLS library, at that transport's cost, so it is none of its failures: libFuzzer's hook, which ends the
/// process before anyone can catch, gives way to one that ends it for every other panic.
pub fn contain_panics_of_the_library() {
    std::panic::set_hook(Box::new(|panic| {
        let contained = panic
            .location()
            .is_some_and(|place| place.file().contains("/dimpl-"));
        if !contained {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}

/// Transports that are connected at the beginning, and stay so.
fn lasting(scene: &mut Scene, state: State) -> Vec<(&'static str, TransportId)> {
    if !matches!(state, State::Connected | State::Talking | State::Restarted) {
        return Vec::new();
    }
    let people: Vec<&'static str> = scene.people.iter().map(|person| person.name).collect();
    let sides = [Side::Send, Side::Receive];
    let mut transports = Vec::new();
    for name in people {
        transports.extend(sides.map(|side| (name, scene.transport(name, side))));
    }
    transports
}

/// Nothing leaves for the stranger (T10).
fn assert_unanswered(scene: &mut Scene, stranger: SocketAddr) {
    for worker in &mut scene.server.workers {
        assert!(
            worker
                .outbox()
                .iter()
                .all(|datagram| datagram.destination != stranger)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use super::state::State;

    /// That each beginning is what its name says is asserted where it is made.
    #[test]
    fn every_state_is_reached_in_both_roles_and_versions_on_one_worker_and_several() {
        for state in 0..State::ALL.len() as u8 {
            for how in 0..8 {
                run(&[state, how]);
            }
        }
    }
}
