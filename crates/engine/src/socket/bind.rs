//! Open every worker's sockets on one port, the same for IPv4 and IPv6.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::{Sockets, option};
use crate::{EngineOptions, Error, Result};

/// Tries to find a port that is free for both families, when any will do.
const PORT_TRIES: usize = 32;

/// An open port: what [`bind`] gives.
#[derive(Debug)]
pub struct Port {
    /// The port number, the same for every socket.
    pub number: u16,
    /// One entry a worker.
    pub sockets: Vec<Sockets>,
}

/// Open the sockets that `options` ask for.
///
/// An IPv6 address is left out on a machine without IPv6 as long as an IPv4 address remains.
///
/// # Errors
/// [`Error::Io`] when an address or the port is taken or not there.
pub fn bind(options: &EngineOptions) -> Result<Port> {
    let addresses = usable_addresses(&options.addresses)?;
    let mut tries = if options.port == 0 { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_all(&addresses, options.port, options) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            outcome => return outcome,
        }
    }
}

fn usable_addresses(asked: &[IpAddr]) -> Result<Vec<IpAddr>> {
    let mut addresses = asked.to_vec();
    if !has_ipv6() && asked.iter().any(IpAddr::is_ipv4) {
        addresses.retain(IpAddr::is_ipv4);
    }
    if addresses.is_empty() {
        return Err(Error::InvalidOption("addresses: at least one".to_owned()));
    }
    Ok(addresses)
}

/// Whether this machine can bind an IPv6 socket at all (containers often cannot).
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind("[::]:0").is_ok()
}

fn bind_all(addresses: &[IpAddr], port: u16, options: &EngineOptions) -> Result<Port> {
    let workers = options.worker_count();
    let mut number = port;
    let mut columns = Vec::with_capacity(addresses.len());
    for address in addresses {
        let column = bind_column(*address, number, workers, options.batched())?;
        if let Some(first) = column.first() {
            number = first
                .local_addr()?
                .as_socket()
                .map_or(number, |address| address.port());
        }
        columns.push((address.is_ipv4(), column.into_iter()));
    }
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let mut row = Sockets { v4: None, v6: None };
        for (is_v4, column) in &mut columns {
            let socket = column
                .next()
                .map(|socket| mio::net::UdpSocket::from_std(socket.into()));
            *(if *is_v4 { &mut row.v4 } else { &mut row.v6 }) = socket;
        }
        sockets.push(row);
    }
    Ok(Port { number, sockets })
}

/// One address's sockets, one a worker, in the order in which the kernel numbers them.
fn bind_column(
    address: IpAddr,
    port: u16,
    workers: usize,
    batched: bool,
) -> io::Result<Vec<Socket>> {
    let first = open(address, batched)?;
    // The first takes the port for itself, so that a second server on it is told so (and a port picked by the kernel is
    // nobody else's); only then is it opened to its siblings. With the option set before, two servers of one user would
    // silently share the port and each would get half of the packets.
    first.bind(&SocketAddr::new(address, port).into())?;
    let port = first
        .local_addr()?
        .as_socket()
        .map_or(port, |address| address.port());
    let mut column = vec![first];
    if workers > 1 {
        share_port(&column)?;
        for _ in 1..workers {
            let sibling = open(address, batched)?;
            share_port(std::slice::from_ref(&sibling))?;
            sibling.bind(&SocketAddr::new(address, port).into())?;
            column.push(sibling);
        }
    }
    Ok(column)
}

#[cfg(target_os = "linux")]
fn share_port(sockets: &[Socket]) -> io::Result<()> {
    sockets
        .iter()
        .try_for_each(|socket| socket.set_reuse_port(true))
}

#[cfg(not(target_os = "linux"))]
fn share_port(_: &[Socket]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn open(address: IpAddr, batched: bool) -> io::Result<Socket> {
    let domain = if address.is_ipv4() {
        Domain::IPV4
    } else {
        Domain::IPV6
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    option::enlarge_buffers(&socket);
    option::probe_path_mtu(&socket, address.is_ipv6());
    if batched {
        option::report_local_address(&socket, address.is_ipv6())?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(addresses: &[&str], port: u16, workers: usize) -> EngineOptions {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        EngineOptions {
            addresses,
            port,
            workers,
            ..EngineOptions::default()
        }
    }

    #[test]
    fn every_worker_and_family_has_the_same_port() {
        let port = bind(&on(&["127.0.0.1", "::1"], 0, 3)).unwrap();
        assert_eq!(port.sockets.len(), 3);
        for row in &port.sockets {
            for socket in [row.v4.as_ref(), row.v6.as_ref()] {
                assert_eq!(socket.unwrap().local_addr().unwrap().port(), port.number);
            }
        }
    }

    #[test]
    fn a_port_in_use_is_refused_even_by_our_own_kind() {
        let port = bind(&on(&["127.0.0.1"], 0, 2)).unwrap();
        let error = bind(&on(&["127.0.0.1"], port.number, 2)).unwrap_err();
        assert!(matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::AddrInUse));
    }

    #[test]
    fn a_closed_port_is_free_at_once() {
        let port = bind(&on(&["127.0.0.1", "::1"], 0, 2)).unwrap();
        let number = port.number;
        drop(port);
        assert_eq!(
            bind(&on(&["127.0.0.1", "::1"], number, 2)).unwrap().number,
            number
        );
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = bind(&on(&["192.0.2.1"], 0, 1)).unwrap_err();
        assert!(
            matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::AddrNotAvailable)
        );
    }
}
