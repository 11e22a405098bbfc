//! ICE user name fragments and passwords (RFC 8445 §5.3) of our side.

use core::fmt;

/// The 64 characters that ICE allows (RFC 8839 §5.4: ALPHA / DIGIT / "+" / "/").
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A user name fragment of ours: 8 characters, 48 random bits (RFC 8445 asks for 24). It names a transport among all of this server.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ufrag([u8; Self::LEN]);

/// A password of ours: 24 characters, 144 random bits (RFC 8445 asks for 128).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; Self::LEN]);

/// What a client needs to send us a valid check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The user name fragment.
    pub ufrag: Ufrag,
    /// The password, a secret (T20): its `Debug` shows nothing.
    pub password: Password,
}

impl Ufrag {
    /// Characters of a fragment.
    pub const LEN: usize = 8;

    /// Reads the server's part of a check's USERNAME, `server:client` (RFC 8445 §7.2.2).
    pub(crate) fn from_username(username: &str) -> Option<Self> {
        let (ours, _theirs) = username.as_bytes().split_at_checked(Self::LEN)?;
        let separated = username.as_bytes().get(Self::LEN) == Some(&b':');
        ours.try_into().ok().filter(|_| separated).map(Self)
    }

    /// The fragment as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Password {
    /// Characters of a password.
    pub const LEN: usize = 24;

    /// The password as text, for signalling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The key of MESSAGE-INTEGRITY: the password's bytes (RFC 8489 §9.1.1, short-term).
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Credentials {
    /// Random bytes that one pair takes.
    pub const RANDOM: usize = Ufrag::LEN + Password::LEN;

    /// Makes a pair out of random bytes of a cryptographic source.
    #[must_use]
    pub fn from_random(random: &[u8; Self::RANDOM]) -> Self {
        let mut ufrag = [0; Ufrag::LEN];
        let mut password = [0; Password::LEN];
        let letters = random.iter().map(|byte| {
            ALPHABET
                .get(usize::from(byte & 63))
                .copied()
                .unwrap_or(b'A')
        });
        for (slot, letter) in ufrag.iter_mut().chain(password.iter_mut()).zip(letters) {
            *slot = letter;
        }
        Self {
            ufrag: Ufrag(ufrag),
            password: Password(password),
        }
    }
}

impl fmt::Debug for Ufrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_username_names_us_if_and_only_if_it_is_our_fragment_a_colon_and_anything(
            random in any::<[u8; Credentials::RANDOM]>(), theirs in ".{0,300}", separator in any::<char>(), cut in 0..=Ufrag::LEN,
        ) {
            let ours = Credentials::from_random(&random).ufrag;
            prop_assert_eq!(Ufrag::from_username(&format!("{}:{theirs}", ours.as_str())), Some(ours));
            prop_assert_eq!(Ufrag::from_username(ours.as_str().get(..cut).unwrap()), None, "cut off");
            let other = Ufrag::from_username(&format!("{}{separator}{theirs}", ours.as_str()));
            prop_assert_eq!(other.is_some(), separator == ':');
        }

        #[test]
        fn no_username_panics_and_what_is_read_stands_before_the_colon(username in prop_oneof![".*", "[a-zA-Zé:]{7}.{0,3}:.*"]) {
            if let Some(read) = Ufrag::from_username(&username) {
                prop_assert_eq!(read.0.as_slice(), username.as_bytes().get(..Ufrag::LEN).unwrap());
                prop_assert_eq!(username.as_bytes().get(Ufrag::LEN), Some(&b':'));
            }
        }
    }

    #[test]
    fn a_check_names_us_by_the_part_before_the_colon() {
        let ours = Credentials::from_random(&[7; Credentials::RANDOM]).ufrag;
        assert_eq!(Ufrag::from_username("HHHHHHHH:client"), Some(ours));
        for other in [
            "HHHHHHHH",
            "HHHHHHHHclient",
            "HHHH:HHHH",
            "",
            ":",
            "HHHHHHHé:x",
        ] {
            assert_ne!(Ufrag::from_username(other), Some(ours), "{other}");
        }
    }

    #[test]
    fn a_password_is_not_in_debug_output() {
        let credentials = Credentials::from_random(&[7; Credentials::RANDOM]);
        assert!(!format!("{credentials:?}").contains(credentials.password.as_str()));
    }
}
