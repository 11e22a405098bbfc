//! What control asks of workers.
//!
//! `AddTransport`, `RemoveTransport`, `RestartIce` and `CloseProducer` go to **every** worker. All others name a transport and go through its
//! [`Claim::submit`](crate::Claim::submit), which says which worker's queue they belong on. Between control and one worker the order is kept.

use std::sync::Arc;

use crate::active_speakers::ActiveSpeakers;
use crate::claim::Claim;
use crate::credentials::{Credentials, Ufrag};
use crate::dtls::fingerprint::Fingerprints;
use crate::id::{ConsumerId, ProducerId, RequestId, TransportId};
use crate::options::{ConsumerOptions, ProducerOptions};
use crate::shared::ProducerShared;
use crate::stats::StatsOf;

/// The DTLS role that the *remote* side announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The remote sends the ClientHello.
    Client,
    /// The remote waits for our ClientHello.
    Server,
    /// The remote leaves it open: then the ICE-controlled side is the DTLS client (ORTC §RTCDtlsRole), and an ICE-lite server is always
    /// controlled. A remote whose ClientHello came first, or crosses ours, stays the client all the same.
    Auto,
}

impl Role {
    /// Reads mediasoup's `role`: `client`, `server` or `auto`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "client" => Some(Self::Client),
            "server" => Some(Self::Server),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }
}

/// One thing that control wants done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// To all: this transport exists; its first valid check makes the worker that hears it the owner.
    AddTransport(Arc<Claim>),
    /// To all, after [`Claim::close`]: the transport is over.
    RemoveTransport(Arc<Claim>),
    /// To all, after [`Claim::restart`]: these credentials are valid too; the old ones end with the first check under the new.
    RestartIce {
        /// The transport.
        claim: Arc<Claim>,
        /// The new pair.
        credentials: Credentials,
        /// What [`Claim::restart`] returned.
        retired: Option<Ufrag>,
    },
    /// To all, after [`ProducerShared::close`]: the producer and all its consumers are over.
    CloseProducer(ProducerId),
    /// The remote's DTLS role and certificate, known at last.
    Connect {
        /// The transport.
        transport: TransportId,
        /// The remote's role.
        role: Role,
        /// The remote's certificate has one of these.
        fingerprints: Fingerprints,
    },
    /// A producer on this transport.
    Produce {
        /// The transport that it sends on.
        transport: TransportId,
        /// What its consumers' workers share with it.
        producer: Arc<ProducerShared>,
        /// The channel's, the same for all its producers.
        speakers: Arc<ActiveSpeakers>,
        /// How its packets look; checked by [`ProducerOptions::check`].
        options: Box<ProducerOptions>,
    },
    /// A consumer on this transport, paused at first.
    Consume {
        /// The transport that it is sent on.
        transport: TransportId,
        /// Its id.
        consumer: ConsumerId,
        /// Whose stream.
        producer: Arc<ProducerShared>,
        /// How its packets look; checked by [`ConsumerOptions::check`].
        options: Box<ConsumerOptions>,
    },
    /// Nothing of this producer is forwarded until it is resumed (a muted user).
    PauseProducer {
        /// Its transport.
        transport: TransportId,
        /// Which.
        producer: ProducerId,
    },
    /// The end of a pause.
    ResumeProducer {
        /// Its transport.
        transport: TransportId,
        /// Which.
        producer: ProducerId,
    },
    /// Nothing more for this receiver until it is resumed.
    PauseConsumer {
        /// Its transport.
        transport: TransportId,
        /// Which.
        consumer: ConsumerId,
    },
    /// The end of a pause; harmless twice.
    ResumeConsumer {
        /// Its transport.
        transport: TransportId,
        /// Which.
        consumer: ConsumerId,
        /// Whose stream.
        producer: Arc<ProducerShared>,
    },
    /// The consumer is over; the receiver gets an RTCP BYE.
    CloseConsumer {
        /// Its transport.
        transport: TransportId,
        /// Which.
        consumer: ConsumerId,
    },
    /// A question, answered by [`crate::Event::StatsReply`].
    Stats {
        /// The transport that it belongs to.
        transport: TransportId,
        /// The question's number.
        request: RequestId,
        /// About what.
        of: StatsOf,
    },
}

impl Command {
    /// Whether a worker that sleeps may sleep on: nothing of this shows before a datagram, a packet or a later command comes, and whatever comes
    /// finds it done. A join is mostly of these.
    #[must_use]
    pub fn is_patient(&self) -> bool {
        matches!(
            self,
            Self::AddTransport(_)
                | Self::Produce { .. }
                | Self::Consume { .. }
                | Self::ResumeConsumer { .. }
        )
    }
}
