//! One received media packet in the clear, shared by all who forward it.

use std::time::Instant;

use crate::id::ProducerId;

/// A producer's packet after authentication, decryption and parsing. Read-only once it is shared.
#[derive(Debug)]
pub struct MediaPacket {
    pub(crate) producer: ProducerId,
    /// Extended sequence number: the RTP sequence number with its rollovers (RFC 3550 A.1).
    pub(crate) sequence: u64,
    /// RTP time, ticks at 48 kHz, as the producer wrote it.
    pub(crate) timestamp: u32,
    /// When it arrived.
    pub(crate) received: Instant,
    pub(crate) marker: bool,
    pub(crate) codec: Codec,
    /// The audio-level extension's byte: voice flag and −dBov (RFC 6464 §3).
    pub(crate) level: Option<u8>,
    pub(crate) payload: Vec<u8>,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// One Opus packet (RFC 7587).
    Opus,
    /// Opus packets wrapped in RED (RFC 2198).
    Red,
}
