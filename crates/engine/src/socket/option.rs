//! Socket options that `socket2` does not offer.
#![allow(
    unsafe_code,
    reason = "setsockopt takes a raw pointer; each block says why it is sound"
)]

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, AsRawFd};

use socket2::Socket;

/// Kernel room a socket and direction. The common default of 208 kB lost 3–5 % of the packets on a busy machine.
const BUFFER_BYTES: usize = 4 << 20;

/// Ask for large buffers; take what the system gives.
pub(super) fn enlarge_buffers(socket: &Socket) {
    // First past the system's limit, which only a privileged process may do; then up to the limit.
    enlarge_receive(socket, BUFFER_BYTES);
    #[cfg(target_os = "linux")]
    {
        let bytes = BUFFER_BYTES as libc::c_int;
        if set(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, bytes).is_ok() {
            return;
        }
    }
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
}

/// Ask for so much room for what arrives; take what the system gives.
pub(super) fn enlarge_receive(socket: &Socket, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        let wanted = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        if set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, wanted).is_ok() {
            return;
        }
    }
    let _ = socket.set_recv_buffer_size(bytes);
}

/// Set "don't fragment" without the kernel's own path-MTU bookkeeping: cheaper a send (−10 % measured), and a forged ICMP
/// message cannot lower what we send. Best effort.
#[cfg(target_os = "linux")]
pub(super) fn probe_path_mtu(socket: &Socket, is_v6: bool) {
    let _ = if is_v6 {
        set(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_PROBE,
        )
    } else {
        set(
            socket,
            libc::IPPROTO_IP,
            libc::IP_MTU_DISCOVER,
            libc::IP_PMTUDISC_PROBE,
        )
    };
}

/// Elsewhere the system's default stands.
#[cfg(not(target_os = "linux"))]
pub(super) fn probe_path_mtu(_: &Socket, _: bool) {}

/// Have each datagram carry the local address it was sent to, so that the answer can leave from there: on a host with
/// several addresses the kernel would choose by route, and the client would drop what comes from an address it never asked.
#[cfg(target_os = "linux")]
pub(super) fn report_local_address(socket: &Socket, is_v6: bool) -> io::Result<()> {
    if is_v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
    }
}

/// Elsewhere there is no batched path that would read it.
#[cfg(not(target_os = "linux"))]
pub(super) fn report_local_address(_: &Socket, _: bool) -> io::Result<()> {
    Ok(())
}

/// Have each datagram carry when it arrived, by the system's clock. Best effort.
#[cfg(target_os = "linux")]
pub(super) fn stamp_arrivals(socket: &Socket) {
    let _ = set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
}

/// Elsewhere there is no batched path that would read it.
#[cfg(not(target_os = "linux"))]
pub(super) fn stamp_arrivals(_: &Socket) {}

/// Send without checksums. **For tests alone**: what the kernel refuses on such a socket it refuses on some network devices too.
#[cfg(all(test, target_os = "linux"))]
pub(super) fn omit_checksums(socket: &impl AsFd) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_NO_CHECK, 1)
}

#[cfg(target_os = "linux")]
fn set(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open for as long as `socket` is borrowed; the pointer is to `length` readable bytes that
    // outlive the call, which keeps neither.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            length,
        )
    };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    #[test]
    fn the_buffers_are_enlarged_as_far_as_the_system_lets_us() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let before = socket.recv_buffer_size().unwrap();
        enlarge_buffers(&socket);
        let after = socket.recv_buffer_size().unwrap();
        assert!(after >= before);
        enlarge_receive(&socket, 2 * BUFFER_BYTES);
        assert!(socket.recv_buffer_size().unwrap() >= after);
    }

    #[test]
    fn an_unknown_option_is_an_error_and_not_a_crash() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        assert!(set(&socket, libc::IPPROTO_IP, 9_999, 1).is_err());
    }
}
