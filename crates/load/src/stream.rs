//! What one listener gets of one speaker: which packets by sequence number, how many of them twice.

use std::time::Instant;

use hocket_media::rtp::sequence::extend;

/// Packets behind the newest that can still be told apart, 1.3 s of voice.
const WINDOW: u64 = 64;

/// One stream's account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) ssrc: u32,
    /// When its listener began to wait for it.
    pub(crate) awaited: Instant,
    /// Packets of all times, for taking samples.
    count: u64,
    /// The newest index, and which of the 64 up to it were heard: bit n is `newest − n`.
    newest: u64,
    heard: u64,
    /// The first index that counts.
    from: u64,
    /// Packets that counted, each once.
    received: u64,
    again: u64,
}

/// What a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The stream's first packet ever.
    pub(crate) first: bool,
    /// Its number among the stream's packets, from 0.
    pub(crate) number: u64,
}

impl Stream {
    pub(crate) fn new(ssrc: u32, now: Instant) -> Self {
        Self {
            ssrc,
            awaited: now,
            count: 0,
            newest: 0,
            heard: 0,
            from: 0,
            received: 0,
            again: 0,
        }
    }

    /// Whether a packet has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.count > 0
    }

    /// Takes a packet's sequence number.
    pub(crate) fn receive(&mut self, sequence: u16) -> Arrival {
        let arrival = Arrival {
            first: !self.has_begun(),
            number: self.count,
        };
        self.count += 1;
        if arrival.first {
            self.newest = 0x1_0000 | u64::from(sequence); // away from zero, so that an earlier one may still come
            self.from = self.newest;
            self.heard = 1;
            self.received = 1;
            return arrival;
        }
        let index = extend(self.newest, sequence);
        if self.note(index) {
            self.received += u64::from(index >= self.from);
        } else {
            self.again += 1;
        }
        arrival
    }

    /// Counts from here on: what is newer than everything heard so far.
    pub(crate) fn begin(&mut self) {
        if self.has_begun() {
            self.from = self.newest + 1;
        }
        (self.received, self.again) = (0, 0);
    }

    /// Packets that the sequence numbers tell of since the count began.
    pub(crate) fn expected(&self) -> u64 {
        if self.has_begun() {
            (self.newest + 1).saturating_sub(self.from)
        } else {
            0
        }
    }

    /// Those of them that came.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Packets that came twice, or so late that it cannot be told.
    pub(crate) fn again(&self) -> u64 {
        self.again
    }

    /// Notes an index; false when it was noted before, or lies too far back.
    fn note(&mut self, index: u64) -> bool {
        if index > self.newest {
            let ahead = index - self.newest;
            self.heard = if ahead < WINDOW {
                self.heard << ahead | 1
            } else {
                1
            };
            self.newest = index;
            return true;
        }
        let behind = self.newest - index;
        if behind >= WINDOW || self.heard >> behind & 1 == 1 {
            return false;
        }
        self.heard |= 1 << behind;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(sequences: impl IntoIterator<Item = u16>) -> Stream {
        let mut stream = Stream::new(1, Instant::now());
        for sequence in sequences {
            stream.receive(sequence);
        }
        stream
    }

    #[test]
    fn nothing_is_missing_of_a_whole_stream_over_a_rollover() {
        let stream = heard((0..200).map(|count| 65_500_u16.wrapping_add(count)));
        assert_eq!((stream.expected(), stream.received()), (200, 200));
    }

    #[test]
    fn gaps_are_losses_and_late_packets_fill_them() {
        let stream = heard([10, 11, 14, 13]);
        assert_eq!((stream.expected(), stream.received()), (5, 4));
    }

    #[test]
    fn what_comes_twice_counts_once() {
        let stream = heard([10, 11, 11, 10, 12]);
        assert_eq!((stream.expected(), stream.received()), (3, 3));
        assert_eq!(stream.again(), 2);
    }

    #[test]
    fn a_new_count_knows_what_should_come_first() {
        let mut stream = heard([10, 11]);
        stream.begin();
        assert_eq!((stream.expected(), stream.received()), (0, 0));
        stream.receive(9); // from before: of no count
        stream.receive(14);
        assert_eq!((stream.expected(), stream.received()), (3, 1));
    }

    #[test]
    fn only_the_first_packet_is_the_first() {
        let mut stream = Stream::new(1, Instant::now());
        let arrivals = [5, 6, 7].map(|sequence| stream.receive(sequence));
        assert_eq!(arrivals.map(|one| one.first), [true, false, false]);
        assert_eq!(arrivals.map(|one| one.number), [0, 1, 2]);
    }
}
