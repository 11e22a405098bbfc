//! Each packet's bytes, both ways, and the arithmetic of its fields.

use super::*;

#[test]
fn a_sender_report_is_laid_out_as_rfc_3550_draws_it() {
    let bytes = hex(SENDER_REPORT);
    let parsed = packets(&bytes);
    let [Packet::SenderReport(report)] = parsed[..] else {
        panic!("{parsed:?}");
    };
    assert_eq!(report.info, sender_info());
    assert!(report.blocks().eq([report_block()]));
    let again = written(|out| write::sender_report(&sender_info(), &[report_block()], out));
    assert_eq!(again, bytes);
}

#[test]
fn a_receiver_report_is_laid_out_as_rfc_3550_draws_it() {
    let bytes = hex(RECEIVER_REPORT);
    let parsed = packets(&bytes);
    let [Packet::ReceiverReport(report)] = parsed[..] else {
        panic!("{parsed:?}");
    };
    let block = ReportBlock {
        ssrc: 0x4444_4444,
        lost: 7,
        highest: 0x0001_FFFE,
        jitter: 16,
        ..ReportBlock::default()
    };
    assert_eq!(report.ssrc, 0x3333_3333);
    assert!(report.blocks().eq([block]));
    let again = written(|out| write::receiver_report(0x3333_3333, &[block], out));
    assert_eq!(again, bytes);
}

#[test]
fn a_source_description_is_read_chunk_by_chunk() {
    let bytes = hex(SOURCE_DESCRIPTION);
    let parsed = packets(&bytes);
    let [Packet::SourceDescription(description)] = parsed[..] else {
        panic!("{parsed:?}");
    };
    let chunks: Vec<_> = description
        .chunks()
        .map(|chunk| (chunk.ssrc, chunk.cname))
        .collect();
    assert_eq!(
        chunks,
        [(0x1111_1111, Some("a/b")), (0x2222_2222, Some("b"))]
    );
}

#[test]
fn a_name_is_followed_by_one_to_four_zeros() {
    for (name, bytes) in [
        ("", "81ca0002 00000009 0100 0000"),
        ("a", "81ca0002 00000009 010161 00"),
        ("ab", "81ca0003 00000009 01026162 00000000"),
        ("abc", "81ca0003 00000009 0103616263 000000"),
        ("abcd", "81ca0003 00000009 010461626364 0000"),
    ] {
        assert_eq!(
            written(|out| write::source_description(&[(9, name)], out)),
            hex(bytes),
            "{name:?}"
        );
    }
}

#[test]
fn the_first_name_counts_and_one_that_is_not_utf_8_is_none() {
    for (items, cname) in [
        ("010161 010162 0000", Some("a")),
        ("0201ff 010162 0000", Some("b")),
        ("0101ff 010162 0000", None),
        ("020161 080162 0000", None),
        ("00000000", None),
    ] {
        let items = hex(items);
        let bytes = packet(
            0x81,
            kind::SOURCE_DESCRIPTION,
            &[&[0; 4], &items[..]].concat(),
        );
        let Some(Packet::SourceDescription(description)) = packets(&bytes).first().copied() else {
            panic!("{bytes:?}");
        };
        assert_eq!(
            description.chunks().next().unwrap().cname,
            cname,
            "{items:?}"
        );
    }
}

#[test]
fn a_goodbye_names_its_sources_with_and_without_a_reason() {
    for bytes in [hex(BYE), hex("82cb0002 11111111 22222222")] {
        let parsed = packets(&bytes);
        let [Packet::Bye(bye)] = parsed[..] else {
            panic!("{parsed:?}");
        };
        assert!(bye.sources().eq([0x1111_1111, 0x2222_2222]));
    }
    assert_eq!(
        written(|out| write::bye(&[0x1111_1111, 0x2222_2222], out)),
        hex("82cb0002 11111111 22222222")
    );
}

#[test]
fn a_nack_lists_a_packet_and_those_of_its_mask() {
    let bytes = hex(NACK);
    let parsed = packets(&bytes);
    let [Packet::Nack(nack)] = parsed[..] else {
        panic!("{parsed:?}");
    };
    assert_eq!((nack.sender, nack.media), (0x3333_3333, 0x1111_1111));
    // 0x8005: 1, 3 and 16 after the first; the second item goes over the wrap of 16 bits.
    let sequences = [100, 101, 103, 116, 0xFFFF, 0];
    assert!(nack.sequences().eq(sequences));
    let again = written(|out| write::nack(0x3333_3333, 0x1111_1111, sequences.into_iter(), out));
    assert_eq!(again, bytes);
}

#[test]
fn a_nack_packs_what_one_mask_reaches() {
    for (sequences, items) in [
        (&[7_u16][..], "00070000"),
        (&[7, 8], "00070001"),
        (&[7, 23], "00078000"),
        (&[7, 24], "00070000 00180000"),
        (&[7, 7, 8, 8], "00070001"),
        (&[8, 7], "00080000 00070000"),
        (&[0xFFF8, 8], "fff88000"),
    ] {
        let bytes = written(|out| write::nack(1, 2, sequences.iter().copied(), out));
        assert_eq!(bytes[12..], hex(items), "{sequences:?}");
    }
}

