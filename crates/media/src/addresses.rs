//! Whose address is this? Two tables of a worker: user name fragments of announced transports, and client addresses that passed a check.
//!
//! Both are hash tables with the standard library's keyed hasher: a stranger chooses the keys of a look-up, and must not be able to make one slow (T10).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::claim::Claim;
use crate::credentials::{Credentials, Password, Ufrag};
use crate::id::WorkerId;
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
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Who handles what comes from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// A transport of this worker.
    Here(Slot),
    /// Another worker.
    There(WorkerId),
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

    pub(crate) fn get(&self, address: SocketAddr) -> Option<Home> {
        self.table.get(&address).copied()
    }

    /// Gives the address to a transport of this worker. Returns who had it before.
    pub(crate) fn own(&mut self, address: SocketAddr, slot: Slot) -> Option<Home> {
        let before = self.table.insert(address, Home::Here(slot));
        self.foreign -= usize::from(matches!(before, Some(Home::There(_))));
        before
    }

    /// Notes that another worker handles the address. False when no further one can be noted.
    pub(crate) fn note_foreign(&mut self, address: SocketAddr, owner: WorkerId) -> bool {
        let known_foreign = matches!(self.get(address), Some(Home::There(_)));
        if !known_foreign && self.foreign >= self.foreign_max {
            return false;
        }
        self.foreign += usize::from(!known_foreign);
        self.table.insert(address, Home::There(owner));
        true
    }

    /// Forgets the address, if it is still this one's.
    pub(crate) fn remove(&mut self, address: SocketAddr, home: Home) -> bool {
        if self.get(address) != Some(home) {
            return false;
        }
        self.table.remove(&address);
        self.foreign -= usize::from(matches!(home, Home::There(_)));
        true
    }

    /// Forgets all addresses of a worker that is no more. Rare, so it may look at every one.
    pub(crate) fn forget_worker(&mut self, worker: WorkerId) {
        let before = self.table.len();
        self.table.retain(|_, home| *home != Home::There(worker));
        self.foreign -= before - self.table.len();
    }

    /// How many are this worker's, and how many others'.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.table.len() - self.foreign, self.foreign)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::slab::Slab;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn foreign_addresses_are_bounded_and_own_ones_come_first() {
        let slot = Slab::default().insert(()).unwrap();
        let mut addresses = Addresses::new(2);
        assert!(addresses.note_foreign(address(1), WorkerId(1)));
        assert!(addresses.note_foreign(address(2), WorkerId(1)));
        assert!(!addresses.note_foreign(address(3), WorkerId(1)));
        assert!(
            addresses.note_foreign(address(2), WorkerId(2)),
            "a known one may change its owner"
        );
        assert_eq!(
            addresses.own(address(1), slot),
            Some(Home::There(WorkerId(1)))
        );
        assert_eq!(addresses.count(), (1, 1));
        assert!(
            addresses.note_foreign(address(3), WorkerId(1)),
            "room was made"
        );
    }

    #[test]
    fn a_worker_that_is_no_more_owns_no_address() {
        let slot = Slab::default().insert(()).unwrap();
        let mut addresses = Addresses::new(4);
        addresses.own(address(1), slot);
        addresses.note_foreign(address(2), WorkerId(1));
        addresses.note_foreign(address(3), WorkerId(2));
        addresses.forget_worker(WorkerId(1));
        assert_eq!(addresses.get(address(2)), None);
        assert_eq!(addresses.count(), (1, 1));
    }

    #[test]
    fn an_address_that_has_moved_on_is_not_taken_from_its_new_owner() {
        let mut addresses = Addresses::new(2);
        addresses.note_foreign(address(1), WorkerId(1));
        addresses.note_foreign(address(1), WorkerId(2));
        assert!(!addresses.remove(address(1), Home::There(WorkerId(1))));
        assert!(addresses.remove(address(1), Home::There(WorkerId(2))));
        assert_eq!(addresses.count(), (0, 0));
    }
}
