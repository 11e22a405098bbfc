//! Layouts byte by byte as the RFCs draw them, what is refused (T9), and that what is written is read again.

mod layout;
mod malformed;
mod round_trip;

use core::time::Duration;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

/// A packet with a true length; `first` is version, padding bit and count.
fn packet(first: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len().is_multiple_of(4));
    let words = u16::try_from(body.len() / 4).unwrap().to_be_bytes();
    [&[first, kind, words[0], words[1]], body].concat()
}

fn packets(bytes: &[u8]) -> Vec<Packet<'_>> {
    Compound::parse(bytes).unwrap().packets().collect()
}

fn error(bytes: &[u8]) -> Option<Error> {
    Compound::parse(bytes).err()
}

/// Walks everything that a compound offers, as a worker would, and counts it.
fn walk(compound: Compound<'_>) -> usize {
    compound
        .packets()
        .map(|packet| match packet {
            Packet::SenderReport(report) => report.blocks().count(),
            Packet::ReceiverReport(report) => report.blocks().count(),
            Packet::SourceDescription(description) => description.chunks().count(),
            Packet::Bye(bye) => bye.sources().count(),
            Packet::Nack(nack) => nack.sequences().count(),
            Packet::Other { .. } => 1,
        })
        .sum()
}

/// RFC 3550 §6.4.1 with one block, all fields different.
const SENDER_REPORT: &str = "81c8000c 11111111 83aa7e8080000000 00000102 00000003 00000400
    22222222 40fffffe 00010005 00000006 70007000 00008000";
/// RFC 3550 §6.4.2.
const RECEIVER_REPORT: &str =
    "81c90007 33333333 44444444 00000007 0001fffe 00000010 00000000 00000000";
/// RFC 3550 §6.5, two chunks: the first with an item that is no CNAME, and padded by a whole word.
const SOURCE_DESCRIPTION: &str = "82ca0007 11111111 0205416c696365 0103612f62 00000000
    22222222 010162 00";
/// RFC 3550 §6.6 with a reason.
const BYE: &str = "82cb0004 11111111 22222222 0462796521 000000";
/// RFC 4585 §6.2.1.
const NACK: &str = "81cd0004 33333333 11111111 00648005 ffff0001";

fn sender_info() -> SenderInfo {
    SenderInfo {
        ssrc: 0x1111_1111,
        ntp: Ntp(0x83AA_7E80_8000_0000),
        rtp_timestamp: 0x0102,
        packets: 3,
        octets: 0x400,
    }
}

fn report_block() -> ReportBlock {
    ReportBlock {
        ssrc: 0x2222_2222,
        fraction_lost: 64,
        lost: -2,
        highest: 0x0001_0005,
        jitter: 6,
        last_sender_report: 0x7000_7000,
        delay: 0x8000,
    }
}
