//! `sendmmsg`: many datagrams a system call, and those to one destination, where they follow one another, as one message
//! (`UDP_SEGMENT`): the kernel looks up the way and builds headers once for all of them.
//!
//! A message's datagrams are equally long, but for the last, which may be shorter. So departures come in an order that
//! makes long runs: see `hocket_media::Outbox`.
#![allow(
    unsafe_code,
    reason = "raw system calls over buffers of this file; each block says why it is sound"
)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;

use super::empty_header;
use crate::socket::address::{Control, Name, write_control};
use crate::socket::{Departure, SendReport, Sockets};

/// Most messages a send call gives. 32–64 is where the cost a message stops falling, and the arrays stay in the L1 cache.
const MESSAGES: usize = 64;

/// Most datagrams a send call gives.
const DATAGRAMS: usize = 512;

/// Most datagrams a message carries; the kernel's own bound (`UDP_MAX_SEGMENTS`).
const SEGMENTS: usize = 64;

/// The longest datagram that travels with others. Above the path's MTU a message would be refused whole; IPv6 grants 1,232.
const SEGMENT_MAX: usize = 1_200;

/// Most bytes of a message: what the length field of an IP packet can say, less headers.
const MESSAGE_MAX: usize = 65_000;

/// Headers for both families.
pub(in crate::socket) struct Sender {
    v4: Queue,
    v6: Queue,
}

/// Messages of one family for one call.
struct Queue {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    messages: Vec<Message>,
    /// How many of `vectors` are in use.
    datagrams: usize,
    /// Whether several datagrams may go as one message: until the system shows that it cannot.
    bundles: bool,
}

/// One message: a datagram, or several to one destination.
struct Message {
    destination: SocketAddr,
    local: IpAddr,
    /// The first of its datagrams in `vectors`, and how many.
    first: usize,
    datagrams: usize,
    /// Length of all its datagrams, but for the last.
    segment: usize,
    bytes: usize,
    /// Whether another may follow: the last one is as long as the others.
    open: bool,
}

// SAFETY: the raw pointers inside `vectors` and `headers` are written anew before each call and never read after it, so
// that nothing shared moves with the value; everything else is plain owned memory.
unsafe impl Send for Queue {}

impl Sender {
    pub(in crate::socket) fn new() -> Self {
        Self {
            v4: Queue::new(),
            v6: Queue::new(),
        }
    }

    /// Whether several datagrams may go as one message. They may at first.
    pub(in crate::socket) fn set_bundles(&mut self, bundles: bool) {
        self.v4.bundles = bundles;
        self.v6.bundles = bundles;
    }

    /// Send all in order. What the kernel refuses is skipped; when its room is full the rest of a call is lost, as it
    /// would be on a full line.
    pub(in crate::socket) fn send<'a>(
        &mut self,
        sockets: &Sockets,
        departures: impl Iterator<Item = Departure<'a>>,
        report: &mut SendReport,
    ) {
        let Self { v4, v6 } = self;
        // What a panic of the iterator may have left behind points to nothing.
        v4.clear();
        v6.clear();
        for departure in departures {
            let (queue, socket) = match departure.destination {
                SocketAddr::V4(_) => (&mut *v4, sockets.v4.as_ref()),
                SocketAddr::V6(_) => (&mut *v6, sockets.v6.as_ref()),
            };
            let Some(socket) = socket else {
                report.refused += 1;
                continue;
            };
            if !queue.push(&departure) {
                // SAFETY: all that was pushed since the last flush borrows from `'a`, which outlives this method.
                unsafe { queue.flush(socket, report) };
                queue.push(&departure);
            }
        }
        for (queue, socket) in [(v4, &sockets.v4), (v6, &sockets.v6)] {
            if let Some(socket) = socket {
                // SAFETY: as above.
                unsafe { queue.flush(socket, report) };
            }
        }
    }
}

