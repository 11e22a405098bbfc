//! Datagrams through real loopback sockets, by both paths.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::net::UdpSocket;

use super::*;
use crate::EngineOptions;

fn sockets(addresses: &[&str], batch: bool) -> (u16, Sockets) {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let options = EngineOptions {
        addresses,
        batch,
        workers: 1,
        ..EngineOptions::default()
    };
    let mut port = bind(&options).unwrap();
    (port.number, port.sockets.remove(0))
}

fn client(address: &str) -> StdSocket {
    let client = StdSocket::bind((address.parse::<IpAddr>().unwrap(), 0)).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    client
}

/// Everything that waits now. Loopback delivers within `send_to`, so there is nothing to wait for.
fn receive_all(
    receiver: &mut Receiver,
    socket: &UdpSocket,
    fallback: IpAddr,
) -> Vec<(SocketAddr, IpAddr, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let receipt = receiver
            .receive(socket, fallback, |arrival| {
                all.push((arrival.source, arrival.local, arrival.data.to_vec()))
            })
            .unwrap();
        if receipt.drained {
            return all;
        }
    }
}

#[test]
fn datagrams_arrive_whole_in_order_and_with_their_source() {
    for batch in [true, false] {
        for address in ["127.0.0.1", "::1"] {
            let (port, sockets) = sockets(&[address], batch);
            let to = SocketAddr::new(address.parse().unwrap(), port);
            let client = client(address);
            let sent: Vec<Vec<u8>> = (0..200_u8).map(|i| vec![i; 3 + usize::from(i)]).collect();
            for datagram in &sent {
                client.send_to(datagram, to).unwrap();
            }
            let mut receiver = Receiver::new(batch);
            let got = receive_all(
                &mut receiver,
                sockets.for_destination(&to).unwrap(),
                to.ip(),
            );
            assert_eq!(
                got.iter()
                    .map(|arrival| arrival.2.clone())
                    .collect::<Vec<_>>(),
                sent
            );
            assert!(
                got.iter().all(
                    |arrival| arrival.0 == client.local_addr().unwrap() && arrival.1 == to.ip()
                )
            );
        }
    }
}

#[test]
fn an_empty_socket_is_drained_at_once() {
    for batch in [true, false] {
        let (_, sockets) = sockets(&["127.0.0.1"], batch);
        let mut receiver = Receiver::new(batch);
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let receipt = receiver
            .receive(sockets.v4.as_ref().unwrap(), local, |_| {})
            .unwrap();
        assert_eq!(
            receipt,
            Receipt {
                taken: 0,
                too_long: 0,
                drained: true
            }
        );
    }
}

#[test]
fn a_datagram_longer_than_the_room_is_dropped_and_counted() {
    for batch in [true, false] {
        let (port, sockets) = sockets(&["127.0.0.1"], batch);
        let client = client("127.0.0.1");
        for length in [MAX_DATAGRAM, MAX_DATAGRAM + 1, 9_000] {
            client
                .send_to(&vec![7; length], ("127.0.0.1", port))
                .unwrap();
        }
        let mut lengths = Vec::new();
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let receipt = Receiver::new(batch)
            .receive(sockets.v4.as_ref().unwrap(), local, |arrival| {
                lengths.push(arrival.data.len())
            })
            .unwrap();
        assert_eq!(
            (lengths.as_slice(), receipt.too_long),
            ([MAX_DATAGRAM].as_slice(), 2)
        );
    }
}

