//! The packets that are read, each checked whole by its `read` and walked without failure afterwards.

use super::{Error, ITEM_CNAME, MAX_SEQUENCES, ReportBlock, SenderInfo};

/// SR (RFC 3550 §6.4.1). Profile-specific extensions behind the blocks are skipped.
#[derive(Debug, Clone, Copy)]
pub struct SenderReport<'a> {
    /// The sender's SSRC, clock and counts.
    pub info: SenderInfo,
    blocks: &'a [[u8; ReportBlock::LEN]],
}

impl<'a> SenderReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, Error> {
        let (info, rest) = body.split_first_chunk().ok_or(Error::Report)?;
        Ok(Self {
            info: SenderInfo::from_bytes(*info),
            blocks: read_blocks(count, rest)?,
        })
    }

    /// What the sender receives, at most 31 blocks.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter().copied().map(ReportBlock::from_bytes)
    }
}

/// RR (RFC 3550 §6.4.2). Profile-specific extensions behind the blocks are skipped.
#[derive(Debug, Clone, Copy)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: u32,
    blocks: &'a [[u8; ReportBlock::LEN]],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, Error> {
        let (ssrc, rest) = body.split_first_chunk().ok_or(Error::Report)?;
        Ok(Self {
            ssrc: u32::from_be_bytes(*ssrc),
            blocks: read_blocks(count, rest)?,
        })
    }

    /// What it receives, at most 31 blocks.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter().copied().map(ReportBlock::from_bytes)
    }
}

fn read_blocks(count: u8, bytes: &[u8]) -> Result<&[[u8; ReportBlock::LEN]], Error> {
    let (blocks, _extension) = bytes.as_chunks();
    blocks.get(..usize::from(count)).ok_or(Error::Report)
}

/// SDES (RFC 3550 §6.5).
#[derive(Debug, Clone, Copy)]
pub struct SourceDescription<'a> {
    count: u8,
    chunks: &'a [u8],
}

impl<'a> SourceDescription<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, Error> {
        let mut rest = body;
        for _ in 0..count {
            (_, rest) = Chunk::read(rest).ok_or(Error::SourceDescription)?;
        }
        if rest.is_empty() {
            Ok(Self {
                count,
                chunks: body,
            })
        } else {
            Err(Error::SourceDescription)
        }
    }

    /// One for each source that is described, at most 31.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| {
            let (chunk, after) = Chunk::read(rest)?;
            rest = after;
            Some(chunk)
        })
    }
}

/// What SDES says about one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    /// The name of the participant behind it, at most 255 bytes. `None` when absent or not UTF-8; the first counts.
    pub cname: Option<&'a str>,
}

impl<'a> Chunk<'a> {
    /// SSRC, then items of type, length and text up to a type of 0, then padding to whole words. `bytes` begins on a word.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (ssrc, mut items) = bytes.split_first_chunk()?;
        let mut cname = None;
        loop {
            let (item, rest) = items.split_first()?;
            if *item == 0 {
                let length = bytes.len() - rest.len();
                let chunk = Self {
                    ssrc: u32::from_be_bytes(*ssrc),
                    cname: cname.and_then(|text| core::str::from_utf8(text).ok()),
                };
                return Some((chunk, bytes.get(length.next_multiple_of(4)..)?));
            }
            let (length, rest) = rest.split_first()?;
            let (text, rest) = rest.split_at_checked(usize::from(*length))?;
            if *item == ITEM_CNAME {
                cname = cname.or(Some(text));
            }
            items = rest;
        }
    }
}

/// BYE (RFC 3550 §6.6). The reason's length is checked, its text is for people and left unread.
#[derive(Debug, Clone, Copy)]
pub struct Bye<'a> {
    sources: &'a [[u8; 4]],
}

impl<'a> Bye<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, Error> {
        let (sources, reason) = body
            .split_at_checked(usize::from(count) * 4)
            .ok_or(Error::Bye)?;
        // CVE-2021-43804: whoever trusts the reason's own length reads over the packet's end.
        let fits = reason
            .first()
            .is_none_or(|length| (1 + usize::from(*length)).next_multiple_of(4) == reason.len());
        if fits {
            let (sources, _) = sources.as_chunks();
            Ok(Self { sources })
        } else {
            Err(Error::Bye)
        }
    }

    /// The sources that end, at most 31.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.sources.iter().copied().map(u32::from_be_bytes)
    }
}

/// A generic NACK (RFC 4585 §6.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender: u32,
    /// The stream whose packets are missed.
    pub media: u32,
    items: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Error> {
        let (&[s0, s1, s2, s3, m0, m1, m2, m3], rest) =
            body.split_first_chunk().ok_or(Error::Nack)?;
        let (items, _) = rest.as_chunks();
        if items.is_empty() {
            return Err(Error::Nack);
        }
        Ok(Self {
            sender: u32::from_be_bytes([s0, s1, s2, s3]),
            media: u32::from_be_bytes([m0, m1, m2, m3]),
            items,
        })
    }

    /// The sequence numbers asked for, in the order in which they stand there, the first [`MAX_SEQUENCES`] of them.
    ///
    /// One may stand there many times: what a peer gets for its NACKs has to be capped where they are answered.
    pub fn sequences(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.items
            .iter()
            .flat_map(|&[p0, p1, m0, m1]| {
                let first = u16::from_be_bytes([p0, p1]);
                let mask = u16::from_be_bytes([m0, m1]);
                let others = (0..16_u16).filter(move |bit| mask >> bit & 1 == 1);
                core::iter::once(first).chain(others.map(move |bit| first.wrapping_add(bit + 1)))
            })
            .take(MAX_SEQUENCES)
    }
}
