//! One speaker: the RTP line that it sends, packet by packet. A packet holds one, two or three frames of 20 ms ([`Ptime`]); how many may change
//! while it speaks.

use std::time::{Duration, Instant};

use hocket_engine::{Error, Result};
use hocket_media::Outbox;
use hocket_media::client::Transport;
use hocket_media::rtp::{Fields, Level};

use crate::ptime::Ptime;
use crate::stamp;

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
    /// Bytes of a frame of 20 ms, [`stamp::LEN`] – 1,200. A packet of more frames has so much more, at the same bit rate, and 1,200 at most too.
    pub payload: usize,
    /// By how many bytes a frame may be longer or shorter than `payload`, as with variable bit rate; every length within is as likely.
    pub vary: usize,
    /// How much sound each packet holds, if packets of so much are not longer than 1,200 bytes; 20 ms if they are.
    pub ptime: Ptime,
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

    /// Whether its packets may have this length: none is longer than [`PAYLOAD_MAX`].
    const fn fits(&self, ptime: Ptime) -> bool {
        self.longest(ptime) <= PAYLOAD_MAX
    }

    /// Bytes of the longest payload with packets of this length.
    const fn longest(&self, ptime: Ptime) -> usize {
        (self.payload + self.vary) * ptime.frames()
    }
}

/// Another packet time, as soon as so many packets more have been sent.
#[derive(Clone, Copy, Debug)]
struct Change {
    ptime: Ptime,
    after: usize,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Speaker {
    options: SpeakOptions,
    change: Option<Change>,
    /// 48-bit SRTP index of the next packet; its low 16 bits are the sequence number.
    index: u64,
    /// Frames of 20 ms sent so far.
    frames: u64,
    timestamp: u32,
    /// Packets sent since the count began, by [`Ptime::index`].
    sent: [u64; Ptime::ALL.len()],
    /// Turns it had since then, whether its transport could send or not.
    turns: u64,
    /// Sound to come; `None` = no end.
    left: Option<Duration>,
    /// Whether it stands among those who have packets of the measurement to send.
    pub(crate) counted: bool,
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Speaker {
    pub(crate) fn new(options: SpeakOptions) -> Self {
        let ptime = if options.fits(options.ptime) {
            options.ptime
        } else {
            Ptime::default()
        };
        let fitting = Ptime::ALL.into_iter().filter(|ptime| options.fits(*ptime));
        let longest = fitting.map(|ptime| options.longest(ptime)).max();
        Self {
            options: SpeakOptions { ptime, ..options },
            change: None,
            index: 0,
            frames: 0,
            timestamp: 0,
            sent: [0; Ptime::ALL.len()],
            turns: 0,
            left: None,
            counted: false,
            header: Vec::new(),
            payload: vec![0xA5; longest.unwrap_or_default()],
        }
    }

    /// How much sound its next packet holds.
    pub(crate) fn ptime(&self) -> Ptime {
        self.options.ptime
    }

    /// Packets sent since the count began, by [`Ptime::index`].
    pub(crate) fn sent(&self) -> &[u64; Ptime::ALL.len()] {
        &self.sent
    }

    /// Packets that it is to send in all since the count began, if nothing holds it up and their length stays.
    pub(crate) fn asked(&self) -> u64 {
        let left = self.left.unwrap_or_default();
        self.turns + left.as_millis().div_ceil(self.ptime().ms().into()) as u64
    }

    /// Takes a wish for another packet time, for after the packet in the making and `after` more. A wish for packets that would be too long is
    /// none, as a client that cannot goes on as before.
    pub(crate) fn wish(&mut self, ptime: Ptime, after: usize) {
        if self.options.fits(ptime) {
            self.change = Some(Change { ptime, after });
        }
    }

    /// Counts from here on, and has so much sound to send: whole packets, the last one may hold more. Between two talks nothing is in the making,
    /// so a wish is fulfilled at once.
    pub(crate) fn begin(&mut self, sound: Duration) {
        if let Some(change) = self.change.take() {
            self.options.ptime = change.ptime;
        }
        self.left = Some(sound);
        self.turns = 0;
        self.sent = [0; Ptime::ALL.len()];
    }

    /// Whether it has more to say.
    pub(crate) fn goes_on(&self) -> bool {
        self.left != Some(Duration::ZERO)
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
        self.pass(sent);
    }

    /// Moves on by a packet.
    fn pass(&mut self, sent: bool) {
        let ptime = self.ptime();
        if sent {
            self.index += 1;
            self.frames += ptime.frames() as u64;
            if let Some(count) = self.sent.get_mut(ptime.index()) {
                *count += 1;
            }
        }
        self.turns += 1;
        self.timestamp = self.timestamp.wrapping_add(ptime.ticks());
        self.left = self.left.map(|left| left.saturating_sub(ptime.duration()));
        match &mut self.change {
            Some(Change { ptime, after: 0 }) => {
                self.options.ptime = *ptime;
                self.change = None;
            }
            Some(change) => change.after -= 1,
            None => {}
        }
    }

    /// Bytes of the next payload: those of its frames.
    fn length(&self) -> usize {
        let frames = self.ptime().frames() as u64;
        (0..frames).map(|one| self.frame(self.frames + one)).sum()
    }

    /// Bytes of a frame: the same for the same stream and number, so that two runs send the same.
    fn frame(&self, number: u64) -> usize {
        let SpeakOptions { payload, vary, .. } = self.options;
        // Fibonacci hashing: neighbours come out far apart.
        let hash =
            (number ^ u64::from(self.options.ssrc) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        payload - vary + (hash >> 32) as usize % (2 * vary + 1)
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
#[path = "speaker_tests.rs"]
pub(crate) mod tests;
