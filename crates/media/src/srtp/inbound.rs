//! Letting packets in: replay looked up, authenticated, decrypted in place, and only then remembered (RFC 3711 §3.3, §3.4).

use core::fmt;

use super::cipher::{Cipher, Place};
use super::keys::Stream;
use super::replay::Sources;
use super::{Error, Profile, RTCP_ENCRYPTED, RTCP_HEADER, RTCP_WORD};
use crate::rtp::Header;

/// An RTP packet that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprotected {
    /// The packet is now this many bytes long: its tag is cut off.
    pub len: usize,
    /// Its 48-bit index: rollover counter and sequence number.
    pub index: u64,
}

/// Opens what one peer sends: all its RTP and RTCP sources.
pub struct Inbound {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources,
    rtcp_sources: Sources,
}

impl Inbound {
    /// With the peer's master key and salt.
    ///
    /// # Errors
    /// [`Error::Keys`] when they are not as long as the profile wants them.
    pub fn new(profile: Profile, master_key: &[u8], master_salt: &[u8]) -> Result<Self, Error> {
        Ok(Self::with_ciphers(
            profile,
            Cipher::new(profile, Stream::Rtp, master_key, master_salt)?,
            Cipher::new(profile, Stream::Rtcp, master_key, master_salt)?,
        ))
    }

    pub(super) fn with_ciphers(profile: Profile, rtp: Cipher, rtcp: Cipher) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtp_sources: Sources::default(),
            rtcp_sources: Sources::default(),
        }
    }

    /// Authenticates an SRTP packet and decrypts it in place. What it says is as yet only authentic, not sensible: parse it next.
    ///
    /// # Errors
    /// Any of [`Error`] but `Keys` and `NotEncrypted`. No state has moved then, and the packet's bytes are worth nothing.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<Unprotected, Error> {
        let header = Header::parse_protected(packet).map_err(|_| Error::Malformed)?;
        let window = self.rtp_sources.window(header.ssrc)?;
        let index = window.estimate(header.sequence);
        if index >> 48 != 0 {
            return Err(Error::Exhausted);
        }
        window.check(index)?;
        let len = packet
            .len()
            .checked_sub(self.profile.rtp_overhead())
            .ok_or(Error::Malformed)?;
        let (plain, tag) = packet.split_at_mut_checked(len).ok_or(Error::Malformed)?;
        let (head, body) = plain
            .split_at_mut_checked(header.header_len())
            .ok_or(Error::Malformed)?;
        self.rtp.open(
            Place::Rtp {
                ssrc: header.ssrc,
                index,
            },
            head,
            body,
            tag,
        )?;
        self.rtp_sources.accept(header.ssrc, index);
        Ok(Unprotected { len, index })
    }

    /// Authenticates an SRTCP packet and decrypts it in place; returns how long the compound now is.
    ///
    /// # Errors
    /// Any of [`Error`] but `Keys` and `Exhausted`. No state has moved then, and the packet's bytes are worth nothing.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Error> {
        let len = packet
            .len()
            .checked_sub(self.profile.rtcp_overhead())
            .ok_or(Error::Malformed)?;
        let (head, rest) = packet
            .split_at_mut_checked(RTCP_HEADER)
            .ok_or(Error::Malformed)?;
        let body_len = len.checked_sub(RTCP_HEADER).ok_or(Error::Malformed)?;
        let (body, trailer) = rest
            .split_at_mut_checked(body_len)
            .ok_or(Error::Malformed)?;
        let (word, tag) = self.split_trailer(trailer).ok_or(Error::Malformed)?;
        if word & RTCP_ENCRYPTED == 0 {
            return Err(Error::NotEncrypted);
        }
        let (&[first, _, _, _, s0, s1, s2, s3], index) = (&*head, word & !RTCP_ENCRYPTED) else {
            return Err(Error::Malformed);
        };
        if first >> 6 != 2 {
            return Err(Error::Malformed);
        }
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        self.rtcp_sources.window(ssrc)?.check(u64::from(index))?;
        self.rtcp
            .open(Place::Rtcp { ssrc, index }, head, body, tag)?;
        self.rtcp_sources.accept(ssrc, u64::from(index));
        Ok(len)
    }

    /// The index word and the tag: HMAC's tag stands behind the word, AES-GCM's in front (RFC 3711 §3.4, RFC 7714 §9.3).
    fn split_trailer<'a>(&self, trailer: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let (word, tag) = match self.profile {
            Profile::AesCm128HmacSha1_80 => trailer.split_first_chunk::<RTCP_WORD>()?,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                let (tag, word) = trailer.split_last_chunk::<RTCP_WORD>()?;
                (word, tag)
            }
        };
        Some((u32::from_be_bytes(*word), tag))
    }

    /// RTP and RTCP sources that have been heard.
    #[must_use]
    pub fn sources(&self) -> (usize, usize) {
        (self.rtp_sources.len(), self.rtcp_sources.len())
    }
}

/// Without the keys.
impl fmt::Debug for Inbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inbound")
            .field("profile", &self.profile)
            .field("sources", &self.sources())
            .finish_non_exhaustive()
    }
}
