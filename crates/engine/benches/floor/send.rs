//! The kernel's part of the floor: packets of a forwarded one's size, by `sendmmsg` from the engine's socket to as many addresses as there are
//! listeners. Nothing is sealed, looked up or written.

use std::net::{IpAddr, Ipv4Addr};

use hocket_engine::socket::{Departure, Sender, Sockets};

use crate::common::{DATAGRAM, LOCAL, Subject, forwarding};
use crate::loopback::{Ears, drain};

/// The least: the system chooses the address to send from, as a socket on one address could.
pub fn floor<'a>(port: &'a Sockets, ears: &'a Ears, listeners: usize) -> Subject<'a> {
    let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    subject(name(listeners), port, ears, listeners, 1, anywhere)
}

/// What the table calls it.
pub fn name(listeners: usize) -> String {
    format!("floor: sendmmsg to {listeners} addresses")
}

/// As the engine sends: each packet names the address that it leaves from.
pub fn from_address<'a>(port: &'a Sockets, ears: &'a Ears, listeners: usize) -> Subject<'a> {
    let name = format!("sendmmsg from a named address, {listeners} listeners");
    subject(name, port, ears, listeners, 1, LOCAL)
}

/// Several packets to each listener as one message.
pub fn together<'a>(
    port: &'a Sockets,
    ears: &'a Ears,
    listeners: usize,
    together: usize,
) -> Subject<'a> {
    let name = format!("sendmmsg, {together} to a listener together, {listeners} listeners");
    subject(name, port, ears, listeners, together, LOCAL)
}

fn subject<'a>(
    name: String,
    port: &'a Sockets,
    ears: &'a Ears,
    listeners: usize,
    together: usize,
    local: IpAddr,
) -> Subject<'a> {
    let copies = forwarding::packets(listeners).next_multiple_of(together) * listeners;
    let arena = vec![0xA5; copies * DATAGRAM];
    let mut sender = Sender::new(true);
    if together == 1 {
        sender = sender.without_bundles();
    }
    Subject::new(name, 0, move |stopwatch| {
        let addresses = ears.addresses.iter().take(listeners).cycle();
        let addresses = addresses.flat_map(|address| std::iter::repeat_n(address, together));
        let departures = arena
            .chunks_exact(DATAGRAM)
            .zip(addresses)
            .map(|(data, destination)| Departure {
                destination: *destination,
                local,
                data,
            });
        let report = stopwatch.time(|| sender.send(port, departures));
        assert_eq!(report.sent, copies, "{report:?}");
        drain(&[ears], copies);
        copies
    })
}
