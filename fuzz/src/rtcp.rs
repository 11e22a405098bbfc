//! An RTCP compound from a joined member, after SRTCP.

use hocket_media::rtcp::{Compound, MAX_SEQUENCES, Ntp, Packet, ReportBlock, write};

/// A compound in the clear.
pub fn run(bytes: &[u8]) {
    let Ok(compound) = Compound::parse(bytes) else {
        return;
    };
    assert!(compound.packets().count() <= 32);
    let mut again = Vec::new();
    for packet in compound.packets() {
        rewrite(&packet, &mut again);
    }
    assert!(again.is_empty() || Compound::parse(&again).is_ok() || compound.packets().count() > 16);
}

/// Writes what was read, so that the writers meet every value that a peer can make us hold.
fn rewrite(packet: &Packet<'_>, out: &mut Vec<u8>) {
    let now = Ntp(0x1234_5678_9ABC_DEF0);
    match packet {
        Packet::SenderReport(report) => {
            let blocks: Vec<ReportBlock> = report.blocks().collect();
            assert!(blocks.len() <= 31);
            write::sender_report(&report.info, &blocks, out);
        }
        Packet::ReceiverReport(report) => {
            let blocks: Vec<ReportBlock> = report.blocks().collect();
            assert!(blocks.len() <= 31);
            let _ = blocks
                .iter()
                .map(|block| (block.round_trip(now), block.fraction()))
                .count();
            write::receiver_report(report.ssrc, &blocks, out);
        }
        Packet::SourceDescription(description) => {
            let chunks: Vec<(u32, &str)> = description
                .chunks()
                .map(|chunk| (chunk.ssrc, chunk.cname.unwrap_or("")))
                .collect();
            assert!(chunks.len() <= 31);
            write::source_description(&chunks, out);
        }
        Packet::Bye(bye) => write::bye(&bye.sources().collect::<Vec<u32>>(), out),
        Packet::Nack(nack) => {
            assert!((1..=MAX_SEQUENCES).contains(&nack.sequences().count()));
            write::nack(nack.sender, nack.media, nack.sequences(), out);
        }
        _ => {}
    }
}
