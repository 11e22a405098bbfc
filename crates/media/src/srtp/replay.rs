//! What has been heard: a sliding window a source (RFC 3711 §3.3.2), and a bounded table of sources.

use super::Error;
use crate::rtp::sequence;

/// How far behind the newest packet one may still be new, in packets. RFC 3711 asks for 64 at least; at 50 packets a second this is 2.5 s.
const WIDTH: u64 = u128::BITS as u64;

/// Which of the last 128 packet indices of one source have been let in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    /// The newest index; means nothing before the first packet.
    highest: u64,
    /// Bit n: the packet `highest − n` has been let in. Zero before the first packet.
    seen: u128,
}

impl Window {
    /// The index that a 16-bit sequence number stands for: the one nearest to the newest (RFC 3711 §3.3.1), the first time itself.
    ///
    /// A guess only: if it is wrong authentication fails.
    pub fn estimate(&self, sequence: u16) -> u64 {
        if self.seen == 0 {
            u64::from(sequence)
        } else {
            sequence::extend(self.highest, sequence)
        }
    }

    /// May this index still be let in?
    pub fn check(&self, index: u64) -> Result<(), Error> {
        if self.seen == 0 || index > self.highest {
            return Ok(());
        }
        let behind = self.highest - index;
        if behind >= WIDTH || self.seen & (1 << behind) != 0 {
            Err(Error::Replay)
        } else {
            Ok(())
        }
    }

    /// Remembers an index that was checked and whose packet has been authenticated.
    pub fn accept(&mut self, index: u64) {
        if self.seen == 0 {
            *self = Self {
                highest: index,
                seen: 1,
            };
        } else if index > self.highest {
            let ahead = index - self.highest;
            self.seen = if ahead >= WIDTH {
                1
            } else {
                self.seen << ahead | 1
            };
            self.highest = index;
        } else if self.highest - index < WIDTH {
            self.seen |= 1 << (self.highest - index);
        }
    }
}

/// Sources of RTP, and as many of RTCP, that one transport may ever have had, at 48 bytes each. A client sends one stream or a handful, but it
/// may begin a new one each time that it speaks, and some browsers report under an SSRC of their own for each stream that they receive.
pub const MAX_SOURCES: usize = 1_024;

/// The windows of all sources that have been authenticated, sorted by SSRC.
///
/// Bounded, and nothing is ever forgotten as long as the keys last, nor pushed out by something newer: a forgotten source could be replayed
/// from its first packet. That its producer was closed is no reason either, since the next one may have the same SSRC, or the mid that its
/// packets carry.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<(u32, Window)>);

impl Sources {
    /// The source's window; an empty one for a source that is new.
    ///
    /// # Errors
    /// [`Error::TooManySources`] for a new one when the table is full.
    pub fn window(&self, ssrc: u32) -> Result<Window, Error> {
        match self.find(ssrc) {
            Ok(place) => Ok(self
                .0
                .get(place)
                .map_or_else(Window::default, |(_, window)| *window)),
            Err(_) if self.0.len() < MAX_SOURCES => Ok(Window::default()),
            Err(_) => Err(Error::TooManySources),
        }
    }

    /// Remembers a packet after its authentication.
    pub fn accept(&mut self, ssrc: u32, index: u64) {
        match self.find(ssrc) {
            Ok(place) => {
                if let Some((_, window)) = self.0.get_mut(place) {
                    window.accept(index);
                }
            }
            Err(place) => {
                let mut window = Window::default();
                window.accept(index);
                self.0.insert(place, (ssrc, window));
            }
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, ssrc: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&ssrc, |(known, _)| *known)
    }
}
