//! A packet's way step by step, each step alone.

use std::hint::black_box;
use std::time::Instant;

use hocket_media::rtp::{Fields, Header, Level, Line};
use hocket_media::srtp::{Inbound, Outbound, Profile};

use super::parts::person::{FRAME, FRAME_TICKS, LEVEL_EXTENSION, OPUS, TIME_EXTENSION};
use super::{DATAGRAM, PAYLOAD, Subject};

/// Packets a round of a step that takes one packet.
const PACKETS: usize = 500;

/// The clock of Opus in RTP, Hz.
const CLOCK_RATE: u32 = 48_000;

/// All steps; those that a listener costs, for `listeners` of them in turn.
pub fn all<'a>(listeners: usize) -> Vec<Subject<'a>> {
    let mut steps = vec![
        parse(),
        rewrite(listeners),
        protect(Profile::AeadAes128Gcm, "AES-128-GCM", 1),
    ];
    for (profile, name) in [
        (Profile::AeadAes128Gcm, "AES-128-GCM"),
        (Profile::AeadAes256Gcm, "AES-256-GCM"),
        (Profile::AesCm128HmacSha1_80, "AES-CM-SHA1-80"),
    ] {
        steps.push(unprotect(profile, name));
        steps.push(protect(profile, name, listeners));
    }
    steps
}

/// The header of a packet, and the audio level in it.
fn parse<'a>() -> Subject<'a> {
    let packet = packet(1);
    Subject::new("parse header and level", 0, move |stopwatch| {
        stopwatch.time(|| (0..PACKETS).for_each(|_| read(black_box(&packet))));
        PACKETS
    })
}

fn read(packet: &[u8]) {
    let header = Header::parse(packet).unwrap();
    let level = header.extension(packet, LEVEL_EXTENSION);
    black_box((header.payload(packet), level.and_then(Level::from_bytes)));
}

/// A packet's number and time on each listener's line. The header is not written: the worker patches a prepared one, which has no way in from
/// here; it is in what the worker costs a listener beyond this and the cipher.
fn rewrite<'a>(listeners: usize) -> Subject<'a> {
    let mut lines = vec![Line::new(1, 1, CLOCK_RATE); listeners];
    let turns = (PACKETS / listeners).max(1);
    let (mut now, mut index) = (Instant::now(), 1);
    let name = format!("rewrite number and time, {listeners} lines");
    Subject::new(name, 0, move |stopwatch| {
        for _ in 0..turns {
            (now, index) = (now + FRAME, index + 1);
            let timestamp = index as u32 * FRAME_TICKS;
            stopwatch.time(|| {
                for line in &mut lines {
                    black_box(line.map(index, timestamp, now));
                }
            });
        }
        turns * listeners
    })
}

fn unprotect<'a>(profile: Profile, name: &str) -> Subject<'a> {
    let (sender, mut receiver) = (sender(profile, 0), receiver(profile));
    let mut index = 1;
    Subject::new(format!("unprotect {name}"), 0, move |stopwatch| {
        let mut sealed: Vec<Vec<u8>> = (index..)
            .take(PACKETS)
            .map(|at| seal(&sender, at))
            .collect();
        index += PACKETS as u64;
        stopwatch.time(|| {
            for packet in &mut sealed {
                black_box(receiver.unprotect_rtp(packet).unwrap());
            }
        });
        PACKETS
    })
}

/// What a listener's cipher costs, as the fan-out calls it: header and payload copied to the end of an arena, sealed there.
fn protect<'a>(profile: Profile, name: &str, listeners: usize) -> Subject<'a> {
    let senders: Vec<Outbound> = (0..listeners)
        .map(|number| sender(profile, number))
        .collect();
    let turns = (PACKETS / listeners).max(1);
    let mut arena = Vec::with_capacity(turns * listeners * DATAGRAM);
    let mut next = 1;
    let name = format!("protect {name}, {listeners} keys in turn");
    Subject::new(name, 0, move |stopwatch| {
        let packets: Vec<(u64, Vec<u8>)> =
            (next..).take(turns).map(|at| (at, packet(at))).collect();
        next += turns as u64;
        arena.clear();
        stopwatch.time(|| {
            for (index, packet) in &packets {
                let (header, payload) = packet.split_at(packet.len() - PAYLOAD);
                for sender in &senders {
                    sender
                        .protect_rtp_into(header, payload, *index, &mut arena)
                        .unwrap();
                }
            }
        });
        turns * listeners
    })
}

/// A packet in the clear: its header is four bytes shorter than a listener's, which has a mid.
fn packet(index: u64) -> Vec<u8> {
    let fields = Fields {
        marker: false,
        payload_type: OPUS,
        sequence: index as u16,
        timestamp: index as u32 * FRAME_TICKS,
        ssrc: 7_000,
    };
    let mut packet = Vec::with_capacity(DATAGRAM);
    let elements: [(u8, &[u8]); 2] = [(TIME_EXTENSION, &[1, 2, 3]), (LEVEL_EXTENSION, &[30])];
    fields.write(&elements, &mut packet).unwrap();
    packet.resize(packet.len() + PAYLOAD, 0xA5);
    packet
}

fn seal(sender: &Outbound, index: u64) -> Vec<u8> {
    let mut packet = packet(index);
    let header = packet.len() - PAYLOAD;
    sender
        .protect_rtp(header, &mut packet, (index >> 16) as u32)
        .unwrap();
    packet
}

fn sender(profile: Profile, number: usize) -> Outbound {
    let (mut key, salt) = material(profile);
    key[..8].copy_from_slice(&number.to_be_bytes());
    Outbound::new(profile, &key, &salt).unwrap()
}

fn receiver(profile: Profile) -> Inbound {
    let (mut key, salt) = material(profile);
    key[..8].copy_from_slice(&[0; 8]);
    Inbound::new(profile, &key, &salt).unwrap()
}

fn material(profile: Profile) -> (Vec<u8>, Vec<u8>) {
    (vec![7; profile.key_len()], vec![9; profile.salt_len()])
}
