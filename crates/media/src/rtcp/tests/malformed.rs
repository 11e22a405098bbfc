//! T9: what is refused, with everything else that stood in the same datagram; and what no input may do.

use proptest::prelude::*;

use super::*;

/// One packet of every kind that is read.
fn whole() -> Vec<u8> {
    [
        SENDER_REPORT,
        RECEIVER_REPORT,
        SOURCE_DESCRIPTION,
        BYE,
        NACK,
    ]
    .map(hex)
    .concat()
}

#[test]
fn a_compound_of_every_kind_is_read() {
    assert_eq!(walk(Compound::parse(&whole()).unwrap()), 1 + 1 + 2 + 2 + 6);
}

#[test]
fn a_compound_cut_anywhere_but_between_packets_is_refused_whole() {
    let bytes = whole();
    let mut ends = Vec::new();
    let mut end = 0;
    while end < bytes.len() {
        end += 4 + 4 * usize::from(bytes[end + 3]);
        ends.push(end);
    }
    assert_eq!(ends.len(), 5);
    for length in 0..bytes.len() {
        let parsed = Compound::parse(&bytes[..length]);
        assert_eq!(parsed.is_ok(), ends.contains(&length), "length {length}");
    }
}

#[test]
fn bytes_behind_the_last_packet_are_refused() {
    for behind in 1..8 {
        let bytes = [whole(), vec![0; behind]].concat();
        assert!(Compound::parse(&bytes).is_err(), "{behind} bytes");
    }
}

#[test]
fn nothing_and_a_part_of_a_header_are_too_short() {
    for bytes in [&[][..], &[0x80], &[0x80, 201, 0]] {
        assert_eq!(error(bytes), Some(Error::TooShort));
    }
}

#[test]
fn every_packet_has_version_2() {
    for version in [0, 1, 3] {
        let mut bytes = [hex(RECEIVER_REPORT), hex(BYE)].concat();
        bytes[32] = bytes[32] & 0x3F | version << 6;
        assert_eq!(error(&bytes), Some(Error::Version), "version {version}");
    }
}

#[test]
fn a_packet_longer_than_the_datagram_is_refused() {
    for length in [8, 9, 0xFF, 0xFFFF_u16] {
        let mut bytes = hex(RECEIVER_REPORT);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(error(&bytes), Some(Error::Length), "length {length}");
    }
}

#[test]
fn a_count_that_the_packet_is_too_short_for_is_refused() {
    for (text, refused) in [
        (SENDER_REPORT, Error::Report),
        (RECEIVER_REPORT, Error::Report),
        (SOURCE_DESCRIPTION, Error::SourceDescription),
        ("82cb0002 11111111 22222222", Error::Bye),
    ] {
        let good = hex(text);
        for count in (good[0] & 0x1F) + 1..=31 {
            let mut bytes = good.clone();
            bytes[0] = 0x80 | count;
            assert_eq!(error(&bytes), Some(refused), "count {count} of {text}");
        }
    }
}

#[test]
fn each_kind_is_refused_at_every_length_that_does_not_hold_it() {
    for (first, kind, least, refused) in [
        (0x80, kind::SENDER_REPORT, 24, Error::Report),
        (0x81, kind::SENDER_REPORT, 48, Error::Report),
        (0x80, kind::RECEIVER_REPORT, 4, Error::Report),
        (0x81, kind::RECEIVER_REPORT, 28, Error::Report),
        (0x81, kind::SOURCE_DESCRIPTION, 8, Error::SourceDescription),
        (0x81, kind::BYE, 4, Error::Bye),
        (0x81, kind::TRANSPORT_FEEDBACK, 12, Error::Nack),
    ] {
        for length in (0..least).step_by(4) {
            let bytes = packet(first, kind, &vec![0; length]);
            assert_eq!(error(&bytes), Some(refused), "kind {kind}, {length} bytes");
        }
        let bytes = packet(first, kind, &vec![0; least]);
        assert_eq!(error(&bytes), None, "kind {kind}, {least} bytes");
    }
}

