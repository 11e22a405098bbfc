//! **For tests alone**: a kernel that refuses to send or to receive, as it does when it has no room. A seccomp filter answers in its place, since
//! no socket can be brought to `ENOBUFS` at will: for a full queue Linux tells UDP nothing, and memory is seldom short when it is wanted.
#![allow(
    unsafe_code,
    reason = "prctl takes raw pointers; the block says why it is sound"
)]

use std::io;
use std::mem::offset_of;

/// From now on every datagram that this thread, or one that it starts, wants to send is refused with this error number. There is no way
/// back: use a thread that ends.
pub(crate) fn refuse_sends(error: i32) -> io::Result<()> {
    refuse([libc::SYS_sendmmsg, libc::SYS_sendto], error)
}

/// The same for what it wants to receive.
pub(crate) fn refuse_receives(error: i32) -> io::Result<()> {
    refuse([libc::SYS_recvmmsg, libc::SYS_recvfrom], error)
}

fn refuse(calls: [libc::c_long; 2], error: i32) -> io::Result<()> {
    let number = offset_of!(libc::seccomp_data, nr) as u32;
    let refusal = libc::SECCOMP_RET_ERRNO | error.unsigned_abs();
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    let [several, one] = calls.map(|call| call as u32);
    // SAFETY: both only put their arguments into a struct.
    let mut filter = unsafe {
        [
            libc::BPF_STMT(load as u16, number),
            libc::BPF_JUMP(equal as u16, several, 1, 0),
            libc::BPF_JUMP(equal as u16, one, 0, 1),
            libc::BPF_STMT(answer as u16, refusal),
            libc::BPF_STMT(answer as u16, libc::SECCOMP_RET_ALLOW),
        ]
    };
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program points to `filter`, which outlives the calls, and the kernel copies both.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
