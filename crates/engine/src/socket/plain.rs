//! One call a datagram, through the standard library: what works everywhere. Local addresses are left to the system.

use std::io;
use std::net::IpAddr;

use mio::net::UdpSocket;

use super::{Arrival, Departure, MAX_DATAGRAM, Receipt, SendReport};

/// Datagrams taken a round before the loop looks at its other work.
const MAX_RECEIVE: usize = 128;

/// One buffer.
pub(super) struct Receiver {
    /// One byte more than the longest datagram, so that a longer one shows.
    room: Box<[u8]>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self {
            room: vec![0; MAX_DATAGRAM + 1].into(),
        }
    }

    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        local: IpAddr,
        mut sink: impl FnMut(Arrival<'_>),
    ) -> io::Result<Receipt> {
        let mut receipt = Receipt::default();
        while receipt.taken < MAX_RECEIVE {
            let (length, source) = match socket.recv_from(&mut self.room) {
                Ok(arrival) => arrival,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    receipt.drained = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            receipt.taken += 1;
            match self.room.get_mut(..length) {
                Some(data) if length <= MAX_DATAGRAM => sink(Arrival {
                    source,
                    local,
                    at: None,
                    data,
                }),
                _ => receipt.too_long += 1,
            }
        }
        Ok(receipt)
    }
}

/// Send one datagram. What is refused or finds no room is lost.
pub(super) fn send(socket: &UdpSocket, departure: &Departure<'_>, report: &mut SendReport) {
    match socket.send_to(departure.data, departure.destination) {
        Ok(_) => {
            report.sent += 1;
            report.messages += 1;
        }
        // Some systems have a second name for a full queue.
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                || error.raw_os_error() == Some(libc::ENOBUFS) =>
        {
            report.no_room += 1;
        }
        Err(_) => report.refused += 1,
    }
}
