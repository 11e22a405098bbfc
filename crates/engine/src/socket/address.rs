//! Socket addresses and per-packet local addresses in the kernel's layouts.
#![allow(
    unsafe_code,
    reason = "C unions and control messages; each block says why it is sound"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

/// Room for an IPv4 or IPv6 socket address. Half the size of `sockaddr_storage`, of which a batch would hold many.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Name {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

const _: () = assert!(size_of::<Name>() == size_of::<libc::sockaddr_in6>());

impl Name {
    /// All zero: family "unspecified".
    pub(super) fn empty() -> Self {
        // SAFETY: both members are plain C structs of integers and byte arrays; all-zero is a value of each.
        unsafe { std::mem::zeroed() }
    }

    /// The kernel's form of `address`, and its length in bytes.
    pub(super) fn encode(address: &SocketAddr) -> (Self, libc::socklen_t) {
        let mut name = Self::empty();
        let length = match address {
            SocketAddr::V4(address) => {
                name.v4 = encode_v4(address);
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                name.v6 = encode_v6(address);
                size_of::<libc::sockaddr_in6>()
            }
        };
        (name, length as libc::socklen_t)
    }

    /// The address that the kernel wrote; `None` for a family that is neither IPv4 nor IPv6.
    pub(super) fn decode(&self) -> Option<SocketAddr> {
        // SAFETY: every bit pattern of both members is valid (integers and byte arrays), the union was zeroed or written
        // whole before, and the family is the first field of both.
        let (family, v4, v6) = unsafe { (self.v4.sin_family, &self.v4, &self.v6) };
        match libc::c_int::from(family) {
            libc::AF_INET => {
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddr::V4(SocketAddrV4::new(
                    ip,
                    u16::from_be(v4.sin_port),
                )))
            }
            libc::AF_INET6 => {
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                // The scope says which link a link-local address is on. The flow label is the sender's business, and two
                // packets of one peer must not look like two addresses.
                let address =
                    SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id);
                Some(SocketAddr::V6(address))
            }
            _ => None,
        }
    }
}

fn encode_v4(address: &SocketAddrV4) -> libc::sockaddr_in {
    // SAFETY: a plain C struct of integers and byte arrays; all-zero is a value of it.
    let mut name: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    name.sin_family = libc::AF_INET as libc::sa_family_t;
    name.sin_port = address.port().to_be();
    name.sin_addr.s_addr = u32::from(*address.ip()).to_be();
    name
}

fn encode_v6(address: &SocketAddrV6) -> libc::sockaddr_in6 {
    // SAFETY: as in `encode_v4`.
    let mut name: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    name.sin6_port = address.port().to_be();
    name.sin6_addr.s6_addr = address.ip().octets();
    name.sin6_scope_id = address.scope_id();
    name
}

/// Room for the control messages that we use: `IP_PKTINFO` (32 bytes with its header) or `IPV6_PKTINFO` (40), and
/// `UDP_SEGMENT` (24) or, received, `SO_TIMESTAMPNS` (32).
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Control([u8; CONTROL_BYTES]);

/// Size of [`Control`].
pub(super) const CONTROL_BYTES: usize = 80;

const _: () = assert!(align_of::<Control>() >= align_of::<libc::cmsghdr>());

impl Control {
    /// All zero.
    pub(super) const fn empty() -> Self {
        Self([0; CONTROL_BYTES])
    }

    /// The start of the room.
    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.0.as_mut_ptr().cast()
    }
}

/// Write what a message says beside its bytes, behind `header`: "leave from `local`", unless that is unspecified, and "cut
/// into datagrams of `segment` bytes", unless that is zero.
///
/// # Safety
/// `header.msg_control` must point to a live, exclusively borrowed [`Control`].
#[cfg(target_os = "linux")]
pub(super) unsafe fn write_control(header: &mut libc::msghdr, local: IpAddr, segment: u16) {
    let control = header.msg_control.cast::<u8>();
    let mut used = 0;
    match local {
        _ if local.is_unspecified() => {}
        IpAddr::V4(ip) => {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from(ip).to_be(),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            // SAFETY: the caller vouches for the room, and by `ROOM_NEEDED` it is enough.
            used += unsafe { append(control, used, libc::IPPROTO_IP, libc::IP_PKTINFO, info) };
        }
        IpAddr::V6(ip) => {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: ip.octets(),
                },
                ipi6_ifindex: 0,
            };
            let (level, kind) = (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO);
            // SAFETY: as above.
            used += unsafe { append(control, used, level, kind, info) };
        }
    }
    if segment > 0 {
        // SAFETY: as above; `used` is what the first message takes.
        used += unsafe { append(control, used, libc::SOL_UDP, libc::UDP_SEGMENT, segment) };
    }
    if used == 0 {
        header.msg_control = std::ptr::null_mut();
    }
    header.msg_controllen = used as _;
}

/// What [`write_control`] writes at most.
#[cfg(target_os = "linux")]
const ROOM_NEEDED: usize = {
    // SAFETY: it only calculates.
    let spaces = unsafe {
        libc::CMSG_SPACE(size_of::<libc::in6_pktinfo>() as libc::c_uint)
            + libc::CMSG_SPACE(size_of::<u16>() as libc::c_uint)
    };
    spaces as usize
};
#[cfg(target_os = "linux")]
const _: () = assert!(ROOM_NEEDED <= CONTROL_BYTES);