#[test]
fn the_kernel_tells_when_a_datagram_arrived_if_asked_and_where_it_was_sent_to_all_the_same() {
    let system = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for (own, other) in [("127.0.0.1", "127.0.0.77"), ("::1", "::1")] {
        let (port, sockets) = sockets(&[own.replace("127.0.0.1", "0.0.0.0").as_str()], true);
        let socket = sockets.v4.as_ref().or(sockets.v6.as_ref()).unwrap();
        let client = client(own);
        let mut receiver = Receiver::new(true);
        let mut last = || {
            let mut told = None;
            let fallback = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            receiver
                .receive(socket, fallback, |arrival| {
                    told = Some((arrival.local, arrival.at));
                })
                .unwrap();
            told.unwrap()
        };
        client.send_to(b"first", (other, port)).unwrap();
        assert_eq!(last(), (other.parse().unwrap(), None));
        sockets.stamp_arrivals();
        // The kernel begins a moment later; until then it tells when the datagram was taken.
        let told_on_arrival = (0..1_000).any(|_| {
            let before = system();
            client.send_to(b"second", (other, port)).unwrap();
            let after = system();
            let (local, at) = last();
            assert_eq!(local, other.parse::<IpAddr>().unwrap());
            (before..=after).contains(&at.unwrap())
        });
        assert!(told_on_arrival, "{own}");
    }
}

#[test]
fn the_answer_leaves_from_the_address_that_was_asked() {
    let (port, sockets) = sockets(&["0.0.0.0"], true);
    let client = client("127.0.0.1");
    client.send_to(b"ask", ("127.0.0.77", port)).unwrap();
    let mut receiver = Receiver::new(true);
    let fallback = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let (source, local, _) =
        receive_all(&mut receiver, sockets.v4.as_ref().unwrap(), fallback).remove(0);
    assert_eq!(local, "127.0.0.77".parse::<IpAddr>().unwrap());
    let answer = Departure {
        destination: source,
        local,
        data: b"answer",
    };
    assert_eq!(
        Sender::new(true).send(&sockets, [answer].into_iter()).sent,
        1
    );
    let (_, from) = client.recv_from(&mut [0; 16]).unwrap();
    assert_eq!(from, SocketAddr::new(local, port));
}

#[test]
fn a_flush_keeps_order_over_chunks_and_families() {
    for batch in [true, false] {
        let (_, sockets) = sockets(&["127.0.0.1", "::1"], batch);
        let clients = [client("127.0.0.1"), client("::1")];
        let data: Vec<[u8; 2]> = (0..300_u16).map(u16::to_be_bytes).collect();
        let departures = data.iter().enumerate().map(|(i, bytes)| {
            let destination = clients[i % 2].local_addr().unwrap();
            Departure {
                destination,
                local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                data: bytes,
            }
        });
        let report = Sender::new(batch).send(&sockets, departures);
        assert_eq!(
            report,
            SendReport {
                sent: 300,
                messages: if batch { 2 * 3 } else { 300 }, // 150 a client, at most 64 together
                no_room: 0,
                refused: 0
            }
        );
        for (parity, client) in clients.iter().enumerate() {
            for i in 0..150 {
                let mut got = [0; 2];
                client.recv_from(&mut got).unwrap();
                assert_eq!(got, data[2 * i + parity]);
            }
        }
    }
}

#[test]
fn one_refused_datagram_does_not_stop_the_others() {
    for batch in [true, false] {
        let (_, sockets) = sockets(&["127.0.0.1"], batch);
        let client = client("127.0.0.1");
        let local = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let good = Departure {
            destination: client.local_addr().unwrap(),
            local,
            data: b"good",
        };
        // Port 0 is no destination; there is no IPv6 socket here; 70,000 bytes fit no datagram.
        let no_port = Departure {
            destination: "127.0.0.1:0".parse().unwrap(),
            ..good
        };
        let no_socket = Departure {
            destination: "[::1]:9".parse().unwrap(),
            ..good
        };
        let huge = vec![0; 70_000];
        let too_long = Departure {
            data: &huge,
            ..good
        };
        let all = [no_port, good, no_socket, too_long, good];
        let report = Sender::new(batch).send(&sockets, all.into_iter());
        assert_eq!(
            report,
            SendReport {
                sent: 2,
                messages: 2,
                no_room: 0,
                refused: 3
            }
        );
        for _ in 0..2 {
            assert_eq!(client.recv_from(&mut [0; 16]).unwrap().0, 4);
        }
    }
}

