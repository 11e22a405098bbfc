//! One producer's stream to one receiver: its own SSRC, payload types, extension ids, and one continuous line of sequence numbers and times.
//!
//! Small, and side by side with the others of its feed: this is what a forwarded packet touches. The cipher belongs to the transport.

mod header;

use std::time::Instant;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::allowance::Allowance;
use crate::clock::{CLOCK_RATE, Clock};
use crate::consumer::header::{Fields, HEADER_MAX, Template};
use crate::id::ConsumerId;
use crate::link::Link;
use crate::options::ConsumerOptions;
use crate::outbox::Outbox;
use crate::packet::{Codec, MediaPacket};
use crate::rtcp::SenderInfo;
use crate::rtp::{self, Line, Mapped, Sent};
use crate::slab::Slot;
use crate::stats::{ConsumerStats, Traffic};

/// Retransmissions a second that one consumer gets: four times what a stream of 50 packets a second could ever use (T9).
const RESENDS_PER_SECOND: u32 = 200;
/// How many at once: what one burst of loss can take out of the history.
const RESENDS_AT_ONCE: u32 = 64;

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
    /// The producer's change of SSRC, and its pause, that the line follows.
    source: u32,
    run: u32,
    /// The producer's RTP time of the first packet of the line's stretch: what the receiver gets begins there.
    since: u32,
    template: Template,
    line: Line,
    sent: Traffic,
    /// Whether it has sent something that no sender report told of.
    unreported: bool,
    /// Few receivers ever ask.
    resends: Option<Box<Resends>>,
    receiver: Receiver,
}

/// Packets that the receiver asked for again.
#[derive(Clone, Copy, Debug, Default)]
struct Resends {
    allowance: Allowance<RESENDS_PER_SECOND, RESENDS_AT_ONCE>,
    granted: u32,
    refused: u32,
}

/// A channel of a thousand has a million of them.
const _: () = assert!(size_of::<Consumer>() <= 176);

/// What the receiver said about it in its latest report (RFC 3550 §6.4.2).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receiver {
    /// Share lost since the report before, 0.0–1.0.
    pub(crate) loss: f32,
    pub(crate) jitter_ms: f32,
    pub(crate) rtt_ms: Option<f32>,
}

