//! RED: packets that carry older packets along (RFC 2198). Read here for receivers that know only what is inside.
//!
//! ```text
//! 1|type:7|timestamp offset:14|length:10   once for each older block
//! 0|type:7                                 the primary block
//! then the blocks' bytes in that order, the primary's up to the end
//! ```

use core::fmt;

/// Older blocks that are skipped at most. Browsers send one or two.
const MAX_OLDER: usize = 16;

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
}

/// Finds the primary block of a RED payload; the RTP timestamp of the packet is its own.
///
/// # Errors
/// See [`Error`].
pub fn primary(payload: &[u8]) -> Result<Primary<'_>, Error> {
    let (mut rest, mut older) = (payload, 0);
    for _ in 0..=MAX_OLDER {
        let (&first, behind) = rest.split_first().ok_or(Error::Truncated)?;
        if first & 0x80 == 0 {
            let data = behind.get(older..).ok_or(Error::Truncated)?;
            let primary = Primary {
                payload_type: first,
                data,
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

    use super::{Error, MAX_OLDER, Primary, primary};

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

    #[test]
    fn the_last_block_is_the_primary() {
        assert_eq!(
            primary(&red(&[(111, b"new".to_vec())])),
            Ok(Primary {
                payload_type: 111,
                data: b"new"
            })
        );
        let payload = red(&[(111, vec![1; 700]), (111, vec![]), (111, b"new".to_vec())]);
        assert_eq!(
            primary(&payload),
            Ok(Primary {
                payload_type: 111,
                data: b"new"
            })
        );
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

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = primary(&payload) {
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
            prop_assert_eq!(primary(&payload), Ok(Primary { payload_type: last.0, data: &last.1 }));
        }
    }
}
