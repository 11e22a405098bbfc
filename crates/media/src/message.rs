//! What workers tell each other.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::claim::Claim;
use crate::id::{ProducerId, WorkerId};
use crate::packet::MediaPacket;

/// From one worker to another; the driver carries it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WorkerMessage {
    /// A producer's packet, for those of its consumers that the receiving worker owns.
    Packet(Arc<MediaPacket>),
    /// A producer's clock: its RTP time at an instant.
    SenderReport(SenderClock),
    /// A datagram that the kernel handed to a worker that does not own its transport.
    Datagram(Arc<PassedDatagram>),
    /// This address has passed a check of a transport that `owner` owns.
    AddressOwned {
        /// The client's address.
        address: SocketAddr,
        /// Who handles what comes from it.
        owner: WorkerId,
    },
    /// This address is none of `owner`'s any more.
    AddressGone {
        /// The client's address.
        address: SocketAddr,
        /// Who gave it up.
        owner: WorkerId,
    },
    /// A transport ended by itself.
    TransportGone(Arc<Claim>),
    /// A producer ended with its transport.
    ProducerGone(ProducerId),
}

impl WorkerMessage {
    /// Whether the driver may drop it when the receiver's queue is full. The others are rare, and state depends on them.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        matches!(
            self,
            Self::Packet(_) | Self::SenderReport(_) | Self::Datagram(_)
        )
    }
}

/// A datagram on its way to the owner of its transport.
#[derive(Debug)]
pub struct PassedDatagram {
    pub(crate) source: SocketAddr,
    pub(crate) local: IpAddr,
    pub(crate) bytes: Vec<u8>,
}

/// A relation between a producer's RTP clock and ours, from its latest sender report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderClock {
    pub(crate) producer: ProducerId,
    /// RTP time in the producer's own units …
    pub(crate) rtp_timestamp: u32,
    /// … at this instant of ours, when the report arrived.
    pub(crate) at: Instant,
    /// The producer's own wall clock at that RTP time, 32.32 NTP; kept so that streams of one sender stay in step (RFC 3550 §6.4.1).
    pub(crate) ntp: u64,
}
