//! One association of a client with a server: ICE, then DTLS as client, then the fingerprint, then SRTP.

use core::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::ice::Agent;
use crate::command::Role;
use crate::demux::{Class, classify};
use crate::dtls::association::{Association, Context, Established, Progress};
use crate::dtls::certificate::Certificate;
use crate::dtls::fingerprint::{Fingerprint, Fingerprints};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::srtp::{Inbound, Outbound, Profile, Unprotected};

/// Our certificate and DTLS settings: one for all transports of a client.
pub struct Identity {
    context: Context,
    fingerprints: Vec<Fingerprint>,
}

/// What signalling told of the server's end of one transport.
#[derive(Clone)]
pub struct Remote {
    /// The server's user name fragment.
    pub fragment: String,
    /// The key of its MESSAGE-INTEGRITY.
    pub password: String,
    /// Where it can be reached, the most preferred first.
    pub addresses: Vec<SocketAddr>,
    /// One of these its certificate must match.
    pub fingerprints: Fingerprints,
}

/// How one transport is set up.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    /// The local address to send from; unspecified leaves it to the system.
    pub local: IpAddr,
    /// Our user name fragment, 4–256 characters (RFC 8839 §5.4). Unauthenticated, since a lite server sends no checks.
    pub fragment: String,
    /// Time for the first answer, and then for the handshake; also how long consent lasts without an answer (RFC 7675 §5.1: 30 s).
    pub patience: Duration,
    /// Seed of transaction ids and the tie-breaker: the system's randomness, or a test's constant.
    pub seed: u64,
}

/// Why a transport ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// No address of the server answered a check.
    NoAnswer,
    /// The server stopped answering checks.
    ConsentExpired,
    /// DTLS did not come to an end in time.
    HandshakeTimeout,
    /// DTLS cannot succeed, or agrees on no SRTP profile that we know.
    HandshakeFailed,
    /// The server's certificate is not the one that signalling told.
    FingerprintMismatch,
    /// The server said goodbye.
    PeerClosed,
}

/// What an input led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that the driver must act on.
    Nothing,
    /// Media may flow from now on. Told once.
    Connected,
    /// The datagram is a sealed RTP packet of the server: count it, and open it if you like.
    Rtp,
    /// The datagram is a sealed RTCP packet.
    Rtcp,
    /// The transport is over. Told once; nothing comes of it any more.
    Failed(Failure),
}

/// See the module's documentation.
pub struct Transport {
    identity: Arc<Identity>,
    local: IpAddr,
    agent: Agent,
    dtls: Association,
    fingerprints: Fingerprints,
    keys: Option<Box<(Outbound, Inbound)>>,
    patience: Duration,
    /// The end of patience with the handshake, once it has begun.
    handshake_until: Option<Instant>,
    over: bool,
}

impl Identity {
    /// With this certificate. `dtls_seed` makes hellos repeatable, **for tests alone**.
    #[must_use]
    pub fn new(certificate: &Certificate, patience: Duration, dtls_seed: Option<u64>) -> Self {
        let options = Options {
            handshake_timeout: patience,
            dtls_seed,
            ..Options::default()
        };
        Self {
            context: Context::new(&options, certificate),
            fingerprints: certificate.fingerprints(),
        }
    }

    /// What signalling tells the server about our certificate, SHA-256 first.
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }
}

impl Transport {
    /// A transport whose first check is due at `now`.
    #[must_use]
    pub fn new(
        identity: Arc<Identity>,
        remote: Remote,
        options: &TransportOptions,
        now: Instant,
    ) -> Self {
        Self {
            identity,
            local: options.local,
            agent: Agent::new(options.local, &remote, &options.fragment, options.seed, now),
            dtls: Association::default(),
            fingerprints: remote.fingerprints,
            keys: None,
            patience: options.patience,
            handshake_until: None,
            over: false,
        }
    }

