//! Datagrams: sorted, looked up, handed on. What a stranger sends ends here, as a counter.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Worker;
use crate::addresses::Home;
use crate::claim::Claim;
use crate::credentials::{Password, Ufrag};
use crate::demux::{Class, classify};
use crate::drops::Drop;
use crate::ice::Path;
use crate::id::WorkerId;
use crate::message::WorkerMessage;
use crate::slab::Slot;
use crate::stun::{self, ErrorCode, Message};
use crate::transport::Transport;

/// An address that passed a check this recently is not given to another transport. A member who can forge source addresses could otherwise
/// take a victim's traffic away with checks of his own transport; a port that a client uses again is free by then, or its transport is gone.
const ADDRESS_HELD: Duration = Duration::from_secs(10);
/// 420 names at most this many unknown attributes.
const UNKNOWN_NAMED: usize = 8;

impl Worker {
    /// Takes a datagram; `direct` when it came from the socket, and may be passed on.
    pub(super) fn receive(&mut self, path: Path, data: &mut [u8], direct: bool, now: Instant) {
        let class = classify(data);
        match class {
            Class::Stun => self.handle_stun(path, data, direct, now),
            Class::Dtls | Class::Rtp | Class::Rtcp => match self.addresses.get(path.remote) {
                Some(Home::Here(slot)) => self.handle_known(*slot, path, class, data, now),
                Some(Home::There(claim)) if direct => match claim.owner() {
                    Some(owner) => self.pass_on(owner, path, data),
                    None => self.drop_here(Drop::UnknownAddress),
                },
                _ => self.drop_here(Drop::UnknownAddress),
            },
            Class::TurnChannel | Class::Unknown => self.drop_here(Drop::UnknownClass),
        }
    }

    fn handle_known(
        &mut self,
        slot: Slot,
        path: Path,
        class: Class,
        data: &mut [u8],
        now: Instant,
    ) {
        if let Some(transport) = self.transports.get_mut(slot) {
            transport.received.add(data.len());
        }
        match class {
            Class::Dtls => self.handle_dtls(slot, path, data, now),
            Class::Rtp => self.handle_rtp(slot, data, now),
            _ => self.handle_rtcp(slot, data, now),
        }
    }

    fn pass_on(&mut self, owner: WorkerId, path: Path, data: &[u8]) {
        let passed = self.passing.copy(path, data);
        self.queues.message(owner, WorkerMessage::Datagram(passed));
    }

    /// Judges a connectivity check, cheapest test first; nothing is remembered or answered before the last has passed (T10).
    fn handle_stun(&mut self, path: Path, data: &[u8], direct: bool, now: Instant) {
        let Ok(message) = Message::parse(data) else {
            return self.drop_here(Drop::StunMalformed);
        };
        if message.class() == stun::Class::Indication {
            return; // a keepalive (RFC 8445 §11)
        }
        if message.class() != stun::Class::Request || message.method() != stun::BINDING {
            return self.drop_here(Drop::StunMalformed);
        }
        let ufrag = message.username().and_then(Ufrag::from_username);
        let Some((ufrag, announced)) =
            ufrag.and_then(|ufrag| Some((ufrag, self.fragments.get(ufrag)?)))
        else {
            return self.drop_here(Drop::StunUnknownUser);
        };
        if !message.has_fingerprint() || !message.verify(announced.password.as_bytes()) {
            return self.drop_here(Drop::StunIntegrity);
        }
        let (claim, password) = (Arc::clone(&announced.claim), announced.password);
        match announced.slot.or_else(|| self.claim(&claim, now)) {
            Some(slot) => {
                let taken = self.answer(slot, path, &message, ufrag, password, now);
                // Whoever passed it on may not know whose the address is: it may have taken a failed worker's place.
                if taken.is_some_and(|is_new| is_new || !direct) {
                    self.broadcast(&WorkerMessage::AddressOwned {
                        address: path.remote,
                        claim,
                    });
                }
            }
            None => match claim.owner().filter(|owner| direct && *owner != self.id) {
                Some(owner) => self.pass_on(owner, path, data),
                None => self.drop_here(Drop::StunUnknownUser),
            },
        }
    }

    /// Becomes the owner, unless somebody is: makes the transport and does what control has wanted of it so far.
    fn claim(&mut self, claim: &Arc<Claim>, now: Instant) -> Option<Slot> {
        let waiting = claim.take(self.id)?;
        let transport = Transport::new(Arc::clone(claim), &self.options, &mut self.random, now)?;
        let slot = self.transports.insert(transport)?;
        self.owned.insert(claim.id(), slot);
        self.fragments.own(claim.credentials(), slot);
        for command in waiting {
            self.handle_command(command, now);
        }
        Some(slot)
    }

