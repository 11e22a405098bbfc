//! Certificate fingerprints (RFC 8122 §5): what ties the DTLS peer to the person who signalled (T3).

use core::fmt;

use aws_lc_rs::digest;

/// Most fingerprints of one peer that are looked at. Browsers send one.
pub const FINGERPRINTS_MAX: usize = 16;

/// Hash functions that tie a certificate to its owner today. SHA-1 and MD5 are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashFunction {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in signalling, such as `sha-256`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.as_str().eq_ignore_ascii_case(name))
    }

    fn digest(self, data: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, data)
    }

    const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A hash of a certificate (DER).
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    function: HashFunction,
    value: Vec<u8>,
}

/// One or more fingerprints of a peer; its certificate must match one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints(Vec<Fingerprint>);

/// Why a list of fingerprints cannot tell who the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintError {
    /// None was given, or only ones by hash functions too weak to count (SHA-1, MD5) or unknown.
    NoneUsable,
    /// The one at this index is not the right number of hex bytes.
    Malformed(usize),
    /// More than [`FINGERPRINTS_MAX`].
    TooMany,
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneUsable => f.write_str("no fingerprint by sha-256, sha-384 or sha-512"),
            Self::Malformed(index) => write!(
                f,
                "fingerprint {index} is not hexadecimal bytes of its hash function's length"
            ),
            Self::TooMany => write!(f, "more than {FINGERPRINTS_MAX} fingerprints"),
        }
    }
}

impl std::error::Error for FingerprintError {}

impl Fingerprint {
    /// The fingerprint of a certificate.
    #[must_use]
    pub fn of(function: HashFunction, certificate_der: &[u8]) -> Self {
        Self {
            function,
            value: function.digest(certificate_der).as_ref().to_vec(),
        }
    }

    /// The hash function's name in signalling.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.function.as_str()
    }

    /// Upper-case hex with colons, as SDP writes it.
    #[must_use]
    pub fn value(&self) -> String {
        self.value
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>()
            .join(":")
    }

    /// Reads colon-separated hex of either case (RFC 8122 has upper, WebRTC's `getFingerprints` lower).
    fn parse(function: HashFunction, text: &str) -> Option<Self> {
        if text.len() + 1 != 3 * function.len() {
            return None;
        }
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|n| u8::try_from(n).ok())
        };
        let pair = |pair: &[u8]| match *pair {
            [high, low] | [high, low, b':'] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        };
        let value = text.as_bytes().chunks(3).map(pair).collect::<Option<_>>()?;
        Some(Self { function, value })
    }
}

impl Fingerprints {
    /// Reads (algorithm, value) pairs. Those by unknown or weak functions are left out, as RFC 8122 §5 asks.
    ///
    /// # Errors
    /// When none is left, one is malformed, or there are too many.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FingerprintError> {
        let mut usable = Vec::new();
        for (index, (algorithm, value)) in pairs.into_iter().enumerate() {
            if index >= FINGERPRINTS_MAX {
                return Err(FingerprintError::TooMany);
            }
            let Some(function) = HashFunction::parse(algorithm) else {
                continue;
            };
            usable.push(
                Fingerprint::parse(function, value).ok_or(FingerprintError::Malformed(index))?,
            );
        }
        if usable.is_empty() {
            Err(FingerprintError::NoneUsable)
        } else {
            Ok(Self(usable))
        }
    }

    /// Whether the certificate is one of these.
    #[must_use]
    pub fn match_certificate(&self, certificate_der: &[u8]) -> bool {
        self.0
            .iter()
            .any(|expected| expected.function.digest(certificate_der).as_ref() == expected.value)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back_in_any_case_and_no_part_of_it_is(
            function in proptest::sample::select(HashFunction::ALL.to_vec()), certificate in any::<Vec<u8>>(),
            flips in any::<u64>(), at in any::<proptest::sample::Index>(),
        ) {
            let written = Fingerprint::of(function, &certificate);
            let mixed: String = written.value().char_indices()
                .map(|(place, letter)| if flips >> (place % 64) & 1 == 1 { letter.to_ascii_lowercase() } else { letter }).collect();
            prop_assert_eq!(Fingerprint::parse(function, &mixed), Some(written.clone()));
            let cut = mixed.get(..at.index(mixed.len())).unwrap();
            prop_assert_eq!(Fingerprint::parse(function, cut), None, "{}", cut);
            for other in HashFunction::ALL.into_iter().filter(|other| *other != function) {
                prop_assert_eq!(Fingerprint::parse(other, &mixed), None);
            }
        }

        #[test]
        fn no_text_panics_and_what_is_taken_is_hexadecimal_bytes_and_nothing_else(
            name in prop_oneof!["[sS][hH][aA]-(256|384|512)", ".*"], value in prop_oneof!["([0-9a-fA-F]{2}:){31}[0-9a-fA-F]{2}", "[0-9a-f:+é]{0,200}", ".*"],
        ) {
            if let Ok(Fingerprints(taken)) = Fingerprints::parse([(name.as_str(), value.as_str())]) {
                prop_assert_eq!(taken.len(), 1);
                let only = taken.first().unwrap();
                prop_assert!(only.algorithm().eq_ignore_ascii_case(&name) && only.value().eq_ignore_ascii_case(&value));
            }
        }
    }

    #[test]
    fn either_case_matches_the_same_certificate() {
        for function in HashFunction::ALL {
            let value = Fingerprint::of(function, b"a certificate").value();
            for value in [value.to_lowercase(), value] {
                let expected = Fingerprints::parse([(function.as_str(), value.as_str())]).unwrap();
                assert!(expected.match_certificate(b"a certificate"));
                assert!(!expected.match_certificate(b"another certificate"));
            }
        }
    }

    #[test]
    fn t3_empty_and_sha1_only_lists_are_refused() {
        let sha1 = (
            "sha-1",
            "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
        );
        assert_eq!(Fingerprints::parse([]), Err(FingerprintError::NoneUsable));
        assert_eq!(
            Fingerprints::parse([sha1]),
            Err(FingerprintError::NoneUsable)
        );
    }

    #[test]
    fn a_weak_fingerprint_beside_a_strong_one_does_not_count() {
        let strong = Fingerprint::of(HashFunction::Sha256, b"hers").value();
        let both = [("sha-1", "00"), ("SHA-256", strong.as_str())];
        assert!(
            Fingerprints::parse(both)
                .unwrap()
                .match_certificate(b"hers")
        );
    }

    #[test]
    fn a_malformed_value_says_which() {
        let good = Fingerprint::of(HashFunction::Sha256, b"x").value();
        for bad in [
            "",
            "AA",
            &good[1..],
            &format!("{good}:00"),
            &good.replace(':', "-"),
            &good.replace(':', ":+"),
        ] {
            let pairs = [("sha-256", good.as_str()), ("sha-256", bad)];
            assert_eq!(
                Fingerprints::parse(pairs),
                Err(FingerprintError::Malformed(1)),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_list_is_bounded() {
        let good = Fingerprint::of(HashFunction::Sha256, b"x").value();
        let pairs = core::iter::repeat_n(("sha-256", good.as_str()), FINGERPRINTS_MAX + 1);
        assert_eq!(Fingerprints::parse(pairs), Err(FingerprintError::TooMany));
    }
}