/// Datagrams of these lengths to one client, in one flush.
fn send_lengths(
    sender: &mut Sender,
    sockets: &Sockets,
    to: SocketAddr,
    lengths: &[usize],
) -> SendReport {
    let data: Vec<Vec<u8>> = (0_u8..=255)
        .cycle()
        .zip(lengths)
        .map(|(number, length)| vec![number; *length])
        .collect();
    let departures = data.iter().map(|bytes| Departure {
        destination: to,
        local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        data: bytes,
    });
    sender.send(sockets, departures)
}

/// What came, as number and length.
fn heard(client: &StdSocket, count: usize) -> Vec<(u8, usize)> {
    let mut room = [0; 2_048];
    let mut take = || {
        let (length, _) = client.recv_from(&mut room).unwrap();
        assert!(room[..length].iter().all(|byte| *byte == room[0]), "whole");
        (room[0], length)
    };
    (0..count).map(|_| take()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn datagrams_to_one_client_leave_together_and_arrive_apart() {
    for address in ["127.0.0.1", "::1"] {
        let (_, sockets) = sockets(&[address], true);
        let client = client(address);
        let to = client.local_addr().unwrap();
        let mut sender = Sender::new(true);
        // Equally long ones and a shorter last one make a message; a longer one begins the next; so do more than 64.
        let cases: [(&[usize], usize); 5] = [
            (&[100; 10], 1),
            (&[100, 100, 60], 1),
            (&[100, 60, 60, 100], 3),
            (&[1_201, 1_201], 2),
            (&[50; 130], 3),
        ];
        for (lengths, messages) in cases {
            let report = send_lengths(&mut sender, &sockets, to, lengths);
            assert_eq!((report.sent, report.messages), (lengths.len(), messages));
            let expected: Vec<(u8, usize)> = (0..).zip(lengths.iter().copied()).collect();
            assert_eq!(heard(&client, lengths.len()), expected);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_system_takes_no_bundles_every_datagram_goes_alone() {
    let (_, sockets) = sockets(&["127.0.0.1"], true);
    // A socket without checksums: the kernel refuses to cut its messages, as it does on devices that cannot calculate any.
    option::omit_checksums(sockets.v4.as_ref().unwrap()).unwrap();
    let client = client("127.0.0.1");
    let to = client.local_addr().unwrap();
    let mut sender = Sender::new(true);
    for _ in 0..2 {
        let report = send_lengths(&mut sender, &sockets, to, &[100, 100, 40]);
        let whole = SendReport {
            sent: 3,
            messages: 3,
            ..SendReport::default()
        };
        assert_eq!(report, whole);
        assert_eq!(heard(&client, 3), [(0, 100), (1, 100), (2, 40)]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_refused_destination_does_not_end_bundles_for_the_others() {
    let (_, sockets) = sockets(&["127.0.0.1"], true);
    let client = client("127.0.0.1");
    let mut sender = Sender::new(true);
    let nowhere = "127.0.0.1:0".parse().unwrap();
    let report = send_lengths(&mut sender, &sockets, nowhere, &[100; 3]);
    assert_eq!((report.sent, report.refused), (0, 3));
    let to = client.local_addr().unwrap();
    let report = send_lengths(&mut sender, &sockets, to, &[100; 3]);
    assert_eq!((report.sent, report.messages), (3, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn what_finds_no_room_in_the_kernel_is_lost_and_counted_whatever_the_kernel_calls_it() {
    for error in [libc::EAGAIN, libc::ENOBUFS] {
        for batch in [true, false] {
            let (_, sockets) = sockets(&["127.0.0.1"], batch);
            let to = client("127.0.0.1").local_addr().unwrap();
            let report = std::thread::spawn(move || {
                refusal::refuse_sends(error).unwrap();
                // A message of several, one of one, and more than one call takes.
                let lengths = [&[100, 100, 60, 60, 100][..], &[50; 600]].concat();
                let report = send_lengths(&mut Sender::new(batch), &sockets, to, &lengths);
                (report, lengths.len())
            });
            let (report, count) = report.join().unwrap();
            let lost = SendReport {
                no_room: count,
                ..SendReport::default()
            };
            assert_eq!(report, lost, "error {error}, batch {batch}");
        }
    }
}
