//! Where credentials come from: a ChaCha20 stream seeded by the system, or by a test.

use std::io;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A cryptographic stream. Not `Debug`: what it holds makes the passwords to come.
pub(crate) struct Random(ChaCha20Rng);

impl Random {
    /// A stream that nobody can guess, or for tests the one that belongs to `seed`.
    pub(crate) fn new(seed: Option<u64>) -> io::Result<Self> {
        if let Some(seed) = seed {
            return Ok(Self(ChaCha20Rng::seed_from_u64(seed)));
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Self(ChaCha20Rng::from_seed(key)))
    }

    /// The next bytes.
    pub(crate) fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let draw = |seed| Random::new(seed).unwrap().bytes::<32>();
        assert_eq!(draw(Some(1)), draw(Some(1)));
        assert_ne!(draw(Some(1)), draw(Some(2)));
        assert_ne!(draw(None), draw(None));
    }
}
