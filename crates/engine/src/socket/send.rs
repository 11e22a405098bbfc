//! Sends one worker's datagrams, by whichever path was chosen.

use std::net::{IpAddr, SocketAddr};

use hocket_media::Outbox;

use super::Sockets;
#[cfg(target_os = "linux")]
use super::batch;
use super::plain;

/// A datagram that is to leave.
#[derive(Debug, Clone, Copy)]
pub struct Departure<'a> {
    /// Where it goes.
    pub destination: SocketAddr,
    /// Which of this host's addresses it leaves from; unspecified lets the system choose.
    pub local: IpAddr,
    /// Its bytes.
    pub data: &'a [u8],
}

/// What one flush did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SendReport {
    /// Datagrams that the kernel took.
    pub sent: usize,
    /// Messages that they went in: fewer where several to one destination went together.
    pub messages: usize,
    /// Dropped because the kernel's room was full.
    pub no_room: usize,
    /// Refused: unreachable, no socket of that family, forbidden by a filter.
    pub refused: usize,
}

/// One worker's send headers, for either path.
pub struct Sender {
    path: Path,
}

enum Path {
    #[cfg(target_os = "linux")]
    Batch(Box<batch::Sender>),
    Plain,
}

impl Sender {
    /// Headers for the batched path where `batch` asks for it and the system has it, else for the plain one.
    #[must_use]
    pub fn new(batch: bool) -> Self {
        #[cfg(target_os = "linux")]
        if batch {
            return Self {
                path: Path::Batch(Box::new(batch::Sender::new())),
            };
        }
        let _ = batch;
        Self { path: Path::Plain }
    }

    /// With each datagram in a message of its own: what bundles are measured against.
    #[must_use]
    pub fn without_bundles(mut self) -> Self {
        #[cfg(target_os = "linux")]
        if let Path::Batch(sender) = &mut self.path {
            sender.set_bundles(false);
        }
        self
    }

    /// Send everything, keeping the order towards each destination. Datagrams to one destination that follow one another,
    /// equally long but for the last, leave as one message where the system can do that.
    pub fn send<'a>(
        &mut self,
        sockets: &Sockets,
        departures: impl Iterator<Item = Departure<'a>>,
    ) -> SendReport {
        let mut report = SendReport::default();
        match &mut self.path {
            #[cfg(target_os = "linux")]
            Path::Batch(sender) => sender.send(sockets, departures, &mut report),
            Path::Plain => {
                for departure in departures {
                    match sockets.for_destination(&departure.destination) {
                        Some(socket) => plain::send(socket, &departure, &mut report),
                        None => report.refused += 1,
                    }
                }
            }
        }
        report
    }

    /// Send what waits in a core's outbox, and clear it.
    pub fn empty(&mut self, sockets: &Sockets, outbox: &mut Outbox) -> SendReport {
        self.relieve(sockets, outbox, usize::MAX)
    }

    /// Send what waits in a core's outbox for so many transports, those that have waited longest, and forget it.
    pub fn relieve(&mut self, sockets: &Sockets, outbox: &mut Outbox, groups: usize) -> SendReport {
        if outbox.is_empty() {
            return SendReport::default();
        }
        let departures = outbox.first(groups).map(|datagram| Departure {
            destination: datagram.destination,
            local: datagram.local,
            data: datagram.bytes,
        });
        let report = self.send(sockets, departures);
        outbox.forget(groups);
        report
    }
}
