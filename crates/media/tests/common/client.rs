//! A client with one transport, made of the same parts in the other role: it sends checks, does DTLS as client or server, seals and opens SRTP.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, KeyingMaterial, Output, SrtpProfile};
use hocket_media::dtls::fingerprint::HashFunction;
use hocket_media::srtp::{Inbound, Outbound, Profile};
use hocket_media::stun::{BindingRequest, Message, Role as IceRole, TransactionId};
use hocket_media::{Credentials, Fingerprint, Fingerprints};

/// How often a browser checks a path that works; Chromium's figure.
const CHECK_INTERVAL: Duration = Duration::from_millis(2_500);
/// How soon it asks again while nobody has answered.
const CHECK_RETRY: Duration = Duration::from_millis(100);

/// DTLS versions that a client offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    V12,
    V13,
    #[default]
    Both,
}

/// A datagram that the client opened.
#[derive(Clone, Debug)]
pub enum Opened {
    /// RTP in the clear, with its arrival.
    Rtp(Vec<u8>, Instant),
    /// RTCP in the clear.
    Rtcp(Vec<u8>, Instant),
}

/// See the module's documentation.
pub struct Client {
    /// Where it sends from now; a change is a client that moved.
    pub address: SocketAddr,
    pub server: SocketAddr,
    pub credentials: Credentials,
    /// Whether it sends checks by itself.
    pub checks: bool,
    /// Whether its checks nominate.
    pub nominates: bool,
    pub dtls_is_client: bool,
    /// Datagrams to send: from where, and what.
    pub outgoing: VecDeque<(SocketAddr, Vec<u8>)>,
    /// What has come in.
    pub opened: VecDeque<Opened>,
    /// Answers to checks that were not signed with the present password.
    pub unverified: usize,
    /// Datagrams that could not be opened.
    pub unreadable: usize,
    /// The server said goodbye by DTLS.
    pub closed_by_server: bool,
    pub srtp_profile: Option<SrtpProfile>,
    version: Version,
    certificate: DtlsCertificate,
    config: Arc<Config>,
    dtls: Option<Dtls>,
    dtls_timer: Option<Instant>,
    keys: Option<(Outbound, Inbound)>,
    next_check: Instant,
    answered: bool,
    transactions: u64,
    errors: Vec<u16>,
    /// RTP and RTCP datagrams that were opened, as they came: for comparing retransmissions.
    pub sealed: Vec<Vec<u8>>,
    /// SRTP packets that were sent last, for replaying.
    pub recorded: Vec<Vec<u8>>,
}

impl Client {
    pub fn new(
        address: SocketAddr,
        server: SocketAddr,
        credentials: Credentials,
        version: Version,
        seed: u64,
        now: Instant,
    ) -> Self {
        let certificate = dimpl::certificate::generate_self_signed_certificate().unwrap();
        Self::with_certificate(
            address,
            server,
            credentials,
            version,
            seed,
            certificate,
            now,
        )
    }

