//! One speaker: the RTP line that it sends, packet by packet.

use std::time::Instant;

use hocket_engine::{Error, Result};
use hocket_media::Outbox;
use hocket_media::client::Transport;
use hocket_media::rtp::{Fields, Level};

use crate::stamp;

/// RTP ticks of 20 ms at 48 kHz (RFC 7587 §4.1).
const FRAME_TICKS: u32 = 960;
/// What one packet may hold, so that no datagram is longer than a path takes.
const PAYLOAD_MAX: usize = 1_200;
/// One-byte header extensions have ids up to 14 (RFC 8285 §4.2).
const EXTENSION_MAX: u8 = 14;

/// The quietest level that is marked as voice (RFC 6464's V bit), in dBov: an open microphone in a quiet room lies below it.
const QUIETEST_VOICE: i8 = -60;

/// How somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeakOptions {
    /// The stream's SSRC.
    pub ssrc: u32,
    /// Payload type of Opus, 0–127.
    pub payload_type: u8,
    /// Bytes of each packet's payload, [`stamp::LEN`] – 1,200.
    pub payload: usize,
    /// By how many bytes a packet may be longer or shorter than `payload`, as with variable bit rate; every length within is as likely.
    pub vary: usize,
    /// Header-extension id of the audio level (RFC 6464), 1–14; `None` = not written.
    pub level_extension: Option<u8>,
    /// The level that is written, −127–0 dBov. From −60 on it is marked as voice; below, the packets are those of an open microphone at which
    /// nobody speaks.
    pub level: i8,
}

impl SpeakOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with a sentence that names the option.
    pub fn check(&self) -> Result<()> {
        let refuse = |sentence: &str| Err(Error::InvalidOption(sentence.to_owned()));
        if self.payload_type > 127 {
            return refuse("payload_type: at most 127");
        }
        if !(stamp::LEN..=PAYLOAD_MAX).contains(&self.payload) {
            return refuse("payload: 12 to 1,200 bytes");
        }
        if self.vary > (self.payload - stamp::LEN).min(PAYLOAD_MAX - self.payload) {
            return refuse("vary: the shortest payload has 12 bytes, the longest 1,200");
        }
        if self
            .level_extension
            .is_some_and(|id| !(1..=EXTENSION_MAX).contains(&id))
        {
            return refuse("level_extension: 1 to 14");
        }
        if self.level > 0 || self.level == i8::MIN {
            return refuse("level: -127 to 0");
        }
        Ok(())
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Speaker {
    options: SpeakOptions,
    /// 48-bit SRTP index of the next packet; its low 16 bits are the sequence number.
    index: u64,
    timestamp: u32,
    /// Packets sent since the count began.
    pub(crate) sent: u64,
    /// Packets to come; `None` = no end.
    pub(crate) left: Option<u64>,
    /// Whether it stands among those who have packets of the measurement to send.
    pub(crate) counted: bool,
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Speaker {
    pub(crate) fn new(options: SpeakOptions) -> Self {
        Self {
            options,
            index: 0,
            timestamp: 0,
            sent: 0,
            left: None,
            counted: false,
            header: Vec::new(),
            payload: vec![0xA5; options.payload + options.vary],
        }
    }

    /// Whether it has more to say after the next packet.
    pub(crate) fn goes_on(&self) -> bool {
        self.left.is_none_or(|left| left > 1)
    }

    /// Sends one packet. Time passes for the stream even when the transport cannot send.
    pub(crate) fn speak(
        &mut self,
        transport: &mut Transport,
        epoch: Instant,
        now: Instant,
        outbox: &mut Outbox,
    ) {
        stamp::write(&mut self.payload, epoch, now);
        self.write_header();
        let payload = self.payload.get(..self.length()).unwrap_or_default();
        let sent = transport.send_rtp(&self.header, payload, self.index, outbox);
        self.sent += u64::from(sent);
        self.index += u64::from(sent);
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Bytes of the next payload: the same for the same stream and number, so that two runs send the same.
    fn length(&self) -> usize {
        let SpeakOptions { payload, vary, .. } = self.options;
        // Fibonacci hashing: neighbours come out far apart.
        let number =
            (self.index ^ u64::from(self.options.ssrc) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        payload - vary + (number >> 32) as usize % (2 * vary + 1)
    }

    fn write_header(&mut self) {
        let SpeakOptions {
            ssrc,
            payload_type,
            level_extension,
            level,
            ..
        } = self.options;
        let fields = Fields {
            marker: self.index == 0,
            payload_type,
            sequence: self.index as u16,
            timestamp: self.timestamp,
            ssrc,
        };
        let level = [Level {
            voice: level >= QUIETEST_VOICE,
            dbov: level,
        }
        .to_byte()];
        self.header.clear();
        let written = match level_extension {
            Some(id) => fields.write(&[(id, &level)], &mut self.header),
            None => fields.write(&[], &mut self.header),
        };
        debug_assert!(written.is_ok(), "the options were checked");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use hocket_media::rtp::Header;

    const OPTIONS: SpeakOptions = SpeakOptions {
        ssrc: 7,
        payload_type: 111,
        payload: 80,
        vary: 0,
        level_extension: Some(3),
        level: -30,
    };

    fn level(dbov: i8) -> Level {
        let mut speaker = Speaker::new(SpeakOptions {
            level: dbov,
            ..OPTIONS
        });
        speaker.write_header();
        let packet = [&speaker.header[..], &speaker.payload[..]].concat();
        let header = Header::parse(&packet).unwrap();
        Level::from_bytes(header.extension(&packet, 3).unwrap()).unwrap()
    }

    #[test]
    fn lengths_vary_evenly_within_what_was_asked_for_and_are_the_same_each_time() {
        let lengths = |ssrc, vary| -> Vec<usize> {
            let mut speaker = Speaker::new(SpeakOptions {
                ssrc,
                vary,
                ..OPTIONS
            });
            let next = |index| {
                speaker.index = index;
                speaker.length()
            };
            (0..8_100).map(next).collect()
        };
        let varied = lengths(7, 40);
        for length in 40..=120 {
            let times = varied.iter().filter(|one| **one == length).count();
            assert!(
                (50..=150).contains(&times),
                "{length}: {times} times of 100"
            );
        }
        assert_eq!(varied, lengths(7, 40));
        assert_ne!(varied, lengths(8, 40));
        assert!(lengths(7, 0).iter().all(|length| *length == 80));
    }

    #[test]
    fn a_payload_that_may_become_too_short_or_too_long_is_refused() {
        for (payload, vary, fits) in [
            (80, 68, true),
            (80, 69, false),
            (1_190, 10, true),
            (1_190, 11, false),
        ] {
            let options = SpeakOptions {
                payload,
                vary,
                ..OPTIONS
            };
            assert_eq!(options.check().is_ok(), fits, "{payload} ± {vary}");
        }
    }

    #[test]
    fn a_quiet_microphone_is_marked_as_no_voice() {
        for (dbov, voice) in [(-30, true), (-60, true), (-61, false), (-80, false)] {
            assert_eq!(level(dbov), Level { voice, dbov });
        }
    }
}
