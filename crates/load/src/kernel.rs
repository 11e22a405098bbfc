//! What the kernel counts of us: a thread's time, and datagrams that found no room in our sockets. Linux; zeros elsewhere.
//!
//! Drops are read from `/proc/net/udp` when a measurement begins and ends, rather than from `SO_RXQ_OVFL`: the same counter of the socket,
//! without a control message in every packet.

use std::collections::HashSet;
use std::time::Duration;

/// Time that the calling thread was running, and was ready but had no core. From `schedstat`, which counts nanoseconds.
pub(crate) fn thread_times() -> (Duration, Duration) {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut fields = text
        .split_ascii_whitespace()
        .map(|field| field.parse().unwrap_or(0));
    let mut next = || Duration::from_nanos(fields.next().unwrap_or(0));
    (next(), next())
}

/// Datagrams that found the receive buffers of these UDP ports full, since their sockets were opened.
pub(crate) fn drops(ports: &HashSet<u16>) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .map(|file| drops_in(&std::fs::read_to_string(file).unwrap_or_default(), ports))
        .sum()
}

/// Sums the last column of the rows whose local port is one of these.
fn drops_in(table: &str, ports: &HashSet<u16>) -> u64 {
    let row = |line: &str| {
        let local = line.split_ascii_whitespace().nth(1)?;
        let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
        let drops = line
            .split_ascii_whitespace()
            .next_back()?
            .parse::<u64>()
            .ok()?;
        ports.contains(&port).then_some(drops)
    };
    table.lines().skip(1).filter_map(row).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 7859: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1094180 2 0000000045ae27cc 12
 7860: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1094181 2 0000000045ae27cd 7
";

    #[test]
    fn only_our_ports_drops_count() {
        assert_eq!(drops_in(TABLE, &HashSet::from([0x14E9])), 12);
        assert_eq!(drops_in(TABLE, &HashSet::from([0x14E9, 0x35])), 19);
        assert_eq!(drops_in(TABLE, &HashSet::from([80])), 0);
        assert_eq!(drops_in("", &HashSet::from([80])), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_works_is_seen_to_work() {
        let (before, _) = thread_times();
        let until = std::time::Instant::now() + Duration::from_secs(5);
        while thread_times().0 == before {
            assert!(std::time::Instant::now() < until, "no time was counted");
        }
    }
}
