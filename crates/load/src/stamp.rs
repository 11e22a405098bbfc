//! What the payload of a load packet says: that it is one, and when it was sent.
//!
//! Four bytes of marker, then nanoseconds since the crowd's epoch, big-endian. Meaningful within the process that wrote it, which is enough
//! for a one-way delay without clocks to compare.

use std::time::{Duration, Instant};

const MARKER: [u8; 4] = *b"hkld";

/// Bytes of a stamp: no payload is shorter.
pub const LEN: usize = MARKER.len() + 8;

/// Writes a stamp over the beginning of `payload`, which has room for it.
pub(crate) fn write(payload: &mut [u8], epoch: Instant, now: Instant) {
    let nanoseconds = now.saturating_duration_since(epoch).as_nanos() as u64;
    let stamp = MARKER.into_iter().chain(nanoseconds.to_be_bytes());
    payload
        .iter_mut()
        .zip(stamp)
        .for_each(|(slot, byte)| *slot = byte);
}

/// When the packet was sent; `None` when it is none of ours.
pub(crate) fn read(payload: &[u8], epoch: Instant) -> Option<Instant> {
    let (nanoseconds, _) = payload.strip_prefix(&MARKER)?.split_first_chunk::<8>()?;
    epoch.checked_add(Duration::from_nanos(u64::from_be_bytes(*nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_when_to_the_nanosecond() {
        let epoch = Instant::now();
        let sent = epoch + Duration::from_nanos(123_456_789_012);
        let mut payload = [7; LEN + 3];
        write(&mut payload, epoch, sent);
        assert_eq!(read(&payload, epoch), Some(sent));
        assert_eq!(payload.last(), Some(&7));
    }

    #[test]
    fn other_payloads_have_none() {
        let epoch = Instant::now();
        for length in 0..LEN {
            let mut payload = vec![0; length];
            write(&mut payload, epoch, epoch);
            assert_eq!(read(&payload, epoch), None, "{length} bytes");
        }
        assert_eq!(read(&[0xF8; 100], epoch), None);
    }
}
