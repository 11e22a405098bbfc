//! One producer's stream to one receiver: its own SSRC, payload types, extension ids, and one continuous line of sequence numbers and times.
//!
//! Small, and side by side with the others of its feed: this is what a forwarded packet touches. The cipher belongs to the transport.

mod header;
mod line;
mod nack;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use crate::consumer::header::{Fields, HEADER_MAX, Template};
use crate::consumer::line::{Line, Mapped};
use crate::consumer::nack::Allowance;
use crate::id::ConsumerId;
use crate::link::Link;
use crate::options::ConsumerOptions;
use crate::outbox::Outbox;
use crate::packet::{Codec, MediaPacket};
use crate::slab::Slot;
use crate::stats::{ConsumerStats, Traffic};

/// See the module's documentation.
pub(crate) struct Consumer {
    pub(crate) id: ConsumerId,
    /// The place of the transport that it is sent on.
    pub(crate) slot: Slot,
    pub(crate) ssrc: u32,
    opus: u8,
    /// `None` = the receiver has no RED and gets the Opus packet inside.
    red: Option<u8>,
    nack: bool,
    template: Template,
    line: Line,
    pub(crate) cname: Arc<str>,
    sent: Traffic,
    allowance: Allowance,
    retransmitted: u32,
    refused: u32,
    /// RTP time of the latest packet, as sent, and when that packet had arrived: what a sender report is made of.
    latest: Option<(u32, Instant)>,
    pub(crate) report: Reported,
}

/// What the receiver said about it in its latest report (RFC 3550 §6.4.2).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reported {
    /// Share lost since the report before, in 256ths.
    pub(crate) fraction_lost: u8,
    /// Ticks at 48 kHz.
    pub(crate) jitter: u32,
    pub(crate) rtt_ms: Option<f32>,
}

impl Consumer {
    /// A consumer that has sent nothing. `options` have passed [`ConsumerOptions::check`].
    pub(crate) fn new(
        id: ConsumerId,
        slot: Slot,
        options: &ConsumerOptions,
        random: &mut StdRng,
    ) -> Self {
        Self {
            id,
            slot,
            ssrc: options.ssrc,
            opus: options.opus_payload_type,
            red: options.red_payload_type,
            nack: options.nack,
            template: Template::new(options),
            line: Line::new(random),
            cname: Arc::clone(&options.cname),
            sent: Traffic::default(),
            allowance: Allowance::default(),
            retransmitted: 0,
            refused: 0,
            latest: None,
            report: Reported::default(),
        }
    }

    /// Whether packets are to be kept in case it asks again.
    pub(crate) fn may_ask_again(&self) -> bool {
        self.nack
    }

    /// A pause: the next packet, whenever it comes, follows the last one without a gap in the sequence.
    pub(crate) fn interrupt(&mut self) {
        self.line.interrupt();
    }

    /// Sends a packet, if its transport is ready for media.
    pub(crate) fn forward(
        &mut self,
        packet: &MediaPacket,
        start: Instant,
        link: &mut Link,
        outbox: &mut Outbox,
    ) {
        if !link.is_open() {
            return;
        }
        let Some(mapped) = self.line.forward(
            packet.source,
            packet.sequence,
            packet.timestamp,
            packet.received,
        ) else {
            return;
        };
        let payload = self.write(packet, mapped, start, link, outbox);
        self.sent.add(payload);
        self.latest = Some((mapped.timestamp, packet.received));
    }
}

impl Consumer {
    /// Sends a packet again that the receiver asks for by its sequence number. `recall` finds what the feed still has.
    pub(crate) fn resend<'a>(
        &mut self,
        sequence: u16,
        recall: impl FnOnce(u32, u64) -> Option<&'a Arc<MediaPacket>>,
        start: Instant,
        now: Instant,
        link: &mut Link,
        outbox: &mut Outbox,
    ) {
        let found = self
            .line
            .sent_as(sequence)
            .and_then(|(source, number, index)| Some((recall(source, number)?, index)));
        let Some((packet, index)) = found.filter(|_| self.nack && self.allowance.take(now)) else {
            self.refused = self.refused.wrapping_add(1);
            return;
        };
        if let Some(timestamp) = self.line.timestamp(packet.timestamp) {
            self.write(packet, Mapped { index, timestamp }, start, link, outbox);
            self.retransmitted = self.retransmitted.wrapping_add(1);
        }
    }

    /// Takes what the receiver reports about it.
    pub(crate) fn handle_report(&mut self, report: Reported) {
        self.report = report;
    }

    /// What has been counted.
    pub(crate) fn stats(&self, paused: bool) -> ConsumerStats {
        ConsumerStats {
            sent: self.sent,
            retransmitted: u64::from(self.retransmitted),
            refused: u64::from(self.refused),
            paused,
            loss: f32::from(self.report.fraction_lost) / 256.0,
            jitter_ms: self.report.jitter_ms(),
            rtt_ms: self.report.rtt_ms,
        }
    }

    /// Seals and queues one packet. Everything in it follows from `packet` and the line alone, so that a packet sent again is the same bit for
    /// bit (see `srtp`): that is why abs-send-time is the time at which we received it, microseconds before we send it.
    fn write(
        &self,
        packet: &MediaPacket,
        mapped: Mapped,
        start: Instant,
        link: &mut Link,
        outbox: &mut Outbox,
    ) -> usize {
        let (payload_type, payload) = match (packet.codec, self.red) {
            (Codec::Red, Some(red)) => (red, packet.payload.as_slice()),
            _ => (self.opus, packet.opus()),
        };
        let fields = Fields {
            marker: packet.marker,
            payload_type,
            sequence: mapped.index as u16,
            timestamp: mapped.timestamp,
            level: packet.level,
            time: abs_send_time(packet.received.saturating_duration_since(start)),
        };
        let mut header = [0; HEADER_MAX];
        let header = self.template.fill(fields, &mut header);
        link.send_rtp(header, payload, mapped.index, outbox);
        payload.len()
    }
}

impl Reported {
    fn jitter_ms(self) -> f32 {
        self.jitter as f32 / 48.0
    }
}

/// abs-send-time: seconds in 6.18 fixed point, 24 bits.
fn abs_send_time(time: Duration) -> u32 {
    const WRAP: u128 = 64;
    let nanos = time.as_nanos() % (WRAP * 1_000_000_000);
    ((nanos << 18) / 1_000_000_000) as u32 & 0x00FF_FFFF
}
