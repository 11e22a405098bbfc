//! Writers: each appends whole packets to `out`, which the caller clears and hands to SRTCP.
//!
//! A packet counts to 31; what is more goes into further packets of the same datagram (RFC 3550 §6.1), so no call drops a report, a name or
//! a goodbye. Keeping the datagram below the MTU is the caller's part: 40 report blocks are 1 kB.

use super::{FORMAT_NACK, HEADER, ITEM_CNAME, MAX_COUNT, ReportBlock, SenderInfo, kind};

/// Items of one NACK at most, each of which asks for 1–17 packets: 1032 bytes, so that it fits into any datagram.
const MAX_NACK_ITEMS: usize = 255;
/// What an SDES item's length byte can say.
const MAX_CNAME: usize = 255;

/// SR with up to 31 blocks, the others in RRs behind it (RFC 3550 §6.4.1).
pub fn sender_report(info: &SenderInfo, blocks: &[ReportBlock], out: &mut Vec<u8>) {
    let (first, rest) = blocks.split_at(blocks.len().min(MAX_COUNT));
    packet(kind::SENDER_REPORT, count(first), out, |out| {
        info.write(out);
        write_blocks(first, out);
    });
    if !rest.is_empty() {
        receiver_report(info.ssrc, rest, out);
    }
}

/// RRs of up to 31 blocks each; one empty one when there are no blocks (RFC 3550 §6.4.2).
pub fn receiver_report(ssrc: u32, blocks: &[ReportBlock], out: &mut Vec<u8>) {
    let (first, mut rest) = blocks.split_at(blocks.len().min(MAX_COUNT));
    one_receiver_report(ssrc, first, out);
    while !rest.is_empty() {
        let (next, after) = rest.split_at(rest.len().min(MAX_COUNT));
        one_receiver_report(ssrc, next, out);
        rest = after;
    }
}

fn one_receiver_report(ssrc: u32, blocks: &[ReportBlock], out: &mut Vec<u8>) {
    packet(kind::RECEIVER_REPORT, count(blocks), out, |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        write_blocks(blocks, out);
    });
}

fn write_blocks(blocks: &[ReportBlock], out: &mut Vec<u8>) {
    for block in blocks {
        block.write(out);
    }
}

/// SDES with the CNAME of each source (RFC 3550 §6.5.1). A name is cut at 255 bytes, between characters. Nothing for no sources.
pub fn source_description(sources: &[(u32, &str)], out: &mut Vec<u8>) {
    for chunks in sources.chunks(MAX_COUNT) {
        packet(kind::SOURCE_DESCRIPTION, count(chunks), out, |out| {
            for (ssrc, cname) in chunks {
                write_chunk(*ssrc, cname, out);
            }
        });
    }
}

/// SSRC, the item, and one to four zeros that end the items and fill the word.
fn write_chunk(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    let mut end = cname.len().min(MAX_CNAME);
    while !cname.is_char_boundary(end) {
        end -= 1;
    }
    let text = cname.as_bytes().get(..end).unwrap_or_default();
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[ITEM_CNAME, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
    out.extend_from_slice(text);
    let used = 2 + text.len();
    let zeros = [0; 4];
    out.extend_from_slice(zeros.get(used % 4..).unwrap_or_default());
}

/// BYE of each source, without a reason (RFC 3550 §6.6). Nothing for no sources.
pub fn bye(sources: &[u32], out: &mut Vec<u8>) {
    for sources in sources.chunks(MAX_COUNT) {
        packet(kind::BYE, count(sources), out, |out| {
            for ssrc in sources {
                out.extend_from_slice(&ssrc.to_be_bytes());
            }
        });
    }
}

/// A generic NACK in which `sender` asks for packets of `media` (RFC 4585 §6.2.1). Nothing for no sequences.
///
/// In any order, but rising ones pack best: one item holds a packet and which of the 16 after it. What does not fit into 255 items is left
/// out; it stays missing and is asked for again.
pub fn nack(sender: u32, media: u32, sequences: impl Iterator<Item = u16>, out: &mut Vec<u8>) {
    let mut items = pack(sequences).take(MAX_NACK_ITEMS).peekable();
    if items.peek().is_none() {
        return;
    }
    packet(kind::TRANSPORT_FEEDBACK, FORMAT_NACK, out, |out| {
        out.extend_from_slice(&sender.to_be_bytes());
        out.extend_from_slice(&media.to_be_bytes());
        for (first, mask) in items {
            out.extend_from_slice(&first.to_be_bytes());
            out.extend_from_slice(&mask.to_be_bytes());
        }
    });
}

/// Sequence numbers as pairs of the first and a mask of those 1–16 after it, the nearest in the lowest bit.
fn pack(sequences: impl Iterator<Item = u16>) -> impl Iterator<Item = (u16, u16)> {
    let mut sequences = sequences.peekable();
    core::iter::from_fn(move || {
        let first = sequences.next()?;
        let mut mask = 0;
        while let Some(next) = sequences.next_if(|next| matches!(next.wrapping_sub(first), 0..=16))
        {
            // The first itself, asked for twice, needs no bit.
            if let Some(bit) = next.wrapping_sub(first).checked_sub(1) {
                mask |= 1 << bit;
            }
        }
        Some((first, mask))
    })
}

/// Slices come here in chunks of at most [`MAX_COUNT`].
fn count<T>(parts: &[T]) -> u8 {
    u8::try_from(parts.len().min(MAX_COUNT)).unwrap_or_default()
}

/// One packet: header, then what `body` appends (whole words), then the header's length, in words without the header's own.
fn packet(kind: u8, count: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count, kind, 0, 0]);
    body(out);
    let words = (out.len() - start - HEADER) / 4;
    // The largest packet, SDES with 31 names of 255 bytes, has 2108 words: the length always fits.
    let length = u16::try_from(words).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start + 2..start + HEADER) {
        field.copy_from_slice(&length);
    }
}