/// What the kernel writes at most beside a datagram that it received.
#[cfg(target_os = "linux")]
const ROOM_REPORTED: usize = {
    // SAFETY: it only calculates.
    let spaces = unsafe {
        libc::CMSG_SPACE(size_of::<libc::in6_pktinfo>() as libc::c_uint)
            + libc::CMSG_SPACE(size_of::<libc::timespec>() as libc::c_uint)
    };
    spaces as usize
};
#[cfg(target_os = "linux")]
const _: () = assert!(ROOM_REPORTED <= CONTROL_BYTES);

/// Write one control message `used` bytes into `control`; gives how many bytes it takes.
///
/// # Safety
/// `control` points to a live, exclusively borrowed [`Control`], in which the message fits from `used` on; `used` is the
/// sum of what earlier calls gave.
#[cfg(target_os = "linux")]
unsafe fn append<T: Copy>(
    control: *mut u8,
    used: usize,
    level: libc::c_int,
    kind: libc::c_int,
    value: T,
) -> usize {
    let length = size_of::<T>() as libc::c_uint;
    // SAFETY: CMSG_SPACE and CMSG_LEN only calculate. The caller vouches for the room; a `Control` is aligned for a header,
    // and CMSG_SPACE keeps what follows aligned; the value is written unaligned.
    unsafe {
        let message = control.add(used).cast::<libc::cmsghdr>();
        (*message).cmsg_level = level;
        (*message).cmsg_type = kind;
        (*message).cmsg_len = libc::CMSG_LEN(length) as _;
        std::ptr::write_unaligned(libc::CMSG_DATA(message).cast::<T>(), value);
        libc::CMSG_SPACE(length) as usize
    }
}

/// What the kernel tells of a received datagram, as far as it was asked to.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    /// The local address that it was sent to.
    pub(super) local: Option<IpAddr>,
    /// When it arrived, by the system's clock, since 1970.
    pub(super) at: Option<Duration>,
}

/// Read what the kernel tells of a received datagram.
///
/// # Safety
/// `header` must be as `recvmsg` left it, its control room still live and not written to by anyone else.
#[cfg(target_os = "linux")]
pub(super) unsafe fn read_control(header: &libc::msghdr) -> Reported {
    let mut reported = Reported::default();
    // SAFETY: the caller vouches for `header`; the CMSG macros stay within `msg_control` and `msg_controllen` as the
    // kernel set them, and a message's data is read only when its length says that the whole value is there.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(current) = message.as_ref() {
            match (current.cmsg_level, current.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    reported.local = read_message(current).map(|info: libc::in_pktinfo| {
                        IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)))
                    });
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    reported.local = read_message(current).map(|info: libc::in6_pktinfo| {
                        IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr))
                    });
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    reported.at = read_message(current).and_then(since_1970);
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    reported
}

#[cfg(target_os = "linux")]
fn since_1970(time: libc::timespec) -> Option<Duration> {
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}

/// # Safety
/// `message` heads a control message that lies whole within its buffer; `T` is a plain C struct.
#[cfg(target_os = "linux")]
unsafe fn read_message<T: Copy>(message: &libc::cmsghdr) -> Option<T> {
    // SAFETY: CMSG_LEN only calculates.
    let needed = unsafe { libc::CMSG_LEN(size_of::<T>() as libc::c_uint) } as usize;
    if message.cmsg_len < needed as _ {
        return None;
    }
    // SAFETY: the length just checked says that a whole `T` follows the header; it may be unaligned.
    Some(unsafe { std::ptr::read_unaligned(libc::CMSG_DATA(message).cast::<T>()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_form() {
        for text in [
            "192.0.2.7:3478",
            "[2001:db8::7]:65535",
            "[fe80::1%3]:1",
            "0.0.0.0:0",
        ] {
            let address: SocketAddr = text.parse().unwrap();
            let (name, length) = Name::encode(&address);
            assert_eq!(name.decode(), Some(address));
            assert!(length as usize <= size_of::<Name>());
        }
    }

    #[test]
    fn an_unknown_family_is_no_address() {
        assert_eq!(Name::empty().decode(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_local_address_survives_the_control_message() {
        for ip in ["192.0.2.7", "2001:db8::7"] {
            let ip: IpAddr = ip.parse().unwrap();
            let mut control = Control::empty();
            // SAFETY: all-zero is a value of msghdr: null pointers and zero lengths.
            let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
            header.msg_control = control.as_mut_ptr();
            header.msg_controllen = CONTROL_BYTES as _;
            // SAFETY: `msg_control` points to `control`, which lives to the end of the block.
            unsafe { write_control(&mut header, ip, 0) };
            // SAFETY: as above. For IPv4 the kernel swaps `ipi_spec_dst` (sent) and `ipi_addr` (received).
            let read = unsafe { read_control(&header) }.local;
            assert_eq!(
                read,
                Some(if ip.is_ipv4() {
                    IpAddr::V4(Ipv4Addr::UNSPECIFIED)
                } else {
                    ip
                })
            );
        }
    }
}
