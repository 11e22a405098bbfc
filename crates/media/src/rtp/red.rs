//! RED: packets that carry older packets along (RFC 2198). Read here for receivers that know only what is inside, and for those that know it
//! under another number: each block says its payload type, and that number is a receiver's own.
//!
//! ```text
//! 1|type:7|timestamp offset:14|length:10   once for each older block
//! 0|type:7                                 the primary block
//! then the blocks' bytes in that order, the primary's up to the end
//! ```

use core::fmt;

/// Older blocks that are skipped at most. Browsers send one or two.
const MAX_OLDER: usize = 16;
/// Header of an older block, and of the primary one.
const OLDER_HEADER: usize = 4;
const PRIMARY_HEADER: usize = 1;
/// The most that all headers of a payload take.
const HEADERS_MAX: usize = MAX_OLDER * OLDER_HEADER + PRIMARY_HEADER;
/// Says that another header follows.
const FOLLOWED: u8 = 0x80;
/// A packet may come so long after what was sent behind it, RTP ticks at 48 kHz: a second.
const LATE: u32 = 48_000;

/// Why a payload is no RED. Each is a reason to drop the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The list of blocks, or the older blocks themselves, run over the end.
    Truncated,
    /// More older blocks than any honest sender has.
    TooManyBlocks,
    /// The primary block has no bytes: there is nothing to hear.
    Empty,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Truncated => "truncated RED payload",
            Self::TooManyBlocks => "too many RED blocks",
            Self::Empty => "empty primary RED block",
        })
    }
}

impl core::error::Error for Error {}

/// The newest block: what the packet would be without RED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Primary<'a> {
    /// Whose coding it is, 0–127. Check it: the sender may put anything inside.
    pub payload_type: u8,
    /// Its bytes; never empty.
    pub data: &'a [u8],
    /// The headers of the older blocks, at most 16. They stand at the payload's beginning.
    pub older: &'a [[u8; OLDER_HEADER]],
}

/// What there is to know of a payload's blocks once it has been read, all of one coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Whose coding they all are, 0–127.
    pub(crate) payload_type: u8,
    older: u8,
    /// How far back the oldest block lies, RTP ticks, 14 bits.
    reach: u16,
}

impl Blocks {
    /// Of a payload in which only this coding is allowed; with `None` whichever the primary block has. `None` = there is another one inside.
    pub(crate) fn of(primary: &Primary<'_>, payload_type: Option<u8>) -> Option<Self> {
        let payload_type = payload_type.unwrap_or(primary.payload_type);
        let mut types = primary.older.iter().map(|[first, ..]| first & !FOLLOWED);
        let all = primary.payload_type == payload_type && types.all(|kind| kind == payload_type);
        let offsets = primary
            .older
            .iter()
            .map(|&[_, high, low, _]| u16::from_be_bytes([high, low]) >> 2);
        all.then_some(Self {
            payload_type,
            older: u8::try_from(primary.older.len()).ok()?,
            reach: offsets.max().unwrap_or_default(),
        })
    }

    /// Whether a packet of this RTP time carries along what is older than `since`. A packet that is older itself, by up to [`LATE`], does.
    pub(crate) fn reach_before(self, since: u32, timestamp: u32) -> bool {
        // No block lies less than a tick back, whatever its header says. Times wrap, so once a day this holds for a second; no harm is done.
        let age = timestamp.wrapping_sub(since).wrapping_add(LATE);
        self.older > 0 && age < LATE + u32::from(self.reach.max(1))
    }

    /// The payload's block headers with another payload type in each, and what follows them.
    pub(crate) fn retyped(self, payload: &[u8], payload_type: u8) -> (Headers, &[u8]) {
        let length = usize::from(self.older) * OLDER_HEADER + PRIMARY_HEADER;
        let (before, behind) = payload.split_at_checked(length).unwrap_or_default();
        let mut headers = Headers {
            bytes: [0; HEADERS_MAX],
            length: before.len(),
        };
        for (to, from) in headers.bytes.iter_mut().zip(before) {
            *to = *from;
        }
        for first in headers.bytes.iter_mut().take(length).step_by(OLDER_HEADER) {
            *first = *first & FOLLOWED | payload_type;
        }
        (headers, behind)
    }
}

/// All block headers of a payload.
pub(crate) struct Headers {
    bytes: [u8; HEADERS_MAX],
    length: usize,
}

impl Headers {
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Finds the primary block of a RED payload; the RTP timestamp of the packet is its own.
///
/// # Errors
/// See [`Error`].
pub fn primary(payload: &[u8]) -> Result<Primary<'_>, Error> {
    let (mut rest, mut older) = (payload, 0);
    for blocks in 0..=MAX_OLDER {
        let (&first, behind) = rest.split_first().ok_or(Error::Truncated)?;
        if first & FOLLOWED == 0 {
            let data = behind.get(older..).ok_or(Error::Truncated)?;
            let primary = Primary {
                payload_type: first,
                data,
                older: payload
                    .as_chunks()
                    .0
                    .get(..blocks)
                    .ok_or(Error::Truncated)?,
            };
            return if data.is_empty() {
                Err(Error::Empty)
            } else {
                Ok(primary)
            };
        }
        let (&[_, high, low], behind) = behind.split_first_chunk::<3>().ok_or(Error::Truncated)?;
        older += usize::from(u16::from_be_bytes([high & 0x03, low]));
        rest = behind;
    }
    Err(Error::TooManyBlocks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Blocks, Error, LATE, MAX_OLDER};

