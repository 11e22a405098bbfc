//! The client's roles against the real workers: ICE controlling, DTLS client, fingerprint verified, SRTP both ways.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::guests::{Guests, PATIENCE};
use common::network::Conditions;
use hocket_media::client::{Failure, Outcome};
use hocket_media::rtp::{Fields, Header};
use hocket_media::stun::{self, Message, TransactionId};
use hocket_media::{ConsumerOptions, Event, Fingerprints, ProducerOptions};

const SECOND: Duration = Duration::from_secs(1);
const SPOKEN: u32 = 77;
const HEARD: u32 = 99;

fn header(sequence: u16) -> Vec<u8> {
    let fields = Fields {
        marker: false,
        payload_type: 111,
        sequence,
        timestamp: u32::from(sequence) * 960,
        ssrc: SPOKEN,
    };
    let mut header = Vec::new();
    fields.write(&[], &mut header).unwrap();
    header
}

fn producer() -> ProducerOptions {
    ProducerOptions {
        ssrc: Some(SPOKEN),
        opus_payload_type: Some(111),
        ..ProducerOptions::default()
    }
}

fn consumer() -> ConsumerOptions {
    ConsumerOptions {
        ssrc: HEARD,
        mid: "0".into(),
        opus_payload_type: 100,
        red_payload_type: None,
        mid_extension: None,
        audio_level_extension: None,
        abs_send_time_extension: None,
        nack: false,
    }
}

/// Two guests, connected; what the first says the second hears.
fn conversation(conditions: Conditions) -> Guests {
    let mut guests = Guests::new(conditions);
    let (speaker, listener) = (guests.join(), guests.join());
    guests.run(2 * SECOND);
    let now = guests.now;
    let transports = [speaker, listener].map(|guest| guests.guests[guest].counterpart);
    let produced = guests.server.produce(transports[0], producer(), now);
    let consumed = guests
        .server
        .consume(transports[1], produced, consumer(), now);
    guests.server.pause_consumer(consumed, false, now);
    guests
}

#[test]
fn a_client_connects_within_a_few_round_trips() {
    let mut guests = Guests::new(Conditions::default());
    let guest = guests.join();
    let start = guests.now;
    guests.run(SECOND);
    assert_eq!(guests.told(guest), [Outcome::Connected]);
    // One way takes 10 ms: a check and its answer, then DTLS 1.3's two flights and the client's last.
    let took = guests.guests[guest].outcomes[0].1 - start;
    assert!(took <= Duration::from_millis(60), "{took:?}");
    let counterpart = guests.guests[guest].counterpart;
    assert!(
        guests
            .server
            .events
            .contains(&Event::TransportConnected(counterpart))
    );
}

#[test]
fn a_client_connects_although_up_to_half_of_the_datagrams_are_lost() {
    for seed in 0..5 {
        let conditions = Conditions {
            loss: 0.3 + 0.05 * f64::from(seed),
            ..Conditions::default()
        };
        let mut guests = Guests::new(conditions);
        let guest = guests.join();
        guests.run(25 * SECOND);
        assert_eq!(guests.told(guest), [Outcome::Connected]);
    }
}

#[test]
fn what_one_client_says_another_opens_byte_for_byte() {
    let mut guests = conversation(Conditions::default());
    for sequence in 0..50_u16 {
        assert!(guests.say(0, &header(sequence), &[sequence as u8; 20], sequence.into()));
        guests.run(Duration::from_millis(20));
    }
    let sealed = std::mem::take(&mut guests.guests[1].sealed);
    assert_eq!(sealed.len(), 50);
    for (count, mut packet) in sealed.into_iter().enumerate() {
        let transport = &mut guests.guests[1].transport;
        let again = &mut packet.clone();
        let opened = transport.open_rtp(&mut packet).unwrap();
        let header = Header::parse(&packet[..opened.len]).unwrap();
        assert_eq!((header.ssrc, header.payload_type), (HEARD, 100));
        assert_eq!(header.payload(&packet[..opened.len]), [count as u8; 20]);
        assert!(transport.open_rtp(again).is_none(), "a replay");
    }
}

#[test]
fn a_wrong_fingerprint_ends_the_transport_before_any_media() {
    let mut guests = Guests::new(Conditions::default());
    let (counterpart, mut remote) = guests.invite();
    let foreign = "AB:".repeat(31) + "AB";
    remote.fingerprints = Fingerprints::parse([("sha-256", foreign.as_str())]).unwrap();
    let guest = guests.join_with(counterpart, remote);
    guests.run(SECOND);
    assert_eq!(
        guests.told(guest),
        [Outcome::Failed(Failure::FingerprintMismatch)]
    );
    assert!(!guests.say(guest, &header(1), b"x", 1));
    assert_eq!(guests.guests[guest].transport.next_timeout(), None);
}

