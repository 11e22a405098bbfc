//! ICE of one transport, as a lite agent (RFC 8445 §2.5): it answers checks, remembers which addresses passed, and where media goes.
//!
//! The worker has authenticated a check before it comes here. Pure state; the worker writes the answers and keeps the table of all addresses.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::credentials::{Credentials, Ufrag};

/// Addresses of one client that count as validated at a time. A laptop with several interfaces has three or four; the bound keeps what one
/// member can make us remember small (T10).
pub(crate) const PATHS_MAX: usize = 8;

/// An address in use that has passed no check for so long is dead when another one passes. Clients check a pair every 4 to 6 s (RFC 7675 §5.1),
/// and not all nominate anew when a NAT gives them another port: aioice never does, and would be sent nothing it can hear.
pub(crate) const SELECTED_SILENT: Duration = Duration::from_secs(7);

/// An address that passed a check, and ours that it reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) remote: SocketAddr,
    pub(crate) local: IpAddr,
}

#[derive(Clone, Copy, Debug)]
struct Validated {
    path: Path,
    heard: Instant,
}

/// What a check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The address is new.
    pub(crate) added: bool,
    /// An address that had to make room, the one not heard from for longest.
    pub(crate) evicted: Option<SocketAddr>,
    /// Credentials that ended because the client has moved on to new ones.
    pub(crate) retired: Option<Ufrag>,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Ice {
    credentials: Credentials,
    next: Option<Credentials>,
    validated: Vec<Validated>,
    selected: Option<Path>,
    heard: Instant,
}

impl Ice {
    /// An agent that has heard nothing yet. `now` starts the time of consent.
    pub(crate) fn new(credentials: Credentials, next: Option<Credentials>, now: Instant) -> Self {
        Self {
            credentials,
            next,
            validated: Vec::new(),
            selected: None,
            heard: now,
        }
    }

