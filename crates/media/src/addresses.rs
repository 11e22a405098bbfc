//! Whose address is this? Two tables of a worker: user name fragments of announced transports, and client addresses that passed a check.
//!
//! Both are hash tables with the standard library's keyed hasher: a stranger chooses the keys of a look-up, and must not be able to make one slow (T10).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::claim::Claim;
use crate::credentials::{Credentials, Password, Ufrag};
use crate::id::WorkerId;
use crate::room;
use crate::slab::Slot;

/// A transport as its user name fragment finds it.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) claim: Arc<Claim>,
    pub(crate) password: Password,
    /// Its place, when this worker owns it.
    pub(crate) slot: Option<Slot>,
}

/// Fragments of all transports of the server. Bounded by `Options::max_transports`, two fragments each.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    table: HashMap<Ufrag, Announced>,
}

impl Fragments {
    /// Announces a pair of credentials. False when the table is full.
    pub(crate) fn insert(
        &mut self,
        claim: &Arc<Claim>,
        credentials: Credentials,
        slot: Option<Slot>,
        max: usize,
    ) -> bool {
        if self.table.len() >= max {
            return false;
        }
        let announced = Announced {
            claim: Arc::clone(claim),
            password: credentials.password,
            slot,
        };
        self.table.insert(credentials.ufrag, announced);
        true
    }

    pub(crate) fn get(&self, ufrag: Ufrag) -> Option<&Announced> {
        self.table.get(&ufrag)
    }

    /// Notes that this worker owns the transport of all these fragments.
    pub(crate) fn own(&mut self, credentials: impl Iterator<Item = Credentials>, slot: Slot) {
        for pair in credentials {
            if let Some(announced) = self.table.get_mut(&pair.ufrag) {
                announced.slot = Some(slot);
            }
        }
    }

    pub(crate) fn remove(&mut self, ufrag: Ufrag) {
        self.table.remove(&ufrag);
        room::give_back_table(&mut self.table);
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Who handles what comes from an address.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    /// A transport of this worker.
    Here(Slot),
    /// A transport of another worker; worth nothing once the transport is closed.
    There(Arc<Claim>),
}

/// Client addresses that have passed a check. Own ones are bounded by the paths of the transports owned, foreign ones by a number of their own.
#[derive(Debug)]
pub(crate) struct Addresses {
    table: HashMap<SocketAddr, Home>,
    foreign: usize,
    foreign_max: usize,
}

impl Addresses {
    pub(crate) fn new(foreign_max: usize) -> Self {
        Self {
            table: HashMap::new(),
            foreign: 0,
            foreign_max,
        }
    }

    pub(crate) fn get(&self, address: SocketAddr) -> Option<&Home> {
        self.table.get(&address)
    }

    /// Gives the address to a transport of this worker.
    pub(crate) fn own(&mut self, address: SocketAddr, slot: Slot) {
        let before = self.table.insert(address, Home::Here(slot));
        self.foreign -= usize::from(matches!(before, Some(Home::There(_))));
    }

    /// Notes that another worker handles the address. False when no further one can be noted.
    pub(crate) fn note_foreign(&mut self, address: SocketAddr, claim: Arc<Claim>) -> bool {
        let known_foreign = matches!(self.get(address), Some(Home::There(_)));
        if !known_foreign && self.foreign >= self.foreign_max && !self.sweep() {
            return false;
        }
        self.foreign += usize::from(!known_foreign);
        self.table.insert(address, Home::There(claim));
        true
    }

    /// Forgets an address of this worker, if it is still this transport's.
    pub(crate) fn release(&mut self, address: SocketAddr, slot: Slot) -> bool {
        let ours = matches!(self.get(address), Some(Home::Here(owner)) if *owner == slot);
        if ours {
            self.table.remove(&address);
            room::give_back_table(&mut self.table);
        }
        ours
    }

    /// Forgets an address that another worker gave up, if it is still that worker's or nobody's.
    pub(crate) fn forget_foreign(&mut self, address: SocketAddr, worker: WorkerId) {
        if let Some(Home::There(claim)) = self.get(address)
            && claim.owner().is_none_or(|owner| owner == worker)
        {
            self.table.remove(&address);
            room::give_back_table(&mut self.table);
            self.foreign -= 1;
        }
    }

    /// Forgets all addresses of a worker that is no more. Rare, so it may look at every one.
    pub(crate) fn forget_worker(&mut self, worker: WorkerId) {
        self.keep_foreign(|claim| claim.owner().is_some_and(|owner| owner != worker));
    }

    /// How many are this worker's, and how many others'.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.table.len() - self.foreign, self.foreign)
    }

    /// Forgets addresses of transports that ended without a word, with their worker. Whether that made room.
    fn sweep(&mut self) -> bool {
        self.keep_foreign(|claim| !claim.is_closed());
        self.foreign < self.foreign_max
    }

    fn keep_foreign(&mut self, keep: impl Fn(&Claim) -> bool) {
        let before = self.table.len();
        self.table.retain(|_, home| match home {
            Home::Here(_) => true,
            Home::There(claim) => keep(claim),
        });
        self.foreign -= before - self.table.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TransportId;
    use crate::slab::Slab;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn claim(id: u64, owner: u8) -> Arc<Claim> {
        let claim = Claim::new(
            TransportId(id),
            Credentials::from_random(&[1; Credentials::RANDOM]),
        );
        claim.take(WorkerId(owner)).unwrap();
        Arc::new(claim)
    }

    #[test]
    fn foreign_addresses_are_bounded_and_those_of_ended_transports_make_room() {
        let slot = Slab::default().insert(()).unwrap();
        let mut addresses = Addresses::new(2);
        let (one, two) = (claim(1, 1), claim(2, 2));
        assert!(addresses.note_foreign(address(1), Arc::clone(&one)));
        assert!(addresses.note_foreign(address(2), Arc::clone(&one)));
        assert!(!addresses.note_foreign(address(3), Arc::clone(&two)));
        assert!(
            addresses.note_foreign(address(2), Arc::clone(&two)),
            "a known one may change its owner"
        );
        addresses.own(address(4), slot);
        assert_eq!(addresses.count(), (1, 2));
        one.close();
        assert!(addresses.note_foreign(address(3), two));
        assert_eq!(addresses.count(), (1, 2));
    }

    #[test]
    fn a_worker_that_is_no_more_owns_no_address() {
        let slot = Slab::default().insert(()).unwrap();
        let mut addresses = Addresses::new(4);
        addresses.own(address(1), slot);
        addresses.note_foreign(address(2), claim(1, 1));
        addresses.note_foreign(address(3), claim(2, 2));
        addresses.forget_worker(WorkerId(1));
        assert!(addresses.get(address(2)).is_none());
        assert_eq!(addresses.count(), (1, 1));
    }

    #[test]
    fn an_address_that_has_moved_on_is_not_taken_from_its_new_owner() {
        let mut addresses = Addresses::new(2);
        addresses.note_foreign(address(1), claim(1, 1));
        addresses.note_foreign(address(1), claim(2, 2));
        addresses.forget_foreign(address(1), WorkerId(1));
        assert_eq!(addresses.count(), (0, 1));
        addresses.forget_foreign(address(1), WorkerId(2));
        assert_eq!(addresses.count(), (0, 0));
    }
}
