//! One transport's DTLS association: from the first ClientHello to the keys for SRTP (RFC 5764), in either role.
//!
//! The transport drives it with datagrams and time and sends what it writes. The library (`dimpl`) does the protocol; what stands here is
//! when one is made, what its end means, and that its trouble stays its own: every error of the library is the end of that connection object,
//! so before the handshake is done an error makes a new one (a forged record must not end a join, T2), afterwards it ends the transport.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, KeyingMaterial, Output, SrtpProfile};

use crate::command::Role;
use crate::dtls::certificate::Certificate;
use crate::dtls::keys::SrtpKeys;
use crate::dtls::record::{has_plaintext_alert, is_client_hello};
use crate::options::Options;

/// First retransmission. Below RFC 9147's 1 s because ICE has just shown that the path is alive, and a lost flight delays a join by it.
const FLIGHT_RTO: Duration = Duration::from_millis(400);
/// With doubling: 0.4 s · (2⁷ − 1) = 51 s, so that `Options::handshake_timeout` ends it and not the count.
const FLIGHT_RETRIES: usize = 6;
/// What the library takes as a handshake's time; the transport ends it on time by itself.
const HANDSHAKE_MIN: Duration = Duration::from_secs(1);
const HANDSHAKE_MAX: Duration = Duration::from_secs(3_600);
/// Connection objects that one transport may use up before its handshake counts as failed.
const ATTEMPTS_MAX: u8 = 8;
/// Handshake messages that may wait, out of order, in one connection.
const QUEUE_MAX: usize = 30;
/// What fits into one poll: a flight's datagram has at most the library's MTU, 1,150 bytes.
const POLL_BUFFER: usize = 2_048;
/// The library's word for "no timer" is a time years away.
const NO_TIMER: Duration = Duration::from_secs(3_600);

/// What all associations of a worker share.
pub(crate) struct Context {
    config: Arc<Config>,
    certificate: DtlsCertificate,
}

/// A finished handshake: whose certificate, and the keys.
pub(crate) struct Established {
    /// The peer's certificate, DER.
    pub(crate) certificate: Vec<u8>,
    pub(crate) keys: SrtpKeys,
}

/// What an input led to.
pub(crate) enum Progress {
    /// Nothing that the transport must act on.
    Nothing,
    /// The handshake is done.
    Established(Box<Established>),
    /// The peer said goodbye, or broke the connection in an authenticated way.
    PeerClosed,
    /// The handshake cannot succeed.
    Failed,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Association {
    connection: Option<Box<Dtls>>,
    attempts: u8,
    established: bool,
    certificate: Option<Vec<u8>>,
    material: Option<(SrtpProfile, KeyingMaterial)>,
    timer: Option<Instant>,
}

impl Context {
    /// Settings for all associations.
    pub(crate) fn new(options: &Options, certificate: &Certificate) -> Self {
        let mut builder = Config::builder()
            .use_server_cookie(false) // ICE has proved the address
            .max_queue_rx(QUEUE_MAX)
            .flight_start_rto(FLIGHT_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(
                options
                    .handshake_timeout
                    .clamp(HANDSHAKE_MIN, HANDSHAKE_MAX),
            );
        if let Some(seed) = options.dtls_seed {
            builder = builder.dangerously_set_rng_seed(seed);
        }
        // The library refuses only values outside its ranges, and none of these is.
        let config = Arc::new(builder.build().unwrap_or_default());
        Self {
            config,
            certificate: certificate.to_dtls(),
        }
    }
}

impl Association {
    /// Whether a handshake has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether the handshake is done.
    pub(crate) fn is_established(&self) -> bool {
        self.established
    }

    /// When [`Association::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// Begins as client: the ClientHello is sent at once. Does nothing when a handshake has begun.
    pub(crate) fn connect(
        &mut self,
        context: &Context,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
    ) -> Progress {
        if self.has_begun() {
            return Progress::Nothing;
        }
        self.begin(context, true, now);
        self.advance(context, now, send, |connection| {
            connection.handle_timeout(now)
        })
    }

