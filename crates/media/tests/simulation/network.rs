//! The way between clients and server. Each datagram's fate follows from the seed and from which one of its flow it is, not from what others
//! send: so what happens to a voice does not depend on how many workers there are, nor on a step that was left out.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::common::Conditions;
use crate::workers::Cause;

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
    pub cause: Cause,
}

/// See the module's documentation.
pub struct Network {
    seed: u64,
    pub conditions: Conditions,
    flights: BTreeMap<(Instant, u64), Flight>,
    sent: u64,
    flows: HashMap<(SocketAddr, SocketAddr, u8), u64>,
}

/// One of 2⁶⁴ numbers, evenly, from two (splitmix64).
pub fn mix(seed: u64, key: u64) -> u64 {
    let mut mixed = seed ^ key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        mixed = (mixed ^ mixed >> 29).wrapping_mul(factor);
    }
    mixed ^ mixed >> 32
}

impl Network {
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            seed,
            conditions,
            flights: BTreeMap::new(),
            sent: 0,
            flows: HashMap::new(),
        }
    }

    /// Sends a datagram off. Tells whether it will arrive.
    pub fn send(&mut self, flight: Flight, now: Instant) -> bool {
        let fate = self.fate(&flight);
        let shares = [fate, mix(fate, 1), mix(fate, 2), mix(fate, 3)];
        let [loss, double, late, later] =
            shares.map(|dice| (dice >> 11) as f64 / (1u64 << 53) as f64);
        if loss < self.conditions.loss {
            return false;
        }
        let Conditions { delay, jitter, .. } = self.conditions;
        let arrival = |late| now + delay + jitter.mul_f64(late);
        if double < self.conditions.duplicates {
            self.put(
                flight.clone(),
                arrival(late.max(later)) + Duration::from_micros(1),
            );
            self.put(flight, arrival(late.min(later)));
        } else {
            self.put(flight, arrival(late));
        }
        true
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        Some(self.flights.first_key_value()?.0.0)
    }

    /// The next datagram that has arrived by now.
    pub fn arrived(&mut self, now: Instant) -> Option<Flight> {
        let first = self.flights.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Forgets all that was sent.
    pub fn forget(&mut self) {
        self.flights.clear();
        self.flows.clear();
    }

    /// How many are on their way.
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    fn put(&mut self, flight: Flight, arrival: Instant) {
        self.sent += 1;
        self.flights.insert((arrival, self.sent), flight);
    }

    fn fate(&mut self, flight: &Flight) -> u64 {
        let key = match flight.cause {
            Cause::Speech(spoken) => {
                let who = (spoken.seat as u64) << 56 | u64::from(spoken.life) << 40;
                mix(u64::from(spoken.ssrc), who | spoken.index) ^ u64::from(spoken.asked)
            }
            _ => self.count(flight),
        };
        mix(self.seed, key)
    }

    /// The how manieth of its kind it is on its way: a handshake may have a datagram more without moving what media meets.
    fn count(&mut self, flight: &Flight) -> u64 {
        let kind = match flight.bytes.first() {
            Some(0..=3) => 0,
            Some(20..=63) => 1,
            _ if is_rtcp(&flight.bytes) => 2,
            _ => 3,
        };
        let ends = (flight.from, flight.to, kind);
        let count = self.flows.entry(ends).or_default();
        *count += 1;
        let ports = u64::from(flight.from.port()) << 48 | u64::from(flight.to.port()) << 32;
        mix(ports | u64::from(kind), *count)
    }
}

/// Whether an SRTP datagram is RTCP (RFC 5761 §4).
pub fn is_rtcp(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|kind| (192..=223).contains(kind))
}
