//! How a datagram is sorted (RFC 7983), and what is read of one of class DTLS before the library gets it.

use hocket_media::demux::{Class, classify};
use hocket_media::dtls::record::{HEADER, has_plaintext_alert, is_client_hello, records};

/// A datagram.
pub fn run(bytes: &[u8]) {
    let class = classify(bytes);
    assert_eq!(class, expected(bytes));
    if class == Class::Dtls {
        read(bytes);
    }
}

/// RFC 7983 §7, RFC 5761 §4.
fn expected(bytes: &[u8]) -> Class {
    match (bytes.first(), bytes.get(1)) {
        (Some(0..=3), _) => Class::Stun,
        (Some(20..=63), _) => Class::Dtls,
        (Some(64..=79), _) => Class::TurnChannel,
        (Some(128..=191), Some(192..=223)) => Class::Rtcp,
        (Some(128..=191), Some(_)) => Class::Rtp,
        _ => Class::Unknown,
    }
}

fn read(bytes: &[u8]) {
    let mut at = 0;
    let (mut hello, mut alert) = (false, false);
    for record in records(bytes) {
        assert!((20..=26).contains(&record.kind));
        let fragment = &bytes[at + HEADER..][..record.fragment.len()];
        assert_eq!(
            record.fragment, fragment,
            "records follow each other without a gap"
        );
        hello |= at == 0 && (record.kind, record.epoch, fragment.first()) == (22, 0, Some(&1));
        alert |= (record.kind, record.epoch) == (21, 0);
        at += HEADER + fragment.len();
    }
    assert_eq!(
        (is_client_hello(bytes), has_plaintext_alert(bytes)),
        (hello, alert)
    );
    // Cut off by one byte, the last record is none, and the others stay what they were.
    if let Some(cut) = bytes[..at].split_last().map(|(_, cut)| cut) {
        assert_eq!(records(cut).count() + 1, records(bytes).count());
    }
}
