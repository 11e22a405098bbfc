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

mod closing;
mod control;
mod handshakes;
mod ingress;
mod media;
mod reporting;
mod resting;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::addresses::{Addresses, Fragments};
use crate::clock::Clock;
use crate::deadlines::Deadlines;
use crate::drops::{Drop, Drops};
use crate::dtls::association::Context;
use crate::dtls::certificate::Certificate;
use crate::event::Event;
use crate::ice::{PATHS_MAX, Path};
use crate::id::{ProducerId, TransportId, WorkerId};
use crate::message::{PassingRing, WorkerMessage};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::queues::Queues;
use crate::router::Router;
use crate::slab::{Slab, Slot};
use crate::srtp::KeyRoom;
use crate::transport::{Env, Transport};

/// Transports that are looked at in one [`Worker::handle_timeout`]: what is due beyond that waits for the next call, so that a burst of
/// timers does not keep packets waiting.
const TIMEOUTS_AT_ONCE: usize = 256;

/// The soonest that a timer runs again: one that moved on by nothing would keep its thread busy for ever.
const TIMER_STEP: Duration = Duration::from_millis(1);

/// One media worker. See the module's documentation for how to drive it.
pub struct Worker {
    id: WorkerId,
    options: Arc<Options>,
    context: Context,
    room: KeyRoom,
    fragments: Fragments,
    addresses: Addresses,
    transports: Slab<Transport>,
    /// Places of the transports owned.
    owned: HashMap<TransportId, Slot>,
    /// Places of the transports that producers send on.
    homes: HashMap<ProducerId, Slot>,
    router: Router,
    clock: Clock,
    deadlines: Deadlines,
    handshakes: handshakes::Handshakes,
    queues: Queues,
    passing: PassingRing,
    /// Whether packets that come in leave padded.
    pads: bool,
    /// Everything random that is not a key. Seeded by the options and the worker's place, so that a scenario runs the same twice.
    random: StdRng,
    /// A buffer for what cannot be written in its place.
    scratch: Vec<u8>,
}

