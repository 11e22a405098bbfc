//! How loud a packet is, as its sender says it: the client-to-mixer audio level (RFC 6464).

/// An audio level. A sender may lie about it: it decides who is shown as speaking, and of too many who is heard first, never who may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Does the sender take it for speech? Senders that cannot tell always say yes.
    pub voice: bool,
    /// dBov, −127 (silence) to 0 (overload).
    pub dbov: i8,
}

impl Level {
    /// Reads the extension's value; `None` unless it is one byte.
    #[must_use]
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        match *value {
            [byte] => Some(Self::from_byte(byte)),
            _ => None,
        }
    }

    /// The voice flag in the highest bit, then −dBov.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self {
            voice: byte & 0x80 != 0,
            dbov: -((byte & 0x7F) as i8),
        }
    }

    /// As it stands in the extension; a level outside −127…0 becomes the nearest of these.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        u8::from(self.voice) << 7 | self.dbov.clamp(-127, 0).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn every_byte_is_read_and_written_back() {
        for byte in 0..=u8::MAX {
            let level = Level::from_byte(byte);
            assert!((-127..=0).contains(&level.dbov));
            assert_eq!(level.to_byte(), byte);
            assert_eq!(Level::from_bytes(&[byte]), Some(level));
        }
    }

    #[test]
    fn the_voice_flag_is_the_highest_bit_and_the_rest_is_minus_dbov() {
        assert_eq!(
            Level::from_byte(0x80),
            Level {
                voice: true,
                dbov: 0
            }
        );
        assert_eq!(
            Level::from_byte(0x7F),
            Level {
                voice: false,
                dbov: -127
            }
        );
        assert_eq!(
            Level::from_byte(0x9E),
            Level {
                voice: true,
                dbov: -30
            }
        );
    }

    #[test]
    fn levels_that_do_not_exist_become_the_nearest() {
        assert_eq!(
            Level {
                voice: false,
                dbov: 5
            }
            .to_byte(),
            0
        );
        assert_eq!(
            Level {
                voice: true,
                dbov: -128
            }
            .to_byte(),
            0xFF
        );
    }

    #[test]
    fn a_value_of_another_size_is_none() {
        assert_eq!(Level::from_bytes(&[]), None);
        assert_eq!(Level::from_bytes(&[1, 2]), None);
    }
}
