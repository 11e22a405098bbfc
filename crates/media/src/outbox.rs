//! Datagrams that wait to be sent: one arena of bytes and a list of who gets which part.
//!
//! One arena, because a forwarded packet may not cost an allocation; the driver hands the parts to `sendmmsg` as they lie here.

use std::net::{IpAddr, SocketAddr};

/// Datagrams in the order in which they are to be sent. The driver sends all and calls [`Outbox::clear`].
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    destination: SocketAddr,
    local: IpAddr,
    end: usize,
}

/// One datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Where to.
    pub destination: SocketAddr,
    /// The local address to send from: the one that the peer's check came in on.
    pub local: IpAddr,
    /// UDP payload.
    pub bytes: &'a [u8],
}

impl Outbox {
    /// How many datagrams wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The waiting datagrams, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = self.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            Datagram {
                destination: entry.destination,
                local: entry.local,
                bytes,
            }
        })
    }

    /// Forgets all datagrams and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Appends one datagram that `write` appends to the arena. Returns its length; nothing is queued when that is zero.
    pub(crate) fn push_with(
        &mut self,
        destination: SocketAddr,
        local: IpAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        if end > start {
            self.entries.push(Entry {
                destination,
                local,
                end,
            });
        }
        end.saturating_sub(start)
    }

    /// Appends a copy of `bytes` as one datagram.
    pub(crate) fn push(&mut self, destination: SocketAddr, local: IpAddr, bytes: &[u8]) {
        self.push_with(destination, local, |arena| arena.extend_from_slice(bytes));
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;

    #[test]
    fn datagrams_come_out_in_order_with_their_own_bytes() {
        let to: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let from: IpAddr = "192.0.2.2".parse().unwrap();
        let mut outbox = Outbox::default();
        outbox.push(to, from, b"one");
        outbox.push(to, from, b"");
        outbox.push(to, from, b"three");
        let sent: Vec<&[u8]> = outbox.iter().map(|datagram| datagram.bytes).collect();
        assert_eq!(sent, [&b"one"[..], b"three"]);
        outbox.clear();
        assert!(outbox.is_empty());
        assert_eq!(outbox.iter().count(), 0);
    }
}
