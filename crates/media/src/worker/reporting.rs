//! RTCP in both directions: what clients report and ask for, what we tell them (RFC 3550 §6, RFC 4585).

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::clock::CLOCK_RATE;
use crate::consumer::{Consumer, Receiver};
use crate::drops::Drop;
use crate::rtcp::{Bye, Compound, Nack, Packet, ReportBlock, write};
use crate::shared::ProducerShared;
use crate::slab::Slot;
use crate::srtp;
use crate::transport::Transport;

/// Our own canonical name: we are one participant in all our conversations, and nobody's stream.
const CNAME: &str = "hocket";
/// Senders that one datagram describes: 28 bytes of report and some 40 of name each stay far below any path's limit.
const SENDERS_PER_DATAGRAM: usize = 12;

impl Worker {
    /// Takes a datagram of class RTCP from a validated address.
    pub(super) fn handle_rtcp(&mut self, slot: Slot, data: &mut [u8], now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let compound = match transport.open_rtcp(data, now) {
            Ok(compound) => compound,
            Err(reason) => return transport.drop(reason, &mut self.queues),
        };
        for packet in compound.packets() {
            match packet {
                Packet::SenderReport(report) => {
                    let info = report.info;
                    if let Some(producer) = self
                        .transports
                        .get_mut(slot)
                        .and_then(|transport| transport.producer_by_ssrc(info.ssrc))
                    {
                        producer.handle_sender_report(info.ntp, now);
                    }
                    report
                        .blocks()
                        .for_each(|block| self.handle_block(slot, &block, now));
                }
                Packet::ReceiverReport(report) => report
                    .blocks()
                    .for_each(|block| self.handle_block(slot, &block, now)),
                Packet::Nack(nack) => self.handle_nack(slot, &nack, now),
                Packet::Bye(bye) => self.handle_bye(slot, &bye, now),
                _ => {} // names tell us nothing
            }
        }
    }

    /// The receiver says how one of its streams arrives.
    fn handle_block(&mut self, slot: Slot, block: &ReportBlock, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let Some(place) = transport.consumer(block.ssrc) else {
            return;
        };
        let (loss, jitter_ms) = (block.fraction(), ticks_to_ms(block.jitter));
        let round_trip = block.round_trip(self.clock.at(now));
        let rtt_ms = transport
            .reports
            .observe_receiver(loss, jitter_ms, round_trip);
        if let Some((consumer, _)) = self.router.get_mut(place) {
            consumer.handle_report(Receiver {
                loss,
                jitter_ms,
                rtt_ms,
            });
        }
    }

