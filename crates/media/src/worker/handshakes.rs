//! Handshakes in slices. A step of one takes as long as hundreds of packets do, so that a crowd that joins at once must not keep voices waiting:
//! few steps are done at one time, the rest waits for the next call, when the packets of the present one have been sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Worker;
use crate::drops::Drop;
use crate::ice::Path;
use crate::id::TransportId;
use crate::slab::Slot;

/// Datagrams of handshakes that are handled at one `now`. The dearest takes 0.2–0.5 ms (two signatures and a key agreement).
const STEPS: usize = 4;
/// Between two slices: just later, so that packets come between.
const PAUSE: Duration = Duration::from_micros(10);
/// Datagrams that may wait. DTLS sends again what is lost.
const WAITING_MAX: usize = 1_024;
/// Datagrams of one transport that may wait: a flight has five at most, of those that we have seen.
const WAITING_EACH: u8 = 8;

/// What waits, and how much has been done at the present time.
pub(super) struct Handshakes {
    waiting: VecDeque<Waiting>,
    now: Instant,
    steps: usize,
}

struct Waiting {
    transport: TransportId,
    path: Path,
    data: Vec<u8>,
}

impl Handshakes {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            now,
            steps: 0,
        }
    }

    /// When the next slice is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| self.now + PAUSE)
    }

    /// Whether one more step may be done now; counts it.
    fn take_step(&mut self, now: Instant) -> bool {
        if self.now != now {
            (self.now, self.steps) = (now, 0);
        }
        self.steps += 1;
        self.steps <= STEPS
    }
}

impl Worker {
    /// Takes a datagram of class DTLS of a transport here: now, or when its turn comes.
    pub(super) fn handle_dtls(&mut self, slot: Slot, path: Path, data: &[u8], now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let first = self.handshakes.waiting.is_empty();
        if transport.has_shaken_hands() || first && self.handshakes.take_step(now) {
            return self.step(slot, path, data, now);
        }
        let full = self.handshakes.waiting.len() >= WAITING_MAX;
        if full || transport.waiting >= WAITING_EACH {
            return transport.drop(Drop::Overflow, &mut self.queues);
        }
        transport.waiting += 1;
        self.handshakes.waiting.push_back(Waiting {
            transport: transport.id(),
            path,
            data: data.to_vec(),
        });
    }

    /// Does the next slice of what waits.
    pub(super) fn continue_handshakes(&mut self, now: Instant) {
        while !self.handshakes.waiting.is_empty() && self.handshakes.take_step(now) {
            let Some(next) = self.handshakes.waiting.pop_front() else {
                return;
            };
            // Its transport may have gone meanwhile.
            if let Some(slot) = self.owned.get(&next.transport).copied() {
                if let Some(transport) = self.transports.get_mut(slot) {
                    transport.waiting = transport.waiting.saturating_sub(1);
                }
                self.step(slot, next.path, &next.data, now);
            }
        }
    }

    fn step(&mut self, slot: Slot, path: Path, data: &[u8], now: Instant) {
        self.with_transport(slot, now, |transport, env| {
            transport.handle_dtls(path, data, env)
        });
    }
}
