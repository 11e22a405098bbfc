//! The controlling agent towards an ICE-lite server (RFC 8445 §6.1.1, §7.2.2): finds an address of the server that answers, nominates it,
//! and goes on asking it for consent (RFC 7675 §5.1).
//!
//! A lite server sends no checks and gathers host candidates alone, so there are no check lists and no roles to settle: every check is one
//! that we send, and every answer that counts is signed with the server's password.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::client::transport::Remote;
use crate::outbox::Outbox;
use crate::stun::{BindingRequest, Class, Message, Role, TransactionId};

/// Between two checks as long as none has been answered (RFC 8445 §14.2: 50 ms at least).
const PACE: Duration = Duration::from_millis(50);
/// Between two checks of an address that works: 5 s, spread by ±20 % so that many clients do not ask in step (RFC 7675 §5.1).
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
/// Checks whose answers may still come. More than are sent in a round trip of 300 ms.
const OUTSTANDING_MAX: usize = 8;
/// PRIORITY of a peer-reflexive candidate of ours: type preference 110, component 1 (RFC 8445 §5.1.2.1).
const PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// A check that was sent.
#[derive(Clone, Copy, Debug)]
struct Check {
    id: TransactionId,
    address: SocketAddr,
    nominates: bool,
}

/// How far the agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No address has answered.
    Searching,
    /// This one has, and is being nominated.
    Nominating(SocketAddr),
    /// This one is in use.
    Selected(SocketAddr),
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Agent {
    local: IpAddr,
    username: String,
    password: Vec<u8>,
    addresses: Vec<SocketAddr>,
    /// Which address is asked next, while searching.
    turn: usize,
    phase: Phase,
    outstanding: VecDeque<Check>,
    next_check: Instant,
    /// When the last answer came; before the first one, when the search began.
    heard: Instant,
    tie_breaker: u64,
    random: StdRng,
}

impl Agent {
    /// An agent that begins at `now`. `fragment` is our own user name fragment.
    pub(super) fn new(
        local: IpAddr,
        remote: &Remote,
        fragment: &str,
        seed: u64,
        now: Instant,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        Self {
            local,
            username: format!("{}:{fragment}", remote.fragment),
            password: remote.password.as_bytes().to_vec(),
            addresses: remote.addresses.clone(),
            turn: 0,
            phase: Phase::Searching,
            outstanding: VecDeque::with_capacity(OUTSTANDING_MAX),
            next_check: now,
            heard: now,
            tie_breaker: random.random(),
            random,
        }
    }

    /// The server's address that answers.
    pub(super) fn path(&self) -> Option<SocketAddr> {
        match self.phase {
            Phase::Searching => None,
            Phase::Nominating(address) | Phase::Selected(address) => Some(address),
        }
    }

    /// When the server was last heard to consent; before its first answer, when the search began.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    /// When [`Agent::handle_timeout`] is due.
    pub(super) fn next_timeout(&self) -> Instant {
        self.next_check
    }

    /// Sends the check that is due.
    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut Outbox) {
        if self.next_check > now {
            return;
        }
        match self.phase {
            Phase::Searching => {
                let address = self.addresses.get(self.turn % self.addresses.len().max(1));
                if let Some(address) = address.copied() {
                    self.check(address, false, outbox);
                }
                self.turn = self.turn.wrapping_add(1);
                self.next_check = now + PACE;
            }
            Phase::Nominating(address) => {
                self.check(address, true, outbox);
                self.next_check = now + PACE;
            }
            Phase::Selected(address) => {
                self.check(address, true, outbox);
                self.next_check = now + self.consent_interval();
            }
        }
    }

    /// Takes a STUN message. True when it made the first path: media and DTLS may go there now.
    ///
    /// An answer counts when it is signed with the server's password, answers a check of ours, and comes from where that check went
    /// (RFC 8445 §7.2.5.2.1). Everything else changes nothing.
    pub(super) fn handle_message(&mut self, source: SocketAddr, data: &[u8], now: Instant) -> bool {
        let Ok(message) = Message::parse(data) else {
            return false;
        };
        let found = self
            .outstanding
            .iter()
            .position(|check| check.id == message.transaction_id() && check.address == source);
        let Some(place) = found.filter(|_| message.class() == Class::Success) else {
            return false;
        };
        if !message.verify(&self.password) {
            return false;
        }
        self.heard = now;
        let Some(check) = self.outstanding.remove(place) else {
            return false;
        };
        match self.phase {
            Phase::Searching => {
                self.phase = Phase::Nominating(source);
                self.next_check = now;
                true
            }
            Phase::Nominating(address) if address == source && check.nominates => {
                self.phase = Phase::Selected(address);
                self.next_check = now + self.consent_interval();
                false
            }
            _ => false,
        }
    }

    fn check(&mut self, address: SocketAddr, nominates: bool, outbox: &mut Outbox) {
        let mut id = [0; 12];
        self.random.fill_bytes(&mut id);
        let id = TransactionId(id);
        let request = BindingRequest {
            transaction_id: id,
            username: &self.username,
            priority: PRIORITY,
            role: Role::Controlling(self.tie_breaker),
            use_candidate: nominates,
        };
        outbox.push_with(address, self.local, |out| {
            request.write(&self.password, out)
        });
        if self.outstanding.len() == OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(Check {
            id,
            address,
            nominates,
        });
    }

    fn consent_interval(&mut self) -> Duration {
        CONSENT_INTERVAL.mul_f64(self.random.random_range(0.8..1.2))
    }
}
