//! STUN as ICE uses it: Binding messages read without copying and written into a caller's buffer (RFC 8489; RFC 8445 §7.1, §7.3).
//!
//! A check is judged in three steps, cheapest first, and nothing is answered or remembered before the third has passed (T10):
//! 1. [`Message::parse`]: shape, and FINGERPRINT where there is one. Costs O(length) whatever the bytes are.
//! 2. The caller finds the transport by [`Message::fragments`] (one hash look-up, independent of how many transports exist).
//! 3. [`Message::verify`]: MESSAGE-INTEGRITY with that transport's password.
//!
//! Only short-term credentials exist here: ICE has no realm and no nonce. [`Message::verify`] takes the HMAC key itself, so a key made
//! from long-term credentials works as well.

mod message;
mod write;

#[cfg(test)]
mod tests;

pub use message::Message;
pub use write::{BindingRequest, ErrorCode, Role, write_error, write_indication, write_success};

use core::fmt;

/// The one method of ICE (RFC 8489 §18.2).
pub const BINDING: u16 = 0x001;

/// Bytes in front of the first attribute: type, length, magic cookie, transaction id.
const HEADER: usize = 20;
/// What tells STUN from its predecessors and from other protocols (RFC 8489 §5).
const MAGIC_COOKIE: u32 = 0x2112_A442;
/// Bytes of an HMAC-SHA1.
const INTEGRITY: usize = 20;
/// What FINGERPRINT's CRC-32 is mixed with, so that it differs from the CRC of a protocol below: "STUN" (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554E;
/// CRC-32 as ITU V.42 defines it.
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Attribute types (RFC 8489 §18.3, RFC 8445 §20.1). Types below 0x8000 must be understood by whoever receives them.
mod attribute {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802A;

    /// Must we understand this attribute, and do we not? Such a request is answered with 420 (RFC 8489 §6.3.1).
    pub fn is_unknown_required(kind: u16) -> bool {
        kind < 0x8000
            && !matches!(
                kind,
                MAPPED_ADDRESS
                    | USERNAME
                    | MESSAGE_INTEGRITY
                    | ERROR_CODE
                    | UNKNOWN_ATTRIBUTES
                    | REALM
                    | NONCE
                    | XOR_MAPPED_ADDRESS
                    | PRIORITY
                    | USE_CANDIDATE
            )
    }
}

/// What pairs a response with its request: 96 random bits (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// What a message is for (RFC 8489 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none: a keepalive.
    Indication,
    /// A response to a request that was accepted.
    Success,
    /// A response to a request that was not.
    Error,
}

/// Why a datagram is no STUN message. Each is a reason to drop it without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Shorter than the header.
    TooShort,
    /// The first two bits or the magic cookie are not STUN's.
    NotStun,
    /// The header's length is not that of the datagram, or no multiple of four.
    Length,
    /// An attribute runs over the end of the message, or has a size that its type cannot have.
    Attribute,
    /// More attributes than any honest sender has.
    TooManyAttributes,
    /// FINGERPRINT is wrong, or something stands behind it.
    Fingerprint,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooShort => "shorter than a STUN header",
            Self::NotStun => "not a STUN message",
            Self::Length => "the STUN length is not that of the datagram",
            Self::Attribute => "a malformed STUN attribute",
            Self::TooManyAttributes => "too many STUN attributes",
            Self::Fingerprint => "a wrong STUN fingerprint",
        })
    }
}

impl core::error::Error for Error {}