    /// Answers a check that is rightly signed. As [`Worker::accept_check`]; `None` also when it is answered with an error.
    fn answer(
        &mut self,
        slot: Slot,
        path: Path,
        message: &Message<'_>,
        ufrag: Ufrag,
        password: Password,
        now: Instant,
    ) -> Option<bool> {
        let mut taken = None;
        let mut out = core::mem::take(&mut self.scratch);
        out.clear();
        let mut unknown = [0u16; UNKNOWN_NAMED];
        let mut unknown_count = 0;
        for (place, kind) in unknown.iter_mut().zip(message.unknown_required()) {
            *place = kind;
            unknown_count += 1;
        }
        let (id, key) = (message.transaction_id(), password.as_bytes());
        if let Some(unknown @ [_, ..]) = unknown.get(..unknown_count) {
            stun::write_error(
                id,
                ErrorCode::UnknownAttribute,
                unknown,
                Some(key),
                &mut out,
            );
        } else if message.ice_controlled().is_some() {
            // A lite agent is always the controlled one (RFC 8445 §6.1.1), so the other side has to change.
            stun::write_error(id, ErrorCode::RoleConflict, &[], Some(key), &mut out);
        } else {
            taken = self.accept_check(slot, path, ufrag, message.use_candidate(), now);
            if taken.is_some() {
                stun::write_success(id, path.remote, key, &mut out);
            }
        }
        if let Some(transport) = self.transports.get_mut(slot).filter(|_| !out.is_empty()) {
            transport
                .link
                .send_plain(path, &out, &mut self.queues.outbox);
        }
        self.scratch = out;
        self.with_transport(slot, now, Transport::begin_if_client);
        taken
    }

    /// Notes the address, and tells whether it is new to its transport. `None` = it belongs to another transport, and the check is not to be
    /// answered.
    fn accept_check(
        &mut self,
        slot: Slot,
        path: Path,
        ufrag: Ufrag,
        nominates: bool,
        now: Instant,
    ) -> Option<bool> {
        let known =
            matches!(self.addresses.get(path.remote), Some(Home::Here(owner)) if *owner == slot);
        if !known && !self.is_free(path.remote, now) {
            self.drop_here(Drop::AddressTaken);
            return None;
        }
        let transport = self.transports.get_mut(slot)?;
        let change = transport.handle_check(path, ufrag, nominates, now);
        if let Some(retired) = change.retired {
            self.fragments.remove(retired);
        }
        if let Some(evicted) = change.evicted {
            self.release_address(evicted, slot);
        }
        if !known {
            self.take_from_its_owner(path.remote);
            self.addresses.own(path.remote, slot);
        }
        Some(!known)
    }

    /// Whether a transport may take this address: nobody has it, or nobody has heard from it for a while.
    fn is_free(&self, address: SocketAddr, now: Instant) -> bool {
        match self.addresses.get(address) {
            Some(Home::Here(owner)) => {
                let heard = self
                    .transports
                    .get(*owner)
                    .and_then(|transport| transport.ice.heard_from(address));
                heard.is_none_or(|heard| now.saturating_duration_since(heard) >= ADDRESS_HELD)
            }
            Some(Home::There(claim)) => claim.is_closed(),
            None => true,
        }
    }

    fn take_from_its_owner(&mut self, address: SocketAddr) {
        if let Some(Home::Here(owner)) = self.addresses.get(address)
            && let Some(transport) = self.transports.get_mut(*owner)
        {
            transport.forget_address(address);
        }
    }

    /// Gives an address up and tells the others.
    pub(super) fn release_address(&mut self, address: SocketAddr, slot: Slot) {
        if self.addresses.release(address, slot) {
            self.broadcast(&WorkerMessage::AddressGone {
                address,
                owner: self.id,
            });
        }
    }

    /// Another worker's transport has passed a check from this address. When one of ours has too, at the same time, both workers decide alike:
    /// the older transport keeps it.
    pub(super) fn handle_foreign_address(&mut self, address: SocketAddr, claim: Arc<Claim>) {
        if let Some(Home::Here(slot)) = self.addresses.get(address)
            && let Some(transport) = self.transports.get_mut(*slot)
        {
            if transport.id() < claim.id() {
                let claim = Arc::clone(&transport.claim);
                self.broadcast(&WorkerMessage::AddressOwned { address, claim });
                return;
            }
            transport.forget_address(address);
            let slot = *slot;
            self.addresses.release(address, slot);
        }
        if !claim.is_closed() && !self.addresses.note_foreign(address, claim) {
            self.drop_here(Drop::Overflow);
        }
    }
}
