//! The RTP header: read into plain values that can be kept beside the packet, written in front of a payload (RFC 3550 §5.1).

use core::fmt;

use super::extension::{self, Elements};

/// Bytes of the header without CSRCs and extension.
pub const FIXED: usize = 12;
const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;

/// Why bytes are no RTP packet, or fields cannot become one. Each is a reason to drop the packet (T8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Shorter than the fixed header.
    TooShort,
    /// Not version 2.
    Version,
    /// The list of contributing sources runs over the end.
    Csrc,
    /// The header extension runs over the end.
    Extension,
    /// The padding bit is set, and the padding's count is zero or more than what follows the header.
    Padding,
    /// Nothing but header and padding.
    EmptyPayload,
    /// An extension element that the one-byte form cannot express: id not 1–14, or not 1–16 bytes.
    Element,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooShort => "shorter than an RTP header",
            Self::Version => "not RTP version 2",
            Self::Csrc => "the RTP sources run over the end",
            Self::Extension => "the RTP header extension runs over the end",
            Self::Padding => "impossible RTP padding",
            Self::EmptyPayload => "no RTP payload",
            Self::Element => "not a one-byte header extension element",
        })
    }
}

impl core::error::Error for Error {}

/// What an RTP header says. It borrows nothing: keep it beside its packet and hand the packet back to the methods that read bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// For audio: the first packet after silence (RFC 3551 §4.1).
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    /// The low 16 bits of the packet's index.
    pub sequence: u16,
    /// Sampling time of the first sample, in ticks of the payload's clock.
    pub timestamp: u32,
    /// Whose stream this is.
    pub ssrc: u32,
    extension: Option<Block>,
    payload_start: usize,
    payload_end: usize,
}

/// Where the header extension stands: its profile, then the bytes behind profile and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    profile: u16,
    start: usize,
    end: usize,
}

impl Header {
    /// Reads a packet in the clear.
    ///
    /// # Errors
    /// Any [`Error`] but `Element`. An empty payload is one of them: nobody could hear it.
    pub fn parse(packet: &[u8]) -> Result<Self, Error> {
        let mut header = Self::parse_protected(packet)?;
        if packet.first().is_some_and(|first| first & PADDING != 0) {
            let payload = header.payload(packet);
            let count = usize::from(*payload.last().ok_or(Error::Padding)?);
            if count == 0 || count > payload.len() {
                return Err(Error::Padding);
            }
            header.payload_end -= count;
        }
        if header.payload_start == header.payload_end {
            return Err(Error::EmptyPayload);
        }
        Ok(header)
    }

    /// Reads what SRTP leaves in the clear. The payload is everything behind the header: padding and authentication tag are still in it.
    ///
    /// # Errors
    /// [`Error::TooShort`], `Version`, `Csrc`, `Extension`.
    pub fn parse_protected(packet: &[u8]) -> Result<Self, Error> {
        let (&[first, second, q0, q1, t0, t1, t2, t3, s0, s1, s2, s3], _) =
            packet.split_first_chunk::<FIXED>().ok_or(Error::TooShort)?;
        if first >> 6 != VERSION {
            return Err(Error::Version);
        }
        let csrc_end = FIXED + usize::from(first & 0x0F) * 4;
        let behind = packet.get(csrc_end..).ok_or(Error::Csrc)?;
        let extension = match first & EXTENSION {
            0 => None,
            _ => Some(Block::parse(behind, csrc_end)?),
        };
        Ok(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([q0, q1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            extension,
            payload_start: extension.map_or(csrc_end, |block| block.end),
            payload_end: packet.len(),
        })
    }

    /// Bytes in front of the payload: fixed header, CSRCs, extension.
    #[must_use]
    pub fn header_len(&self) -> usize {
        self.payload_start
    }

    /// The payload without padding. `packet` is the one that was parsed; of another one the bytes mean nothing, but nothing panics.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet
            .get(self.payload_start..self.payload_end)
            .unwrap_or_default()
    }

    /// The header extension's elements in the order in which they stand (RFC 8285); none without an extension of a known form.
    #[must_use]
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Elements<'a> {
        match self.extension {
            None => Elements::default(),
            Some(block) => Elements::new(
                block.profile,
                packet.get(block.start..block.end).unwrap_or_default(),
            ),
        }
    }

    /// The first element of that id, without its id and length.
    #[must_use]
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        self.extensions(packet)
            .find_map(|(found, value)| (found == id).then_some(value))
    }
}

impl Block {
    fn parse(behind: &[u8], offset: usize) -> Result<Self, Error> {
        let (&[p0, p1, l0, l1], rest) = behind.split_first_chunk::<4>().ok_or(Error::Extension)?;
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        if length > rest.len() {
            return Err(Error::Extension);
        }
        Ok(Self {
            profile: u16::from_be_bytes([p0, p1]),
            start: offset + 4,
            end: offset + 4 + length,
        })
    }
}

/// What goes into a written header. CSRCs are never written: a forwarder that gives each listener its own SSRC mixes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// For audio: the first packet after silence.
    pub marker: bool,
    /// 0–127; higher bits are cut off.
    pub payload_type: u8,
    /// The low 16 bits of the packet's index.
    pub sequence: u16,
    /// Ticks of the payload's clock.
    pub timestamp: u32,
    /// The stream's source.
    pub ssrc: u32,
}

impl Fields {
    /// Appends a header with `elements` (id, value) in the one-byte form of RFC 8285 §4.2, or without extension when there are none.
    ///
    /// # Errors
    /// [`Error::Element`]: an id outside 1–14 or a value outside 1–16 bytes; `out` is then as it was.
    pub fn write(&self, elements: &[(u8, &[u8])], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let extension = if elements.is_empty() { 0 } else { EXTENSION };
        out.push(VERSION << 6 | extension);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7F);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        let written = extension::write_one_byte(elements, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}
