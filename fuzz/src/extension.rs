//! RTP header extensions: a member's, read in either form; ours, written and read again (RFC 8285).

use hocket_media::rtp::extension::Elements;
use hocket_media::rtp::{Fields, Header, header};

use crate::reader::Reader;

const PROFILES: [u16; 4] = [0xBEDE, 0x1000, 0x100F, 0xABAC];

/// First a block of any profile, then elements for the writer.
pub fn run(bytes: &[u8]) {
    let mut input = Reader::new(bytes);
    let profile = match input.byte() {
        choice @ 0..=127 => PROFILES[usize::from(choice) % PROFILES.len()],
        _ => input.u16(),
    };
    let block = input.payload();
    read(profile, block);
    let mut elements = Vec::new();
    while !input.is_empty() && elements.len() < 20 {
        elements.push((input.byte(), input.payload()));
    }
    write(&elements);
}

/// Elements lie in the block one behind the other, and the walk finds the same ones within a packet.
fn read(profile: u16, block: &[u8]) {
    let known = profile == 0xBEDE || profile >> 4 == 0x100;
    let mut from = block.as_ptr().addr();
    for (id, value) in Elements::new(profile, block) {
        assert!(known, "of an unknown profile nothing is read");
        assert!(profile != 0xBEDE || ((1..15).contains(&id) && (1..=16).contains(&value.len())));
        assert!(value.is_empty() || value.as_ptr().addr() > from);
        from = from.max(value.as_ptr_range().end.addr());
        assert!(from <= block.as_ptr_range().end.addr());
    }
    let words = block.len() / 4;
    let mut packet = vec![0x90, 111];
    packet.resize(header::FIXED, 7);
    packet.extend_from_slice(&profile.to_be_bytes());
    packet.extend_from_slice(&(words as u16).to_be_bytes());
    packet.extend_from_slice(&block[..words * 4]);
    packet.push(0xF8);
    let header = Header::parse(&packet).expect("the block lies within the packet");
    assert_eq!(header.payload(&packet), [0xF8]);
    assert!(
        header
            .extensions(&packet)
            .eq(Elements::new(profile, &block[..words * 4]))
    );
}

/// What can be written is read as it was written; what cannot be leaves nothing behind.
fn write(elements: &[(u8, &[u8])]) {
    let fields = Fields {
        marker: false,
        payload_type: 111,
        sequence: 1,
        timestamp: 2,
        ssrc: 3,
    };
    let mut packet = b"before".to_vec();
    let fits = elements
        .iter()
        .all(|(id, value)| (1..15).contains(id) && (1..=16).contains(&value.len()));
    assert_eq!(fields.write(elements, &mut packet).is_ok(), fits);
    if !fits {
        assert_eq!(packet, b"before");
        return;
    }
    packet.push(0xF8);
    let packet = &packet[b"before".len()..];
    let header = Header::parse(packet).expect("we read what we write");
    assert!(header.extensions(packet).eq(elements.iter().copied()));
}
