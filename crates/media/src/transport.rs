//! One client's ICE/DTLS association, and what travels on it.
//!
//! A transport lives in the worker that claimed it. It goes through: first valid check (made) → handshake → fingerprint known and right
//! (connected) → ended by control, by the peer, or by silence. Media flows in the connected state only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;

use crate::claim::Claim;
use crate::command::Role;
use crate::credentials::Ufrag;
use crate::deadlines::Deadlines;
use crate::drops::{Drop, Drops};
use crate::dtls::association::{Association, Context, Established, Progress};
use crate::dtls::fingerprint::Fingerprints;
use crate::event::{CloseReason, Event};
use crate::ice::{Change, Ice, Path};
use crate::id::{ProducerId, TransportId};
use crate::link::Link;
use crate::options::Options;
use crate::producer::Producer;
use crate::queues::Queues;
use crate::reports::Reports;
use crate::room;
use crate::router::Place;
use crate::srtp;
use crate::stats::{DtlsState, Traffic, TransportStats};
use crate::used::UsedSsrcs;

/// What a transport needs of its worker to do anything.
pub(crate) struct Env<'a> {
    pub(crate) options: &'a Options,
    pub(crate) context: &'a Context,
    /// Where the keys go that media is sealed with.
    pub(crate) room: &'a mut srtp::KeyRoom,
    pub(crate) queues: &'a mut Queues,
    pub(crate) now: Instant,
}

/// What signalling said about the remote side.
struct Remote {
    role: Role,
    fingerprints: Fingerprints,
}

/// A consumer of this transport: its name here, and where the router has it. Small, as there may be a million.
#[derive(Clone, Copy, Debug)]
struct Heard {
    ssrc: u32,
    place: Place,
}

const _: () = assert!(size_of::<Heard>() == 12);

/// See the module's documentation.
pub(crate) struct Transport {
    pub(crate) link: Link,
    /// Present exactly when media may come in.
    pub(crate) inbound: Option<Box<srtp::Inbound>>,
    pub(crate) claim: Arc<Claim>,
    pub(crate) ice: Ice,
    /// The earliest look at this transport that the worker has noted.
    pub(crate) scheduled: Option<Instant>,
    pub(crate) received: Traffic,
    drops: Drops,
    pub(crate) producers: Vec<Producer>,
    /// By rising SSRC.
    consumers: Vec<Heard>,
    /// Those that a consumer here has ever had.
    used_ssrcs: UsedSsrcs,
    pub(crate) reports: Reports,
    dtls: Association,
    remote: Option<Remote>,
    /// A finished handshake whose certificate nobody could vouch for yet.
    unverified: Option<Box<Established>>,
    handshake_until: Instant,
    /// Datagrams of its handshake that wait for their turn.
    pub(crate) waiting: u8,
    profile: Option<srtp::Profile>,
}

impl Transport {
    /// A transport whose first check has just passed.
    pub(crate) fn new(
        claim: Arc<Claim>,
        options: &Options,
        random: &mut StdRng,
        now: Instant,
    ) -> Option<Self> {
        let mut credentials = claim.credentials();
        let ice = Ice::new(credentials.next()?, credentials.next(), now);
        Some(Self {
            link: Link::default(),
            inbound: None,
            claim,
            ice,
            scheduled: None,
            received: Traffic::default(),
            drops: Drops::default(),
            producers: Vec::new(),
            consumers: Vec::new(),
            used_ssrcs: UsedSsrcs::default(),
            reports: Reports::new(random, now),
            dtls: Association::default(),
            remote: None,
            unverified: None,
            handshake_until: now + options.handshake_timeout,
            waiting: 0,
            profile: None,
        })
    }

    pub(crate) fn id(&self) -> TransportId {
        self.claim.id()
    }

    /// Whether media may flow.
    pub(crate) fn is_connected(&self) -> bool {
        self.inbound.is_some()
    }

    /// Whether DTLS has come to its end: what comes of it now costs little.
    pub(crate) fn has_shaken_hands(&self) -> bool {
        self.dtls.is_established()
    }

    /// Counts a drop, here and in the worker's account.
    pub(crate) fn drop(&mut self, reason: Drop, queues: &mut Queues) {
        self.drops.count(reason);
        queues.drop(reason);
    }