    /// Where media goes to.
    pub(crate) fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// All validated addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.validated.iter().map(|validated| validated.path.remote)
    }

    /// When this address last passed a check.
    pub(crate) fn heard_from(&self, remote: SocketAddr) -> Option<Instant> {
        self.validated
            .iter()
            .find(|validated| validated.path.remote == remote)
            .map(|validated| validated.heard)
    }

    /// When consent ends, unless another check comes: consent is for the address in use, not for the client (RFC 7675 §5.1).
    pub(crate) fn consent_until(&self, timeout: Duration) -> Instant {
        let selected = self.selected.and_then(|path| self.heard_from(path.remote));
        selected.unwrap_or(self.heard) + timeout
    }

    /// Credentials that are valid beside the present ones until the client uses them (RFC 8445 §9).
    pub(crate) fn restart(&mut self, credentials: Credentials) {
        if [Some(self.credentials), self.next].contains(&Some(credentials)) {
            return; // they were there when the transport was made
        }
        if let Some(pending) = self.next.replace(credentials) {
            self.credentials = pending;
        }
    }

    /// Takes an authenticated check under `ufrag`.
    pub(crate) fn handle_check(
        &mut self,
        path: Path,
        ufrag: Ufrag,
        nominates: bool,
        now: Instant,
    ) -> Change {
        let mut change = Change {
            retired: self.move_on(ufrag),
            ..Change::default()
        };
        self.heard = now;
        match self
            .validated
            .iter_mut()
            .find(|known| known.path.remote == path.remote)
        {
            Some(known) => (known.path, known.heard) = (path, now),
            None => {
                change.evicted = self.make_room();
                change.added = true;
                self.validated.push(Validated { path, heard: now });
            }
        }
        if nominates
            || self
                .selected
                .is_none_or(|selected| self.yields(selected, path, now))
        {
            self.selected = Some(path);
        }
        change
    }

    /// Whether the address in use makes way for one that passed a check without being nominated.
    fn yields(&self, selected: Path, path: Path, now: Instant) -> bool {
        selected.remote == path.remote
            || self
                .heard_from(selected.remote)
                .is_none_or(|heard| now.saturating_duration_since(heard) > SELECTED_SILENT)
    }

    /// Forgets an address, because another transport took it over.
    pub(crate) fn forget(&mut self, remote: SocketAddr) {
        self.validated
            .retain(|validated| validated.path.remote != remote);
        if self
            .selected
            .is_some_and(|selected| selected.remote == remote)
        {
            self.selected = self
                .validated
                .iter()
                .max_by_key(|validated| validated.heard)
                .map(|validated| validated.path);
        }
    }

    /// The first check under new credentials ends the old ones, and its path is the one to use until the client nominates: a client that
    /// restarts has most likely lost the old path.
    fn move_on(&mut self, ufrag: Ufrag) -> Option<Ufrag> {
        let next = self.next.filter(|next| next.ufrag == ufrag)?;
        let retired = self.credentials.ufrag;
        self.credentials = next;
        self.next = None;
        self.selected = None;
        Some(retired)
    }

    fn make_room(&mut self) -> Option<SocketAddr> {
        if self.validated.len() < PATHS_MAX {
            return None;
        }
        let selected = self.selected.map(|path| path.remote);
        let spare = self
            .validated
            .iter()
            .filter(|validated| Some(validated.path.remote) != selected);
        let oldest = spare.min_by_key(|validated| validated.heard)?.path.remote;
        self.validated
            .retain(|validated| validated.path.remote != oldest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test fails by panicking, and starts its clock somewhere"
    )]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn credentials(byte: u8) -> Credentials {
        Credentials::from_random(&[byte; Credentials::RANDOM])
    }

    fn path(port: u16) -> Path {
        Path {
            remote: SocketAddr::from(([192, 0, 2, 1], port)),
            local: IpAddr::from([192, 0, 2, 2]),
        }
    }

    fn ice(now: Instant) -> Ice {
        Ice::new(credentials(1), None, now)
    }

    #[test]
    fn the_first_address_is_used_until_the_client_nominates() {
        let now = Instant::now();
        let mut ice = ice(now);
        for (port, nominates, selected) in [
            (1, false, 1),
            (2, false, 1),
            (2, true, 2),
            (1, false, 2),
            (1, true, 1),
            (3, true, 3),
        ] {
            ice.handle_check(path(port), credentials(1).ufrag, nominates, now);
            assert_eq!(ice.selected(), Some(path(selected)));
        }
    }

    #[test]
    fn an_address_that_falls_silent_makes_way_for_one_that_is_checked() {
        let now = Instant::now();
        let mut ice = ice(now);
        ice.handle_check(path(1), credentials(1).ufrag, true, now);
        for (after, selected) in [(SELECTED_SILENT, 1), (SELECTED_SILENT + SECOND, 2)] {
            ice.handle_check(path(2), credentials(1).ufrag, false, now + after);
            assert_eq!(ice.selected(), Some(path(selected)));
        }
    }

    #[test]
    fn the_address_heard_from_longest_ago_makes_room_but_never_the_selected_one() {
        let now = Instant::now();
        let mut ice = ice(now);
        for port in 1..=8 {
            let change = ice.handle_check(
                path(port),
                credentials(1).ufrag,
                port == 1,
                now + SECOND / 10 * u32::from(port),
            );
            assert_eq!((change.added, change.evicted), (true, None));
        }
        let change = ice.handle_check(path(9), credentials(1).ufrag, false, now + SECOND);
        assert_eq!(change.evicted, Some(path(2).remote));
        assert_eq!(ice.addresses().count(), PATHS_MAX);
        assert_eq!(ice.selected(), Some(path(1)));
    }

    #[test]
    fn consent_lasts_from_the_latest_check_of_the_address_in_use() {
        let now = Instant::now();
        let mut ice = ice(now);
        assert_eq!(ice.consent_until(SECOND * 30), now + SECOND * 30);
        for (port, nominates, checked, until) in [
            (1, true, 1, 31),
            (2, false, 5, 31),
            (1, false, 6, 36),
            (2, true, 7, 37),
        ] {
            ice.handle_check(
                path(port),
                credentials(1).ufrag,
                nominates,
                now + SECOND * checked,
            );
            assert_eq!(ice.consent_until(SECOND * 30), now + SECOND * until);
        }
    }

    #[test]
    fn a_restart_keeps_the_old_credentials_until_the_first_check_under_the_new() {
        let now = Instant::now();
        let mut ice = ice(now);
        ice.restart(credentials(2));
        assert_eq!(
            ice.handle_check(path(1), credentials(1).ufrag, true, now)
                .retired,
            None
        );
        assert_eq!(
            ice.handle_check(path(2), credentials(2).ufrag, false, now)
                .retired,
            Some(credentials(1).ufrag)
        );
        assert_eq!(
            ice.selected(),
            Some(path(2)),
            "the old path is most likely dead"
        );
    }

    #[test]
    fn a_selected_address_that_is_taken_over_gives_way_to_the_latest_other() {
        let now = Instant::now();
        let mut ice = ice(now);
        for (port, nominates) in [(1, true), (2, false), (3, false)] {
            ice.handle_check(
                path(port),
                credentials(1).ufrag,
                nominates,
                now + SECOND / 10 * u32::from(port),
            );
        }
        ice.forget(path(1).remote);
        assert_eq!(ice.selected(), Some(path(3)));
        for port in [2, 3] {
            ice.forget(path(port).remote);
        }
        assert_eq!(ice.selected(), None);
    }
}
