//! What control knows of transports, producers and consumers: the model that the media is measured against. What is over stays in it as long as
//! something of it may be on its way.

use std::sync::Arc;
use std::time::Instant;

use hocket_media::{ActiveSpeakers, Claim, ProducerId, ProducerShared, TransportId};

use crate::ledger::{Line, Sealed, Source};

pub struct Transport {
    pub seat: usize,
    pub claim: Arc<Claim>,
    /// The server said that media may flow.
    pub connected: bool,
    pub closed: Option<Instant>,
    pub sealed: Sealed,
}

pub struct Producer {
    pub seat: usize,
    pub life: u32,
    pub channel: usize,
    pub transport: TransportId,
    pub shared: Arc<ProducerShared>,
    pub paused: bool,
    /// When that was asked for last.
    pub changed: Instant,
    pub closed: Option<Instant>,
    pub source: Source,
}

pub struct Consumer {
    pub seat: usize,
    pub transport: TransportId,
    pub producer: ProducerId,
    pub active: bool,
    pub changed: Instant,
    pub closed: Option<Instant>,
    pub line: Line,
}

/// A channel: how many may be heard in it at a time, and since when.
pub struct Channel {
    pub speakers: Arc<ActiveSpeakers>,
    pub since: Instant,
}
