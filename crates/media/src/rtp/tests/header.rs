//! Headers and their extensions: the malformed packets of T8, both forms of RFC 8285, what is written is read.

use proptest::prelude::*;

use crate::rtp::extension::Elements;
use crate::rtp::header::Error;
use crate::rtp::{Fields, Header};

const FIELDS: Fields = Fields {
    marker: true,
    payload_type: 111,
    sequence: 0x1234,
    timestamp: 0xDECA_FBAD,
    ssrc: 0xCAFE_BABE,
};

/// A packet of that first byte, with `behind` after the fixed header.
fn packet(first: u8, behind: &[u8]) -> Vec<u8> {
    let fixed = [
        first, 0xEF, 0x12, 0x34, 0xDE, 0xCA, 0xFB, 0xAD, 0xCA, 0xFE, 0xBA, 0xBE,
    ];
    [&fixed[..], behind].concat()
}

fn elements(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
    Elements::new(profile, block)
        .map(|(id, value)| (id, value.to_vec()))
        .collect()
}

#[test]
fn the_fixed_header_is_read() {
    let bytes = packet(0x80, b"sound");
    let header = Header::parse(&bytes).unwrap();
    let read = (
        header.marker,
        header.payload_type,
        header.sequence,
        header.timestamp,
        header.ssrc,
    );
    assert_eq!(read, (true, 111, 0x1234, 0xDECA_FBAD, 0xCAFE_BABE));
    assert_eq!(
        (header.header_len(), header.payload(&bytes)),
        (12, &b"sound"[..])
    );
    assert_eq!(header.extensions(&bytes).count(), 0);
}

#[test]
fn every_cut_of_a_header_is_refused() {
    let whole = packet(
        0x93,
        &[&[0; 12][..], &[0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0], b"x"].concat(),
    );
    assert!(Header::parse(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(Header::parse(&whole[..length]).is_err(), "length {length}");
    }
}

#[test]
fn only_version_two_is_read() {
    for first in [0x00, 0x40, 0xC0] {
        assert_eq!(Header::parse(&packet(first, b"x")), Err(Error::Version));
    }
}

#[test]
fn fifteen_sources_are_skipped_and_must_be_there() {
    let bytes = packet(0x8F, &[&[9; 60][..], b"x"].concat());
    assert_eq!(Header::parse(&bytes).unwrap().payload(&bytes), b"x");
    assert_eq!(Header::parse(&bytes[..60]), Err(Error::Csrc));
    assert_eq!(Header::parse(&packet(0x8F, b"")), Err(Error::Csrc));
}

#[test]
fn an_extension_that_runs_over_the_end_is_refused() {
    for behind in [
        &[0xBE, 0xDE][..],
        &[0xBE, 0xDE, 0, 1, 0, 0, 0],
        &[0xBE, 0xDE, 0xFF, 0xFF, 0, 0, 0, 0],
    ] {
        assert_eq!(Header::parse(&packet(0x90, behind)), Err(Error::Extension));
    }
}

#[test]
fn padding_is_cut_off_and_impossible_padding_is_refused() {
    let bytes = packet(0xA0, &[b'x', b'y', 0, 0, 3]);
    assert_eq!(Header::parse(&bytes).unwrap().payload(&bytes), b"xy");
    for behind in [&[b'x', 0][..], &[b'x', 255], &[b'x', 3], &[]] {
        assert_eq!(
            Header::parse(&packet(0xA0, behind)),
            Err(Error::Padding),
            "{behind:?}"
        );
    }
}

#[test]
fn the_padding_count_is_not_looked_for_in_the_header() {
    // The extension's last byte would be a fine count.
    let bytes = packet(0xB0, &[0xBE, 0xDE, 0, 1, 0x10, 7, 0, 1]);
    assert_eq!(Header::parse(&bytes), Err(Error::Padding));
}

#[test]
fn an_empty_payload_is_refused_and_one_byte_is_enough() {
    assert_eq!(Header::parse(&packet(0x80, b"")), Err(Error::EmptyPayload));
    assert_eq!(
        Header::parse(&packet(0xA0, &[0, 0, 3])),
        Err(Error::EmptyPayload)
    );
    let bytes = packet(0x80, b"x");
    assert_eq!(Header::parse(&bytes).unwrap().payload(&bytes), b"x");
}

#[test]
fn before_decryption_padding_and_payload_are_left_alone() {
    let bytes = packet(0xA0, &[b'x', 0]);
    let header = Header::parse_protected(&bytes).unwrap();
    assert_eq!(header.payload(&bytes), [b'x', 0]);
    assert!(Header::parse_protected(&packet(0x80, b"")).is_ok());
}

#[test]
fn one_byte_elements_are_read_between_padding() {
    let block = [0x10, 7, 0, 0, 0x32, 1, 2, 3, 0, 0xE0, 9, 0];
    assert_eq!(
        elements(0xBEDE, &block),
        [(1, vec![7]), (3, vec![1, 2, 3]), (14, vec![9])]
    );
}

#[test]
fn one_byte_elements_end_at_id_fifteen_and_at_id_zero_with_a_length() {
    assert_eq!(
        elements(0xBEDE, &[0x10, 7, 0xF0, 1, 0x20, 8]),
        [(1, vec![7])]
    );
    assert_eq!(
        elements(0xBEDE, &[0x10, 7, 0x01, 1, 1, 0x20, 8]),
        [(1, vec![7])]
    );
}

#[test]
fn two_byte_elements_are_read_whatever_the_application_bits() {
    let block = [1, 1, 7, 0, 20, 0, 255, 2, 8, 9];
    for profile in [0x1000, 0x100F] {
        assert_eq!(
            elements(profile, &block),
            [(1, vec![7]), (20, vec![]), (255, vec![8, 9])]
        );
    }
}

#[test]
fn elements_that_run_over_the_end_are_left_out() {
    assert_eq!(elements(0xBEDE, &[0x10, 7, 0x3F, 1, 2]), [(1, vec![7])]);
    assert_eq!(elements(0x1000, &[1, 1, 7, 2, 200, 1]), [(1, vec![7])]);
    assert_eq!(elements(0x1000, &[1, 1, 7, 2]), [(1, vec![7])]);
}

#[test]
fn an_extension_of_an_unknown_profile_has_no_elements() {
    assert_eq!(elements(0x2000, &[0x10, 7]), []);
    assert_eq!(elements(0x1010, &[1, 1, 7]), []);
}

#[test]
fn the_first_of_two_elements_of_one_id_counts() {
    let bytes = packet(0x90, &[0xBE, 0xDE, 0, 1, 0x10, 7, 0x10, 8, b'x']);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.extension(&bytes, 1), Some(&[7][..]));
    assert_eq!(header.extension(&bytes, 2), None);
}