impl Queue {
    fn new() -> Self {
        let nothing = libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        };
        Self {
            names: vec![Name::empty(); MESSAGES].into(),
            controls: vec![Control::empty(); MESSAGES].into(),
            vectors: vec![nothing; DATAGRAMS].into(),
            headers: vec![empty_header(); MESSAGES].into(),
            messages: Vec::with_capacity(MESSAGES),
            datagrams: 0,
            bundles: true,
        }
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.datagrams = 0;
    }

    /// Add a datagram; false when there is no room, and the queue has to be flushed first.
    fn push(&mut self, departure: &Departure<'_>) -> bool {
        let Some(vector) = self.vectors.get_mut(self.datagrams) else {
            return false;
        };
        let bundles = self.bundles;
        let joined = self
            .messages
            .last_mut()
            .is_some_and(|last| bundles && last.takes(departure));
        if !joined {
            if self.messages.len() == MESSAGES {
                return false;
            }
            self.messages.push(Message::new(departure, self.datagrams));
        }
        // The kernel does not write through a send's vector; the cast only drops what C cannot say.
        *vector = libc::iovec {
            iov_base: departure.data.as_ptr().cast_mut().cast(),
            iov_len: departure.data.len(),
        };
        self.datagrams += 1;
        true
    }

    /// Send what was pushed, and forget it.
    ///
    /// # Safety
    /// The bytes of every departure pushed since the last [`Queue::clear`] or flush are still there.
    unsafe fn flush(&mut self, socket: &UdpSocket, report: &mut SendReport) {
        self.prepare();
        let (mut done, count) = (0, self.messages.len());
        while done < count {
            // SAFETY: `prepare` has filled these headers a moment ago; the caller vouches for the bytes.
            match unsafe { self.call(socket, done, count) } {
                Ok(sent) => {
                    let gone = self.messages.iter().skip(done).take(sent);
                    report.sent += gone.map(|message| message.datagrams).sum::<usize>();
                    report.messages += sent;
                    done += sent.max(1);
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR) => {}
                    Some(libc::EAGAIN | libc::ENOBUFS) => {
                        let rest = self.messages.iter().skip(done);
                        report.no_room += rest.map(|message| message.datagrams).sum::<usize>();
                        break;
                    }
                    _ => {
                        // SAFETY: as above.
                        unsafe { self.send_apart(socket, done, report) };
                        done += 1;
                    }
                },
            }
        }
        self.clear();
    }

    /// One system call for these messages; gives how many the kernel took.
    ///
    /// # Safety
    /// The headers in this range were prepared since the last push, and the bytes that they point to are still there.
    unsafe fn call(&mut self, socket: &UdpSocket, from: usize, to: usize) -> io::Result<usize> {
        let Some(headers) = self.headers.get_mut(from..to) else {
            return Ok(0);
        };
        // SAFETY: the headers point to names, controls and vectors of `self`, none of which is borrowed elsewhere, and the
        // vectors to bytes that the caller vouches for; the kernel only reads through them, and writes `msg_len` in the
        // headers themselves, which are borrowed mutably.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Send a refused message's datagrams in messages of their own. Where that goes well it was the bundle that the system
    /// did not want (a network device without checksum offload, a tunnel), and no more are made.
    ///
    /// # Safety
    /// As for [`Queue::flush`].
    unsafe fn send_apart(&mut self, socket: &UdpSocket, place: usize, report: &mut SendReport) {
        let Some((first, datagrams)) = self
            .messages
            .get(place)
            .map(|message| (message.first, message.datagrams))
        else {
            return;
        };
        if datagrams < 2 {
            report.refused += datagrams;
            return;
        }
        let before = report.sent;
        for datagram in first..first + datagrams {
            self.address(place, datagram, 1);
            // SAFETY: the header was written just now; the caller vouches for the bytes.
            match unsafe { self.call(socket, place, place + 1) } {
                Ok(sent) => {
                    report.sent += sent;
                    report.messages += sent;
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN | libc::ENOBUFS) => report.no_room += 1,
                    _ => report.refused += 1,
                },
            }
        }
        self.bundles &= report.sent == before;
    }

    /// Point the headers at what was pushed.
    fn prepare(&mut self) {
        for place in 0..self.messages.len() {
            if let Some(message) = self.messages.get(place) {
                let (first, datagrams) = (message.first, message.datagrams);
                self.address(place, first, datagrams);
            }
        }
    }

    /// Write one message's header, for so many of its datagrams.
    fn address(&mut self, place: usize, first: usize, datagrams: usize) {
        let (Some(message), Some(name), Some(control), Some(vectors), Some(header)) = (
            self.messages.get(place),
            self.names.get_mut(place),
            self.controls.get_mut(place),
            self.vectors.get_mut(first..first + datagrams),
            self.headers.get_mut(place),
        ) else {
            return;
        };
        let (encoded, length) = Name::encode(&message.destination);
        *name = encoded;
        let header = &mut header.msg_hdr;
        header.msg_name = std::ptr::from_mut(name).cast();
        header.msg_namelen = length;
        header.msg_iov = vectors.as_mut_ptr();
        header.msg_iovlen = datagrams as _;
        header.msg_flags = 0;
        header.msg_control = control.as_mut_ptr();
        let segment = if datagrams > 1 { message.segment } else { 0 };
        // SAFETY: `msg_control` was just set to `control`, which is borrowed mutably.
        unsafe { write_control(header, message.local, segment as u16) };
    }
}

impl Message {
    fn new(departure: &Departure<'_>, first: usize) -> Self {
        let length = departure.data.len();
        Self {
            destination: departure.destination,
            local: departure.local,
            first,
            datagrams: 1,
            segment: length,
            bytes: length,
            open: length <= SEGMENT_MAX,
        }
    }

    /// Take this datagram too, if it can follow the last one.
    fn takes(&mut self, departure: &Departure<'_>) -> bool {
        let length = departure.data.len();
        let fits = self.open
            && length <= self.segment
            && self.datagrams < SEGMENTS
            && self.bytes + length <= MESSAGE_MAX
            && self.destination == departure.destination
            && self.local == departure.local;
        if fits {
            self.datagrams += 1;
            self.bytes += length;
            self.open = length == self.segment;
        }
        fits
    }
}
