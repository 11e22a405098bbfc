//! A fingerprint's algorithm and value, as a peer signals them; the first line is the algorithm.

use hocket_media::Fingerprints;
use hocket_media::dtls::fingerprint::HashFunction;

/// Text that is not UTF-8 does not reach the parser: signalling refuses it before.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (algorithm, value) = text.split_once('\n').unwrap_or(("sha-256", text));
    let Ok(fingerprints) = Fingerprints::parse([(algorithm, value)]) else {
        return;
    };
    let function = HashFunction::ALL
        .into_iter()
        .find(|function| function.as_str().eq_ignore_ascii_case(algorithm))
        .expect("only strong hash functions count");
    // Two digits and a colon a byte, but for the last colon.
    let digits = match function {
        HashFunction::Sha256 => 32 * 3 - 1,
        HashFunction::Sha384 => 48 * 3 - 1,
        HashFunction::Sha512 => 64 * 3 - 1,
    };
    assert_eq!(value.len(), digits);
    assert!(!fingerprints.match_certificate(b"a certificate of somebody else"));
}
