//! An emulated network: datagrams that take time, get lost, come twice or out of order, all decided by one seed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// What the way between two ends is like.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// Share of datagrams lost, 0.0–1.0.
    pub loss: f64,
    /// Share of datagrams that arrive twice.
    pub duplicates: f64,
    /// One-way delay.
    pub delay: Duration,
    /// Up to this much more, evenly spread. More than the distance of two packets means reordering.
    pub jitter: Duration,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicates: 0.0,
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
        }
    }
}

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
    arrival: Instant,
    number: u64,
}

/// See the module's documentation.
pub struct Network {
    pub conditions: Conditions,
    random: StdRng,
    flights: BinaryHeap<Flight>,
    sent: u64,
}

impl Network {
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            conditions,
            random: StdRng::seed_from_u64(seed),
            flights: BinaryHeap::new(),
            sent: 0,
        }
    }

    /// Sends a datagram off.
    pub fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>, now: Instant) {
        if self.chance(self.conditions.loss) {
            return;
        }
        let copies = if self.chance(self.conditions.duplicates) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let late = self.conditions.jitter.mul_f64(self.random.random::<f64>());
            let arrival = now + self.conditions.delay + late;
            self.sent += 1;
            self.flights.push(Flight {
                from,
                to,
                bytes: bytes.clone(),
                arrival,
                number: self.sent,
            });
        }
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.flights.peek().map(|flight| flight.arrival)
    }

    /// The next datagram that has arrived by now.
    pub fn arrived(&mut self, now: Instant) -> Option<Flight> {
        if self.next_arrival()? <= now {
            self.flights.pop()
        } else {
            None
        }
    }

    /// Random bytes of the same seed, for whoever needs some.
    pub fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.random::<f64>() < share
    }
}

impl Ord for Flight {
    /// The earliest is the greatest, as a heap wants it; of two at once the one sent first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.arrival, other.number).cmp(&(self.arrival, self.number))
    }
}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}