#[test]
fn other_feedback_and_unknown_kinds_are_skipped() {
    let bytes = [
        packet(0x8F, kind::TRANSPORT_FEEDBACK, &[0; 12]), // transport-wide congestion control
        packet(0x81, 206, &[0; 8]),                       // a picture is lost
        packet(0x80, 207, &[]),
        packet(0x80, 0, &[1, 2, 3, 4]),
        hex(BYE),
    ]
    .concat();
    let parsed = packets(&bytes);
    let [
        Packet::Other { kind: 205 },
        Packet::Other { kind: 206 },
        Packet::Other { kind: 207 },
        Packet::Other { kind: 0 },
        Packet::Bye(_),
    ] = parsed[..]
    else {
        panic!("{parsed:?}");
    };
}

#[test]
fn extensions_behind_report_blocks_are_skipped() {
    let mut sender = hex(SENDER_REPORT);
    sender.extend([0xFF; 28]);
    sender[3] += 7;
    let mut receiver = hex(RECEIVER_REPORT);
    receiver.extend([0xFF; 4]);
    receiver[3] += 1;
    assert_eq!(walk(Compound::parse(&sender).unwrap()), 1);
    assert_eq!(walk(Compound::parse(&receiver).unwrap()), 1);
}

#[test]
fn loss_is_a_signed_24_bit_number_and_writing_clamps_it() {
    for (lost, wire, read) in [
        (0, [0, 0, 0], 0),
        (-1, [0xFF, 0xFF, 0xFF], -1),
        (0x7F_FFFF, [0x7F, 0xFF, 0xFF], 0x7F_FFFF),
        (-0x80_0000, [0x80, 0, 0], -0x80_0000),
        (i32::MAX, [0x7F, 0xFF, 0xFF], 0x7F_FFFF),
        (i32::MIN, [0x80, 0, 0], -0x80_0000),
    ] {
        let block = ReportBlock {
            lost,
            ..ReportBlock::default()
        };
        let bytes = written(|out| write::receiver_report(1, &[block], out));
        assert_eq!(bytes[13..16], wire, "{lost}");
        let Some(Packet::ReceiverReport(report)) = packets(&bytes).first().copied() else {
            panic!("{bytes:?}");
        };
        assert_eq!(report.blocks().next().unwrap().lost, read);
    }
}

#[test]
fn ntp_counts_from_1900_and_its_fraction_in_powers_of_two() {
    assert_eq!(Ntp::from_unix(Duration::ZERO), Ntp(0x83AA_7E80_0000_0000));
    assert_eq!(
        Ntp::from_unix(Duration::from_millis(1500)),
        Ntp(0x83AA_7E81_8000_0000)
    );
    assert_eq!(
        Ntp::from_unix(Duration::from_nanos(999_999_999)).0 & 0xFFFF_FFFF,
        0xFFFF_FFFB
    );
    // 7 February 2036, 06:28:16 UTC: era 1 begins.
    assert_eq!(
        Ntp::from_unix(Duration::from_secs(0x1_0000_0000 - 2_208_988_800)),
        Ntp(0)
    );
    let _ = Ntp::from_unix(Duration::MAX);
    assert_eq!(Ntp(0x1122_3344_5566_7788).middle(), 0x3344_5566);
}

#[test]
fn the_round_trip_is_that_of_rfc_3550_figure_2() {
    // Figure 2: A = 0xb710:8000, DLSR = 5.25 s, LSR = 0xb705:2000; the delay is 6.125 s.
    let arrival = Ntp(0xB710_8000 << 16);
    let block = ReportBlock {
        last_sender_report: 0xB705_2000,
        delay: 0x0005_4000,
        ..ReportBlock::default()
    };
    assert_eq!(block.round_trip(arrival), Some(Duration::from_millis(6125)));
}

#[test]
fn a_round_trip_needs_a_report_and_is_never_negative() {
    let block = ReportBlock {
        last_sender_report: 0x1_0000,
        delay: 0x8001,
        ..ReportBlock::default()
    };
    assert_eq!(
        block.round_trip(Ntp(0x1_8000 << 16)),
        Some(Duration::ZERO),
        "a hair too early"
    );
    assert_eq!(ReportBlock::default().round_trip(Ntp(u64::MAX)), None);
    let wrapped = ReportBlock {
        last_sender_report: 0xFFFF_8000,
        ..ReportBlock::default()
    };
    assert_eq!(
        wrapped.round_trip(Ntp(0x8000 << 16)),
        Some(Duration::from_secs(1))
    );
}

#[test]
fn fraction_lost_is_in_256ths() {
    assert_eq!(report_block().fraction(), 0.25);
}
