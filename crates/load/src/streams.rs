//! The streams that one transport hears, found by their SSRCs. A member of a large channel hears a thousand, of which a few speak: those are
//! found by one look, since a search through all of them leaves the caches ten times for a packet.

use crate::stream::Stream;

/// Places that are remembered. A server may count SSRCs up, so that the low bits tell most of those apart that speak together.
const REMEMBERED: usize = 16;

/// Streams by rising SSRC.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    sorted: Vec<Stream>,
    /// Where a stream was found last, by the low bits of its SSRC; what stands there now may be another.
    remembered: [u32; REMEMBERED],
}

impl Streams {
    /// Adds a stream, unless one with its SSRC is there.
    pub(crate) fn add(&mut self, stream: Stream) {
        if let Err(free) = self.search(stream.ssrc) {
            self.sorted.insert(free, stream);
        }
    }

    /// Forgets a stream with all that it counted.
    pub(crate) fn remove(&mut self, ssrc: u32) {
        if let Ok(found) = self.search(ssrc) {
            self.sorted.remove(found);
        }
    }

    /// The stream with that SSRC.
    pub(crate) fn find(&mut self, ssrc: u32) -> Option<&mut Stream> {
        let at = self.place(ssrc)?;
        self.sorted.get_mut(at)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.sorted.iter()
    }

    /// All of them, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.sorted.iter_mut()
    }

    fn place(&mut self, ssrc: u32) -> Option<usize> {
        let remembered = self.remembered.get(ssrc as usize % REMEMBERED).copied()? as usize;
        let there = self.sorted.get(remembered);
        if there.is_some_and(|stream| stream.ssrc == ssrc) {
            return Some(remembered);
        }
        let found = self.search(ssrc).ok()?;
        if let Some(place) = self.remembered.get_mut(ssrc as usize % REMEMBERED) {
            *place = u32::try_from(found).unwrap_or(u32::MAX);
        }
        Some(found)
    }

    fn search(&self, ssrc: u32) -> Result<usize, usize> {
        self.sorted
            .binary_search_by_key(&ssrc, |stream| stream.ssrc)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn of(ssrcs: &[u32]) -> Streams {
        let mut streams = Streams::default();
        for &ssrc in ssrcs {
            streams.add(Stream::new(ssrc, Instant::now()));
        }
        streams
    }

    #[test]
    fn a_stream_is_found_wherever_others_that_come_and_go_push_it() {
        let mut streams = of(&[40, 8, 24]);
        for (change, ssrc) in [
            ("none", 0),
            ("add", 4),
            ("add", 16),
            ("remove", 8),
            ("remove", 4),
        ] {
            match change {
                "add" => streams.add(Stream::new(ssrc, Instant::now())),
                "remove" => streams.remove(ssrc),
                _ => {}
            }
            for ssrc in [40, 24, 40] {
                assert_eq!(streams.find(ssrc).map(|found| found.ssrc), Some(ssrc));
            }
        }
        assert!(streams.find(8).is_none());
        assert!(streams.find(16 + 40).is_none());
    }

    #[test]
    fn a_stream_that_is_there_keeps_its_account_when_it_is_added_again() {
        let mut streams = of(&[7]);
        if let Some(stream) = streams.find(7) {
            stream.receive(1);
        }
        streams.add(Stream::new(7, Instant::now()));
        assert_eq!(
            streams.iter().map(Stream::has_begun).collect::<Vec<_>>(),
            [true]
        );
    }
}