    /// Notes that an SSRC is used. False when it was before: the cipher would use a nonce twice.
    pub(crate) fn use_ssrc(&mut self, ssrc: u32) -> bool {
        self.used_ssrcs.insert(ssrc)
    }

    /// Notes where the router has the consumer of this SSRC: a new one, or one that was moved.
    pub(crate) fn note_consumer(&mut self, ssrc: u32, place: Place) {
        match self.find_consumer(ssrc) {
            Ok(at) => {
                if let Some(known) = self.consumers.get_mut(at) {
                    known.place = place;
                }
            }
            Err(at) => {
                room::for_one_more(&mut self.consumers);
                self.consumers.insert(at, Heard { ssrc, place });
            }
        }
    }

    /// Forgets a consumer, but not that it was there.
    pub(crate) fn remove_consumer(&mut self, ssrc: u32) {
        if let Ok(at) = self.find_consumer(ssrc) {
            self.consumers.remove(at);
            room::give_back(&mut self.consumers);
        }
    }

    /// Any one consumer: its SSRC, and where it is.
    pub(crate) fn last_consumer(&self) -> Option<(u32, Place)> {
        self.consumers.last().map(|known| (known.ssrc, known.place))
    }

    /// Where the consumer is that its receiver knows by this SSRC.
    pub(crate) fn consumer(&self, ssrc: u32) -> Option<Place> {
        let at = self.find_consumer(ssrc).ok()?;
        self.consumers.get(at).map(|known| known.place)
    }

    fn find_consumer(&self, ssrc: u32) -> Result<usize, usize> {
        self.consumers
            .binary_search_by_key(&ssrc, |known| known.ssrc)
    }

    /// The producer whose packets have this SSRC.
    pub(crate) fn producer_by_ssrc(&mut self, ssrc: u32) -> Option<&mut Producer> {
        self.producers
            .iter_mut()
            .find(|producer| producer.has_ssrc(ssrc))
    }

    /// Ends a producer; its source may not be taken for another's later.
    pub(crate) fn remove_producer(&mut self, id: ProducerId, queues: &mut Queues) {
        let Some(place) = self
            .producers
            .iter()
            .position(|producer| producer.id() == id)
        else {
            return;
        };
        self.producers.remove(place).stop(queues);
    }

    /// Takes an authenticated check.
    pub(crate) fn handle_check(
        &mut self,
        path: Path,
        ufrag: Ufrag,
        nominates: bool,
        now: Instant,
    ) -> Change {
        let change = self.ice.handle_check(path, ufrag, nominates, now);
        self.link.selected = self.ice.selected();
        change
    }

    /// Forgets an address that another transport has taken over.
    pub(crate) fn forget_address(&mut self, address: SocketAddr) {
        self.ice.forget(address);
        self.link.selected = self.ice.selected();
    }

    /// Takes what signalling said about the remote side. Only the first word counts: a fingerprint does not change in mid-call.
    pub(crate) fn connect(
        &mut self,
        role: Role,
        fingerprints: Fingerprints,
        env: &mut Env<'_>,
    ) -> Option<CloseReason> {
        if self.remote.is_none() {
            self.remote = Some(Remote { role, fingerprints });
        }
        self.verify(env).or_else(|| self.begin_if_client(env))
    }

    /// Sends our ClientHello, once the remote is known to wait for it and a path is known to be good.
    pub(crate) fn begin_if_client(&mut self, env: &mut Env<'_>) -> Option<CloseReason> {
        let waits = self
            .remote
            .as_ref()
            .is_some_and(|remote| remote.role != Role::Client);
        let path = self
            .link
            .selected
            .filter(|_| waits && !self.dtls.has_begun())?;
        let link = &mut self.link;
        let mut send = |bytes: &[u8]| link.send_plain(path, bytes, &mut env.queues.outbox);
        let progress = self.dtls.connect(env.context, env.now, &mut send);
        self.handle_progress(progress, env)
    }

    /// Takes a datagram of class DTLS from a validated address; what it leads to goes back there.
    pub(crate) fn handle_dtls(
        &mut self,
        path: Path,
        data: &[u8],
        env: &mut Env<'_>,
    ) -> Option<CloseReason> {
        let role = self.remote.as_ref().map(|remote| remote.role);
        let link = &mut self.link;
        let mut send = |bytes: &[u8]| link.send_plain(path, bytes, &mut env.queues.outbox);
        let progress = self
            .dtls
            .handle_packet(env.context, role, data, env.now, &mut send);
        if !self.dtls.has_begun() {
            self.drop(Drop::Dtls, env.queues);
        }
        self.handle_progress(progress, env)
    }