/// What a worker holds, for `dump()` and for tests that nothing leaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerDump {
    /// User name fragments of all transports known, whoever owns them.
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
    /// What was dropped since the start, by reason: of strangers, and over all transports that there are and were.
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
        let clock = Clock::new(now);
        let mut seed = options.seed;
        if let Some(byte) = seed.first_mut() {
            *byte ^= id.0;
        }
        Self {
            id,
            context: Context::new(&options, &certificate),
            room: KeyRoom::default(),
            fragments: Fragments::default(),
            addresses: Addresses::new(options.max_transports.saturating_mul(PATHS_MAX)),
            transports: Slab::default(),
            owned: HashMap::new(),
            homes: HashMap::new(),
            router: Router::new(id, clock),
            clock,
            deadlines: Deadlines::new(now),
            handshakes: handshakes::Handshakes::new(now),
            queues: Queues::default(),
            passing: PassingRing::default(),
            pads: false,
            random: StdRng::from_seed(seed),
            scratch: Vec::new(),
            options,
        }
    }

    /// Its place.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Takes a datagram that came from `source` to our address `local`. It is decrypted in place.
    pub fn handle_datagram(
        &mut self,
        source: SocketAddr,
        local: IpAddr,
        data: &mut [u8],
        now: Instant,
    ) {
        self.receive(
            Path {
                remote: source,
                local,
            },
            data,
            true,
            now,
        );
    }

    /// Takes what another worker has for this one.
    pub fn handle_message(&mut self, message: WorkerMessage, now: Instant) {
        match message {
            WorkerMessage::Packet(packet) => self.forward(&packet),
            WorkerMessage::Datagram(passed) => {
                let mut bytes = core::mem::take(&mut self.scratch);
                bytes.clear();
                bytes.extend_from_slice(&passed.bytes);
                self.receive(passed.path, &mut bytes, false, now);
                self.scratch = bytes;
            }
            WorkerMessage::AddressOwned { address, claim } => {
                self.handle_foreign_address(address, claim)
            }
            WorkerMessage::AddressGone { address, owner } => {
                self.addresses.forget_foreign(address, owner)
            }
            WorkerMessage::TransportGone(claim) => self.forget_announcement(&claim),
            WorkerMessage::ProducerGone(producer) => self.close_feed(producer),
            WorkerMessage::ProducerRests(producer) => self.router.forget_history(producer),
            WorkerMessage::WorkerGone(worker) => self.addresses.forget_worker(worker),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.continue_handshakes(now);
        for _ in 0..TIMEOUTS_AT_ONCE {
            let Some((at, slot)) = self.deadlines.pop_due(now) else {
                return;
            };
            self.look_at(slot, at, now);
        }
    }

    /// Whether packets that come in from now on leave padded (RFC 3550 §5.1) to lengths that often agree, so that the driver can send several to
    /// one listener as one message. Costs 16 bytes a packet on average; off at first.
    pub fn set_padding(&mut self, pads: bool) {
        self.pads = pads;
    }

    /// When [`Worker::handle_timeout`] is due next; `None` = never, as things stand.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.deadlines.next(), self.handshakes.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Datagrams to send.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.queues.outbox
    }

    /// The next event for control.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.queues.events.pop_front()
    }

    /// The next message for another worker.
    pub fn poll_message(&mut self) -> Option<(WorkerId, WorkerMessage)> {
        self.queues.messages.pop_front()
    }

    /// What the worker holds. Looks at no transport: its thread asks four times a second, between packets.
    #[must_use]
    pub fn dump(&self) -> WorkerDump {
        let (addresses, foreign_addresses) = self.addresses.count();
        WorkerDump {
            announced: self.fragments.len(),
            transports: self.transports.len(),
            producers: self.homes.len(),
            consumers: self.router.consumers(),
            feeds: self.router.feeds(),
            addresses,
            foreign_addresses,
            dropped: self.queues.drops,
        }
    }

    /// The other workers.
    fn others(&self) -> impl Iterator<Item = WorkerId> + use<> {
        let own = self.id;
        (0..self.options.workers.min(WorkerId::LIMIT))
            .map(WorkerId)
            .filter(move |worker| *worker != own)
    }

    /// Tells all other workers.
    fn broadcast(&mut self, message: &WorkerMessage) {
        for worker in self.others() {
            self.queues.message(worker, message.clone());
        }
    }

    /// Does something with a transport; when that ends it, closes it; notes its next deadline.
    fn with_transport(
        &mut self,
        slot: Slot,
        now: Instant,
        act: impl FnOnce(&mut Transport, &mut Env<'_>) -> Option<crate::event::CloseReason>,
    ) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let mut env = Env {
            options: &self.options,
            context: &self.context,
            room: &mut self.room,
            queues: &mut self.queues,
            now,
        };
        match act(transport, &mut env) {
            Some(reason) => self.end_transport(slot, reason),
            None => {
                Self::schedule(&mut self.deadlines, &self.options, transport, slot, now);
            }
        }
    }

    /// Notes when a transport is due next.
    fn schedule(
        deadlines: &mut Deadlines,
        options: &Options,
        transport: &mut Transport,
        slot: Slot,
        now: Instant,
    ) {
        let next = transport
            .next_timeout(options, deadlines)
            .map(|at| at.max(now + TIMER_STEP));
        deadlines.schedule(slot, next, &mut transport.scheduled);
    }

    /// One transport's timer, unless the entry is stale.
    fn look_at(&mut self, slot: Slot, at: Instant, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        if transport.scheduled != Some(at) {
            return;
        }
        transport.scheduled = None;
        self.report(slot, now);
        self.rest(slot, now);
        self.with_transport(slot, now, Transport::handle_timeout);
    }

    fn drop_here(&mut self, reason: Drop) {
        self.queues.drop(reason);
    }
}

impl core::fmt::Debug for Worker {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Worker")
            .field("id", &self.id)
            .field("dump", &self.dump())
            .finish_non_exhaustive()
    }
}