#[test]
fn items_that_run_over_the_end_are_refused() {
    for body in [
        "00000001 01ff6162",          // the text is longer than the packet
        "00000001 01026162",          // no zero ends the items
        "00000001 01006101",          // a type without a length
        "00000001 0102616202 036162", // the second item is cut short
        "00000001 00000000 00000000", // more than was counted
        "00000001 01036162 6300",     // the packet is no whole word
    ] {
        let body = hex(body);
        let mut bytes = vec![0x81, kind::SOURCE_DESCRIPTION, 0, (body.len() / 4) as u8];
        bytes.extend(body);
        assert!(Compound::parse(&bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn a_reason_longer_than_its_goodbye_is_refused() {
    // CVE-2021-43804.
    for (reason, fits) in [
        ([0, 0, 0, 0], true),
        ([3, b'b', b'y', b'e'], true),
        ([4, b'b', b'y', b'e'], false),
        ([255, b'b', b'y', b'e'], false),
    ] {
        let bytes = packet(0x81, kind::BYE, &[[0; 4], reason].concat());
        assert_eq!(Compound::parse(&bytes).is_ok(), fits, "{reason:?}");
    }
    let bytes = packet(0x80, kind::BYE, &[1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(error(&bytes), Some(Error::Bye), "more than its padding");
}

#[test]
fn padding_is_counted_by_its_last_byte() {
    let body = [&hex(RECEIVER_REPORT)[4..], &[0, 0, 0, 0, 0, 0, 0, 8]].concat();
    let mut bytes = packet(0xA1, kind::RECEIVER_REPORT, &body);
    let last = bytes.len() - 1;
    assert_eq!(error(&bytes), None);
    for (padding, refused) in [
        (0, Error::Padding),
        (1, Error::Padding), // no whole words
        (7, Error::Padding),
        (12, Error::Report), // eats the block
        (36, Error::Report), // eats everything
        (37, Error::Padding),
        (255, Error::Padding),
    ] {
        bytes[last] = padding;
        assert_eq!(error(&bytes), Some(refused), "padding of {padding}");
    }
    assert_eq!(
        error(&packet(0xA0, kind::BYE, &[])),
        Some(Error::Padding),
        "no byte to count in"
    );
}

#[test]
fn padding_in_the_middle_and_of_skipped_packets_is_accepted() {
    let feedback = packet(0xAF, kind::TRANSPORT_FEEDBACK, &[0, 0, 0, 0, 0, 0, 0, 1]);
    let bytes = [hex(RECEIVER_REPORT), feedback.clone(), hex(BYE)].concat();
    assert_eq!(packets(&bytes).len(), 3);
    let mut broken = feedback;
    broken[11] = 9;
    assert_eq!(error(&broken), Some(Error::Padding));
}

#[test]
fn padding_does_not_hide_items_or_requests() {
    // The NACK's only item is the padding; so is the zero that ends the chunk.
    let nack = packet(
        0xA1,
        kind::TRANSPORT_FEEDBACK,
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4],
    );
    assert_eq!(error(&nack), Some(Error::Nack));
    let chunk = packet(0xA1, kind::SOURCE_DESCRIPTION, &[0, 0, 0, 0, 0, 0, 0, 4]);
    assert_eq!(error(&chunk), Some(Error::SourceDescription));
}

#[test]
fn a_datagram_full_of_packets_is_refused() {
    let empty = packet(0x80, kind::BYE, &[]);
    let some = Compound::parse(&empty.repeat(MAX_PACKETS)).map(|all| all.packets().count());
    assert_eq!(some, Ok(MAX_PACKETS));
    assert_eq!(
        error(&empty.repeat(MAX_PACKETS + 1)),
        Some(Error::TooManyPackets)
    );
    assert_eq!(error(&empty.repeat(16_000)), Some(Error::TooManyPackets));
}

#[test]
fn a_nack_full_of_requests_is_read_up_to_the_bound() {
    let mut body = vec![0; 8];
    body.extend([0x12, 0x34, 0xFF, 0xFF].repeat(16_000));
    let bytes = packet(0x81, kind::TRANSPORT_FEEDBACK, &body);
    let Some(Packet::Nack(nack)) = packets(&bytes).first().copied() else {
        panic!("no NACK");
    };
    assert_eq!(nack.sequences().count(), MAX_SEQUENCES);
}

#[test]
fn a_storm_of_nacks_in_one_datagram_is_bounded_by_its_size() {
    let nack = packet(
        0x81,
        kind::TRANSPORT_FEEDBACK,
        &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xFF, 0xFF],
    );
    assert_eq!(walk(Compound::parse(&nack.repeat(32)).unwrap()), 32 * 17);
    assert_eq!(error(&nack.repeat(33)), Some(Error::TooManyPackets));
}

/// Packets with true lengths and false everything else.
fn nearly_right() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![8 => 200_u8..=206, 1 => any::<u8>()];
    let first = prop_oneof![4 => 0x80_u8..0x84, 2 => 0x80_u8..0xC0, 1 => any::<u8>()];
    let byte = prop_oneof![2 => 0_u8..6, 1 => any::<u8>()];
    let body = proptest::collection::vec(byte, 0..60);
    proptest::collection::vec((first, kind, body), 0..6).prop_map(|parts| {
        let packets = parts.into_iter().map(|(first, kind, mut body)| {
            body.resize(body.len().next_multiple_of(4), 4);
            packet(first, kind, &body)
        });
        packets.collect::<Vec<_>>().concat()
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = Compound::parse(&bytes).map(walk);
    }

    #[test]
    fn no_packets_make_the_parser_panic_and_no_walk_outgrows_the_datagram(bytes in nearly_right(), cut in any::<prop::sample::Index>()) {
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len() + 1)]] {
            if let Ok(compound) = Compound::parse(bytes) {
                prop_assert!(walk(compound) <= bytes.len() / 4 * 17);
            }
        }
    }

    #[test]
    fn no_flipped_byte_makes_the_parser_panic(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = whole();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = Compound::parse(&bytes).map(walk);
    }

    #[test]
    fn what_is_accepted_is_walked_to_its_end(bytes in nearly_right()) {
        if let Ok(compound) = Compound::parse(&bytes) {
            let mut rest = &bytes[..];
            for packet in compound.packets() {
                let count = usize::from(rest[0] & 0x1F);
                match packet {
                    Packet::SenderReport(report) => prop_assert_eq!(report.blocks().count(), count),
                    Packet::ReceiverReport(report) => prop_assert_eq!(report.blocks().count(), count),
                    Packet::SourceDescription(description) => prop_assert_eq!(description.chunks().count(), count),
                    Packet::Bye(bye) => prop_assert_eq!(bye.sources().count(), count),
                    Packet::Nack(_) | Packet::Other { .. } => {}
                }
                rest = &rest[4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]))..];
            }
            prop_assert!(rest.is_empty());
        }
    }
}