#[test]
fn elements_that_the_one_byte_form_cannot_hold_are_refused_and_nothing_is_left_of_them() {
    for element in [
        (0, &[1][..]),
        (15, &[1]),
        (255, &[1]),
        (1, &[]),
        (1, &[0; 17]),
    ] {
        let mut out = b"before".to_vec();
        assert_eq!(
            FIELDS.write(&[(2, &[1]), element], &mut out),
            Err(Error::Element),
            "{element:?}"
        );
        assert_eq!(out, b"before");
    }
}

#[test]
fn a_header_without_elements_has_no_extension() {
    let mut out = Vec::new();
    FIELDS.write(&[], &mut out).unwrap();
    assert_eq!(out, packet(0x80, b""));
}

#[test]
fn bytes_of_another_packet_mean_nothing_but_do_not_panic() {
    let bytes = packet(0x90, &[0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0, b'x']);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(
        (
            header.payload(b"short"),
            header.extensions(b"short").count()
        ),
        (&[][..], 0)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(first in prop_oneof![0x80_u8..0xC0, any::<u8>()], bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [packet(first, &bytes), bytes] {
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert!(!header.payload(&bytes).is_empty());
                prop_assert!(header.header_len() + header.payload(&bytes).len() <= bytes.len());
                prop_assert!(header.extensions(&bytes).map(|(_, value)| value.len() + 1).sum::<usize>() <= header.header_len());
            }
        }
    }

    #[test]
    fn no_block_makes_the_elements_panic(profile in prop_oneof![Just(0xBEDE_u16), Just(0x1000_u16)], block in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Elements::new(profile, &block).map(|(_, value)| value.len() + 1).sum::<usize>() <= block.len());
    }

    #[test]
    fn what_is_written_is_read(
        marker in any::<bool>(), payload_type in 0_u8..128, sequence in any::<u16>(), timestamp in any::<u32>(), ssrc in any::<u32>(),
        wanted in proptest::collection::vec((1_u8..15, proptest::collection::vec(any::<u8>(), 1..=16)), 0..6),
        payload in proptest::collection::vec(any::<u8>(), 1..50),
    ) {
        let fields = Fields { marker, payload_type, sequence, timestamp, ssrc };
        let borrowed: Vec<(u8, &[u8])> = wanted.iter().map(|(id, value)| (*id, &value[..])).collect();
        let mut bytes = Vec::new();
        fields.write(&borrowed, &mut bytes).unwrap();
        let header_len = bytes.len();
        bytes.extend_from_slice(&payload);
        let header = Header::parse(&bytes).unwrap();
        prop_assert_eq!(
            (header.marker, header.payload_type, header.sequence, header.timestamp, header.ssrc),
            (marker, payload_type, sequence, timestamp, ssrc)
        );
        prop_assert_eq!((header.header_len(), header_len % 4), (header_len, 0));
        prop_assert_eq!(header.payload(&bytes), &payload[..]);
        prop_assert_eq!(header.extensions(&bytes).collect::<Vec<_>>(), borrowed);
    }
}
