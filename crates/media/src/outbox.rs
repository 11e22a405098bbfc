//! Datagrams that wait to be sent: one arena of bytes and a list of who gets which part.
//!
//! One arena, because a forwarded packet may not cost an allocation; the driver hands the parts to `sendmmsg` as they lie here.

use std::iter;
use std::net::{IpAddr, SocketAddr};

/// Datagrams that are to be sent. The driver sends all and calls [`Outbox::clear`].
///
/// A transport's RTP packets come out one behind another, longest first, wherever others were queued in between: so the driver can hand several
/// to the kernel as one message, whose parts are equally long but for the last. Equally long ones keep their order.
#[derive(Debug)]
pub struct Outbox {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    groups: Vec<Group>,
    /// Counts the calls of [`Outbox::clear`], so that a [`Chain`] of before is known.
    round: u32,
}

/// One datagram's bytes in the arena, and the part that follows it in its group.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
    next: u32,
}

/// No part follows.
const END: u32 = u32::MAX;

/// Datagrams to one destination.
#[derive(Clone, Copy, Debug)]
struct Group {
    destination: SocketAddr,
    local: IpAddr,
    first: u32,
    last: u32,
}

/// Where one transport's packets wait in an outbox. The transport keeps it from packet to packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chain {
    round: u32,
    group: u32,
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

impl Default for Outbox {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            parts: Vec::new(),
            groups: Vec::new(),
            round: 1, // a chain that was never used is of no round
        }
    }
}

impl Outbox {
    /// How many datagrams wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The waiting datagrams, in the order in which they are to leave.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.groups.iter().flat_map(move |group| {
            let first = self.part(group.first);
            let parts = iter::successors(first, move |part| self.part(part.next));
            parts.map(move |part| Datagram {
                destination: group.destination,
                local: group.local,
                bytes: self.bytes_of(part),
            })
        })
    }

    /// Forgets all datagrams and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.groups.clear();
        self.round = self.round.wrapping_add(1);
    }

    /// Appends one datagram that `write` appends to the arena. Returns its length; nothing is queued when that is zero.
    pub(crate) fn push_with(
        &mut self,
        destination: SocketAddr,
        local: IpAddr,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        self.push_chained(destination, local, &mut Chain::default(), write)
    }

    /// As [`Outbox::push_with`], beside the others of this chain.
    pub(crate) fn push_chained(
        &mut self,
        destination: SocketAddr,
        local: IpAddr,
        chain: &mut Chain,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        if end > start {
            let place = count(&self.parts);
            self.parts.push(Part {
                start: start as u32,
                end: end as u32,
                next: END,
            });
            let group = self.groups.get_mut(chain.group as usize);
            // A round of four thousand million ago looks like this one; the destination does not.
            let group = group.filter(|group| {
                chain.round == self.round
                    && group.destination == destination
                    && group.local == local
            });
            match group {
                Some(group) => insert(&mut self.parts, group, place),
                None => {
                    *chain = Chain {
                        round: self.round,
                        group: count(&self.groups),
                    };
                    self.groups.push(Group {
                        destination,
                        local,
                        first: place,
                        last: place,
                    });
                }
            }
        }
        end.saturating_sub(start)
    }

    /// Appends a copy of `bytes` as one datagram.
    pub(crate) fn push(&mut self, destination: SocketAddr, local: IpAddr, bytes: &[u8]) {
        self.push_with(destination, local, |arena| arena.extend_from_slice(bytes));
    }

    fn part(&self, place: u32) -> Option<&Part> {
        self.parts.get(place as usize)
    }

    fn bytes_of(&self, part: &Part) -> &[u8] {
        let range = part.start as usize..part.end as usize;
        self.bytes.get(range).unwrap_or_default()
    }
}

impl Part {
    fn len(&self) -> u32 {
        self.end - self.start
    }
}

/// Puts a part into a group, behind all that are as long or longer. Usually that is the end.
fn insert(parts: &mut [Part], group: &mut Group, place: u32) {
    let longer_or_equal = |parts: &[Part], other: u32| {
        let other = parts.get(other as usize);
        let new = parts.get(place as usize);
        matches!((other, new), (Some(other), Some(new)) if other.len() >= new.len())
    };
    if longer_or_equal(parts, group.last) {
        link(parts, group.last, place);
        group.last = place;
        return;
    }
    if !longer_or_equal(parts, group.first) {
        link(parts, place, group.first);
        group.first = place;
        return;
    }
    let mut at = group.first;
    while let Some(next) = parts.get(at as usize).map(|part| part.next) {
        if !longer_or_equal(parts, next) {
            link(parts, place, next);
            link(parts, at, place);
            return;
        }
        at = next;
    }
}

