//! What is read of a datagram of class DTLS before the library gets it.
#![no_main]

use hocket_media::dtls::record::{HEADER, has_plaintext_alert, is_client_hello, records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut at = 0;
    let (mut hello, mut alert) = (false, false);
    for record in records(bytes) {
        assert!((20..=26).contains(&record.kind));
        let fragment = &bytes[at + HEADER..][..record.fragment.len()];
        assert_eq!(
            record.fragment, fragment,
            "records follow each other without a gap"
        );
        hello |= at == 0 && (record.kind, record.epoch, fragment.first()) == (22, 0, Some(&1));
        alert |= (record.kind, record.epoch) == (21, 0);
        at += HEADER + fragment.len();
    }
    assert_eq!(
        (is_client_hello(bytes), has_plaintext_alert(bytes)),
        (hello, alert)
    );
    // Cut off by one byte, the last record is none, and the others stay what they were.
    if let Some(cut) = bytes[..at].split_last().map(|(_, cut)| cut) {
        assert_eq!(records(cut).count() + 1, records(bytes).count());
    }
});
