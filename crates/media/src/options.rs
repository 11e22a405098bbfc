//! What the core is told at its start, and what a producer or a consumer is made of.
//!
//! The numbers of a producer and a consumer come out of negotiation (`hocket.ortc`), which has checked them against each other; what is
//! checked here is only what the core itself relies on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use crate::cap::Rates;

/// Longest `mid` that a one-byte header extension can carry (RFC 8285 §4.2).
pub const MID_MAX: usize = 16;
/// Largest id of a one-byte header extension; 15 is reserved (RFC 8285 §4.2).
pub const EXTENSION_ID_MAX: u8 = 14;
/// Longest RTCP canonical name (RFC 3550 §6.5: one length byte).
pub const CNAME_MAX: usize = 255;
/// Silence, unless it is said otherwise, dBov: below a whisper, and above what is left of most rooms behind a browser's noise suppression.
pub const SILENCE_DBOV: i8 = -60;

/// Settings of all workers of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many workers share the work, 1–64. Messages for all go to `0..workers`.
    pub workers: u8,
    /// A transport that hears no valid connectivity check for this long is gone (RFC 7675 §5.1: 30 s).
    pub consent_timeout: Duration,
    /// A transport whose DTLS handshake is not done this long after its first valid check is gone.
    pub handshake_timeout: Duration,
    /// Most transports known at once; further `AddTransport` are dropped and counted, and control refuses before that.
    pub max_transports: usize,
    /// Packets of somebody quieter than this are not handed on, dBov −127…0 (RFC 6464); `None` = whatever comes is. Noise that a microphone
    /// sends all the time counts as silence up to −50, whatever stands here.
    pub silence_dbov: Option<i8>,
    /// What one producer may send; packets beyond are dropped, and a transport whose producer goes on for ten seconds ends.
    pub producer: Rates,
    /// Seed of everything random that is not a key: first sequence numbers, report jitter, RTCP sources.
    /// Give the operating system's randomness; tests give a constant.
    pub seed: [u8; 32],
    /// Seed of DTLS's hello randoms and retransmission jitter. `None` = the operating system's. **Only tests may set it.**
    pub dtls_seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            consent_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(30),
            max_transports: 20_000,
            silence_dbov: Some(SILENCE_DBOV),
            producer: Rates::default(),
            seed: [0; 32],
            dtls_seed: None,
        }
    }
}

/// How to recognise and read what a user sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerOptions {
    /// The stream's SSRC, when the client named it.
    pub ssrc: Option<u32>,
    /// The stream's media id, carried in the `mid_extension` (RFC 8843 §15). Needed when there is no `ssrc`.
    pub mid: Option<Box<str>>,
    /// Payload type of Opus (RFC 7587), 0–127.
    pub opus_payload_type: Option<u8>,
    /// Payload type of RED (RFC 2198) around Opus, 0–127.
    pub red_payload_type: Option<u8>,
    /// Header-extension id of `urn:ietf:params:rtp-hdrext:sdes:mid`, 1–14.
    pub mid_extension: Option<u8>,
    /// Header-extension id of `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464), 1–14.
    pub audio_level_extension: Option<u8>,
    /// Header-extension id of abs-send-time, 1–14.
    pub abs_send_time_extension: Option<u8>,
    /// Whether lost packets are asked for again (RFC 4585 §6.2.1).
    pub nack: bool,
    /// The canonical name under which its listeners get it (RFC 3550 §6.5.1), at most [`CNAME_MAX`] bytes.
    pub cname: Arc<str>,
}

/// How one receiver wants one producer's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// The SSRC that this stream has at this receiver. Unique within the transport.
    pub ssrc: u32,
    /// The media id written into `mid_extension`, at most [`MID_MAX`] bytes.
    pub mid: Box<str>,
    /// Payload type under which Opus is sent, 0–127.
    pub opus_payload_type: u8,
    /// Payload type under which RED is sent; `None` = RED is unwrapped to its primary Opus block.
    pub red_payload_type: Option<u8>,
    /// Header-extension id of mid, 1–14; `None` = not written.
    pub mid_extension: Option<u8>,
    /// Header-extension id of the audio level (RFC 6464), 1–14.
    pub audio_level_extension: Option<u8>,
    /// Header-extension id of abs-send-time, 1–14.
    pub abs_send_time_extension: Option<u8>,
    /// Whether the receiver may ask for lost packets again.
    pub nack: bool,
}

/// An option that the core cannot work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionError {
    /// A producer with neither an SSRC nor a mid that an extension carries: no packet could be told to be its.
    NotRecognisable,
    /// A producer with neither an Opus nor a RED payload type.
    NoPayloadType,
    /// A payload type above 127, or the same one twice.
    PayloadType(u8),
    /// A header-extension id outside 1–14, or the same one twice.
    ExtensionId(u8),
    /// An empty mid, or one longer than [`MID_MAX`] bytes.
    Mid,
    /// A canonical name longer than [`CNAME_MAX`] bytes.
    Cname,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRecognisable => {
                f.write_str("a producer needs an ssrc, or a mid together with its header extension")
            }
            Self::NoPayloadType => f.write_str("a producer needs a payload type for Opus or RED"),
            Self::PayloadType(value) => {
                write!(f, "payload type {value} is above 127 or used twice")
            }
            Self::ExtensionId(value) => write!(
                f,
                "header extension id {value} is outside 1-14 or used twice"
            ),
            Self::Mid => write!(f, "a mid has 1-{MID_MAX} bytes"),
            Self::Cname => write!(f, "a cname has at most {CNAME_MAX} bytes"),
        }
    }
}

