//! A look at a datagram's records before the library gets it (RFC 6347 §4.1): only at those in the clear, and only whole ones.
//!
//! Nothing here is authenticated: it tells what a datagram claims to be, as a stranger too can.

/// Bytes of a plaintext record's header: type, version, epoch, sequence number, length.
pub const HEADER: usize = 13;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// A record in the clear, or one of DTLS 1.2 that is sealed: the header is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The content type, 20–26.
    pub kind: u8,
    /// 0 until keys are in use.
    pub epoch: u16,
    /// What the header's length counts.
    pub fragment: &'a [u8],
}

/// The records of a datagram in order, up to the first that is cut off or has another kind of header.
pub fn records(mut data: &[u8]) -> impl Iterator<Item = Record<'_>> {
    core::iter::from_fn(move || {
        let (&[kind, _, _, e0, e1, _, _, _, _, _, _, l0, l1], rest) =
            data.split_first_chunk::<HEADER>()?;
        let (fragment, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        data = rest;
        (20..=26).contains(&kind).then_some(Record {
            kind,
            epoch: u16::from_be_bytes([e0, e1]),
            fragment,
        })
    })
}

/// Whether the datagram begins with a plaintext record of (a part of) a ClientHello (RFC 6347 §4.2.2).
#[must_use]
pub fn is_client_hello(data: &[u8]) -> bool {
    records(data).next().is_some_and(|record| {
        (record.kind, record.epoch) == (HANDSHAKE, 0)
            && record.fragment.first() == Some(&CLIENT_HELLO)
    })
}

/// Whether the datagram carries an alert that is not protected.
#[must_use]
pub fn has_plaintext_alert(data: &[u8]) -> bool {
    records(data).any(|record| (record.kind, record.epoch) == (ALERT, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    fn record(kind: u8, epoch: u16, fragment: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0xFE, 0xFD];
        bytes.extend_from_slice(&epoch.to_be_bytes());
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&(fragment.len() as u16).to_be_bytes());
        bytes.extend_from_slice(fragment);
        bytes
    }

    #[test]
    fn an_unprotected_alert_is_seen_wherever_it_stands() {
        let (hello, alert, sealed) = (
            record(22, 0, &[1, 2, 3]),
            record(21, 0, &[2, 40]),
            record(21, 1, &[2, 40]),
        );
        assert!(has_plaintext_alert(&alert));
        assert!(has_plaintext_alert(&[hello.clone(), alert].concat()));
        assert!(!has_plaintext_alert(&[hello.clone(), sealed].concat()));
        assert!(is_client_hello(&hello));
    }

    #[test]
    fn cut_off_records_are_no_hello_and_no_alert() {
        for bytes in [record(22, 0, &[1, 2, 3]), record(21, 0, &[2, 40])] {
            for length in 0..bytes.len() {
                let part = bytes.get(..length).unwrap_or_default();
                assert!(!is_client_hello(part) && !has_plaintext_alert(part));
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_record_reaches_beyond_the_datagram(first in 18..30_u8, bytes in vec(prop_oneof![Just(0), any::<u8>()], 0..200)) {
            let bytes = [&[first], &bytes[..]].concat();
            let (hello, alert) = (is_client_hello(&bytes), has_plaintext_alert(&bytes));
            let records: Vec<Record<'_>> = records(&bytes).collect();
            let total: usize = records.iter().map(|record| HEADER + record.fragment.len()).sum();
            prop_assert!(total <= bytes.len());
            prop_assert!(!(hello || alert) || (20..=26).contains(&first));
        }

        #[test]
        fn of_a_cut_datagram_exactly_the_whole_records_are_reported(
            written in vec((20..=26_u8, 0..3_u16, vec(any::<u8>(), 0..40)), 0..6), cut in any::<Index>(),
        ) {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for (kind, epoch, fragment) in &written {
                bytes.extend(record(*kind, *epoch, fragment));
                ends.push(bytes.len());
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            let whole = ends.iter().filter(|end| **end <= bytes.len()).count();
            let expected = || written.iter().take(whole).map(|(kind, epoch, fragment)| Record { kind: *kind, epoch: *epoch, fragment });
            prop_assert!(records(&bytes).eq(expected()));
            prop_assert_eq!(has_plaintext_alert(&bytes), expected().any(|one| one.kind == 21 && one.epoch == 0));
            let hello = expected().next().is_some_and(|one| one.kind == 22 && one.epoch == 0 && one.fragment.first() == Some(&1));
            prop_assert_eq!(is_client_hello(&bytes), hello);
        }

        #[test]
        fn nothing_behind_a_foreign_record_is_looked_at(
            kind in prop_oneof![0..20_u8, 27..=255_u8], fragment in vec(any::<u8>(), 0..40),
        ) {
            let datagram = [record(kind, 0, &fragment), record(21, 0, &[2, 40])].concat();
            prop_assert!(!has_plaintext_alert(&datagram) && !is_client_hello(&datagram));
        }
    }
}