    /// A client with a certificate that others may have too.
    pub fn with_certificate(
        address: SocketAddr,
        server: SocketAddr,
        credentials: Credentials,
        version: Version,
        seed: u64,
        certificate: DtlsCertificate,
        now: Instant,
    ) -> Self {
        let builder = Config::builder()
            .flight_start_rto(Duration::from_millis(100))
            .dangerously_set_rng_seed(seed);
        Self {
            version,
            address,
            server,
            credentials,
            checks: true,
            nominates: true,
            dtls_is_client: true,
            outgoing: VecDeque::new(),
            opened: VecDeque::new(),
            unverified: 0,
            unreadable: 0,
            closed_by_server: false,
            srtp_profile: None,
            certificate,
            config: Arc::new(builder.build().unwrap()),
            dtls: None,
            dtls_timer: None,
            keys: None,
            next_check: now,
            answered: false,
            transactions: seed << 32,
            errors: Vec::new(),
            sealed: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// What the client signals about its certificate.
    pub fn fingerprints(&self) -> Fingerprints {
        let fingerprint = Fingerprint::of(HashFunction::Sha256, &self.certificate.certificate);
        // Lower case, as `getFingerprints()` has it.
        Fingerprints::parse([("sha-256", fingerprint.value().to_lowercase().as_str())]).unwrap()
    }

    /// Shows another's certificate, without having its key. Before DTLS begins.
    pub fn pretend_to_be(&mut self, other: &Self) {
        self.certificate.certificate = other.certificate.certificate.clone();
    }

    pub fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether a check has been answered.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// Codes of STUN errors that came back.
    pub fn stun_errors(&self) -> &[u16] {
        &self.errors
    }

    /// The client goes to another address and checks from there at once, as a browser does after a change of network.
    pub fn move_to(&mut self, address: SocketAddr, now: Instant) {
        self.address = address;
        self.answered = false;
        self.next_check = now;
    }

    /// New credentials by signalling: checks use them from now on.
    pub fn restart_ice(&mut self, credentials: Credentials, now: Instant) {
        self.credentials = credentials;
        self.answered = false;
        self.next_check = now;
    }

    /// One connectivity check, written as a browser would.
    pub fn check(&mut self, role: IceRole, nominate: bool) -> Vec<u8> {
        self.transactions += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.transactions.to_be_bytes());
        let username = format!("{}:peer", self.credentials.ufrag.as_str());
        let request = BindingRequest {
            transaction_id: TransactionId(id),
            username: &username,
            priority: 1_853_824_767,
            role,
            use_candidate: nominate,
        };
        let mut out = Vec::new();
        request.write(self.credentials.password.as_str().as_bytes(), &mut out);
        out
    }

    pub fn send(&mut self, bytes: Vec<u8>) {
        self.outgoing.push_back((self.address, bytes));
    }

    /// Seals and sends an RTP packet. `index` is its 48-bit SRTP index.
    pub fn send_rtp(&mut self, header: &[u8], payload: &[u8], index: u64) {
        let Some((outbound, _)) = &mut self.keys else {
            return;
        };
        let mut packet = Vec::new();
        outbound
            .protect_rtp_into(header, payload, index, &mut packet)
            .unwrap();
        self.recorded.push(packet.clone());
        self.send(packet);
    }

    /// Seals and sends an RTCP packet.
    pub fn send_rtcp(&mut self, mut packet: Vec<u8>) {
        let Some((outbound, _)) = &mut self.keys else {
            return;
        };
        outbound.protect_rtcp(&mut packet).unwrap();
        self.recorded.push(packet.clone());
        self.send(packet);
    }

    /// Says goodbye by DTLS.
    pub fn say_goodbye(&mut self, now: Instant) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close().unwrap();
        }
        self.poll_dtls(now);
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let check = self.checks.then_some(self.next_check);
        [check, self.dtls_timer].into_iter().flatten().min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.checks && self.next_check <= now {
            let check = self.check(IceRole::Controlling(7), self.nominates);
            self.send(check);
            self.next_check = now
                + if self.answered {
                    CHECK_INTERVAL
                } else {
                    CHECK_RETRY
                };
        }
        if self.dtls_timer.is_some_and(|at| at <= now) {
            self.dtls_timer = None;
            match self.dtls.as_mut().map(|dtls| dtls.handle_timeout(now)) {
                Some(Err(_)) => self.dtls = None,
                _ => self.poll_dtls(now),
            }
        }
    }

    pub fn handle_datagram(&mut self, bytes: &mut [u8], now: Instant) {
        match bytes[0] {
            0..=3 => self.handle_stun(bytes, now),
            20..=63 => self.handle_dtls(bytes, now),
            _ => self.handle_srtp(bytes, now),
        }
    }

    /// Begins the handshake, if that is this side's to do.
    pub fn begin_dtls(&mut self, now: Instant) {
        if self.dtls.is_some() {
            return;
        }
        let make = match self.version {
            Version::V12 => Dtls::new_12,
            Version::V13 => Dtls::new_13,
            Version::Both => Dtls::new_auto,
        };
        let mut dtls = make(Arc::clone(&self.config), self.certificate.clone(), now);
        if self.dtls_is_client {
            dtls.set_active(true);
        }
        dtls.handle_timeout(now).unwrap();
        self.dtls = Some(dtls);
        self.poll_dtls(now);
    }

    fn handle_stun(&mut self, bytes: &[u8], now: Instant) {
        let message = Message::parse(bytes).unwrap();
        if !message.verify(self.credentials.password.as_str().as_bytes()) {
            self.unverified += 1; // an answer to a check from before a restart
            return;
        }
        if let Some(code) = message.error_code() {
            self.errors.push(code);
        } else if !self.answered {
            self.answered = true;
            self.next_check = now + CHECK_INTERVAL;
            self.begin_dtls(now);
        }
    }

    fn handle_dtls(&mut self, bytes: &[u8], now: Instant) {
        let Some(dtls) = &mut self.dtls else { return };
        if self.dtls_is_client && bytes[0] == 22 && bytes[3..5] == [0, 0] && bytes[13] == 1 {
            return; // browsers ignore a ClientHello that crosses theirs
        }
        if dtls
            .handle_timeout(now)
            .and_then(|()| dtls.handle_packet(bytes))
            .is_err()
        {
            self.dtls = None;
            self.dtls_timer = None;
            return;
        }
        self.poll_dtls(now);
    }

    fn handle_srtp(&mut self, bytes: &mut [u8], now: Instant) {
        let Some((_, inbound)) = &mut self.keys else {
            self.unreadable += 1;
            return;
        };
        self.sealed.push(bytes.to_vec());
        let opened = if (192..=223).contains(&bytes[1]) {
            inbound
                .unprotect_rtcp(bytes)
                .ok()
                .map(|length| Opened::Rtcp(bytes[..length].to_vec(), now))
        } else {
            inbound
                .unprotect_rtp(bytes)
                .ok()
                .map(|opened| Opened::Rtp(bytes[..opened.len].to_vec(), now))
        };
        match opened {
            Some(opened) => self.opened.push_back(opened),
            None => self.unreadable += 1,
        }
    }

    fn poll_dtls(&mut self, now: Instant) {
        let Some(dtls) = &mut self.dtls else { return };
        let mut buffer = [0; 4_096];
        let mut keys = None;
        loop {
            match dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => self.outgoing.push_back((self.address, packet.to_vec())),
                Output::KeyingMaterial(material, profile) => keys = Some((material, profile)),
                Output::CloseNotify => self.closed_by_server = true,
                Output::Timeout(at) => {
                    self.dtls_timer = (at.saturating_duration_since(now)
                        < Duration::from_secs(3_600))
                    .then_some(at);
                    break;
                }
                _ => {}
            }
        }
        if let Some((material, profile)) = keys {
            self.install(&material, profile);
        }
    }

    fn install(&mut self, material: &KeyingMaterial, profile: SrtpProfile) {
        self.srtp_profile = Some(profile);
        let (profile, key, salt) = match profile {
            SrtpProfile::AEAD_AES_256_GCM => (Profile::AeadAes256Gcm, 32, 12),
            SrtpProfile::AEAD_AES_128_GCM => (Profile::AeadAes128Gcm, 16, 12),
            _ => (Profile::AesCm128HmacSha1_80, 16, 14),
        };
        let (keys, salts) = material.split_at(key * 2);
        let client = (&keys[..key], &salts[..salt]);
        let server = (&keys[key..], &salts[salt..]);
        let (own, other) = if self.dtls_is_client {
            (client, server)
        } else {
            (server, client)
        };
        let outbound = Outbound::new(profile, own.0, own.1).unwrap();
        let inbound = Inbound::new(profile, other.0, other.1).unwrap();
        self.keys = Some((outbound, inbound));
    }
}
