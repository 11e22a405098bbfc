//! A whole worker under datagrams of its peer, of strangers, and of somebody on the path, in each state of a transport.
#![no_main]

#[path = "../../crates/media/tests/common/mod.rs"]
mod common;

use std::net::SocketAddr;
use std::time::Duration;

use arbitrary::Arbitrary;
use common::{Scene, Setup, Side, Version};
use hocket_media::stun::Role;
use libfuzzer_sys::fuzz_target;

/// With the longest waits these are 16 s: no consent expires, whatever gets lost.
const STEPS_MAX: usize = 64;

/// How far alice has come when it begins. One way takes 10 ms; what is under way then goes on.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum State {
    Unknown,
    Checked,
    ShakingHands,
    Connected,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Sender {
    Alice,
    Stranger,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Bytes(Sender, Vec<u8>),
    /// A record whose header is right, so that its fragment is read.
    Record(Sender, u8, u8, Vec<u8>),
    /// A handshake message in the clear whose two headers are right.
    Handshake(Sender, u8, u8, Vec<u8>),
    /// A check of alice with one byte changed.
    ForgedCheck(Sender, u8, u8),
    /// Her check from a new address, which is hers from then on.
    Move,
    /// The next datagram under way to the server comes changed: which byte, how, cut to what length, and whether the true one comes too.
    Tampered(u16, u8, u16, bool),
    /// What only a member can send: header and payload before SRTP, a compound before SRTCP.
    SealedRtp(Vec<u8>, Vec<u8>),
    SealedRtcp(Vec<u8>),
    Wait(u8),
}

fuzz_target!(
    init: contain_panics_of_the_library(),
    |input: (State, bool, bool, Vec<Step>)| {
        let (state, client_role, old, steps) = input;
        let (mut scene, stranger) = scene_in(state, client_role, old);
        for step in steps.into_iter().take(STEPS_MAX) {
            act(&mut scene, stranger, step);
            assert_unanswered(&mut scene, stranger);
            scene.settle();
        }
        let transport = scene.transport("alice", Side::Send);
        if state == State::Connected {
            assert_eq!(scene.close_reason(transport), None, "nobody but alice can end it");
        }
        scene.leave("alice");
        scene.run(Duration::from_secs(1));
        assert_eq!(scene.holders(), []);
    }
);

/// A worker survives a panic of the DTLS library, at that transport's cost, so it is none of its failures: libFuzzer's hook, which ends the
/// process before anyone can catch, gives way to one that ends it for every other panic.
fn contain_panics_of_the_library() {
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

/// Alice alone, so far on her way, and an address that is nobody's.
fn scene_in(state: State, client_role: bool, old: bool) -> (Scene, SocketAddr) {
    let version = if old { Version::V12 } else { Version::Both };
    let mut scene = Scene::new(Setup {
        version,
        red: false,
        ..Setup::default()
    });
    scene.enter("alice");
    for side in [Side::Send, Side::Receive] {
        scene.person("alice").client(side).dtls_is_client = !client_role;
    }
    scene.signal("alice");
    scene.run(Duration::from_millis(match state {
        State::Unknown => 0,
        State::Checked => 12,
        State::ShakingHands => 32,
        State::Connected => 2_000,
    }));
    let transport = scene.transport("alice", Side::Send);
    assert_eq!(scene.is_connected(transport), state == State::Connected);
    let stranger = scene.fresh_address();
    (scene, stranger)
}

fn act(scene: &mut Scene, stranger: SocketAddr, step: Step) {
    match step {
        Step::Bytes(from, bytes) => send(scene, stranger, from, &bytes),
        Step::Record(from, kind, epoch, fragment) => {
            send(scene, stranger, from, &record(kind, epoch, &fragment));
        }
        Step::Handshake(from, kind, number, body) => {
            let length = &(body.len() as u32).to_be_bytes()[1..];
            let message = [&[kind], length, &[0, number, 0, 0, 0], length, &body].concat();
            send(scene, stranger, from, &record(22, 0, &message));
        }
        Step::ForgedCheck(from, at, change) => {
            let mut check = scene.person("alice").send.check(Role::Controlling(7), true);
            let at = usize::from(at) % check.len();
            check[at] ^= change.max(1);
            send(scene, stranger, from, &check);
        }
        Step::Move => {
            let (address, now) = (scene.fresh_address(), scene.now);
            scene.person("alice").send.move_to(address, now);
        }
        Step::Tampered(at, change, length, both) => tamper(scene, at, change, length, both),
        Step::SealedRtp(header, payload) => seal_rtp(scene, &header, &payload),
        Step::SealedRtcp(mut packet) => {
            packet.resize(packet.len().max(8), 1);
            packet[0] = 0x80 | packet[0] & 0x3F;
            packet[1] = 192 + packet[1] % 32;
            scene.person("alice").send.send_rtcp(packet);
        }
        Step::Wait(ms) => scene.run(Duration::from_millis(u64::from(ms))),
    }
}

fn send(scene: &mut Scene, stranger: SocketAddr, from: Sender, bytes: &[u8]) {
    let source = match from {
        Sender::Alice => scene.person("alice").send.address,
        Sender::Stranger => stranger,
    };
    common::attack::send_from(scene, source, bytes);
}

/// RFC 6347 §4.1, of DTLS 1.2.
fn record(kind: u8, epoch: u8, fragment: &[u8]) -> Vec<u8> {
    let length = (fragment.len() as u16).to_be_bytes();
    let header = [kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 9];
    [&header[..], &length, fragment].concat()
}

fn tamper(scene: &mut Scene, at: u16, change: u8, length: u16, both: bool) {
    let Some(flight) = scene.network.arrived(scene.now + Duration::from_secs(1)) else {
        return;
    };
    if both || flight.to != scene.server.address {
        scene
            .network
            .send(flight.from, flight.to, flight.bytes.clone(), scene.now);
    }
    if flight.to == scene.server.address {
        let mut bytes = flight.bytes;
        let at = usize::from(at) % bytes.len();
        bytes[at] ^= change.max(1);
        bytes.truncate(usize::from(length).max(1));
        common::attack::send_from(scene, flight.from, &bytes);
    }
}

/// Any flags and any extension block, under alice's own source.
fn seal_rtp(scene: &mut Scene, noise: &[u8], payload: &[u8]) {
    let person = scene.person("alice");
    let Some((first, rest)) = noise.split_first() else {
        return;
    };
    let mut header = person.header(first & 0x7F);
    header.truncate(12);
    header[0] = 0x80 | first & 0x3F;
    header.extend_from_slice(rest);
    let index = person.index;
    person.index += 1;
    person.send.send_rtp(&header, payload, index);
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
