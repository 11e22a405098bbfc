//! SRTP and SRTCP: media packets encrypted and authenticated with keys that DTLS has agreed on (RFC 3711, 7714; RFC 5764 for the keys).
//!
//! One [`Outbound`] and one [`Inbound`] serve a whole transport. What differs between streams is small and stands elsewhere: a consumer
//! keeps its own 48-bit packet index, `Inbound` keeps a replay window per source it has heard.
//!
//! Two rules hold throughout:
//! - **Nothing moves before authentication** (T7). Replay is looked up first, because that is cheap; it is remembered last.
//! - **A nonce is used once.** With AES-GCM two different packets under one index of one SSRC give the authentication key away.
//!   Sending the *same* bytes again is harmless, so a retransmission has to be what was sent before, header and all.
//!
//! Ciphers: aws-lc-rs for AES-GCM (82 ns for a voice packet, RustCrypto 188), RustCrypto for AES-CM with HMAC-SHA1 (222 against 359).

mod cipher;
mod inbound;
mod keys;
mod outbound;
mod replay;
mod room;

#[cfg(test)]
mod tests;

pub use inbound::{Inbound, Unprotected};
pub use keys::KeyingMaterial;
pub use outbound::Outbound;
pub use replay::MAX_SOURCES;
pub(crate) use room::KeyRoom;

use core::fmt;

/// Bytes of an RTCP packet that stay in the clear: its first header, sender's SSRC included (RFC 3711 §3.4).
const RTCP_HEADER: usize = 8;
/// Bytes of the word behind SRTCP: encryption flag, then the 31-bit index.
const RTCP_WORD: usize = 4;
/// The flag that says that the packet is encrypted.
const RTCP_ENCRYPTED: u32 = 0x8000_0000;

/// The protection profiles of DTLS-SRTP that are spoken here (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: what every client knows.
    AesCm128HmacSha1_80,
}

impl Profile {
    /// Bytes of a master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
        }
    }

    /// Bytes of a master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 => 14,
        }
    }

    /// Bytes that DTLS exports for both directions.
    #[must_use]
    pub const fn keying_material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// Bytes by which protection lengthens an RTP packet.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        self.tag_len()
    }

    /// Bytes by which protection lengthens an RTCP packet.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        self.tag_len() + RTCP_WORD
    }

    const fn tag_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::AesCm128HmacSha1_80 => 10,
        }
    }
}

/// Why a packet was not protected or not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Key or salt are not as long as the profile wants them.
    Keys,
    /// Too short, or a header that is none. On the way out: a header whose sequence number is not that of the index.
    Malformed,
    /// Not made with our keys, or changed since.
    Authentication,
    /// Seen before, or so old that it cannot be told (RFC 3711 §3.3.2).
    Replay,
    /// An SRTCP packet without the encryption flag. It may be authentic, but nobody who negotiated these profiles sends one.
    NotEncrypted,
    /// A further source of RTP, or of RTCP, when [`MAX_SOURCES`] of them have been heard.
    TooManySources,
    /// The packet index has reached its end: 2⁴⁸ RTP packets of a source or 2³¹ RTCP packets. Time for new keys.
    Exhausted,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Keys => "key or salt of the wrong length",
            Self::Malformed => "not an SRTP packet",
            Self::Authentication => "SRTP authentication failed",
            Self::Replay => "replayed SRTP packet",
            Self::NotEncrypted => "SRTCP packet in the clear",
            Self::TooManySources => "too many SRTP sources",
            Self::Exhausted => "SRTP packet index used up",
        })
    }
}

impl core::error::Error for Error {}