    /// The receiver asks for packets again.
    fn handle_nack(&mut self, slot: Slot, nack: &Nack<'_>, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        if let Some(place) = transport.consumer(nack.media) {
            self.router.resend(
                place,
                nack.sequences(),
                transport,
                &mut self.queues.outbox,
                now,
            );
        }
    }

    /// The client says that streams of its own have ended (RFC 3550 §6.6). What is no stream of this client is not its to end.
    fn handle_bye(&mut self, slot: Slot, bye: &Bye<'_>, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        for ssrc in bye.sources() {
            if let Some(producer) = transport.producer_by_ssrc(ssrc) {
                producer.handle_bye(now, &mut self.queues);
            }
        }
    }

    /// Sends what is due of reports: on what the client sends, and on what it gets.
    pub(super) fn report(&mut self, slot: Slot, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        if !transport.reports.take_due(&mut self.random, now) || !transport.is_connected() {
            return;
        }
        let mut packet = core::mem::take(&mut self.scratch);
        packet.clear();
        if transport.write_receiver_report(&mut packet, now) {
            transport
                .link
                .send_rtcp(&mut packet, &mut self.queues.outbox);
        }
        if let Some(event) = transport.reports.quality(transport.id(), now) {
            self.queues.event(event);
        }
        self.report_to_receiver(slot, &mut packet, now);
        packet.clear();
        self.scratch = packet;
    }

    /// A sender report for each consumer that has sent something since its last, with names. Those of silent people cost nothing.
    fn report_to_receiver(&mut self, slot: Slot, packet: &mut Vec<u8>, now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let mut unreported = core::mem::take(&mut transport.link.unreported);
        for senders in unreported.chunks(SENDERS_PER_DATAGRAM) {
            let mut names: Vec<(u32, Arc<ProducerShared>)> = Vec::with_capacity(senders.len());
            for id in senders {
                if let Some(place) = transport.consumer(id.ssrc())
                    && let Some((consumer, producer)) = self.router.get_mut(place)
                    && let Some(info) = consumer.sender_report(self.clock, now)
                {
                    write::sender_report(&info, &[], packet);
                    names.push((info.ssrc, Arc::clone(producer)));
                }
            }
            if !names.is_empty() {
                write_names(&names, packet);
                transport.link.send_rtcp(packet, &mut self.queues.outbox);
            }
        }
        unreported.clear();
        transport.link.unreported = unreported; // with its room, for the next time
    }

    /// A consumer that is over: its transport forgets it, its receiver hears a BYE (RFC 3550 §6.6), if it has ever heard of it.
    pub(super) fn let_go(&mut self, consumer: &Consumer, producer: &ProducerShared) {
        let Some(transport) = self.transports.get_mut(consumer.slot) else {
            return;
        };
        transport.remove_consumer(consumer.ssrc);
        if !consumer.has_sent() {
            return;
        }
        let mut packet = core::mem::take(&mut self.scratch);
        packet.clear();
        write::receiver_report(consumer.ssrc, &[], &mut packet);
        write::source_description(&[(consumer.ssrc, producer.cname())], &mut packet);
        write::bye(&[consumer.ssrc], &mut packet);
        transport
            .link
            .send_rtcp(&mut packet, &mut self.queues.outbox);
        self.scratch = packet;
    }
}

impl Transport {
    /// Authenticates, decrypts and checks a datagram of RTCP. What is not authentic does not count against the client's allowance.
    fn open_rtcp<'a>(&mut self, data: &'a mut [u8], now: Instant) -> Result<Compound<'a>, Drop> {
        let inbound = self.inbound.as_mut().ok_or(Drop::NotConnected)?;
        let length = inbound.unprotect_rtcp(data).map_err(reason)?;
        if !self.reports.datagrams.take(now) {
            return Err(Drop::RtcpFlood);
        }
        Compound::parse(data.get(..length).unwrap_or_default()).map_err(|_| Drop::RtcpMalformed)
    }

    /// Appends what is to be said about this transport's producers. False when that is nothing.
    fn write_receiver_report(&mut self, packet: &mut Vec<u8>, now: Instant) -> bool {
        let mut blocks = Vec::new();
        for producer in &mut self.producers {
            if let Some(block) = producer.report(now) {
                self.reports
                    .observe_sender(block.fraction(), ticks_to_ms(block.jitter));
                blocks.push(block);
            }
        }
        if blocks.is_empty() {
            return false;
        }
        write::receiver_report(self.reports.ssrc, &blocks, packet);
        write::source_description(&[(self.reports.ssrc, CNAME)], packet);
        true
    }
}

fn write_names(names: &[(u32, Arc<ProducerShared>)], packet: &mut Vec<u8>) {
    let names: Vec<(u32, &str)> = names
        .iter()
        .map(|(ssrc, producer)| (*ssrc, producer.cname()))
        .collect();
    write::source_description(&names, packet);
}

fn ticks_to_ms(ticks: u32) -> f32 {
    ticks as f32 * 1_000.0 / CLOCK_RATE as f32
}

/// Why SRTCP did not let a packet in.
fn reason(error: srtp::Error) -> Drop {
    match error {
        srtp::Error::Replay => Drop::SrtpReplay,
        srtp::Error::Malformed => Drop::RtcpMalformed,
        srtp::Error::TooManySources => Drop::Overflow,
        _ => Drop::SrtpAuthentication,
    }
}