/// Lets one part follow another.
fn link(parts: &mut [Part], before: u32, behind: u32) {
    if let Some(part) = parts.get_mut(before as usize) {
        part.next = behind;
    }
}

/// The next one's place. An outbox is flushed long before it holds so many.
fn count<T>(items: &[T]) -> u32 {
    items.len() as u32
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn packets_of_one_chain_leave_together_longest_first_and_else_in_order() {
        let (one, two): (SocketAddr, SocketAddr) = (
            "192.0.2.1:9".parse().unwrap(),
            "192.0.2.1:10".parse().unwrap(),
        );
        let from: IpAddr = "192.0.2.2".parse().unwrap();
        let mut outbox = Outbox::default();
        for _ in 0..2 {
            let (mut a, mut b) = (Chain::default(), Chain::default());
            outbox.clear();
            for (to, chain, bytes) in [
                (one, 0, &b"aa1"[..]),
                (two, 1, b"b1"),
                (one, 0, b"a2"),
                (one, 0, b"aaa3"),
                (two, 1, b"b2"),
                (one, 0, b"aa4"),
                (one, 0, b"a5"),
            ] {
                let chain = if chain == 0 { &mut a } else { &mut b };
                outbox.push_chained(to, from, chain, |arena| arena.extend_from_slice(bytes));
            }
            let sent: Vec<&[u8]> = outbox.iter().map(|datagram| datagram.bytes).collect();
            let expected: [&[u8]; 7] = [b"aaa3", b"aa1", b"aa4", b"a2", b"a5", b"b1", b"b2"];
            assert_eq!(sent, expected);
        }
    }

    #[test]
    fn a_chain_of_another_round_or_destination_begins_anew() {
        let (one, two): (SocketAddr, SocketAddr) = (
            "192.0.2.1:9".parse().unwrap(),
            "192.0.2.1:10".parse().unwrap(),
        );
        let from: IpAddr = "192.0.2.2".parse().unwrap();
        let (mut outbox, mut chain) = (Outbox::default(), Chain::default());
        let mut push = |outbox: &mut Outbox, to, bytes: &[u8]| {
            outbox.push_chained(to, from, &mut chain, |arena| arena.extend_from_slice(bytes))
        };
        push(&mut outbox, one, b"before");
        outbox.clear();
        push(&mut outbox, one, b"1");
        push(&mut outbox, two, b"22");
        push(&mut outbox, two, b"3");
        let sent: Vec<_> = outbox
            .iter()
            .map(|datagram| (datagram.destination, datagram.bytes))
            .collect();
        assert_eq!(sent, [(one, &b"1"[..]), (two, b"22"), (two, b"3")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_or_sent_elsewhere(
            packets in prop::collection::vec((0..4usize, 1..6usize), 0..60)
        ) {
            let mut outbox = Outbox::default();
            let mut chains = [Chain::default(); 4];
            let from = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
            let to = |who: usize| SocketAddr::new(from, 1_000 + who as u16);
            for (number, (who, length)) in packets.iter().enumerate() {
                let bytes = vec![number as u8; *length];
                outbox.push_chained(to(*who), from, &mut chains[*who], |arena| arena.extend_from_slice(&bytes));
            }
            let mut expected: Vec<_> = packets.iter().enumerate()
                .map(|(number, (who, length))| (to(*who), usize::MAX - length, vec![number as u8; *length]))
                .collect();
            let mut sent: Vec<_> = outbox.iter()
                .map(|datagram| (datagram.destination, usize::MAX - datagram.bytes.len(), datagram.bytes.to_vec()))
                .collect();
            for who in 0..4 {
                let own = |all: &[(SocketAddr, usize, Vec<u8>)]| -> Vec<_> {
                    all.iter().filter(|one| one.0 == to(who)).cloned().collect()
                };
                let mut own_expected = own(&expected);
                own_expected.sort_by_key(|one| one.1); // stable: equally long ones keep their order
                prop_assert_eq!(own(&sent), own_expected);
            }
            expected.sort();
            sent.sort();
            prop_assert_eq!(sent, expected);
        }
    }
}
