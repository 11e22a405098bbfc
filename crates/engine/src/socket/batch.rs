//! `recvmmsg` and `sendmmsg`: many datagrams a system call, each with its own local address.
#![allow(
    unsafe_code,
    reason = "raw system calls over buffers of this file; each block says why it is sound"
)]

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;

use super::address::{CONTROL_BYTES, Control, Name, read_local, write_local};
use super::{Arrival, Departure, MAX_DATAGRAM, Receipt, SendReport};

/// Most datagrams a receive call takes. Larger gained nothing.
const MAX_RECEIVE: usize = 128;

/// Datagrams that a receive call asks for when the line is quiet; doubled while calls come back full.
const MIN_RECEIVE: usize = 16;

/// Most datagrams a send call gives. 32–64 is where the cost a datagram stops falling, and the arrays stay in the L1 cache.
pub(super) const MAX_SEND: usize = 64;

/// The receiving half: buffers for one call.
pub(super) struct Receiver {
    room: Box<[u8]>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    ask: usize,
}

// SAFETY: the raw pointers inside `vectors` and `headers` are written anew before each call and never read after it, so
// that nothing shared moves with the value; everything else is plain owned memory.
unsafe impl Send for Receiver {}

impl Receiver {
    pub(super) fn new() -> Self {
        Self {
            room: vec![0; MAX_RECEIVE * MAX_DATAGRAM].into(),
            names: vec![Name::empty(); MAX_RECEIVE].into(),
            controls: vec![Control::empty(); MAX_RECEIVE].into(),
            vectors: vec![
                libc::iovec {
                    iov_base: std::ptr::null_mut(),
                    iov_len: 0
                };
                MAX_RECEIVE
            ]
            .into(),
            headers: vec![empty_header(); MAX_RECEIVE].into(),
            ask: MIN_RECEIVE,
        }
    }

    /// Take what waits, up to [`MAX_RECEIVE`] datagrams, and hand each to `sink`.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        fallback: IpAddr,
        mut sink: impl FnMut(Arrival<'_>),
    ) -> io::Result<Receipt> {
        let asked = self.ask;
        let taken = match self.call(socket, asked) {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.ask = if taken == asked {
            (asked * 2).min(MAX_RECEIVE)
        } else {
            MIN_RECEIVE
        };
        let mut receipt = Receipt {
            taken,
            too_long: 0,
            drained: taken < asked,
        };
        let slots = self
            .room
            .chunks_exact_mut(MAX_DATAGRAM)
            .zip(&self.names)
            .zip(&self.headers);
        for ((slot, name), header) in slots.take(taken) {
            if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
                receipt.too_long += 1;
                continue;
            }
            // SAFETY: the header is as recvmmsg left it; its control room is `self.controls`, which is alive and which
            // nobody has written to since.
            let local = unsafe { read_local(&header.msg_hdr) }.unwrap_or(fallback);
            if let (Some(source), Some(data)) =
                (name.decode(), slot.get_mut(..header.msg_len as usize))
            {
                sink(Arrival {
                    source,
                    local,
                    data,
                });
            }
        }
        Ok(receipt)
    }

    fn call(&mut self, socket: &UdpSocket, asked: usize) -> io::Result<usize> {
        self.prepare(asked);
        loop {
            // SAFETY: the first `asked` headers point, since `prepare` a moment ago, to memory that `self` owns and that
            // stays put and unborrowed during the call; a null timeout is allowed.
            let taken = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    self.headers.as_mut_ptr(),
                    asked as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                    std::ptr::null_mut(),
                )
            };
            if let Ok(taken) = usize::try_from(taken) {
                return Ok(taken);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Point the first `asked` headers at their buffers. Done before each call: the pointers then stem from the borrow
    /// that the call uses, and the lengths, which the kernel overwrites, are whole again.
    fn prepare(&mut self, asked: usize) {
        let slots = self
            .room
            .chunks_exact_mut(MAX_DATAGRAM)
            .zip(&mut self.names)
            .zip(&mut self.controls);
        let targets = self.vectors.iter_mut().zip(&mut self.headers);
        for (((slot, name), control), (vector, header)) in slots.zip(targets).take(asked) {
            *vector = libc::iovec {
                iov_base: slot.as_mut_ptr().cast(),
                iov_len: slot.len(),
            };
            let header = &mut header.msg_hdr;
            header.msg_name = std::ptr::from_mut(name).cast();
            header.msg_namelen = size_of::<Name>() as libc::socklen_t;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr();
            header.msg_controllen = CONTROL_BYTES as _;
            header.msg_flags = 0;
        }
    }
}

/// The sending half: headers for one call.
pub(super) struct Sender {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
}

// SAFETY: as for `Receiver`.
unsafe impl Send for Sender {}

impl Sender {
    pub(super) fn new() -> Self {
        Self {
            names: vec![Name::empty(); MAX_SEND].into(),
            controls: vec![Control::empty(); MAX_SEND].into(),
            vectors: vec![
                libc::iovec {
                    iov_base: std::ptr::null_mut(),
                    iov_len: 0
                };
                MAX_SEND
            ]
            .into(),
            headers: vec![empty_header(); MAX_SEND].into(),
        }
    }

    /// Send up to [`MAX_SEND`] datagrams in order. One that the kernel refuses is skipped; when the kernel's room is full
    /// the rest is lost, as it would be on a full line.
    pub(super) fn send(
        &mut self,
        socket: &UdpSocket,
        departures: &[Departure<'_>],
        report: &mut SendReport,
    ) {
        let count = self.prepare(departures);
        let mut done = 0;
        while done < count {
            let Some(rest) = self.headers.get_mut(done..count) else {
                return;
            };
            // SAFETY: the headers of `rest` point, since `prepare` a moment ago, to memory of `self` and to the data of
            // `departures`, all borrowed for the whole of this method; the kernel only reads through them, and writes
            // `msg_len` in the headers themselves, which are borrowed mutably.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    rest.as_mut_ptr(),
                    rest.len() as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                )
            };
            if let Ok(sent) = usize::try_from(sent) {
                report.sent += sent;
                done += sent.max(1);
                continue;
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN | libc::ENOBUFS) => {
                    report.no_room += count - done;
                    return;
                }
                _ => {
                    report.refused += 1;
                    done += 1;
                }
            }
        }
    }

    /// Point the headers at `departures`; gives how many.
    fn prepare(&mut self, departures: &[Departure<'_>]) -> usize {
        let slots = self
            .names
            .iter_mut()
            .zip(&mut self.controls)
            .zip(&mut self.vectors)
            .zip(&mut self.headers);
        let mut count = 0;
        for ((((name, control), vector), header), departure) in slots.zip(departures) {
            let (encoded, length) = Name::encode(&departure.destination);
            *name = encoded;
            // The kernel does not write through a send's vector; the cast only drops what C cannot say.
            *vector = libc::iovec {
                iov_base: departure.data.as_ptr().cast_mut().cast(),
                iov_len: departure.data.len(),
            };
            let header = &mut header.msg_hdr;
            header.msg_name = std::ptr::from_mut(name).cast();
            header.msg_namelen = length;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr();
            header.msg_controllen = CONTROL_BYTES as _;
            header.msg_flags = 0;
            // SAFETY: `msg_control` was just set to `control`, which is borrowed mutably and of the right size.
            unsafe { write_local(header, departure.local) };
            count += 1;
        }
        count
    }
}

fn empty_header() -> libc::mmsghdr {
    // SAFETY: a plain C struct of pointers and integers; null and zero are values of each.
    unsafe { std::mem::zeroed() }
}
