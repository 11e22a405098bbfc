//! What kind of datagram is this? One look at its first two bytes (RFC 7983 §7, RFC 5761 §4).
//!
//! Everything that reaches the one UDP port is sorted here before any other code sees it. Sorting keeps no state, reads two bytes,
//! and proves nothing: a stranger can send every class.

/// The protocols that share the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// First byte 0–3: a connectivity check or its answer ([`crate::stun`]).
    Stun,
    /// First byte 20–63: a DTLS record.
    Dtls,
    /// First byte 64–79: TURN channel data. We are no TURN client, so nobody has a reason to send it.
    TurnChannel,
    /// First byte 128–191, second byte not that of RTCP.
    Rtp,
    /// First byte 128–191, second byte 192–223.
    Rtcp,
    /// Anything else, ZRTP and the empty datagram included: dropped and counted.
    Unknown,
}

/// Sorts one datagram.
///
/// RTCP packet types fill 192–223; seen as the second byte of RTP that range would be payload types 64–95 with the marker set,
/// which RFC 5761 §4 therefore forbids wherever RTP and RTCP share a port.
#[must_use]
pub fn classify(datagram: &[u8]) -> Class {
    match *datagram {
        [0..=3, ..] => Class::Stun,
        [20..=63, ..] => Class::Dtls,
        [64..=79, ..] => Class::TurnChannel,
        [128..=191, 192..=223, ..] => Class::Rtcp,
        [128..=191, _, ..] => Class::Rtp,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, classify};
    use crate::rtcp::write;
    use crate::rtp::Fields;
    use crate::stun::{TransactionId, write_success};
    use proptest::prelude::*;

    #[test]
    fn the_first_byte_tells_the_protocol_at_both_ends_of_each_range() {
        let table = [
            (0, Class::Stun),
            (3, Class::Stun),
            (4, Class::Unknown),
            (15, Class::Unknown),
            (16, Class::Unknown), // ZRTP
            (19, Class::Unknown),
            (20, Class::Dtls),
            (63, Class::Dtls),
            (64, Class::TurnChannel),
            (79, Class::TurnChannel),
            (80, Class::Unknown),
            (127, Class::Unknown),
            (128, Class::Rtp),
            (191, Class::Rtp),
            (192, Class::Unknown),
            (255, Class::Unknown),
        ];
        for (first, class) in table {
            assert_eq!(classify(&[first, 0]), class, "first byte {first}");
        }
    }

    #[test]
    fn the_second_byte_tells_rtcp_from_rtp() {
        for second in 0..=u8::MAX {
            let rtcp = (192..=223).contains(&second);
            assert_eq!(
                classify(&[0x80, second]),
                if rtcp { Class::Rtcp } else { Class::Rtp },
                "second byte {second}"
            );
        }
    }

    #[test]
    fn an_empty_or_one_byte_datagram_is_never_media() {
        assert_eq!(classify(&[]), Class::Unknown);
        assert_eq!(classify(&[0x80]), Class::Unknown);
    }

    proptest! {
        #[test]
        fn what_our_own_writers_make_is_sorted_to_its_reader(
            ssrc in any::<u32>(), sequence in any::<u16>(), payload_type in (0..128_u8).prop_filter("RFC 5761 forbids these", |kind| !(64..96).contains(kind)),
            marker in any::<bool>(), id in any::<[u8; 12]>(), gone in proptest::collection::vec(any::<u32>(), 1..31),
        ) {
            let (mut packet, mut check, mut compound) = (Vec::new(), Vec::new(), Vec::new());
            let fields = Fields { marker, payload_type, sequence, timestamp: ssrc, ssrc };
            prop_assert!(fields.write(&[], &mut packet).is_ok());
            write_success(TransactionId(id), ([192, 0, 2, 1], sequence).into(), b"password", &mut check);
            write::bye(&gone, &mut compound);
            prop_assert_eq!((classify(&packet), classify(&check), classify(&compound)), (Class::Rtp, Class::Stun, Class::Rtcp));
        }

        #[test]
        fn only_the_first_two_bytes_matter(head in any::<[u8; 2]>(), tail in proptest::collection::vec(any::<u8>(), 0..64)) {
            let datagram = [&head[..], &tail].concat();
            prop_assert_eq!(classify(&datagram), classify(&head));
        }
    }
}
