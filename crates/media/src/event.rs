//! What a worker tells control. Bounded in rate: one of each kind a change, quality at most once in two seconds a transport.

use core::fmt;

use crate::id::{ProducerId, RequestId, TransportId};
use crate::stats::Stats;

/// Something that happened, for control.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// ICE, DTLS and the fingerprint check are done; media may flow.
    TransportConnected(TransportId),
    /// The transport is gone, and with it its producers and consumers. Not sent for one that control removed.
    TransportClosed {
        /// Which transport.
        transport: TransportId,
        /// Why.
        reason: CloseReason,
    },
    /// A producer began or stopped to speak.
    ProducerSpeaking {
        /// Which producer.
        producer: ProducerId,
        /// Whether it speaks now.
        speaking: bool,
        /// Its level at that moment, dBov, −127 (silence) … 0 (full scale), RFC 6464.
        level: i8,
    },
    /// How well a transport's media travels, at most once in two seconds.
    Quality {
        /// Which transport.
        transport: TransportId,
        /// Share of packets lost since the last report, 0.0–1.0; the worse of both directions.
        loss: f32,
        /// Round-trip time from RTCP, ms; `None` = not measured yet.
        rtt_ms: Option<f32>,
        /// Interarrival jitter, ms (RFC 3550 §6.4.1); the worse of both directions.
        jitter_ms: f32,
    },
    /// The answer to a `Stats` command.
    StatsReply {
        /// The question's number.
        request: RequestId,
        /// What was counted.
        stats: Stats,
    },
}

/// Why a transport ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// No valid connectivity check for `Options::consent_timeout` (RFC 7675).
    ConsentExpired,
    /// The peer's certificate is not the one whose fingerprint came by signalling.
    FingerprintMismatch,
    /// The DTLS handshake took longer than `Options::handshake_timeout`.
    HandshakeTimeout,
    /// The DTLS handshake failed: no common version, cipher suite or SRTP profile, or a broken peer.
    HandshakeFailed,
    /// The peer said goodbye (DTLS close_notify).
    PeerClosed,
    /// A producer on it sent more than `Options::producer` lets it, and did not stop.
    Flood,
}

impl CloseReason {
    /// The reason as control and logs write it, such as `consent-expired`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsentExpired => "consent-expired",
            Self::FingerprintMismatch => "fingerprint-mismatch",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::HandshakeFailed => "handshake-failed",
            Self::PeerClosed => "peer-closed",
            Self::Flood => "flood",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
