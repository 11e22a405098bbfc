//! An RTP packet from a joined member, after SRTP.

use hocket_media::rtp::{Header, Level, header, red};

/// A packet in the clear.
pub fn run(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else {
        return;
    };
    let payload = header.payload(bytes);
    assert!(!payload.is_empty());
    assert!(
        header.header_len() >= header::FIXED && header.header_len() + payload.len() <= bytes.len()
    );
    let elements: usize = header
        .extensions(bytes)
        .map(|(_, value)| value.len() + 1)
        .sum();
    assert!(elements <= header.header_len() - header::FIXED);
    for (id, value) in header.extensions(bytes) {
        assert!(header.extension(bytes, id).is_some());
        assert!(Level::from_bytes(value).is_none_or(|level| value == [level.to_byte()]));
    }
    if let Ok(primary) = red::primary(payload) {
        assert!(
            payload.ends_with(primary.data)
                && !primary.data.is_empty()
                && primary.payload_type < 128
        );
    }
}
