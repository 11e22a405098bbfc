//! One thing that happens: a datagram of a peer, of a stranger or of somebody on the path, or a peer's move.

use std::net::SocketAddr;
use std::time::Duration;

use hocket_media::rtcp::write;
use hocket_media::stun::Role;

use crate::common::attack::send_from;
use crate::common::person::{OPUS, RED};
use crate::common::{Scene, Side};
use crate::reader::Reader;

/// From whose address a datagram comes.
#[derive(Clone, Copy, PartialEq)]
pub enum Sender {
    Alice(Side),
    Stranger,
}

/// See the module's documentation. Numbers are as they stand in the input, and are cut to what makes sense when a step is done.
#[derive(PartialEq)]
pub enum Step<'a> {
    Bytes(Sender, &'a [u8]),
    /// A record whose header is right, so that its fragment is read: kind, epoch.
    Record(Sender, u8, u8, &'a [u8]),
    /// A handshake message in the clear whose two headers are right: kind, number.
    Handshake(Sender, u8, u8, &'a [u8]),
    /// A check of alice with one byte changed.
    ForgedCheck(Sender, u8, u8),
    /// A check that she signs: its role, its tie breaker, and whether it nominates.
    Check(Side, u8),
    /// Her check from a new address, which is hers from then on.
    Move(Side),
    /// The next datagram under way to the server comes changed: which byte, how, cut to what length, and whether the true one comes too.
    Tampered(u16, u8, u16, bool),
    /// What only a member can send: the first two bytes, a leap of the index, the rest of the header, and the payload, before SRTP.
    SealedRtp([u8; 2], u16, &'a [u8], &'a [u8]),
    /// The same with a source that nobody announced.
    SealedForeignRtp(u8, &'a [u8], &'a [u8]),
    /// A compound before SRTCP.
    SealedRtcp(Side, &'a [u8]),
    /// A request for packets near the last one, with a mask.
    Nack(u8, u8),
    /// A packet of alice that has been sent before.
    Replay(Side, Sender, u8),
    /// So many packets of ordinary speech at once, as RED or not.
    Frames(u8),
    /// Control mutes her or lets her speak.
    Mute(bool),
    Goodbye,
    Wait(u8),
}

impl<'a> Step<'a> {
    pub fn read(input: &mut Reader<'a>) -> Self {
        let kind = input.byte();
        let side = if kind & 0x10 != 0 {
            Side::Receive
        } else {
            Side::Send
        };
        let sender = if kind & 0x20 != 0 {
            Sender::Stranger
        } else {
            Sender::Alice(side)
        };
        match kind & 0x0F {
            0 => Self::Bytes(sender, input.payload()),
            1 => Self::Record(sender, input.byte(), input.byte(), input.payload()),
            2 => Self::Handshake(sender, input.byte(), input.byte(), input.payload()),
            3 => Self::ForgedCheck(sender, input.byte(), input.byte()),
            4 => Self::Check(side, input.byte()),
            5 => Self::Move(side),
            6 => Self::Tampered(input.u16(), input.byte(), input.u16(), kind & 0x20 != 0),
            7 => Self::SealedRtp(
                [input.byte(), input.byte()],
                input.u16(),
                input.payload(),
                input.payload(),
            ),
            8 => Self::SealedForeignRtp(input.byte(), input.payload(), input.payload()),
            9 => Self::SealedRtcp(side, input.payload()),
            10 => Self::Nack(input.byte(), input.byte()),
            11 => Self::Replay(side, sender, input.byte()),
            12 => Self::Frames(input.byte()),
            13 => Self::Mute(kind & 0x20 != 0),
            14 => Self::Goodbye,
            _ => Self::Wait(input.byte()),
        }
    }

    pub fn act(&self, scene: &mut Scene, stranger: SocketAddr) {
        let address = |scene: &mut Scene, sender: Sender| match sender {
            Sender::Alice(side) => scene.person("alice").client(side).address,
            Sender::Stranger => stranger,
        };
        match *self {
            Self::Bytes(from, bytes) => send(scene, address, from, bytes),
            Self::Record(from, kind, epoch, fragment) => {
                send(scene, address, from, &record(kind, epoch, fragment));
            }
            Self::Handshake(from, kind, number, body) => {
                let length = &(body.len() as u32).to_be_bytes()[1..];
                let message = [&[kind], length, &[0, number, 0, 0, 0], length, body].concat();
                send(scene, address, from, &record(22, 0, &message));
            }
            Self::ForgedCheck(from, at, change) => {
                let side = match from {
                    Sender::Alice(side) => side,
                    Sender::Stranger => Side::Send,
                };
                let client = scene.person("alice").client(side);
                let mut check = client.check(Role::Controlling(7), true);
                let at = usize::from(at) % check.len();
                check[at] ^= change.max(1);
                send(scene, address, from, &check);
            }
            Self::Check(side, how) => check(scene, side, how),
            Self::Move(side) => {
                let (address, now) = (scene.fresh_address(), scene.now);
                scene.person("alice").client(side).move_to(address, now);
            }
            Self::Tampered(at, change, length, both) => tamper(scene, at, change, length, both),
            Self::SealedRtp(first, leap, rest, payload) => {
                let ssrc = scene.person("alice").ssrc;
                scene.person("alice").index += u64::from(leap);
                seal_rtp(scene, first, ssrc, rest, payload);
            }
            Self::SealedForeignRtp(ssrc, rest, payload) => {
                seal_rtp(scene, [0x10, OPUS], u32::from(ssrc), rest, payload);
            }
            Self::SealedRtcp(side, bytes) => seal_rtcp(scene, side, bytes),
            Self::Nack(behind, mask) => nack(scene, behind, mask),
            Self::Replay(side, from, which) => {
                let recorded = &scene.person("alice").client(side).recorded;
                if !recorded.is_empty() {
                    let packet = recorded[usize::from(which) % recorded.len()].clone();
                    send(scene, address, from, &packet);
                }
            }
            Self::Frames(count) => {
                let person = scene.person("alice");
                person.wraps_in_red = count & 0x80 != 0;
                (0..count % 8).for_each(|_| person.send_frame());
            }
            Self::Mute(muted) => {
                if scene.person("alice").producer.is_some() {
                    scene.mute("alice", muted);
                }
            }
            Self::Goodbye => {
                let now = scene.now;
                scene.person("alice").send.say_goodbye(now);
            }
            Self::Wait(ms) => scene.run(Duration::from_millis(u64::from(ms))),
        }
    }
}

fn send(
    scene: &mut Scene,
    address: impl Fn(&mut Scene, Sender) -> SocketAddr,
    from: Sender,
    bytes: &[u8],
) {
    let source = address(scene, from);
    send_from(scene, source, bytes);
}

/// RFC 6347 §4.1, of DTLS 1.2.
fn record(kind: u8, epoch: u8, fragment: &[u8]) -> Vec<u8> {
    let length = (fragment.len() as u16).to_be_bytes();
    let header = [kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 9];
    [&header[..], &length, fragment].concat()
}

fn check(scene: &mut Scene, side: Side, how: u8) {
    let tie = u64::from(how >> 2);
    let role = if how & 1 != 0 {
        Role::Controlled(tie)
    } else {
        Role::Controlling(tie)
    };
    let client = scene.person("alice").client(side);
    let (address, check) = (client.address, client.check(role, how & 2 != 0));
    send_from(scene, address, &check);
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
        send_from(scene, flight.from, &bytes);
    }
}

/// Any flags, any payload type but easily one that is known, and any extension block.
fn seal_rtp(scene: &mut Scene, [flags, kind]: [u8; 2], ssrc: u32, rest: &[u8], payload: &[u8]) {
    let payload_type = match kind & 0x7F {
        0..=31 => OPUS,
        32..=63 => RED,
        other => other,
    };
    let person = scene.person("alice");
    let mut header = person.header(payload_type);
    header.truncate(12);
    header[0] = 0x80 | flags & 0x3F;
    header[1] |= kind & 0x80;
    header[8..].copy_from_slice(&ssrc.to_be_bytes());
    header.extend_from_slice(rest);
    let index = person.index;
    person.index += 1;
    person.send.send_rtp(&header, payload, index);
}

fn seal_rtcp(scene: &mut Scene, side: Side, bytes: &[u8]) {
    let mut packet = bytes.to_vec();
    packet.resize(packet.len().max(8), 1);
    packet[0] = 0x80 | packet[0] & 0x3F;
    packet[1] = 192 + packet[1] % 32;
    scene.person("alice").client(side).send_rtcp(packet);
}

/// Alice asks for what she has heard of bob, or would hear.
fn nack(scene: &mut Scene, behind: u8, mask: u8) {
    let heard = scene.person("alice").heard.last();
    let (media, newest) = heard.map_or((1_002, 0), |heard| (heard.ssrc, heard.sequence));
    let first = newest.wrapping_sub(u16::from(behind));
    let sequences = (0..8)
        .filter(|bit| mask >> bit & 1 != 0)
        .map(|bit| first.wrapping_add(bit));
    let mut packet = Vec::new();
    write::nack(1, media, sequences, &mut packet);
    if !packet.is_empty() {
        scene.person("alice").receive.send_rtcp(packet);
    }
}