/// Where a packet is written to.
pub(crate) struct Sink<'a> {
    pub(crate) link: &'a mut Link,
    pub(crate) outbox: &'a mut Outbox,
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
            source: 0,
            run: 0,
            since: 0,
            template: Template::new(options),
            line: Line::new(random.random::<u16>() >> 1, random.random(), CLOCK_RATE),
            sent: Traffic::default(),
            unreported: false,
            resends: None,
            receiver: Receiver::default(),
        }
    }

    /// Whether packets are to be kept in case it asks again.
    pub(crate) fn may_ask_again(&self) -> bool {
        self.nack
    }

    /// Whether its receiver has ever got a packet.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.packets > 0
    }

    /// Packets stop coming: the next one, whenever it is, follows the last without a gap in the sequence.
    pub(crate) fn pause(&mut self) {
        self.line.pause();
    }

    /// Sends a packet, if its transport is ready for media. `time` is the packet's [`abs_send_time`].
    pub(crate) fn forward(&mut self, packet: &MediaPacket, time: [u8; 3], sink: Sink<'_>) {
        if !sink.link.is_open() {
            return;
        }
        if packet.source != self.source {
            self.line.change_source();
        } else if packet.run != self.run {
            self.line.pause();
        }
        (self.source, self.run) = (packet.source, packet.run);
        if packet.late && !self.line.goes_on() {
            return; // newer ones went by before it was wanted, and are no loss
        }
        if let Some(mapped) = self
            .line
            .map(packet.sequence, packet.timestamp, packet.received)
        {
            if mapped.begins {
                self.since = packet.timestamp;
            }
            if !self.unreported {
                self.unreported = true;
                sink.link.unreported.push(self.id);
            }
            let payload = self.write(packet, mapped, time, sink);
            self.sent.add(payload);
        }
    }

    /// Which packet the receiver means by a sequence number: the source's number for it, and its source.
    pub(crate) fn find(&self, sequence: u16) -> Option<(u32, Sent)> {
        self.line.find(sequence).map(|sent| (self.source, sent))
    }

    /// Sends a packet again that the receiver asked for. `packet` is what the feed still has of it.
    pub(crate) fn resend(
        &mut self,
        packet: Option<(&MediaPacket, Sent)>,
        clock: Clock,
        sink: Sink<'_>,
        now: Instant,
    ) {
        let mut resends = self.resends.take().unwrap_or_default();
        let granted = packet.filter(|_| self.nack && resends.allowance.take(now));
        let placed = granted.and_then(|(packet, sent)| {
            let timestamp = self.line.timestamp(packet.timestamp)?;
            Some((
                packet,
                Mapped {
                    index: sent.index,
                    timestamp,
                    begins: sent.begins,
                },
            ))
        });
        match placed {
            Some((packet, mapped)) => {
                self.write(packet, mapped, abs_send_time(packet, clock), sink);
                resends.granted = resends.granted.wrapping_add(1);
            }
            None => resends.refused = resends.refused.wrapping_add(1),
        }
        self.resends = Some(resends);
    }

    /// A sender report, if anything was sent since the last one.
    pub(crate) fn sender_report(&mut self, clock: Clock, now: Instant) -> Option<SenderInfo> {
        if !core::mem::take(&mut self.unreported) {
            return None;
        }
        Some(SenderInfo {
            ssrc: self.ssrc,
            ntp: clock.at(now),
            rtp_timestamp: self.line.timestamp_at(now)?,
            packets: self.sent.packets as u32, // both wrap (RFC 3550 §6.4.1)
            octets: self.sent.bytes as u32,
        })
    }

    /// Takes what the receiver reports about it.
    pub(crate) fn handle_report(&mut self, receiver: Receiver) {
        self.receiver = receiver;
    }

    /// What has been counted.
    pub(crate) fn stats(&self, paused: bool) -> ConsumerStats {
        let resends = self.resends.as_deref().copied().unwrap_or_default();
        ConsumerStats {
            sent: self.sent,
            retransmitted: u64::from(resends.granted),
            refused: u64::from(resends.refused),
            paused,
            loss: self.receiver.loss,
            jitter_ms: self.receiver.jitter_ms,
            rtt_ms: self.receiver.rtt_ms,
        }
    }

    /// Seals and queues one packet. Everything in it follows from the packet and its place on the line, so that a packet sent again is the
    /// same bit for bit ([`crate::srtp`] says why).
    fn write(&self, packet: &MediaPacket, mapped: Mapped, time: [u8; 3], sink: Sink<'_>) -> usize {
        let headers;
        let (payload_type, payload) = match (packet.codec, self.red) {
            // What was said before the receiver listened is not carried to it along with what is said now.
            (Codec::Red(blocks), Some(red))
                if !blocks.reach_before(self.since, packet.timestamp) =>
            {
                if blocks.payload_type == self.opus {
                    (red, [packet.payload.as_slice(), &[]])
                } else {
                    let (retyped, behind) = blocks.retyped(&packet.payload, self.opus);
                    headers = retyped;
                    (red, [headers.as_slice(), behind])
                }
            }
            _ => (self.opus, [packet.opus(), &[]]),
        };
        let length: usize = payload.iter().map(|part| part.len()).sum();
        let fields = Fields {
            marker: packet.marker || mapped.begins,
            padding: packet.padding > 0,
            payload_type,
            sequence: mapped.index as u16, // the low bits of the index, by definition
            timestamp: mapped.timestamp,
            level: packet.level,
            time,
        };
        let mut header = [0; HEADER_MAX];
        let header = self.template.fill(fields, &mut header);
        sink.link
            .send_rtp(self.ssrc, header, payload, mapped.index, sink.outbox);
        length - usize::from(packet.padding) // octets count without it (RFC 3550 §6.4.1)
    }
}

/// What abs-send-time says in a packet to any listener: when it arrived here, some microseconds before it leaves, so that it says the same when the
/// packet is sent again. Reckoned once a packet: once a listener it was 2 % of what a listener costs.
pub(crate) fn abs_send_time(packet: &MediaPacket, clock: Clock) -> [u8; 3] {
    rtp::abs_send_time::from_ntp(clock.at(packet.received))
}
