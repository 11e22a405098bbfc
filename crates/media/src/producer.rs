//! What one user sends: how its packets are recognised, read once, and handed on in the clear.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::drops::Drop;
use crate::event::Event;
use crate::id::ProducerId;
use crate::observer::{Change, Observer};
use crate::options::ProducerOptions;
use crate::packet::{Codec, MediaPacket, Pool};
use crate::queues::Queues;
use crate::rtp::Header;
use crate::shared::ProducerShared;
use crate::stats::{ProducerStats, Traffic};

/// See the module's documentation.
pub(crate) struct Producer {
    pub(crate) shared: Arc<ProducerShared>,
    options: Box<ProducerOptions>,
    /// The SSRC that its packets have: from signalling, or from an authentic packet that carried its mid.
    ssrc: Option<u32>,
    /// Counts changes of the SSRC.
    source: u32,
    paused: bool,
    pool: Pool,
    observer: Observer,
    received: Traffic,
}

/// An authentic packet, parsed.
pub(crate) struct Incoming<'a> {
    pub(crate) header: Header,
    /// Header and payload, in the clear.
    pub(crate) bytes: &'a [u8],
    /// 48-bit SRTP index.
    pub(crate) index: u64,
}

impl Producer {
    /// A producer that has received nothing. `options` have passed [`ProducerOptions::check`].
    pub(crate) fn new(shared: Arc<ProducerShared>, options: Box<ProducerOptions>) -> Self {
        let ssrc = options.ssrc;
        Self {
            shared,
            options,
            ssrc,
            source: 0,
            paused: false,
            pool: Pool::default(),
            observer: Observer::default(),
            received: Traffic::default(),
        }
    }

    pub(crate) fn id(&self) -> ProducerId {
        self.shared.id()
    }

    /// Whether packets of this SSRC are its.
    pub(crate) fn has_ssrc(&self, ssrc: u32) -> bool {
        self.ssrc == Some(ssrc)
    }

    /// Whether this packet, whose SSRC nobody knows, carries its mid. The packet is authentic, so its SSRC is the producer's from now on: one
    /// that signalling did not name, or a new one after a change of source.
    pub(crate) fn adopts(&mut self, incoming: &Incoming<'_>) -> bool {
        let (Some(id), Some(mid)) = (self.options.mid_extension, self.options.mid.as_deref())
        else {
            return false;
        };
        if incoming.header.extension(incoming.bytes, id) != Some(mid.as_bytes()) {
            return false;
        }
        self.source = self.source.wrapping_add(1);
        self.ssrc = Some(incoming.header.ssrc);
        true
    }

    /// Takes a packet of its SSRC.
    ///
    /// # Errors
    /// Why it was dropped.
    pub(crate) fn handle_packet(
        &mut self,
        incoming: &Incoming<'_>,
        now: Instant,
        queues: &mut Queues,
    ) -> Result<Arc<MediaPacket>, Drop> {
        let Incoming {
            header,
            bytes,
            index,
        } = incoming;
        let payload = header.payload(bytes);
        let (codec, opus) = self.read_payload(header.payload_type, payload)?;
        let level = self
            .options
            .audio_level_extension
            .and_then(|id| header.extension(bytes, id))
            .and_then(<[u8]>::first)
            .copied();
        self.received.add(payload.len());
        if self.paused {
            return Err(Drop::ProducerPaused);
        }
        self.observe(level, now, queues);
        let source = self.source;
        Ok(self.pool.take(self.shared.id(), now, |packet| {
            packet.sequence = *index;
            packet.source = source;
            packet.timestamp = header.timestamp;
            packet.received = now;
            packet.marker = header.marker;
            packet.codec = codec;
            packet.level = level;
            packet.opus = opus;
            packet.payload.extend_from_slice(payload);
        }))
    }
}

impl Producer {
    /// A pause lets nothing through and ends speaking at once; packets are still counted.
    pub(crate) fn set_paused(&mut self, paused: bool, queues: &mut Queues) {
        self.paused = paused;
        if paused {
            self.stop(queues);
        }
    }

    /// It is over, or paused: nobody hears it speak.
    pub(crate) fn stop(&mut self, queues: &mut Queues) {
        let change = self.observer.stop();
        self.announce(change, queues);
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, queues: &mut Queues) {
        let change = self.observer.handle_timeout(now);
        self.announce(change, queues);
    }

    /// When [`Producer::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.observer.next_timeout()
    }

    /// What has been counted.
    pub(crate) fn stats(&self) -> ProducerStats {
        ProducerStats {
            received: self.received,
            level: self.observer.level(),
            speaking: self.observer.is_speaking(),
            paused: self.paused,
            ..ProducerStats::default()
        }
    }

    /// What the payload is, and where in it the Opus packet lies.
    fn read_payload(
        &self,
        payload_type: u8,
        payload: &[u8],
    ) -> Result<(Codec, Range<usize>), Drop> {
        if self.options.opus_payload_type == Some(payload_type) {
            return Ok((Codec::Opus, 0..payload.len()));
        }
        if self.options.red_payload_type != Some(payload_type) {
            return Err(Drop::RtpPayloadType);
        }
        let primary = primary(payload).ok_or(Drop::RtpMalformed)?;
        Ok((Codec::Red, primary))
    }

    fn observe(&mut self, level: Option<u8>, now: Instant, queues: &mut Queues) {
        let Some(level) = level else { return };
        let due = self.observer.handle_timeout(now);
        self.announce(due, queues);
        let change = self.observer.handle_level(dbov(level), now);
        self.announce(change, queues);
    }

    fn announce(&self, change: Option<Change>, queues: &mut Queues) {
        if let Some(Change { speaking, level }) = change {
            queues.event(Event::ProducerSpeaking {
                producer: self.id(),
                speaking,
                level,
            });
        }
    }
}

/// The level of an audio-level byte: seven bits of −dBov below the voice flag (RFC 6464 §3).
fn dbov(byte: u8) -> i8 {
    i8::try_from(byte & 0x7F).map_or(0, |level| -level)
}

/// Where a RED payload's primary block lies (RFC 2198 §3).
fn primary(payload: &[u8]) -> Option<Range<usize>> {
    let (mut at, mut redundant) = (0, 0);
    while payload.get(at)? & 0x80 != 0 {
        let [_, _, high, low] = *payload.get(at..)?.first_chunk()?;
        redundant += usize::from(high & 3) << 8 | usize::from(low);
        at += 4;
    }
    let begin = at + 1 + redundant;
    (begin < payload.len()).then_some(begin..payload.len())
}
