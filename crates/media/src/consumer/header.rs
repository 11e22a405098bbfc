//! The RTP header that one consumer's packets begin with: everything that stays the same is written once, the rest is patched in a packet.

use crate::options::{ConsumerOptions, MID_MAX};

/// Fixed header (RFC 3550 §5.1).
const FIXED: usize = 12;
/// Profile and length of the extension block (RFC 8285 §4.1).
const BLOCK: usize = 4;
/// Elements: mid, audio level, abs-send-time, each behind its one-byte head; padded to words.
const ELEMENTS_MAX: usize = (1 + MID_MAX + 2 + 4).next_multiple_of(4);
/// The longest header that is written.
pub(crate) const HEADER_MAX: usize = FIXED + BLOCK + ELEMENTS_MAX;
/// The profile that marks one-byte elements (RFC 8285 §4.2).
const ONE_BYTE: [u8; 2] = [0xBE, 0xDE];

/// What differs from packet to packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) marker: bool,
    /// Whether the payload ends with padding (RFC 3550 §5.1).
    pub(crate) padding: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// The audio-level byte (RFC 6464 §3); `None` = left out.
    pub(crate) level: Option<u8>,
    /// abs-send-time.
    pub(crate) time: [u8; 3],
}

/// A header with gaps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template {
    bytes: [u8; HEADER_MAX],
    length: u8,
    /// Places of the level's and the time's elements in `bytes`; 0 = the receiver wants none.
    level_at: u8,
    time_at: u8,
    level_head: u8,
}

impl Template {
    /// Writes what stays the same. `options` have passed [`ConsumerOptions::check`].
    pub(crate) fn new(options: &ConsumerOptions) -> Self {
        let mut elements = Vec::with_capacity(ELEMENTS_MAX);
        let (mut level_at, mut time_at, mut level_head) = (0, 0, 0);
        if let Some(id) = options.mid_extension {
            elements.push(head(id, options.mid.len()));
            elements.extend_from_slice(options.mid.as_bytes());
        }
        if let Some(id) = options.audio_level_extension {
            level_at = place(&elements);
            level_head = head(id, 1);
            elements.extend_from_slice(&[level_head, 0]);
        }
        if let Some(id) = options.abs_send_time_extension {
            time_at = place(&elements);
            elements.extend_from_slice(&[head(id, 3), 0, 0, 0]);
        }
        elements.resize(elements.len().next_multiple_of(4), 0);
        let mut header = Vec::with_capacity(HEADER_MAX);
        header.extend_from_slice(&[
            if elements.is_empty() { 0x80 } else { 0x90 },
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ]);
        header.extend_from_slice(&options.ssrc.to_be_bytes());
        if !elements.is_empty() {
            header.extend_from_slice(&ONE_BYTE);
            header.extend_from_slice(&u16::try_from(elements.len() / 4).unwrap_or(0).to_be_bytes());
            header.extend_from_slice(&elements);
        }
        let mut bytes = [0; HEADER_MAX];
        bytes
            .iter_mut()
            .zip(&header)
            .for_each(|(slot, byte)| *slot = *byte);
        Self {
            bytes,
            length: u8::try_from(header.len()).unwrap_or(0),
            level_at,
            time_at,
            level_head,
        }
    }

    /// Fills the gaps. Two packets with the same fields have the same bytes: a retransmission must be bit for bit what was sent before,
    /// or one AES-GCM nonce would seal two texts.
    pub(crate) fn fill<'a>(&self, fields: Fields, out: &'a mut [u8; HEADER_MAX]) -> &'a [u8] {
        *out = self.bytes;
        let [first, kind, s0, s1, t0, t1, t2, t3, ..] = out;
        *first |= u8::from(fields.padding) << 5;
        *kind = u8::from(fields.marker) << 7 | fields.payload_type & 0x7F;
        [*s0, *s1] = fields.sequence.to_be_bytes();
        [*t0, *t1, *t2, *t3] = fields.timestamp.to_be_bytes();
        if self.level_at > 0 {
            // Without a level the two bytes are padding (RFC 8285 §4.1.2).
            let value = fields
                .level
                .map_or([0, 0], |level| [self.level_head, level]);
            put(out, self.level_at, value);
        }
        if self.time_at > 0 {
            put(out, self.time_at + 1, fields.time);
        }
        out.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// A one-byte element's head: id and length minus one (RFC 8285 §4.2).
fn head(id: u8, length: usize) -> u8 {
    id << 4 | u8::try_from(length.saturating_sub(1) & 0x0F).unwrap_or(0)
}

/// Where the next element will stand in the header.
fn place(elements: &[u8]) -> u8 {
    u8::try_from(FIXED + BLOCK + elements.len()).unwrap_or(0)
}

fn put<const N: usize>(out: &mut [u8], at: u8, value: [u8; N]) {
    if let Some(slot) = out
        .get_mut(usize::from(at)..)
        .and_then(<[u8]>::first_chunk_mut)
    {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::Header;

    const FIELDS: Fields = Fields {
        marker: true,
        padding: false,
        payload_type: 100,
        sequence: 0xABCD,
        timestamp: 0x0102_0304,
        level: Some(0x9E),
        time: [7, 8, 9],
    };

    fn options(mid: Option<u8>, level: Option<u8>, time: Option<u8>) -> ConsumerOptions {
        ConsumerOptions {
            ssrc: 0xDEAD_BEEF,
            mid: "0123456789abcdef".into(),
            opus_payload_type: 100,
            red_payload_type: None,
            mid_extension: mid,
            audio_level_extension: level,
            abs_send_time_extension: time,
            nack: true,
        }
    }

    #[test]
    fn every_choice_of_extensions_reads_back_as_it_was_meant() {
        for choice in 0..8u8 {
            let pick = |bit: u8, id: u8| (choice & bit != 0).then_some(id);
            let options = options(pick(1, 14), pick(2, 1), pick(4, 7));
            let mut packet = Template::new(&options)
                .fill(FIELDS, &mut [0; HEADER_MAX])
                .to_vec();
            packet.extend_from_slice(b"payload");
            let header = Header::parse(&packet).unwrap();
            assert_eq!(
                (header.marker, header.payload_type, header.sequence),
                (true, 100, 0xABCD)
            );
            assert_eq!((header.timestamp, header.ssrc), (0x0102_0304, 0xDEAD_BEEF));
            assert_eq!(
                header.extension(&packet, 14),
                pick(1, 14).map(|_| &b"0123456789abcdef"[..])
            );
            assert_eq!(
                header.extension(&packet, 1),
                pick(2, 1).map(|_| &[0x9E][..])
            );
            assert_eq!(
                header.extension(&packet, 7),
                pick(4, 7).map(|_| &[7, 8, 9][..])
            );
            assert_eq!(header.payload(&packet), b"payload");
        }
    }

    #[test]
    fn a_packet_without_a_level_has_none_and_keeps_the_others() {
        let template = Template::new(&options(Some(2), Some(1), Some(3)));
        let mut packet = template
            .fill(
                Fields {
                    level: None,
                    ..FIELDS
                },
                &mut [0; HEADER_MAX],
            )
            .to_vec();
        packet.push(1);
        let header = Header::parse(&packet).unwrap();
        let ids: Vec<u8> = header.extensions(&packet).map(|(id, _)| id).collect();
        assert_eq!(ids, [2, 3]);
    }
}