#[test]
fn a_wrong_password_is_answered_by_nobody() {
    let mut guests = Guests::new(Conditions::default());
    let (counterpart, mut remote) = guests.invite();
    remote.password = "not the one".into();
    let guest = guests.join_with(counterpart, remote);
    guests.run(PATIENCE + SECOND);
    assert_eq!(guests.told(guest), [Outcome::Failed(Failure::NoAnswer)]);
}

#[test]
fn an_answer_counts_only_with_the_right_signature_and_from_where_the_check_went() {
    let stranger = "203.0.113.9:3478".parse().unwrap();
    for (password, from, counts) in [
        ("guess", 3_478, false),
        ("the password", 3_479, false),
        ("the password", 3_478, true),
    ] {
        let mut guests = Guests::new(Conditions::default());
        let (counterpart, mut remote) = guests.invite();
        (remote.addresses, remote.password) = (vec![stranger], "the password".into());
        let guest = guests.join_with(counterpart, remote);
        guests.run(Duration::from_millis(15));
        let (client, asked, check) = guests.astray.remove(0);
        let id = Message::parse(&check).unwrap().transaction_id();
        let mut answer = Vec::new();
        stun::write_success(id, client, password.as_bytes(), &mut answer);
        let (source, now) = (SocketAddr::new(asked.ip(), from), guests.now);
        guests.network.send(source, client, answer, now);
        guests.run(SECOND);
        let nominated = guests
            .astray
            .iter()
            .filter_map(|(_, _, bytes)| Message::parse(bytes).ok())
            .any(|check| check.use_candidate());
        assert_eq!(nominated, counts, "{password} from port {from}");
        assert!(guests.told(guest).is_empty());
    }
}

#[test]
fn the_first_address_that_answers_is_taken() {
    let mut guests = Guests::new(Conditions::default());
    let (counterpart, mut remote) = guests.invite();
    remote
        .addresses
        .insert(0, "203.0.113.9:3478".parse().unwrap());
    let guest = guests.join_with(counterpart, remote);
    guests.run(SECOND);
    assert_eq!(guests.told(guest), [Outcome::Connected]);
    assert_eq!(
        guests.astray.len(),
        1,
        "the other address was asked once, in vain"
    );
}

#[test]
fn consent_is_kept_for_minutes_and_noticed_to_be_gone() {
    let mut guests = conversation(Conditions::default());
    guests.run(180 * SECOND);
    assert_eq!(guests.told(0), [Outcome::Connected]);
    assert_eq!(guests.server.events.len(), 2, "the server keeps it too");
    guests.server.address = "198.51.100.2:3478".parse().unwrap(); // the old one is heard no more
    guests.run(PATIENCE + 10 * SECOND);
    assert_eq!(
        guests.told(0),
        [Outcome::Connected, Outcome::Failed(Failure::ConsentExpired)]
    );
}

#[test]
fn a_goodbye_is_heard_on_both_sides() {
    let mut guests = conversation(Conditions::default());
    guests.close(0);
    let counterpart = guests.guests[1].counterpart;
    let now = guests.now;
    guests.server.remove_transport(counterpart, now);
    guests.run(SECOND);
    let gone = guests.guests[0].counterpart;
    assert!(guests.server.events.iter().any(|event| matches!(
        event,
        Event::TransportClosed { transport, .. } if *transport == gone
    )));
    assert_eq!(
        guests.told(1),
        [Outcome::Connected, Outcome::Failed(Failure::PeerClosed)]
    );
}

#[test]
fn a_forged_datagram_changes_nothing() {
    let mut guests = conversation(Conditions::default());
    let (server, guest) = (guests.server.address, guests.guests[1].address);
    let alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    let mut answer = Vec::new();
    stun::write_success(TransactionId([1; 12]), guest, b"guess", &mut answer);
    let now = guests.now;
    for forged in [&alert[..], &answer, &[], &[0x80; 40], &[0x80, 200, 0, 1]] {
        for from in [server, "203.0.113.9:3478".parse().unwrap()] {
            guests.network.send(from, guest, forged.to_vec(), now);
        }
    }
    guests.run(SECOND);
    assert_eq!(guests.told(1), [Outcome::Connected]);
    assert_eq!(
        guests.guests[1].sealed.len(),
        1,
        "media is only looked at from the server's address"
    );
    let mut foreign = vec![0x80; 40];
    assert!(guests.guests[1].transport.open_rtp(&mut foreign).is_none());
    assert!(guests.say(1, &header(1), b"x", 1));
}