    /// Does what is due for ICE and DTLS.
    pub(crate) fn handle_timeout(&mut self, env: &mut Env<'_>) -> Option<CloseReason> {
        if self.ice.consent_until(env.options.consent_timeout) <= env.now {
            return Some(CloseReason::ConsentExpired);
        }
        if !self.dtls.is_established() && self.handshake_until <= env.now {
            return Some(CloseReason::HandshakeTimeout);
        }
        for producer in &mut self.producers {
            producer.handle_timeout(self.reports.ssrc, &mut self.link, env.queues, env.now);
        }
        let path = self.link.selected?;
        let link = &mut self.link;
        let mut send = |bytes: &[u8]| link.send_plain(path, bytes, &mut env.queues.outbox);
        let progress = self.dtls.handle_timeout(env.context, env.now, &mut send);
        self.handle_progress(progress, env)
    }

    /// When [`Transport::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self, options: &Options, deadlines: &Deadlines) -> Option<Instant> {
        let handshake = (!self.dtls.is_established()).then_some(self.handshake_until);
        let consent = Some(self.ice.consent_until(options.consent_timeout));
        let producers = self
            .producers
            .iter()
            .filter_map(Producer::next_timeout)
            .min();
        let report = self.is_connected().then_some(self.reports.next_timeout());
        let rough = [consent, handshake, report, self.dtls.next_timeout()];
        let rough = rough.into_iter().flatten().min();
        let rough = rough.map(|at| deadlines.in_time(at));
        [rough, producers].into_iter().flatten().min()
    }

    /// Says goodbye to the client: control has removed the transport.
    pub(crate) fn say_goodbye(&mut self, env: &mut Env<'_>) {
        let Some(path) = self.link.selected else {
            return;
        };
        let link = &mut self.link;
        let mut send = |bytes: &[u8]| link.send_plain(path, bytes, &mut env.queues.outbox);
        self.dtls.close(env.context, env.now, &mut send);
    }

    /// What has been counted.
    pub(crate) fn stats(&self) -> TransportStats {
        TransportStats {
            received: self.received,
            sent: self.link.sent,
            dropped: self.drops,
            selected: self.link.destination(),
            dtls: self.dtls_state(),
            srtp_profile: self.profile.map(profile_name),
            rtt_ms: self.reports.rtt_ms(),
        }
    }

    fn dtls_state(&self) -> DtlsState {
        if self.is_connected() {
            DtlsState::Connected
        } else if self.unverified.is_some() {
            DtlsState::AwaitingFingerprint
        } else if self.dtls.has_begun() {
            DtlsState::Connecting
        } else {
            DtlsState::New
        }
    }

    fn handle_progress(&mut self, progress: Progress, env: &mut Env<'_>) -> Option<CloseReason> {
        match progress {
            Progress::Nothing => None,
            Progress::Established(established) => {
                self.unverified = Some(established);
                self.verify(env)
            }
            Progress::PeerClosed => Some(CloseReason::PeerClosed),
            Progress::Failed => Some(CloseReason::HandshakeFailed),
        }
    }

    /// Lets media flow when handshake and fingerprint are both there and agree.
    fn verify(&mut self, env: &mut Env<'_>) -> Option<CloseReason> {
        let remote = self.remote.as_ref()?;
        let established = self.unverified.take()?;
        if !remote
            .fingerprints
            .match_certificate(&established.certificate)
        {
            return Some(CloseReason::FingerprintMismatch);
        }
        let Some((profile, outbound, inbound)) = established.keys.to_srtp(Some(env.room)) else {
            return Some(CloseReason::HandshakeFailed);
        };
        self.profile = Some(profile);
        self.link.open(outbound);
        self.inbound = Some(Box::new(inbound));
        env.queues.event(Event::TransportConnected(self.id()));
        None
    }
}

/// The profile's name as RFC 5764 and 7714 register it.
fn profile_name(profile: srtp::Profile) -> &'static str {
    match profile {
        srtp::Profile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        srtp::Profile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
        srtp::Profile::AesCm128HmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
    }
}
