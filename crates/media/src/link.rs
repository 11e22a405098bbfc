//! The part of a transport that forwarding touches: where packets go, and the cipher that seals them.
//!
//! One cipher a transport, shared by all its consumers: per consumer it would cost a kilobyte each, and its state would not be in the
//! caches when it is needed (BASELINE.md: ten times slower).

use std::net::SocketAddr;

use crate::ice::Path;
use crate::id::ConsumerId;
use crate::outbox::{Chain, Outbox};
use crate::srtp;
use crate::stats::Traffic;

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Link {
    /// Where media goes; `None` before the first check.
    pub(crate) selected: Option<Path>,
    /// Present exactly when media may flow: handshake done, fingerprint matched.
    outbound: Option<Box<srtp::Outbound>>,
    /// Its packets in the outbox.
    chain: Chain,
    pub(crate) sent: Traffic,
    /// Consumers that have sent something since their latest sender report, each once.
    pub(crate) unreported: Vec<ConsumerId>,
}

impl Link {
    /// Lets media out.
    pub(crate) fn open(&mut self, outbound: srtp::Outbound) {
        self.outbound = Some(Box::new(outbound));
    }

    /// Whether media may flow.
    pub(crate) fn is_open(&self) -> bool {
        self.outbound.is_some() && self.selected.is_some()
    }

    /// Seals and queues one RTP packet of the stream `ssrc`, whose payload is the two parts together. `index` is the 48-bit SRTP index (RFC 3711
    /// §3.3.1). Returns whether it could be sent.
    pub(crate) fn send_rtp(
        &mut self,
        ssrc: u32,
        header: &[u8],
        payload: [&[u8]; 2],
        index: u64,
        outbox: &mut Outbox,
    ) -> bool {
        let (Some(path), Some(outbound)) = (self.selected, &mut self.outbound) else {
            return false;
        };
        let length = outbox.push_chained(path.remote, path.local, &mut self.chain, ssrc, |out| {
            let _ = outbound.protect_rtp_in_parts(header, payload, index, out); // on an error nothing was appended, and nothing is queued
        });
        self.sent.add(length);
        length > 0
    }

    /// Seals and queues one RTCP packet, compound or reduced-size. `packet` is used up.
    pub(crate) fn send_rtcp(&mut self, packet: &mut Vec<u8>, outbox: &mut Outbox) {
        let (Some(path), Some(outbound)) = (self.selected, &mut self.outbound) else {
            return;
        };
        if outbound.protect_rtcp(packet).is_ok() {
            outbox.push(path.remote, path.local, packet);
            self.sent.add(packet.len());
        }
        packet.clear();
    }

    /// Queues a datagram that needs no sealing (DTLS, STUN) for a path of this transport.
    pub(crate) fn send_plain(&mut self, path: Path, bytes: &[u8], outbox: &mut Outbox) {
        outbox.push(path.remote, path.local, bytes);
        self.sent.add(bytes.len());
    }

    /// Reads what [`Link::send_rtp`] will need, for nothing but to have it near.
    pub(crate) fn touch(&self) -> u8 {
        self.outbound
            .as_ref()
            .map_or(0, |outbound| outbound.touch())
    }

    /// The selected remote address.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        self.selected.map(|path| path.remote)
    }
}
