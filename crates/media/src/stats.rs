//! What is counted, as plain values that leave the core by [`crate::Event::StatsReply`] and [`crate::Worker::dump`].

use std::net::SocketAddr;

use crate::drops::Drops;
use crate::id::{ConsumerId, ProducerId, TransportId};

/// What a `Stats` command asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatsOf {
    /// A transport.
    Transport(TransportId),
    /// A producer.
    Producer(ProducerId),
    /// A consumer.
    Consumer(ConsumerId),
}

/// The answer to a `Stats` command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stats {
    /// Of a transport.
    Transport(Box<TransportStats>),
    /// Of a producer.
    Producer(ProducerStats),
    /// Of a consumer.
    Consumer(ConsumerStats),
    /// The object is gone.
    Gone(StatsOf),
}

impl Stats {
    /// What control answers about an object of a transport that nobody has claimed yet: everything is zero.
    #[must_use]
    pub fn empty(of: StatsOf) -> Self {
        match of {
            StatsOf::Transport(_) => Self::Transport(Box::default()),
            StatsOf::Producer(_) => Self::Producer(ProducerStats::default()),
            StatsOf::Consumer(_) => Self::Consumer(ConsumerStats {
                paused: true,
                ..ConsumerStats::default()
            }),
        }
    }
}

/// Where a transport's handshake stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DtlsState {
    /// No handshake has begun.
    #[default]
    New,
    /// Under way.
    Connecting,
    /// Done, but the peer's fingerprint is not known yet: nothing flows.
    AwaitingFingerprint,
    /// Done, and the fingerprint matched.
    Connected,
}

impl DtlsState {
    /// The state as control and metrics write it, such as `awaiting-fingerprint`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::AwaitingFingerprint => "awaiting-fingerprint",
            Self::Connected => "connected",
        }
    }
}

/// A count of packets and their bytes (UDP payload).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of UDP payload.
    pub bytes: u64,
}

impl Traffic {
    /// Counts one packet of `bytes`.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(bytes as u64);
    }
}

/// A transport's counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransportStats {
    /// Everything received from validated addresses.
    pub received: Traffic,
    /// Everything sent.
    pub sent: Traffic,
    /// What was dropped, by reason.
    pub dropped: Drops,
    /// Where media goes to; `None` = no valid check yet.
    pub selected: Option<SocketAddr>,
    /// The handshake's state.
    pub dtls: DtlsState,
    /// Negotiated SRTP profile, such as `AEAD_AES_128_GCM`.
    pub srtp_profile: Option<&'static str>,
    /// Smoothed round-trip time from RTCP, ms; `None` until a receiver has told of one.
    pub rtt_ms: Option<f32>,
}

/// A producer's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProducerStats {
    /// Packets accepted, and the bytes of their RTP payload.
    pub received: Traffic,
    /// Packets of these that were not handed on, because they held silence.
    pub withheld: u64,
    /// Packets of these that were not handed on, because others were the active speakers.
    pub crowded_out: u64,
    /// Packets lost so far by the sequence numbers (RFC 3550 A.3); negative when duplicates outweigh.
    pub lost: i64,
    /// Interarrival jitter, ms (RFC 3550 A.8).
    pub jitter_ms: f32,
    /// Sequence numbers asked for again.
    pub nacks_sent: u64,
    /// Latest level, dBov −127…0; `None` = the sender writes no level.
    pub level: Option<i8>,
    /// Whether it counts as speaking.
    pub speaking: bool,
    /// Whether control has paused (muted) it.
    pub paused: bool,
}

/// A consumer's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConsumerStats {
    /// Packets sent for the first time, and the bytes of their RTP payload.
    pub sent: Traffic,
    /// Packets sent again because the receiver asked.
    pub retransmitted: u64,
    /// Requests for packets that were not answered: too old, or over the limit.
    pub refused: u64,
    /// Whether it is paused.
    pub paused: bool,
    /// Loss that the receiver last reported, 0.0–1.0.
    pub loss: f32,
    /// Jitter that the receiver last reported, ms.
    pub jitter_ms: f32,
    /// Latest round-trip time from its reports, ms.
    pub rtt_ms: Option<f32>,
}
