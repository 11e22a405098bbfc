//! Sends one worker's datagrams, by whichever path was chosen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mio::net::UdpSocket;

use super::Sockets;
#[cfg(target_os = "linux")]
use super::batch;
use super::plain;

/// Datagrams of one family gathered before a send call.
#[cfg(target_os = "linux")]
const GATHER: usize = batch::MAX_SEND;
#[cfg(not(target_os = "linux"))]
const GATHER: usize = 64;

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
    Batch(batch::Sender),
    Plain,
}

impl Sender {
    /// Headers for the batched path where `batch` asks for it and the system has it, else for the plain one.
    #[must_use]
    pub fn new(batch: bool) -> Self {
        #[cfg(target_os = "linux")]
        if batch {
            return Self {
                path: Path::Batch(batch::Sender::new()),
            };
        }
        let _ = batch;
        Self { path: Path::Plain }
    }

    /// Send everything, keeping the order towards each destination.
    pub fn send<'a>(
        &mut self,
        sockets: &Sockets,
        departures: impl Iterator<Item = Departure<'a>>,
    ) -> SendReport {
        let mut report = SendReport::default();
        let (mut v4, mut v6) = (Gather::new(), Gather::new());
        for departure in departures {
            let (gather, socket) = match departure.destination {
                SocketAddr::V4(_) => (&mut v4, sockets.v4.as_ref()),
                SocketAddr::V6(_) => (&mut v6, sockets.v6.as_ref()),
            };
            let Some(socket) = socket else {
                report.refused += 1;
                continue;
            };
            if gather.push(departure) {
                self.flush(socket, gather, &mut report);
            }
        }
        for (socket, gather) in [
            (sockets.v4.as_ref(), &mut v4),
            (sockets.v6.as_ref(), &mut v6),
        ] {
            if let Some(socket) = socket {
                self.flush(socket, gather, &mut report);
            }
        }
        report
    }

    fn flush(&mut self, socket: &UdpSocket, gather: &mut Gather<'_>, report: &mut SendReport) {
        match &mut self.path {
            #[cfg(target_os = "linux")]
            Path::Batch(sender) => sender.send(socket, gather.filled(), report),
            Path::Plain => plain::send(socket, gather.filled(), report),
        }
        gather.count = 0;
    }
}

/// A few departures of one family, side by side.
struct Gather<'a> {
    slots: [Departure<'a>; GATHER],
    count: usize,
}

impl<'a> Gather<'a> {
    const fn new() -> Self {
        const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let empty = Departure {
            destination: SocketAddr::new(NOWHERE, 0),
            local: NOWHERE,
            data: &[],
        };
        Self {
            slots: [empty; GATHER],
            count: 0,
        }
    }

    /// Add one; tells whether the room is now full.
    fn push(&mut self, departure: Departure<'a>) -> bool {
        if let Some(slot) = self.slots.get_mut(self.count) {
            *slot = departure;
            self.count += 1;
        }
        self.count == GATHER
    }

    fn filled(&self) -> &[Departure<'a>] {
        self.slots.get(..self.count).unwrap_or_default()
    }
}