    /// Takes a datagram of class DTLS. Without a connection only a ClientHello makes one, and only when the remote may be the client.
    pub(crate) fn handle_packet(
        &mut self,
        context: &Context,
        remote: Option<Role>,
        data: &[u8],
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
    ) -> Progress {
        if has_plaintext_alert(data) {
            return Progress::Nothing; // nobody vouches for it, and the library would give up the handshake
        }
        let hello = is_client_hello(data);
        if hello && remote == Some(Role::Auto) && self.awaits_server_hello() {
            self.connection = None; // both sides took the client's part: theirs is the one that counts
        }
        if self.connection.is_none() {
            if !hello || remote == Some(Role::Server) {
                return Progress::Nothing;
            }
            self.begin(context, false, now);
        }
        self.advance(context, now, send, |connection| {
            connection.handle_timeout(now)?; // the library panics in a server that got no time before its first packet
            connection.handle_packet(data)
        })
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(
        &mut self,
        context: &Context,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
    ) -> Progress {
        if self.timer.is_none_or(|timer| timer > now) {
            return Progress::Nothing;
        }
        self.advance(context, now, send, |connection| {
            connection.handle_timeout(now)
        })
    }

    /// Says goodbye, if there is anyone to say it to.
    pub(crate) fn close(&mut self, context: &Context, now: Instant, send: &mut dyn FnMut(&[u8])) {
        if self.established {
            self.advance(context, now, send, |connection| connection.close());
        }
        self.connection = None;
        self.timer = None;
    }

    fn begin(&mut self, context: &Context, as_client: bool, now: Instant) {
        let mut connection = Dtls::new_auto(
            Arc::clone(&context.config),
            context.certificate.clone(),
            now,
        );
        if as_client {
            connection.set_active(true);
        }
        self.connection = Some(Box::new(connection));
    }

    /// Whether we sent a ClientHello that nobody has answered: only then the library does not know the version yet.
    fn awaits_server_hello(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            connection.is_active() && connection.protocol_version().is_none()
        })
    }

    /// Runs one step of the library and all that follows from it.
    fn advance(
        &mut self,
        context: &Context,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
        step: impl FnOnce(&mut Dtls) -> Result<(), dimpl::Error>,
    ) -> Progress {
        let Some(mut connection) = self.connection.take() else {
            return Progress::Nothing;
        };
        let as_client = connection.is_active();
        // A panic of the library may cost this one transport, never the worker's others.
        let outcome = catch_unwind(AssertUnwindSafe(|| match step(&mut connection) {
            Ok(()) => Some((self.drain(&mut connection, now, send), connection)),
            Err(_) => None,
        }));
        match outcome {
            Ok(Some((closed, connection))) => {
                self.connection = Some(connection);
                if closed {
                    Progress::PeerClosed
                } else {
                    self.finish(as_client)
                }
            }
            Ok(None) | Err(_) => self.fail(context, as_client, now, send),
        }
    }

    /// Sends and notes what the library has to say. True when the peer said goodbye.
    fn drain(&mut self, connection: &mut Dtls, now: Instant, send: &mut dyn FnMut(&[u8])) -> bool {
        let mut closed = false;
        let mut small = [0; POLL_BUFFER];
        let mut large = Vec::new();
        loop {
            let buffer = if large.is_empty() {
                &mut small[..]
            } else {
                &mut large
            };
            match connection.poll_output(buffer) {
                Output::Packet(packet) => send(packet),
                Output::BufferTooSmall { needed } => large = vec![0; needed],
                Output::Connected => self.established = true,
                Output::PeerCert(certificate) => self.certificate = Some(certificate.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    self.material = Some((profile, material))
                }
                Output::CloseNotify => closed = true,
                Output::Timeout(at) => {
                    self.timer = (at.saturating_duration_since(now) < NO_TIMER).then_some(at);
                    return closed;
                }
                _ => {} // nobody sends application data here
            }
        }
    }

    /// Hands out the result of the handshake, once.
    fn finish(&mut self, we_are_client: bool) -> Progress {
        if !self.established {
            return Progress::Nothing;
        }
        match (self.certificate.take(), self.material.take()) {
            (Some(certificate), Some((profile, material))) => {
                let keys = SrtpKeys {
                    profile,
                    material,
                    we_are_client,
                };
                Progress::Established(Box::new(Established { certificate, keys }))
            }
            (None, None) => Progress::Nothing, // handed out before
            _ => Progress::Failed,             // no common SRTP profile, or nobody behind it
        }
    }

    /// The connection object is spent.
    fn fail(
        &mut self,
        context: &Context,
        as_client: bool,
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
    ) -> Progress {
        self.connection = None;
        self.timer = None;
        if self.established {
            return Progress::PeerClosed;
        }
        (self.certificate, self.material) = (None, None);
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= ATTEMPTS_MAX {
            return Progress::Failed;
        }
        if as_client {
            self.connect(context, now, send)
        } else {
            Progress::Nothing
        }
    }
}
