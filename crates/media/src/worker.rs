//! The root of the core: one worker, which owns transports and everything on them.
//!
//! A worker is a value. In: commands, datagrams, messages of other workers, the passing of time. Out: datagrams, events, messages.
//!
//! **The rule of the driver.** After each `handle_*` call, or after a batch of them with the same `now`:
//! 1. send what is in [`Worker::outbox`] and clear it;
//! 2. call [`Worker::poll_message`] until `None` and carry each to its worker;
//! 3. call [`Worker::poll_event`] until `None` and hand each to control;
//! 4. sleep no longer than until [`Worker::next_timeout`], then call [`Worker::handle_timeout`].
//!
//! `now` never goes back. Nothing here reads a clock, opens a socket or starts a thread.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::command::Command;
use crate::drops::Drops;
use crate::dtls::certificate::Certificate;
use crate::event::Event;
use crate::id::WorkerId;
use crate::message::WorkerMessage;
use crate::options::Options;
use crate::outbox::Outbox;

/// One media worker. See the module's documentation for how to drive it.
#[derive(Debug)]
pub struct Worker {
    id: WorkerId,
    options: Arc<Options>,
    certificate: Arc<Certificate>,
    drops: Drops,
    outbox: Outbox,
    events: VecDeque<Event>,
    messages: VecDeque<(WorkerId, WorkerMessage)>,
}

/// What a worker holds, for `dump()` and for tests that nothing leaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerDump {
    /// Transports known, claimed by whomever.
    pub announced: usize,
    /// Transports owned.
    pub transports: usize,
    /// Producers owned.
    pub producers: usize,
    /// Consumers owned.
    pub consumers: usize,
    /// Producers, anyone's, that have a consumer here.
    pub feeds: usize,
    /// Client addresses owned.
    pub addresses: usize,
    /// Client addresses that another worker owns.
    pub foreign_addresses: usize,
    /// What was dropped before it could be told whose it is.
    pub dropped: Drops,
}

impl Worker {
    /// A worker with nothing to do yet.
    #[must_use]
    pub fn new(
        id: WorkerId,
        options: Arc<Options>,
        certificate: Arc<Certificate>,
        now: Instant,
    ) -> Self {
        let _ = now;
        Self {
            id,
            options,
            certificate,
            drops: Drops::default(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            messages: VecDeque::new(),
        }
    }

    /// Its place.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Does what control asks.
    pub fn handle_command(&mut self, command: Command, now: Instant) {
        let _ = (command, now);
    }

    /// Takes a datagram that came from `source` to our address `local`. It is decrypted in place.
    pub fn handle_datagram(
        &mut self,
        source: SocketAddr,
        local: IpAddr,
        data: &mut [u8],
        now: Instant,
    ) {
        let _ = (source, local, data, now);
    }

    /// Takes what another worker has for this one.
    pub fn handle_message(&mut self, message: WorkerMessage, now: Instant) {
        let _ = (message, now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`Worker::handle_timeout`] is due next; `None` = never, as things stand.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }

    /// Datagrams to send.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// The next event for control.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message for another worker.
    pub fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        self.messages.pop_front()
    }

    /// What the worker holds.
    #[must_use]
    pub fn dump(&self) -> WorkerDump {
        WorkerDump {
            dropped: self.drops,
            ..WorkerDump::default()
        }
    }
}
