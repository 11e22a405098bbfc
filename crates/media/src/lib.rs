//! The sans-IO media core: bytes and a clock in, bytes and events out.
//!
//! # How it fits together
//! A [`Worker`] is the root. Control (the engine's handle) announces transports to all workers by [`Claim`]s; the worker that hears a client
//! first owns its transport. See [`worker`] for how to drive one, [`claim`] for who owns what, [`command`] for what control may ask.
//!
//! # Invariants
//! - A packet is authenticated, decrypted and parsed once, and rewritten once a listener; no step allocates after warm-up.
//! - Every queue and table has a bound and a rule for what happens when it is full.
//! - A hostile packet costs a counter ([`drops`]) and O(1); no input panics. State moves only after authentication.
//! - Nothing flows before an address has passed a check, the handshake is done and the certificate's fingerprint matched.
#![forbid(unsafe_code)]

// The leaves: bytes in, values out; they know nothing of each other's owners.
pub mod demux;
pub mod nack;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod stun;

pub mod active_speakers;
mod addresses;
mod allowance;
mod cap;
pub mod claim;
pub mod client;
mod clock;
pub mod command;
mod consumer;
pub mod credentials;
mod deadlines;
pub mod drops;
pub mod dtls;
pub mod event;
mod frames;
mod gate;
mod ice;
pub mod id;
mod link;
pub mod message;
mod numbering;
mod observer;
pub mod options;
pub mod outbox;
pub mod packet;
mod producer;
mod queues;
mod reports;
pub mod room;
mod router;
pub mod shared;
mod slab;
pub mod stats;
mod transport;
mod used;
pub mod worker;

pub use active_speakers::ActiveSpeakers;
pub use claim::{Claim, Submission};
pub use command::{Command, Role};
pub use credentials::{Credentials, Password, Ufrag};
pub use drops::{Drop, Drops};
pub use dtls::certificate::{Certificate, CertificateError};
pub use dtls::fingerprint::{Fingerprint, FingerprintError, Fingerprints};
pub use event::{CloseReason, Event};
pub use id::{ConsumerId, ProducerId, RequestId, TransportId, WorkerId};
pub use message::WorkerMessage;
pub use options::{ConsumerOptions, OptionError, Options, ProducerOptions};
pub use outbox::{Datagram, Outbox};
pub use shared::ProducerShared;
pub use stats::{ConsumerStats, DtlsState, ProducerStats, Stats, StatsOf, Traffic, TransportStats};
pub use worker::{Worker, WorkerDump};
