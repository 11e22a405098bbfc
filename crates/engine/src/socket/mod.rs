//! The socket layer: the one UDP port, its options, and the calls that move datagrams.
//!
//! [`bind()`] opens every worker's sockets on one port; a [`Receiver`] and a [`Sender`] move one worker's datagrams, in
//! batches on Linux or one call a datagram. All `unsafe` of the project is in `address`, `batch` and
//! `option`, and for tests in `refusal`.

mod address;
#[cfg(target_os = "linux")]
mod batch;
pub mod bind;
mod option;
mod plain;
mod receive;
#[cfg(all(test, target_os = "linux"))]
pub(crate) mod refusal;
mod send;
#[cfg(test)]
mod tests;
mod wait;

pub use bind::{Port, bind};
pub use receive::{Receipt, Receiver};
pub use send::{Departure, SendReport, Sender};
pub use wait::wait;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;

/// Room for one datagram. Media and DTLS records stay below the path's MTU of at most 1,500; longer ones are dropped.
pub const MAX_DATAGRAM: usize = 2_048;

/// One worker's sockets: at most one a family, never none.
#[derive(Debug)]
pub struct Sockets {
    /// The IPv4 socket.
    pub v4: Option<mio::net::UdpSocket>,
    /// The IPv6 socket; it takes no IPv4 traffic.
    pub v6: Option<mio::net::UdpSocket>,
}

impl Sockets {
    /// The socket that reaches `destination`.
    #[must_use]
    pub fn for_destination(&self, destination: &SocketAddr) -> Option<&mio::net::UdpSocket> {
        match destination {
            SocketAddr::V4(_) => self.v4.as_ref(),
            SocketAddr::V6(_) => self.v6.as_ref(),
        }
    }

    /// Ask for so many bytes of kernel room for what arrives, for sockets that stand for a crowd; take what the system
    /// gives. Unprivileged processes get no more than `net.core.rmem_max`.
    pub fn widen(&self, bytes: usize) {
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            option::enlarge_receive(&SockRef::from(socket), bytes);
        }
    }

    /// Have the kernel tell when each datagram arrived, where it can: for who measures and may come late to the socket itself.
    pub fn stamp_arrivals(&self) {
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            option::stamp_arrivals(&SockRef::from(socket));
        }
    }
}

/// A datagram as it arrived.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// Which of this host's addresses it was sent to; unspecified where the system does not tell.
    pub local: IpAddr,
    /// When the kernel took it in, by the system's clock, since 1970; `None` unless asked for by [`Sockets::stamp_arrivals`].
    pub at: Option<Duration>,
    /// Its bytes; the receiver may decrypt in place.
    pub data: &'a mut [u8],
}
