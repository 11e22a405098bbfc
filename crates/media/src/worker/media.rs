//! Media: what a client sends is opened, read and handed on; what its consumers' receivers report is acted on.

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::drops::Drop;
use crate::event::CloseReason;
use crate::id::WorkerId;
use crate::message::WorkerMessage;
use crate::packet::MediaPacket;
use crate::producer::{Incoming, Producer};
use crate::rtp::Header;
use crate::slab::Slot;
use crate::srtp;
use crate::transport::Transport;

impl Worker {
    /// Takes a datagram of class RTP from a validated address.
    pub(super) fn handle_rtp(&mut self, slot: Slot, data: &mut [u8], now: Instant) {
        let Some(transport) = self.transports.get_mut(slot) else {
            return;
        };
        let handled = transport.handle_rtp(data, self.pads, now, &mut self.queues);
        Self::schedule(&mut self.deadlines, &self.options, transport, slot, now);
        match handled {
            Ok((packet, subscribers)) => self.hand_on(&packet, subscribers),
            Err(reason) => {
                transport.drop(reason, &mut self.queues);
                if reason == Drop::RtpFlood && transport.producers.iter().any(Producer::floods) {
                    self.end_transport(slot, CloseReason::Flood);
                }
            }
        }
    }

    /// Gives a packet to every worker that has somebody who wants it.
    fn hand_on(&mut self, packet: &Arc<MediaPacket>, subscribers: u64) {
        if subscribers & self.id.bit() != 0 {
            self.forward(packet);
        }
        let mut others = subscribers & !self.id.bit();
        while others != 0 {
            let place = others.trailing_zeros();
            others &= others - 1;
            let worker = WorkerId(u8::try_from(place).unwrap_or(u8::MAX));
            self.queues
                .message(worker, WorkerMessage::Packet(Arc::clone(packet)));
        }
    }

    /// Sends a packet to the consumers here.
    pub(super) fn forward(&mut self, packet: &Arc<MediaPacket>) {
        self.router
            .forward(packet, &mut self.transports, &mut self.queues.outbox);
    }
}

impl Transport {
    /// Opens, parses and attributes a packet. State moves only after authentication (T7).
    fn handle_rtp(
        &mut self,
        data: &mut [u8],
        pads: bool,
        now: Instant,
        queues: &mut crate::queues::Queues,
    ) -> Result<(Arc<MediaPacket>, u64), Drop> {
        let inbound = self.inbound.as_mut().ok_or(Drop::NotConnected)?;
        let opened = inbound.unprotect_rtp(data).map_err(reason)?;
        let bytes = data.get(..opened.len).ok_or(Drop::RtpMalformed)?;
        let header = Header::parse(bytes).map_err(|_| Drop::RtpMalformed)?;
        let incoming = Incoming {
            header,
            bytes,
            index: opened.index,
            pads,
        };
        let known = self
            .producers
            .iter()
            .position(|producer| producer.has_ssrc(header.ssrc));
        let position = known.or_else(|| {
            self.producers
                .iter_mut()
                .position(|producer| producer.adopts(&incoming))
        });
        let producer = position
            .and_then(|position| self.producers.get_mut(position))
            .ok_or(Drop::RtpUnknownSource)?;
        let packet = producer.handle_packet(&incoming, now, queues)?;
        Ok((packet, producer.shared.subscribers()))
    }
}

/// Why SRTP did not let a packet in.
fn reason(error: srtp::Error) -> Drop {
    match error {
        srtp::Error::Replay => Drop::SrtpReplay,
        srtp::Error::Malformed => Drop::RtpMalformed,
        srtp::Error::TooManySources => Drop::Overflow,
        _ => Drop::SrtpAuthentication,
    }
}
