//! Takes one worker's datagrams off its sockets, by whichever path was chosen.

use std::io;
use std::net::IpAddr;

use mio::net::UdpSocket;

use super::Arrival;
#[cfg(target_os = "linux")]
use super::batch;
use super::plain;

/// What one receive call did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Datagrams taken from the socket.
    pub taken: usize,
    /// Of them, dropped as longer than [`super::MAX_DATAGRAM`].
    pub too_long: usize,
    /// The socket is empty: the next datagram will wake the poll.
    pub drained: bool,
}

/// One worker's receive buffers, for either path.
pub struct Receiver {
    path: Path,
}

enum Path {
    #[cfg(target_os = "linux")]
    Batch(batch::Receiver),
    Plain(plain::Receiver),
}

impl Receiver {
    /// Buffers for the batched path where `batch` asks for it and the system has it, else for the plain one.
    #[must_use]
    pub fn new(batch: bool) -> Self {
        #[cfg(target_os = "linux")]
        if batch {
            return Self {
                path: Path::Batch(batch::Receiver::new()),
            };
        }
        let _ = batch;
        Self {
            path: Path::Plain(plain::Receiver::new()),
        }
    }

    /// Take a bounded number of datagrams that wait on `socket` and hand each to `sink`. `local` is told as the local
    /// address where the system reports none.
    ///
    /// # Errors
    /// What the system says, other than "nothing there" and "interrupted".
    pub fn receive(
        &mut self,
        socket: &UdpSocket,
        local: IpAddr,
        sink: impl FnMut(Arrival<'_>),
    ) -> io::Result<Receipt> {
        match &mut self.path {
            #[cfg(target_os = "linux")]
            Path::Batch(receiver) => receiver.receive(socket, local, sink),
            Path::Plain(receiver) => receiver.receive(socket, local, sink),
        }
    }
}
