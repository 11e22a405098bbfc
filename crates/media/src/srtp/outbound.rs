//! Sending packets out: encrypted in place at the end of the caller's buffer, tag behind (RFC 3711 §3.3, §3.4; RFC 7714 §8, §9).

use core::fmt;

use super::cipher::{Cipher, Place};
use super::keys::Stream;
use super::{Error, KeyRoom, Profile, RTCP_ENCRYPTED, RTCP_HEADER};
use crate::rtp::header;

/// Seals what we send to one peer: all streams, under one pair of keys.
pub struct Outbound {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    /// The next RTCP packet's index. One for all senders: a nonce has the SSRC in it anyway, and receivers mind no gaps.
    rtcp_index: u32,
}

impl Outbound {
    /// With our master key and salt.
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

    /// As [`Outbound::new`], with the key that RTP needs beside those of the worker's other transports.
    pub(crate) fn new_in(
        room: &mut KeyRoom,
        profile: Profile,
        master_key: &[u8],
        master_salt: &[u8],
    ) -> Result<Self, Error> {
        if profile != Profile::AesCm128HmacSha1_80 {
            room.make_place(); // the RTP cipher is the first that takes memory
        }
        Self::new(profile, master_key, master_salt)
    }

    pub(super) fn with_ciphers(profile: Profile, rtp: Cipher, rtcp: Cipher) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtcp_index: 0,
        }
    }

    /// Reads a byte of the keys, for nothing but to have them near.
    pub(crate) fn touch(&self) -> u8 {
        self.rtp.touch()
    }

    /// What it was made for.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects the RTP packet that fills `packet`: a header of `header_len` bytes, then the payload. `rollover` counts how often the
    /// sequence number of this SSRC has wrapped.
    ///
    /// # Errors
    /// [`Error::Malformed`] when that is no RTP packet; it is then as it was.
    pub fn protect_rtp(
        &self,
        header_len: usize,
        packet: &mut Vec<u8>,
        rollover: u32,
    ) -> Result<(), Error> {
        let head = packet.get(..header_len).ok_or(Error::Malformed)?;
        let (ssrc, sequence) = identity(head).ok_or(Error::Malformed)?;
        let index = u64::from(rollover) << 16 | u64::from(sequence);
        self.seal_rtp(Place::Rtp { ssrc, index }, 0, header_len, packet)
    }

    /// Appends one protected RTP packet to `out`: header, encrypted payload, tag. This is what fan-out calls for each listener.
    ///
    /// `index` is the packet's 48-bit index; its low 16 bits must be the header's sequence number. The same index of the same SSRC may
    /// only ever come back with the same header and payload. Grows `out` by the two lengths and [`Profile::rtp_overhead`]; with room
    /// for them nothing allocates.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the header is none, or not of that index; [`Error::Exhausted`] beyond 48 bits. `out` is then as it was.
    pub fn protect_rtp_into(
        &self,
        header: &[u8],
        payload: &[u8],
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.protect_rtp_in_parts(header, [payload, &[]], index, out)
    }

    /// As [`Outbound::protect_rtp_into`]; the payload is the two parts together.
    pub(crate) fn protect_rtp_in_parts(
        &self,
        header: &[u8],
        payload: [&[u8]; 2],
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let (ssrc, sequence) = identity(header).ok_or(Error::Malformed)?;
        if index >> 48 != 0 {
            return Err(Error::Exhausted);
        }
        if sequence != index as u16 {
            return Err(Error::Malformed);
        }
        let start = out.len();
        let place = Place::Rtp { ssrc, index };
        let sealed = match (&self.rtp, payload) {
            (Cipher::Gcm(cipher), [whole, []]) => cipher.append_rtp(place, header, whole, out),
            (_, parts) => {
                out.extend_from_slice(header);
                for part in parts {
                    out.extend_from_slice(part);
                }
                self.seal_rtp(place, start, header.len(), out)
            }
        };
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    fn seal_rtp(
        &self,
        place: Place,
        start: usize,
        header_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let packet = out.get_mut(start..).ok_or(Error::Malformed)?;
        let (head, body) = packet
            .split_at_mut_checked(header_len)
            .ok_or(Error::Malformed)?;
        let tag = self.rtp.seal(place, head, body)?;
        out.extend_from_slice(tag.as_slice());
        Ok(())
    }

    /// Protects the RTCP compound that fills `packet`. Grows it by [`Profile::rtcp_overhead`].
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is shorter than a header; [`Error::Exhausted`] after 2³¹ packets. It is then as it was.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Error> {
        let index = self.rtcp_index;
        if index & RTCP_ENCRYPTED != 0 {
            return Err(Error::Exhausted);
        }
        let (head, body) = packet
            .split_at_mut_checked(RTCP_HEADER)
            .ok_or(Error::Malformed)?;
        let &mut [_, _, _, _, s0, s1, s2, s3] = head else {
            return Err(Error::Malformed);
        };
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        // Counted before sealing: an index is not used twice, whatever comes of it.
        self.rtcp_index += 1;
        let tag = self.rtcp.seal(Place::Rtcp { ssrc, index }, head, body)?;
        let word = (RTCP_ENCRYPTED | index).to_be_bytes();
        let (first, second) = match self.profile {
            Profile::AesCm128HmacSha1_80 => (&word[..], tag.as_slice()),
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => (tag.as_slice(), &word[..]),
        };
        packet.extend_from_slice(first);
        packet.extend_from_slice(second);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn set_rtcp_index(&mut self, index: u32) {
        self.rtcp_index = index;
    }
}

/// SSRC and sequence number of an RTP header.
fn identity(head: &[u8]) -> Option<(u32, u16)> {
    let (&[_, _, q0, q1, _, _, _, _, s0, s1, s2, s3], _) =
        head.split_first_chunk::<{ header::FIXED }>()?;
    Some((
        u32::from_be_bytes([s0, s1, s2, s3]),
        u16::from_be_bytes([q0, q1]),
    ))
}

/// Without the keys.
impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbound")
            .field("profile", &self.profile)
            .field("rtcp_index", &self.rtcp_index)
            .finish_non_exhaustive()
    }
}
