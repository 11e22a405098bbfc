//! Many datagrams a system call: `recvmmsg` and `sendmmsg`.
#![allow(
    unsafe_code,
    reason = "a C struct of pointers and integers; the block says why it is sound"
)]

mod receive;
mod send;

pub(super) use receive::Receiver;
pub(super) use send::Sender;

/// A message's header with nothing in it.
fn empty_header() -> libc::mmsghdr {
    // SAFETY: a plain C struct of pointers and integers; null and zero are values of each.
    unsafe { std::mem::zeroed() }
}
