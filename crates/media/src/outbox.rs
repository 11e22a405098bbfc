//! Datagrams that wait to be sent: one arena of bytes and a list of who gets which part.
//!
//! One arena, because a forwarded packet may not cost an allocation; the driver hands the parts to `sendmmsg` as they lie here.

use std::iter;
use std::net::{IpAddr, SocketAddr};

/// Datagrams that are to be sent. The driver sends all, some groups at a time if it likes, and tells by [`Outbox::forget`] which have left.
///
/// A transport's RTP packets come out one behind another, wherever others were queued in between, and longest first as far as each stream keeps its
/// order: so the driver can hand several to the kernel as one message, whose parts are equally long but for the last.
#[derive(Debug)]
pub struct Outbox {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    groups: Vec<Group>,
    /// Groups at the beginning that have left.
    gone: usize,
    /// Counts the calls of [`Outbox::clear`], so that a [`Chain`] of before is known.
    round: u32,
}

/// One datagram's bytes in the arena, and the part that follows it in its group.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
    next: u32,
    /// SSRC of an RTP packet.
    stream: u32,
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
            gone: 0,
            round: 1, // a chain that was never used is of no round
        }
    }
}

impl Outbox {
    /// How many datagrams take up room: those that wait, and those that have left since the outbox was last empty.
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
        self.first(usize::MAX)
    }

    /// Those of the next so many groups: a group is what waits for one transport.
    pub fn first(&self, groups: usize) -> impl Iterator<Item = Datagram<'_>> {
        let waiting = self.groups.get(self.gone..).unwrap_or_default();
        waiting.iter().take(groups).flat_map(move |group| {
            let first = self.part(group.first);
            let parts = iter::successors(first, move |part| self.part(part.next));
            parts.map(move |part| Datagram {
                destination: group.destination,
                local: group.local,
                bytes: self.bytes_of(part),
            })
        })
    }

    /// Forgets the datagrams of the next so many groups. What comes for the same transports waits in groups of its own, behind the others; what
    /// comes for those whose packets still wait leaves along with them.
    pub fn forget(&mut self, groups: usize) {
        self.gone = self.gone.saturating_add(groups);
        if self.gone >= self.groups.len() {
            self.clear();
        }
    }

    /// Forgets all datagrams and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.gone = 0;
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
        self.push_chained(destination, local, &mut Chain::default(), 0, write)
    }

    /// As [`Outbox::push_with`], beside the others of this chain. `stream` is the packet's SSRC.
    pub(crate) fn push_chained(
        &mut self,
        destination: SocketAddr,
        local: IpAddr,
        chain: &mut Chain,
        stream: u32,
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
                stream,
            });
            let group = self.groups.get_mut(chain.group as usize);
            // A round of four thousand million ago looks like this one; the destination does not.
            let group = group.filter(|group| {
                chain.round == self.round
                    && chain.group as usize >= self.gone
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
    pub fn push(&mut self, destination: SocketAddr, local: IpAddr, bytes: &[u8]) {
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

/// Puts a part into a group: before the first that is shorter, but never before one of its own stream.
fn insert(parts: &mut [Part], group: &mut Group, place: u32) {
    let at = |place: u32| parts.get(place as usize).copied();
    let (Some(new), Some(last)) = (at(place), at(group.last)) else {
        return;
    };
    let mut before = None;
    if last.len() >= new.len() || last.stream == new.stream {
        before = Some(group.last); // the usual case
    } else {
        let (mut next, mut passed_shorter) = (group.first, false);
        while let Some(part) = at(next) {
            if part.stream == new.stream {
                (before, passed_shorter) = (Some(next), false);
            } else if part.len() < new.len() {
                passed_shorter = true;
            } else if !passed_shorter {
                before = Some(next);
            }
            next = part.next;
        }
    }
    let behind = before.and_then(at).map_or(group.first, |part| part.next);
    if let Some(part) = parts.get_mut(place as usize) {
        part.next = behind;
    }
    match before.and_then(|before| parts.get_mut(before as usize)) {
        Some(part) => part.next = place,
        None => group.first = place,
    }
    if behind == END {
        group.last = place;
    }
}

/// The next one's place. An outbox is flushed long before it holds so many.
fn count<T>(items: &[T]) -> u32 {
    items.len() as u32
}

#[cfg(test)]
mod tests {
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

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn to(who: usize) -> SocketAddr {
        SocketAddr::new(FROM, 1_000 + who as u16)
    }

    fn push(outbox: &mut Outbox, who: usize, chain: &mut Chain, stream: u32, bytes: &[u8]) {
        outbox.push_chained(to(who), FROM, chain, stream, |arena| {
            arena.extend_from_slice(bytes)
        });
    }

    #[test]
    fn packets_of_one_chain_leave_together_longest_first_and_else_in_order() {
        let (mut outbox, mut chains) = (Outbox::default(), [Chain::default(); 2]);
        for _ in 0..2 {
            outbox.clear();
            let packets: [(usize, &[u8]); 7] = [
                (0, b"aa1"),
                (1, b"b1"),
                (0, b"a2"),
                (0, b"aaa3"),
                (1, b"b2"),
                (0, b"aa4"),
                (0, b"a5"),
            ];
            for (stream, (who, bytes)) in (0..).zip(packets) {
                push(&mut outbox, who, &mut chains[who], stream, bytes);
            }
            let sent: Vec<&[u8]> = outbox.iter().map(|datagram| datagram.bytes).collect();
            let expected: [&[u8]; 7] = [b"aaa3", b"aa1", b"aa4", b"a2", b"a5", b"b1", b"b2"];
            assert_eq!(sent, expected);
        }
    }

    #[test]
    fn what_comes_while_some_have_left_goes_along_with_what_still_waits() {
        let (mut outbox, mut chains) = (Outbox::default(), [Chain::default(); 3]);
        for (who, chain) in chains.iter_mut().enumerate() {
            push(&mut outbox, who, chain, 1, &[who as u8, 1]);
        }
        let first: Vec<_> = outbox.first(1).map(|one| one.destination).collect();
        assert_eq!(first, [to(0)]);
        outbox.forget(1);
        for (who, chain) in chains.iter_mut().enumerate() {
            push(&mut outbox, who, chain, 2, &[who as u8, 2]);
        }
        let waiting: Vec<&[u8]> = outbox.iter().map(|one| one.bytes).collect();
        assert_eq!(waiting, [[1, 1], [1, 2], [2, 1], [2, 2], [0, 2]]);
        assert_eq!(outbox.len(), 6, "room is free again when all have left");
        outbox.forget(3);
        assert!(outbox.is_empty());
        assert_eq!(outbox.iter().count(), 0);
    }

    #[test]
    fn a_stream_keeps_its_order_whatever_its_lengths() {
        let (mut outbox, mut chain) = (Outbox::default(), Chain::default());
        let packets: [(u32, &[u8]); 6] = [
            (1, b"a1"),
            (2, b"bbbb1"),
            (1, b"aaa2"),
            (3, b"cc1"),
            (1, b"aaaa3"),
            (2, b"bbbbbb2"),
        ];
        for (stream, bytes) in packets {
            push(&mut outbox, 0, &mut chain, stream, bytes);
        }
        let sent: Vec<&[u8]> = outbox.iter().map(|datagram| datagram.bytes).collect();
        let expected: [&[u8]; 6] = [b"bbbb1", b"bbbbbb2", b"a1", b"aaa2", b"aaaa3", b"cc1"];
        assert_eq!(sent, expected);
    }

    #[test]
    fn a_chain_of_another_round_or_destination_begins_anew() {
        let (mut outbox, mut chain) = (Outbox::default(), Chain::default());
        push(&mut outbox, 1, &mut chain, 1, b"before");
        outbox.clear();
        push(&mut outbox, 1, &mut chain, 1, b"1");
        push(&mut outbox, 2, &mut chain, 1, b"22");
        push(&mut outbox, 2, &mut chain, 1, b"3");
        let datagrams = outbox.iter();
        let sent: Vec<_> = datagrams
            .map(|datagram| (datagram.destination, datagram.bytes))
            .collect();
        assert_eq!(sent, [(to(1), &b"1"[..]), (to(2), b"22"), (to(2), b"3")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_or_sent_elsewhere_and_streams_keep_their_order(
            packets in prop::collection::vec((0..3usize, 0..4u32, 1..6usize, 0..12usize), 0..60)
        ) {
            let (mut outbox, mut chains) = (Outbox::default(), [Chain::default(); 3]);
            // Who gets it, of which stream, the how manieth, how long; how many groups leave before it.
            let (mut expected, mut sent, mut leaves) = (Vec::new(), Vec::new(), 0);
            for (number, (who, stream, length, leaving)) in packets.into_iter().enumerate() {
                if (1..3).contains(&leaving) {
                    leaves += leaving;
                    sent.extend(outbox.first(leaving).map(|one| (one.destination, one.bytes.to_vec())));
                    outbox.forget(leaving);
                }
                let mut bytes = vec![stream as u8, number as u8];
                bytes.resize(2 + length, 0);
                push(&mut outbox, who, &mut chains[who], stream, &bytes);
                expected.push((to(who), bytes));
            }
            sent.extend(outbox.iter().map(|one| (one.destination, one.bytes.to_vec())));
            let mut destinations: Vec<_> = sent.iter().map(|one| one.0).collect();
            destinations.dedup();
            prop_assert!(destinations.len() <= 3 + leaves, "each destination once, until its packets have left");
            let stream = |all: &[(SocketAddr, Vec<u8>)], who, stream| -> Vec<_> {
                all.iter().filter(|one| one.0 == to(who) && one.1[0] == stream).cloned().collect()
            };
            for who in 0..3 {
                for number in 0..4 {
                    prop_assert_eq!(stream(&sent, who, number), stream(&expected, who, number));
                }
            }
            expected.sort();
            sent.sort();
            prop_assert_eq!(sent, expected);
        }
    }
}