    /// Whether media may flow.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// The protection profile that DTLS agreed on.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        self.keys.as_ref().map(|keys| keys.0.profile())
    }

    /// When [`Transport::handle_timeout`] is due; `None` when the transport is over.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let deadline = self.deadline().0;
        let earliest = self.agent.next_timeout().min(deadline);
        (!self.over).then(|| {
            self.dtls
                .next_timeout()
                .map_or(earliest, |timer| timer.min(earliest))
        })
    }

    /// Does what is due: a check, a flight of DTLS again, the end of patience.
    pub fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox) -> Outcome {
        if self.over {
            return Outcome::Nothing;
        }
        let (deadline, failure) = self.deadline();
        if deadline <= now {
            return self.fail(failure);
        }
        self.agent.handle_timeout(now, outbox);
        let Some(path) = self.agent.path() else {
            return Outcome::Nothing;
        };
        let local = self.local;
        let mut send = |bytes: &[u8]| outbox.push(path, local, bytes);
        let progress = self
            .dtls
            .handle_timeout(&self.identity.context, now, &mut send);
        self.handle_progress(progress)
    }

    /// Takes a datagram that came to this transport's socket. Media only counts from the server's selected address and with keys; it is
    /// left sealed.
    pub fn handle_datagram(
        &mut self,
        source: SocketAddr,
        data: &[u8],
        now: Instant,
        outbox: &mut Outbox,
    ) -> Outcome {
        if self.over {
            return Outcome::Nothing;
        }
        let class = classify(data);
        if class == Class::Stun {
            if self.agent.handle_message(source, data, now) {
                self.agent.handle_timeout(now, outbox); // nominates at once
                return self.begin_handshake(source, now, outbox);
            }
            return Outcome::Nothing;
        }
        if self.agent.path() != Some(source) {
            return Outcome::Nothing;
        }
        match class {
            Class::Dtls => self.handle_dtls(source, data, now, outbox),
            Class::Rtp if self.is_connected() => Outcome::Rtp,
            Class::Rtcp if self.is_connected() => Outcome::Rtcp,
            _ => Outcome::Nothing,
        }
    }

    /// Authenticates and decrypts an RTP packet in place; `None` when it is not the server's, or a replay.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Option<Unprotected> {
        let (_, inbound) = self.keys.as_deref_mut()?;
        inbound.unprotect_rtp(packet).ok()
    }

    /// As [`Transport::open_rtp`] for an RTCP compound; gives its length.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        let (_, inbound) = self.keys.as_deref_mut()?;
        inbound.unprotect_rtcp(packet).ok()
    }

    /// Seals an RTP packet and puts it into the outbox. `index` is its 48-bit index, whose low 16 bits the header must have; none may come
    /// twice for one SSRC. False when the transport is not connected, or the header is none.
    pub fn send_rtp(
        &mut self,
        header: &[u8],
        payload: &[u8],
        index: u64,
        outbox: &mut Outbox,
    ) -> bool {
        let (Some(keys), Some(path)) = (&self.keys, self.agent.path()) else {
            return false;
        };
        let sealed = outbox.push_with(path, self.local, |arena| {
            // On an error the arena is as it was, and nothing is queued.
            let _ = keys.0.protect_rtp_into(header, payload, index, arena);
        });
        sealed > 0
    }

    /// Says goodbye by DTLS, as a client that leaves does.
    pub fn close(&mut self, now: Instant, outbox: &mut Outbox) {
        if let Some(path) = self.agent.path().filter(|_| !self.over) {
            let local = self.local;
            let mut send = |bytes: &[u8]| outbox.push(path, local, bytes);
            self.dtls.close(&self.identity.context, now, &mut send);
        }
        self.fail(Failure::PeerClosed);
    }

    fn begin_handshake(&mut self, path: SocketAddr, now: Instant, outbox: &mut Outbox) -> Outcome {
        self.handshake_until = Some(now + self.patience);
        let local = self.local;
        let mut send = |bytes: &[u8]| outbox.push(path, local, bytes);
        let progress = self.dtls.connect(&self.identity.context, now, &mut send);
        self.handle_progress(progress)
    }

    fn handle_dtls(
        &mut self,
        path: SocketAddr,
        data: &[u8],
        now: Instant,
        outbox: &mut Outbox,
    ) -> Outcome {
        let local = self.local;
        let mut send = |bytes: &[u8]| outbox.push(path, local, bytes);
        let context = &self.identity.context;
        let progress = self
            .dtls
            .handle_packet(context, Some(Role::Server), data, now, &mut send);
        self.handle_progress(progress)
    }

    fn handle_progress(&mut self, progress: Progress) -> Outcome {
        match progress {
            Progress::Nothing => Outcome::Nothing,
            Progress::Established(established) => self.verify(&established),
            Progress::PeerClosed => self.fail(Failure::PeerClosed),
            Progress::Failed => self.fail(Failure::HandshakeFailed),
        }
    }

    /// Lets media flow if the certificate is the one that signalling told.
    fn verify(&mut self, established: &Established) -> Outcome {
        if !self
            .fingerprints
            .match_certificate(&established.certificate)
        {
            return self.fail(Failure::FingerprintMismatch);
        }
        let Some((_, outbound, inbound)) = established.keys.to_srtp(None) else {
            return self.fail(Failure::HandshakeFailed);
        };
        self.keys = Some(Box::new((outbound, inbound)));
        Outcome::Connected
    }

    fn fail(&mut self, failure: Failure) -> Outcome {
        self.over = true;
        self.keys = None;
        Outcome::Failed(failure)
    }

    /// When patience ends, and with what.
    fn deadline(&self) -> (Instant, Failure) {
        match self.handshake_until {
            None => (self.agent.heard() + self.patience, Failure::NoAnswer),
            Some(until) if !self.is_connected() => (until, Failure::HandshakeTimeout),
            Some(_) => (self.agent.heard() + self.patience, Failure::ConsentExpired),
        }
    }
}

impl Failure {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAnswer => "no-answer",
            Self::ConsentExpired => "consent-expired",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::HandshakeFailed => "handshake-failed",
            Self::FingerprintMismatch => "fingerprint-mismatch",
            Self::PeerClosed => "peer-closed",
        }
    }
}

/// Without the password.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("fragment", &self.fragment)
            .field("addresses", &self.addresses)
            .field("fingerprints", &self.fingerprints)
            .finish_non_exhaustive()
    }
}
