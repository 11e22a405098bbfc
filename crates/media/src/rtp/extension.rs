//! RTP header extensions: many small elements in one block (RFC 8285).
//!
//! Two forms are read, one is written: browsers and mediasoup-client agree on ids 1–14, which the one-byte form holds.

use super::header::Error;

/// The profile that announces one-byte elements (RFC 8285 §4.2).
const ONE_BYTE: u16 = 0xBEDE;
/// The profile that announces two-byte elements, below four bits of the application's own (§4.3).
const TWO_BYTE: u16 = 0x1000;
/// The id at which a reader of one-byte elements stops (§4.2), as it does at id 0 with a length.
const STOP: u8 = 15;

/// The elements of one header extension: an iterator over (id, value).
///
/// It ends at the first element that runs over the end of the block; what stood before it is good.
#[derive(Debug, Clone, Default)]
pub struct Elements<'a> {
    two_byte: bool,
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The elements of a block; none when `profile` is neither form's.
    #[must_use]
    pub fn new(profile: u16, block: &'a [u8]) -> Self {
        match profile {
            ONE_BYTE => Self {
                two_byte: false,
                rest: block,
            },
            _ if profile & 0xFFF0 == TWO_BYTE => Self {
                two_byte: true,
                rest: block,
            },
            _ => Self::default(),
        }
    }

    /// Id and length of the element that starts with `first`, and what stands behind them. `None` ends the walk.
    fn head(&self, first: u8, rest: &'a [u8]) -> Option<(u8, usize, &'a [u8])> {
        if self.two_byte {
            let (length, rest) = rest.split_first()?;
            Some((first, usize::from(*length), rest))
        } else {
            let id = first >> 4;
            (id != STOP && id != 0).then_some((id, usize::from(first & 0x0F) + 1, rest))
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        // A zero byte is padding, between elements as well as behind them.
        let start = self.rest.iter().position(|byte| *byte != 0)?;
        let (first, rest) = self.rest.get(start..)?.split_first()?;
        self.rest = &[];
        let (id, length, rest) = self.head(*first, rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((id, value))
    }
}

/// Appends the whole extension, profile and length included; nothing when there are no elements.
///
/// # Errors
/// [`Error::Element`]; `out` then holds what was written so far.
pub(super) fn write_one_byte(elements: &[(u8, &[u8])], out: &mut Vec<u8>) -> Result<(), Error> {
    if elements.is_empty() {
        return Ok(());
    }
    let length: usize = elements.iter().map(|(_, value)| 1 + value.len()).sum();
    let words = u16::try_from(length.div_ceil(4)).map_err(|_| Error::Element)?;
    out.extend_from_slice(&ONE_BYTE.to_be_bytes());
    out.extend_from_slice(&words.to_be_bytes());
    for (id, value) in elements {
        if !(1..STOP).contains(id) || !(1..=16).contains(&value.len()) {
            return Err(Error::Element);
        }
        out.push(id << 4 | (value.len() - 1) as u8);
        out.extend_from_slice(value);
    }
    out.resize(out.len() + usize::from(words) * 4 - length, 0);
    Ok(())
}
