//! A datagram of RTCP packets: the walk over their headers (RFC 3550 §6.1, §6.4.1 for the header, RFC 5506 for reduced size).

use super::packet::{Bye, Nack, ReceiverReport, SenderReport, SourceDescription};
use super::{Error, FORMAT_NACK, HEADER, MAX_PACKETS, kind};

/// A datagram of whole, well-formed RTCP packets, borrowed.
///
/// Any packet may stand first: RFC 5506 allows it, and refusing what does would protect nothing behind SRTCP's authentication.
#[derive(Debug, Clone, Copy)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Reads a whole datagram, without SRTCP's index and tag. All or nothing; allocates nothing.
    ///
    /// # Errors
    /// See [`Error`]; all of them mean: drop the datagram and act on no part of it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::TooShort);
        }
        let mut rest = bytes;
        for _ in 0..MAX_PACKETS {
            let (_, after) = Packet::read(rest)?;
            if after.is_empty() {
                return Ok(Self { bytes });
            }
            rest = after;
        }
        Err(Error::TooManyPackets)
    }

    /// The packets in their order, at most 32.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'a>> + use<'a> {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let (packet, after) = Packet::read(rest).ok()?;
            rest = after;
            Some(packet)
        })
    }
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// SR: a sender's clock and counts, and what it receives.
    SenderReport(SenderReport<'a>),
    /// RR: what somebody receives.
    ReceiverReport(ReceiverReport<'a>),
    /// SDES: the names of sources.
    SourceDescription(SourceDescription<'a>),
    /// BYE: sources that end.
    Bye(Bye<'a>),
    /// A generic NACK: packets that somebody misses.
    Nack(Nack<'a>),
    /// Anything else: of the right length, otherwise unread.
    Other {
        /// The packet type.
        kind: u8,
    },
}

impl<'a> Packet<'a> {
    /// The packet at the start of `bytes`, and what stands behind it.
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let (&[first, kind, l0, l1], rest) =
            bytes.split_first_chunk::<HEADER>().ok_or(Error::TooShort)?;
        if first >> 6 != 2 {
            return Err(Error::Version);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let (body, after) = rest.split_at_checked(length).ok_or(Error::Length)?;
        let body = if first & 0x20 == 0 {
            body
        } else {
            without_padding(body)?
        };
        Ok((Self::read_body(kind, first & 0x1F, body)?, after))
    }

    fn read_body(kind: u8, count: u8, body: &'a [u8]) -> Result<Self, Error> {
        let packet = match (kind, count) {
            (kind::SENDER_REPORT, _) => Self::SenderReport(SenderReport::read(count, body)?),
            (kind::RECEIVER_REPORT, _) => Self::ReceiverReport(ReceiverReport::read(count, body)?),
            (kind::SOURCE_DESCRIPTION, _) => {
                Self::SourceDescription(SourceDescription::read(count, body)?)
            }
            (kind::BYE, _) => Self::Bye(Bye::read(count, body)?),
            (kind::TRANSPORT_FEEDBACK, FORMAT_NACK) => Self::Nack(Nack::read(body)?),
            _ => return Ok(Self::Other { kind }),
        };
        // Only feedback that is skipped here is padded by other than whole words (libwebrtc's transport-wide feedback does so).
        if body.len().is_multiple_of(4) {
            Ok(packet)
        } else {
            Err(Error::Padding)
        }
    }
}

/// A body without its padding, whose last byte counts it (RFC 3550 §6.4.1).
///
/// The RFC lets only the last packet of a compound be padded; libwebrtc pads transport-wide feedback wherever it stands, so that is no
/// error here.
fn without_padding(body: &[u8]) -> Result<&[u8], Error> {
    let padding = usize::from(*body.last().ok_or(Error::Padding)?);
    if padding == 0 {
        return Err(Error::Padding);
    }
    body.len()
        .checked_sub(padding)
        .and_then(|length| body.get(..length))
        .ok_or(Error::Padding)
}
