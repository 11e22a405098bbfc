//! RTCP as voice needs it: compounds read without copying, reports and requests written into a caller's buffer
//! (RFC 3550 §6, RFC 4585 §6.2.1, RFC 5506).
//!
//! Give [`Compound::parse`] what SRTCP has authenticated and decrypted. It accepts a datagram whole or not at all (T9): every length,
//! count and padding in it has been checked before the first packet is acted on, so the iterators that follow cannot fail. Both passes cost
//! O(length) and allocate nothing.
//!
//! [`mod@write`] appends; several calls with one buffer make a compound. RFC 3550 §6.1 wants a report first, then SDES, then the rest; only
//! where reduced size was negotiated (RFC 5506) may a NACK go alone.

mod compound;
mod ntp;
mod packet;
mod report;
pub mod write;

#[cfg(test)]
mod tests;

pub use compound::{Compound, Packet};
pub use ntp::Ntp;
pub use packet::{Bye, Chunk, Nack, ReceiverReport, SenderReport, SourceDescription};
pub use report::{ReportBlock, SenderInfo};

use core::fmt;

/// Sequence numbers that are read from one NACK at most: ten seconds of 20-ms packets, longer than any history that could answer.
pub const MAX_SEQUENCES: usize = 512;

/// Packets that are read from one datagram at most. Honest compounds have two to five.
const MAX_PACKETS: usize = 32;
/// The count of a header has five bits, so a packet has at most this many report blocks, chunks or sources.
const MAX_COUNT: usize = 31;
/// Bytes of the header that every packet begins with.
const HEADER: usize = 4;

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1).
mod kind {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const SOURCE_DESCRIPTION: u8 = 202;
    pub const BYE: u8 = 203;
    pub const TRANSPORT_FEEDBACK: u8 = 205;
}

/// The format of transport feedback that is a generic NACK (RFC 4585 §6.2.1).
const FORMAT_NACK: u8 = 1;
/// The SDES item that names the participant behind a source (RFC 3550 §6.5.1).
const ITEM_CNAME: u8 = 1;

/// Why a datagram is no RTCP. Each is a reason to drop it whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Empty, or a header is cut short.
    TooShort,
    /// A packet is not of version 2.
    Version,
    /// A packet is said to be longer than what is left of the datagram.
    Length,
    /// A padding of no bytes, of more bytes than the packet has, or of an odd size.
    Padding,
    /// More packets than any honest sender has.
    TooManyPackets,
    /// A sender or receiver report is shorter than its count of blocks demands.
    Report,
    /// A chunk or item runs over the end of its SDES packet, or something stands behind the last chunk.
    SourceDescription,
    /// The sources or the reason run over the end of a BYE, or something stands behind them.
    Bye,
    /// A NACK that asks for nothing or is cut short.
    Nack,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooShort => "shorter than an RTCP header",
            Self::Version => "not RTCP version 2",
            Self::Length => "an RTCP packet runs over the end of the datagram",
            Self::Padding => "a malformed RTCP padding",
            Self::TooManyPackets => "too many RTCP packets in one datagram",
            Self::Report => "a malformed RTCP report",
            Self::SourceDescription => "a malformed RTCP source description",
            Self::Bye => "a malformed RTCP goodbye",
            Self::Nack => "a malformed RTCP NACK",
        })
    }
}

impl core::error::Error for Error {}
