//! What is written is read again, whatever the amount.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

prop_compose! {
    fn any_info()(ssrc: u32, ntp: u64, rtp_timestamp: u32, packets: u32, octets: u32) -> SenderInfo {
        SenderInfo { ssrc, ntp: Ntp(ntp), rtp_timestamp, packets, octets }
    }
}

prop_compose! {
    fn any_block()(
        ssrc: u32, fraction_lost: u8, lost in -0x80_0000..0x80_0000, highest: u32, jitter: u32, last_sender_report: u32, delay: u32,
    ) -> ReportBlock {
        ReportBlock { ssrc, fraction_lost, lost, highest, jitter, last_sender_report, delay }
    }
}

/// All blocks of a compound of reports, each of which must be `ssrc`'s.
fn blocks_of(bytes: &[u8], ssrc: u32) -> Vec<ReportBlock> {
    packets(bytes)
        .into_iter()
        .flat_map(|packet| match packet {
            Packet::SenderReport(report) if report.info.ssrc == ssrc => {
                report.blocks().collect::<Vec<_>>()
            }
            Packet::ReceiverReport(report) if report.ssrc == ssrc => report.blocks().collect(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn what_a_header_cannot_count_goes_into_further_packets() {
    for (amount, expected) in [(0, 1), (31, 1), (32, 2), (62, 2), (63, 3)] {
        let blocks = vec![report_block(); amount];
        let bytes = written(|out| write::receiver_report(1, &blocks, out));
        assert_eq!(packets(&bytes).len(), expected, "{amount} blocks, RR");
        let bytes = written(|out| write::sender_report(&sender_info(), &blocks, out));
        assert_eq!(packets(&bytes).len(), expected, "{amount} blocks, SR");
    }
    let sources = [7; 32];
    assert_eq!(packets(&written(|out| write::bye(&sources, out))).len(), 2);
    let names = [(7, "a"); 32];
    let bytes = written(|out| write::source_description(&names, out));
    assert_eq!(packets(&bytes).len(), 2);
}

#[test]
fn nothing_to_say_is_no_packet() {
    let bytes = written(|out| {
        write::source_description(&[], out);
        write::bye(&[], out);
        write::nack(1, 2, core::iter::empty(), out);
    });
    assert!(bytes.is_empty());
}

#[test]
fn writers_append_and_so_make_a_compound() {
    let bytes = written(|out| {
        write::sender_report(&sender_info(), &[], out);
        write::source_description(&[(1, "name")], out);
        write::nack(1, 2, [3].into_iter(), out);
        write::bye(&[4], out);
    });
    assert_eq!(packets(&bytes).len(), 4);
}

#[test]
fn a_name_is_cut_at_255_bytes_between_characters() {
    for (name, length) in [
        ("a".repeat(255), 255),
        ("a".repeat(256), 255),
        ("ä".repeat(200), 254),
        (format!("a{}", "ä".repeat(200)), 255),
        ("🎵".repeat(100), 252),
    ] {
        let bytes = written(|out| write::source_description(&[(1, &name)], out));
        let Some(Packet::SourceDescription(description)) = packets(&bytes).first().copied() else {
            panic!("{bytes:?}");
        };
        let cname = description.chunks().next().unwrap().cname.unwrap();
        assert!(name.starts_with(cname));
        assert_eq!(cname.len(), length);
    }
}

#[test]
fn a_nack_has_255_items_at_most() {
    let scattered = (0..u16::MAX).step_by(17);
    let bytes = written(|out| write::nack(1, 2, scattered, out));
    assert_eq!(bytes.len(), 12 + 255 * 4);
    assert_eq!(walk(Compound::parse(&bytes).unwrap()), 255);
    let endless = (0..=u16::MAX).cycle();
    let bytes = written(|out| write::nack(1, 2, endless, out));
    assert_eq!(bytes.len(), 12 + 255 * 4);
}

#[test]
fn the_same_number_many_times_is_one_item() {
    let bytes = written(|out| write::nack(1, 2, core::iter::repeat_n(9, 1_000_000), out));
    assert_eq!(bytes.len(), 16);
}

proptest! {
    #[test]
    fn reports(info in any_info(), blocks in vec(any_block(), 0..70)) {
        let bytes = written(|out| write::sender_report(&info, &blocks, out));
        let first = packets(&bytes)[0];
        prop_assert!(matches!(first, Packet::SenderReport(report) if report.info == info));
        prop_assert_eq!(blocks_of(&bytes, info.ssrc), blocks.clone());
        let bytes = written(|out| write::receiver_report(info.ssrc, &blocks, out));
        prop_assert_eq!(blocks_of(&bytes, info.ssrc), blocks);
    }

    #[test]
    fn names(names in vec((any::<u32>(), "\\PC{0,60}"), 0..70)) {
        let names: Vec<(u32, &str)> = names.iter().map(|(ssrc, name)| (*ssrc, &name[..])).collect();
        let bytes = written(|out| write::source_description(&names, out));
        let mut read = Vec::new();
        if !names.is_empty() {
            for packet in packets(&bytes) {
                let Packet::SourceDescription(description) = packet else { panic!("{packet:?}") };
                read.extend(description.chunks().map(|chunk| (chunk.ssrc, chunk.cname.unwrap())));
            }
        }
        prop_assert_eq!(read, names);
    }

    #[test]
    fn goodbyes(sources in vec(any::<u32>(), 1..70)) {
        let bytes = written(|out| write::bye(&sources, out));
        let mut read = Vec::new();
        for packet in packets(&bytes) {
            let Packet::Bye(bye) = packet else { panic!("{packet:?}") };
            read.extend(bye.sources());
        }
        prop_assert_eq!(read, sources);
    }

    #[test]
    fn requests(start: u16, steps in vec(1_u16..40, 1..120), sender: u32, media: u32) {
        let sequences: Vec<u16> = steps.iter().scan(start, |at, step| { *at = at.wrapping_add(*step); Some(*at) }).collect();
        let bytes = written(|out| write::nack(sender, media, sequences.iter().copied(), out));
        let Packet::Nack(nack) = packets(&bytes)[0] else { panic!("{bytes:?}") };
        prop_assert_eq!((nack.sender, nack.media), (sender, media));
        prop_assert!(nack.sequences().eq(sequences));
    }
}
