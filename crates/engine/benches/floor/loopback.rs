//! Real sockets on loopback: the engine's own, and those that stand for clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hocket_engine::EngineOptions;
use hocket_engine::socket::{self, Sockets};
use socket2::{Domain, Socket, Type};

/// Kernel room of a client: a round's copies fit many times over, even where the system grants less.
const ROOM: usize = 1 << 20;

/// How long the kernel may take over loopback, which it usually serves within the send itself.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// An address of its own for each server and client is not needed: ports tell them apart.
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One worker's sockets, with every option that the engine sets.
pub fn open_port() -> Sockets {
    let options = EngineOptions {
        addresses: vec![LOCALHOST],
        workers: 1,
        ..EngineOptions::default()
    };
    let port = socket::bind(&options).expect("a port on loopback");
    port.sockets
        .into_iter()
        .next()
        .expect("one worker's sockets")
}

/// Clients' sockets. What they get is counted and thrown away, outside what is timed; that the kernel puts it into their buffers is part of the
/// send's cost, as it is of every figure on loopback.
pub struct Ears {
    sockets: Vec<UdpSocket>,
    pub addresses: Vec<SocketAddr>,
}

impl Ears {
    pub fn new(count: usize) -> Self {
        let sockets: Vec<UdpSocket> = (0..count).map(|_| open_client()).collect();
        let addresses = sockets
            .iter()
            .map(|socket| socket.local_addr().expect("bound"));
        Self {
            addresses: addresses.collect(),
            sockets,
        }
    }

    /// Sends a datagram from one of them.
    pub fn say(&self, from: usize, bytes: &[u8], to: SocketAddr) {
        self.sockets[from]
            .send_to(bytes, to)
            .expect("loopback takes it");
    }

    /// Throws away what has come; returns how many.
    fn empty(&self) -> usize {
        let mut buffer = [0; 2_048];
        let count =
            |socket: &UdpSocket| std::iter::from_fn(|| socket.recv(&mut buffer).ok()).count();
        self.sockets.iter().map(count).sum()
    }
}

/// Empties the sockets of all these, in which `expected` datagrams must be: a bench that overran buffers would measure how fast the kernel drops.
pub fn drain(ears: &[&Ears], expected: usize) {
    let begun = Instant::now();
    let mut taken = 0;
    while taken < expected {
        taken += ears.iter().map(|ears| ears.empty()).sum::<usize>();
        assert!(
            begun.elapsed() < PATIENCE,
            "{taken} of {expected} datagrams arrived"
        );
    }
    assert_eq!(taken, expected, "nobody else sends here");
}

fn open_client() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)
        .expect("a socket a client: raise `ulimit -n` to 4096");
    socket.set_recv_buffer_size(ROOM).expect("room");
    socket
        .bind(&SocketAddr::new(LOCALHOST, 0).into())
        .expect("a free port");
    socket
        .set_nonblocking(true)
        .expect("a socket that does not block");
    socket.into()
}
