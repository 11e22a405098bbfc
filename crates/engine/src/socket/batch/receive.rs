//! `recvmmsg`: many datagrams a system call, each with the address that it was sent to.
#![allow(
    unsafe_code,
    reason = "raw system calls over buffers of this file; each block says why it is sound"
)]

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;

use super::empty_header;
use crate::socket::address::{CONTROL_BYTES, Control, Name, read_control};
use crate::socket::{Arrival, MAX_DATAGRAM, Receipt};

/// Most datagrams a receive call takes. Larger gained nothing.
const MAX_RECEIVE: usize = 128;

/// Datagrams that a receive call asks for when the line is quiet; doubled while calls come back full.
const MIN_RECEIVE: usize = 16;

/// Buffers for one call.
pub(in crate::socket) struct Receiver {
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
    pub(in crate::socket) fn new() -> Self {
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
    pub(in crate::socket) fn receive(
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
            let reported = unsafe { read_control(&header.msg_hdr) };
            if let (Some(source), Some(data)) =
                (name.decode(), slot.get_mut(..header.msg_len as usize))
            {
                sink(Arrival {
                    source,
                    local: reported.local.unwrap_or(fallback),
                    at: reported.at,
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
