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
        if let Err(free) = search(&self.sorted, stream.ssrc) {
            self.sorted.insert(free, stream);
        }
    }

    /// Forgets a stream with all that it counted.
    pub(crate) fn remove(&mut self, ssrc: u32) {
        if let Ok(found) = search(&self.sorted, ssrc) {
            self.sorted.remove(found);
        }
    }

    /// The stream with that SSRC.
    pub(crate) fn find(&mut self, ssrc: u32) -> Option<&mut Stream> {
        let place = self.remembered.get_mut(ssrc as usize % REMEMBERED)?;
        let there = self.sorted.get(*place as usize);
        if there.is_none_or(|stream| stream.ssrc != ssrc) {
            *place = search(&self.sorted, ssrc).ok()? as u32; // of a transport's streams there are not so many
        }
        self.sorted.get_mut(*place as usize)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.sorted.iter()
    }

    /// All of them, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.sorted.iter_mut()
    }
}

fn search(sorted: &[Stream], ssrc: u32) -> Result<usize, usize> {
    sorted.binary_search_by_key(&ssrc, |stream| stream.ssrc)
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