impl std::error::Error for OptionError {}

impl ProducerOptions {
    /// Checks what the core relies on.
    ///
    /// # Errors
    /// The first [`OptionError`] found.
    pub fn check(&self) -> Result<(), OptionError> {
        if self.ssrc.is_none() && (self.mid.is_none() || self.mid_extension.is_none()) {
            return Err(OptionError::NotRecognisable);
        }
        if self.opus_payload_type.is_none() && self.red_payload_type.is_none() {
            return Err(OptionError::NoPayloadType);
        }
        check_payload_types([self.opus_payload_type, self.red_payload_type])?;
        check_extensions([
            self.mid_extension,
            self.audio_level_extension,
            self.abs_send_time_extension,
        ])?;
        self.mid.as_deref().map_or(Ok(()), check_mid)?;
        check_cname(&self.cname)
    }
}

impl ConsumerOptions {
    /// Checks what the core relies on.
    ///
    /// # Errors
    /// The first [`OptionError`] found.
    pub fn check(&self) -> Result<(), OptionError> {
        check_payload_types([Some(self.opus_payload_type), self.red_payload_type])?;
        check_extensions([
            self.mid_extension,
            self.audio_level_extension,
            self.abs_send_time_extension,
        ])?;
        check_mid(&self.mid)
    }
}

fn check_payload_types([first, second]: [Option<u8>; 2]) -> Result<(), OptionError> {
    for value in [first, second].into_iter().flatten() {
        if value > 127 || (first == second) {
            return Err(OptionError::PayloadType(value));
        }
    }
    Ok(())
}

fn check_extensions(ids: [Option<u8>; 3]) -> Result<(), OptionError> {
    let mut seen = 0u16;
    for id in ids.into_iter().flatten() {
        let bit = if (1..=EXTENSION_ID_MAX).contains(&id) {
            1u16 << id
        } else {
            0
        };
        if bit == 0 || seen & bit != 0 {
            return Err(OptionError::ExtensionId(id));
        }
        seen |= bit;
    }
    Ok(())
}

fn check_mid(mid: &str) -> Result<(), OptionError> {
    if (1..=MID_MAX).contains(&mid.len()) {
        Ok(())
    } else {
        Err(OptionError::Mid)
    }
}

fn check_cname(cname: &str) -> Result<(), OptionError> {
    if cname.len() <= CNAME_MAX {
        Ok(())
    } else {
        Err(OptionError::Cname)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn producer() -> ProducerOptions {
        ProducerOptions {
            ssrc: Some(1),
            mid: Some("0".into()),
            opus_payload_type: Some(111),
            red_payload_type: Some(63),
            mid_extension: Some(4),
            audio_level_extension: Some(1),
            abs_send_time_extension: Some(2),
            nack: true,
            cname: Arc::from("somebody"),
        }
    }

    fn consumer() -> ConsumerOptions {
        ConsumerOptions {
            ssrc: 1,
            mid: "0".into(),
            opus_payload_type: 100,
            red_payload_type: Some(101),
            mid_extension: Some(1),
            audio_level_extension: Some(10),
            abs_send_time_extension: Some(14),
            nack: true,
        }
    }

    #[test]
    fn what_negotiation_makes_passes() {
        assert_eq!(producer().check(), Ok(()));
        assert_eq!(
            ProducerOptions {
                ssrc: None,
                ..producer()
            }
            .check(),
            Ok(())
        );
        assert_eq!(
            ProducerOptions {
                mid: None,
                mid_extension: None,
                red_payload_type: None,
                ..producer()
            }
            .check(),
            Ok(())
        );
        assert_eq!(consumer().check(), Ok(()));
    }

    #[test]
    fn a_producer_that_no_packet_could_be_told_to_be_is_refused() {
        let without_mid = ProducerOptions {
            ssrc: None,
            mid: None,
            ..producer()
        };
        let without_extension = ProducerOptions {
            ssrc: None,
            mid_extension: None,
            ..producer()
        };
        let without_codec = ProducerOptions {
            opus_payload_type: None,
            red_payload_type: None,
            ..producer()
        };
        assert_eq!(without_mid.check(), Err(OptionError::NotRecognisable));
        assert_eq!(without_extension.check(), Err(OptionError::NotRecognisable));
        assert_eq!(without_codec.check(), Err(OptionError::NoPayloadType));
    }

    #[test]
    fn numbers_outside_their_range_or_used_twice_are_refused() {
        for payload_type in [128, 255, 101] {
            let options = ConsumerOptions {
                opus_payload_type: payload_type,
                ..consumer()
            };
            assert_eq!(options.check(), Err(OptionError::PayloadType(payload_type)));
        }
        for id in [0, 15, 16, 255, 10] {
            let options = ConsumerOptions {
                abs_send_time_extension: Some(id),
                ..consumer()
            };
            assert_eq!(options.check(), Err(OptionError::ExtensionId(id)));
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        for mid in ["", "seventeen letters"] {
            assert_eq!(
                ConsumerOptions {
                    mid: mid.into(),
                    ..consumer()
                }
                .check(),
                Err(OptionError::Mid)
            );
            assert_eq!(
                ProducerOptions {
                    mid: Some(mid.into()),
                    ..producer()
                }
                .check(),
                Err(OptionError::Mid)
            );
        }
        let cname: Arc<str> = Arc::from("x".repeat(256));
        assert_eq!(
            ProducerOptions {
                cname,
                ..producer()
            }
            .check(),
            Err(OptionError::Cname)
        );
    }
}
