//! What a crowd has counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::Histogram;
use crate::ptime::Ptime;

/// How far the crowd is, at any time, for whoever waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Transports that have ever been connected.
    pub connected: usize,
    /// Transports that ended by themselves.
    pub failed: usize,
    /// Streams of which a packet has come.
    pub begun: usize,
    /// Speakers that have packets of the measurement to send.
    pub speaking: usize,
    /// RTP packets that have been taken off the sockets. Stands still when none is under way.
    pub arrived: usize,
}

/// [`Progress`] in the making, shared by the threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connected: AtomicUsize,
    pub(crate) failed: AtomicUsize,
    pub(crate) begun: AtomicUsize,
    pub(crate) speaking: AtomicUsize,
    pub(crate) arrived: AtomicUsize,
}

impl Counters {
    pub(crate) fn read(&self) -> Progress {
        let read = |counter: &AtomicUsize| counter.load(Ordering::Acquire);
        Progress {
            connected: read(&self.connected),
            failed: read(&self.failed),
            begun: read(&self.begun),
            speaking: read(&self.speaking),
            arrived: read(&self.arrived),
        }
    }
}

/// What has been counted; traffic since the measurement began, or since the start when none has.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// From a transport's making to its connection: checks, handshake, fingerprint.
    pub connect: Histogram,
    /// From waiting for a stream to its first packet.
    pub first_packet: Histogram,
    /// From sealing a packet to taking it off the receiver's socket, of those that were opened.
    pub delay: Histogram,
    /// How late packets were sent by the crowd's own schedule.
    pub slip: Histogram,
    /// Packets sent, by transport.
    pub sent: Vec<(u64, u64)>,
    /// The same packets of all transports, by [`Ptime::index`].
    pub by_ptime: [u64; Ptime::ALL.len()],
    /// Packets that all speakers are to send in all, if nothing holds them up and the packets' length stays.
    pub asked: u64,
    /// Packets that the sequence numbers of all streams tell of.
    pub expected: u64,
    /// Those of them that came, each once.
    pub received: u64,
    /// Packets that came twice, or later than can be told.
    pub again: u64,
    /// Packets that were authenticated and decrypted.
    pub opened: u64,
    /// Packets that should have been, and were not the server's.
    pub unreadable: u64,
    /// Packets of streams that nobody waited for.
    pub unexpected: u64,
    /// RTCP packets that came.
    pub rtcp: u64,
    /// Transports that ended by themselves, and why.
    pub failures: Vec<(u64, &'static str)>,
    /// How the threads fared, by number.
    pub threads: Vec<ThreadReport>,
}

/// How one thread of the client fared in the measurement: whether the client itself was the limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadReport {
    /// How long the measurement has lasted.
    pub wall: Duration,
    /// Time that the thread ran. Near `wall` the client can do no more.
    pub running: Duration,
    /// Time that it was ready and had no core: others needed the machine.
    pub waiting: Duration,
    /// How long nobody spoke because it came more than a turn of 20 ms too late for that. It is not made up for.
    pub paused: Duration,
    /// Datagrams that its sockets lost because it did not take them in time.
    pub socket_drops: u64,
    /// Datagrams that the kernel had no room to send, or refused.
    pub unsent: u64,
}

impl Report {
    /// Adds another thread's account.
    pub fn merge(&mut self, other: Self) {
        self.connect.merge(&other.connect);
        self.first_packet.merge(&other.first_packet);
        self.delay.merge(&other.delay);
        self.slip.merge(&other.slip);
        self.sent.extend(other.sent);
        for (sum, more) in self.by_ptime.iter_mut().zip(other.by_ptime) {
            *sum += more;
        }
        self.asked += other.asked;
        self.expected += other.expected;
        self.received += other.received;
        self.again += other.again;
        self.opened += other.opened;
        self.unreadable += other.unreadable;
        self.unexpected += other.unexpected;
        self.rtcp += other.rtcp;
        self.failures.extend(other.failures);
        self.threads.extend(other.threads);
    }
}
