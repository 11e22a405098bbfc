//! Why packets were dropped, counted. A hostile packet costs a counter and nothing else.

/// Why a datagram, a packet or a command went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Drop {
    /// From an address that has passed no connectivity check.
    UnknownAddress,
    /// Neither STUN, DTLS, RTP nor RTCP (RFC 7983).
    UnknownClass,
    /// STUN that cannot be parsed, or not a Binding request.
    StunMalformed,
    /// STUN for a user name that nobody here has.
    StunUnknownUser,
    /// STUN whose MESSAGE-INTEGRITY or FINGERPRINT is wrong.
    StunIntegrity,
    /// DTLS that the state machine had no use for, or before a role is known.
    Dtls,
    /// RTP or RTCP before the handshake and the fingerprint check are done.
    NotConnected,
    /// SRTP or SRTCP that fails authentication.
    SrtpAuthentication,
    /// SRTP or SRTCP seen before, or too old to tell (RFC 3711 §3.3.2).
    SrtpReplay,
    /// RTP that breaks RFC 3550 or 8285, after authentication.
    RtpMalformed,
    /// RTP that belongs to no producer of its transport.
    RtpUnknownSource,
    /// RTP of a payload type that was not negotiated.
    RtpPayloadType,
    /// RTP beyond what one producer may send.
    RtpFlood,
    /// RTCP that breaks RFC 3550.
    RtcpMalformed,
    /// RTCP beyond what one client is listened to.
    RtcpFlood,
    /// A consumer with an SSRC that its transport has used before: one AES-GCM nonce could seal two texts.
    SsrcUsed,
    /// RTP of a paused (muted) producer.
    ProducerPaused,
    /// RTP of somebody who is silent and says so (RFC 6464).
    Silence,
    /// RTP of somebody while others are the active speakers.
    CrowdedOut,
    /// A check from an address that another transport has checked a moment ago.
    AddressTaken,
    /// A table or queue was full.
    Overflow,
}

impl Drop {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 21] = [
        Self::UnknownAddress,
        Self::UnknownClass,
        Self::StunMalformed,
        Self::StunUnknownUser,
        Self::StunIntegrity,
        Self::Dtls,
        Self::NotConnected,
        Self::SrtpAuthentication,
        Self::SrtpReplay,
        Self::RtpMalformed,
        Self::RtpUnknownSource,
        Self::RtpPayloadType,
        Self::RtpFlood,
        Self::RtcpMalformed,
        Self::RtcpFlood,
        Self::SsrcUsed,
        Self::ProducerPaused,
        Self::Silence,
        Self::CrowdedOut,
        Self::AddressTaken,
        Self::Overflow,
    ];

    /// The reason as metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown-address",
            Self::UnknownClass => "unknown-class",
            Self::StunMalformed => "stun-malformed",
            Self::StunUnknownUser => "stun-unknown-user",
            Self::StunIntegrity => "stun-integrity",
            Self::Dtls => "dtls",
            Self::NotConnected => "not-connected",
            Self::SrtpAuthentication => "srtp-authentication",
            Self::SrtpReplay => "srtp-replay",
            Self::RtpMalformed => "rtp-malformed",
            Self::RtpUnknownSource => "rtp-unknown-source",
            Self::RtpPayloadType => "rtp-payload-type",
            Self::RtpFlood => "rtp-flood",
            Self::RtcpMalformed => "rtcp-malformed",
            Self::RtcpFlood => "rtcp-flood",
            Self::SsrcUsed => "ssrc-used",
            Self::ProducerPaused => "producer-paused",
            Self::Silence => "silence",
            Self::CrowdedOut => "crowded-out",
            Self::AddressTaken => "address-taken",
            Self::Overflow => "overflow",
        }
    }
}

/// Drops by reason. 32 bits a reason, because every transport has one; they wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops([u32; Drop::COUNT]);

impl Drops {
    /// Counts one.
    pub(crate) fn count(&mut self, reason: Drop) {
        if let Some(slot) = self.0.get_mut(reason as usize) {
            *slot = slot.wrapping_add(1);
        }
    }

    /// How many for this reason.
    #[must_use]
    pub fn get(&self, reason: Drop) -> u32 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Drop, u32)> + '_ {
        Drop::ALL
            .into_iter()
            .map(|reason| (reason, self.get(reason)))
            .filter(|(_, count)| *count > 0)
    }
}