    /// Blocks of (payload type, bytes), the primary last.
    fn red(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let (last, older) = blocks.split_last().unwrap();
        let mut payload = Vec::new();
        for (kind, data) in older {
            let [high, low] = (data.len() as u16).to_be_bytes();
            payload.extend_from_slice(&[0x80 | kind, 0x0F, 0x03 << 2 | high, low]);
        }
        payload.push(last.0);
        payload.extend(blocks.iter().flat_map(|(_, data)| data.clone()));
        payload
    }

    /// The primary block's payload type and bytes.
    fn primary(payload: &[u8]) -> Result<(u8, &[u8]), Error> {
        super::primary(payload).map(|primary| (primary.payload_type, primary.data))
    }

    /// What is known of a payload in which only 111 is allowed.
    fn blocks(payload: &[u8]) -> Option<Blocks> {
        Blocks::of(&super::primary(payload).unwrap(), Some(111))
    }

    #[test]
    fn the_last_block_is_the_primary() {
        assert_eq!(
            primary(&red(&[(111, b"new".to_vec())])),
            Ok((111, &b"new"[..]))
        );
        let payload = red(&[(111, vec![1; 700]), (111, vec![]), (111, b"new".to_vec())]);
        assert_eq!(primary(&payload), Ok((111, &b"new"[..])));
    }

    #[test]
    fn an_empty_primary_block_is_refused() {
        assert_eq!(
            primary(&red(&[(111, b"old".to_vec()), (111, vec![])])),
            Err(Error::Empty)
        );
        assert_eq!(primary(&[111]), Err(Error::Empty));
    }

    #[test]
    fn every_cut_before_the_primary_is_refused() {
        let payload = red(&[(111, b"older".to_vec()), (111, b"x".to_vec())]);
        for length in 0..payload.len() {
            assert!(primary(&payload[..length]).is_err(), "length {length}");
        }
        assert_eq!(primary(&[]), Err(Error::Truncated));
    }

    #[test]
    fn older_blocks_are_bounded() {
        let mut blocks = vec![(111, vec![7]); MAX_OLDER + 1];
        assert!(primary(&red(&blocks)).is_ok());
        blocks.push((111, vec![7]));
        assert_eq!(primary(&red(&blocks)), Err(Error::TooManyBlocks));
    }

    #[test]
    fn a_block_of_another_coding_is_found_wherever_it_lies() {
        for odd in 0..4 {
            let kinds = (0..3).map(|place| (if place == odd { 9 } else { 111 }, vec![1]));
            let payload = red(&kinds.collect::<Vec<_>>());
            assert_eq!(blocks(&payload).is_some(), odd == 3, "block {odd}");
        }
        let primary = super::primary(&[111, 1]).unwrap();
        assert_eq!(Blocks::of(&primary, None).unwrap().payload_type, 111);
    }

    #[test]
    fn a_packet_reaches_as_far_back_as_its_oldest_block() {
        let two = [(111, vec![1]), (111, vec![2])];
        let mut payload = red(&two);
        payload[1..3].copy_from_slice(&(960u16 << 2).to_be_bytes());
        let blocks_of_two = blocks(&payload).unwrap();
        for since in [0, 5_000_000, u32::MAX - 100] {
            let reach =
                |age: i32| blocks_of_two.reach_before(since, since.wrapping_add_signed(age));
            assert!(reach(0) && reach(959) && !reach(960) && !reach(1_000_000));
            assert!(reach(-960) && reach(-LATE.cast_signed()), "late itself");
        }
        payload[1..3].copy_from_slice(&[0; 2]);
        let untrue = blocks(&payload).unwrap();
        assert!(untrue.reach_before(7, 7) && !untrue.reach_before(7, 8));
        let alone = blocks(&red(&two[..1])).unwrap();
        assert!(!alone.reach_before(7, 7), "nothing is carried along");
    }

    proptest! {
        #[test]
        fn a_payload_under_another_number_is_the_same_but_for_that_number(
            data in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..1024), 0..=MAX_OLDER),
            other in 0_u8..128,
        ) {
            let under = |kind: u8| {
                let older = data.iter().map(|bytes| (kind, bytes.clone()));
                red(&older.chain([(kind, vec![7; 9])]).collect::<Vec<_>>())
            };
            let payload = under(111);
            let (headers, behind) = blocks(&payload).unwrap().retyped(&payload, other);
            prop_assert_eq!([headers.as_slice(), behind].concat(), under(other));
        }

        #[test]
        fn no_bytes_make_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = super::primary(&payload) {
                prop_assert!(payload.ends_with(found.data) && found.payload_type < 128);
            }
        }

        #[test]
        fn the_primary_of_what_was_put_together_is_found(
            mut blocks in proptest::collection::vec((0_u8..128, proptest::collection::vec(any::<u8>(), 0..1024)), 0..4),
            last in (0_u8..128, proptest::collection::vec(any::<u8>(), 1..1024)),
        ) {
            blocks.push(last.clone());
            let payload = red(&blocks);
            prop_assert_eq!(primary(&payload), Ok((last.0, &last.1[..])));
        }
    }
}
