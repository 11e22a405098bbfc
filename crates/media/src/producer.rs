//! What one user sends: how its packets are recognised, read once, and handed on in the clear.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::active_speakers::Speaker;
use crate::allowance::Allowance;
use crate::cap::{Cap, Rates};
use crate::clock::CLOCK_RATE;
use crate::drops::Drop;
use crate::event::Event;
use crate::frames::Frames;
use crate::gate::Gate;
use crate::id::ProducerId;
use crate::link::Link;
use crate::nack::Generator;
use crate::numbering::{Number, Numbering};
use crate::observer::{Change, Observer};
use crate::options::ProducerOptions;
use crate::packet::{Codec, MediaPacket, Pool};
use crate::queues::Queues;
use crate::rtcp::{Ntp, ReportBlock, write};
use crate::rtp::red::{self, Blocks};
use crate::rtp::{Header, Level, Reception};
use crate::shared::ProducerShared;
use crate::stats::{ProducerStats, Traffic};

/// Goodbyes of one source that are listened to: one a second. Each can end a spell of speaking that everybody is told of (T9).
const GOODBYES_PER_SECOND: u32 = 1;
const GOODBYES_AT_ONCE: u32 = 2;
/// Handing nothing on for so long, a producer gives back the memory of its latest packets, some 15 kB. Whoever talks pauses for less.
const REST: Duration = Duration::from_secs(30);
/// We send nothing that a speaker's transport would report on, so the way to it is never measured.
const RTT_UNKNOWN: Duration = Duration::ZERO;

/// See the module's documentation.
pub(crate) struct Producer {
    pub(crate) shared: Arc<ProducerShared>,
    options: Box<ProducerOptions>,
    /// The SSRC that its packets have: from signalling, or from an authentic packet that carried its mid.
    ssrc: Option<u32>,
    /// Counts changes of the SSRC.
    source: u32,
    /// Counts pauses.
    run: u32,
    paused: bool,
    pool: Pool,
    /// When it handed on its latest packet.
    handed_on: Option<Instant>,
    observer: Observer,
    gate: Gate,
    speaker: Speaker,
    numbering: Numbering,
    /// RTP time of the first packet handed on since the last pause or silence; `None` = there was none yet.
    since: Option<u32>,
    received: Traffic,
    withheld: u64,
    crowded_out: u64,
    rates: Rates,
    cap: Cap,
    goodbyes: Allowance<GOODBYES_PER_SECOND, GOODBYES_AT_ONCE>,
    reception: Reception,
    missing: Generator,
    asked: u64,
}

/// An authentic packet, parsed.
pub(crate) struct Incoming<'a> {
    pub(crate) header: Header,
    /// Header and payload, in the clear.
    pub(crate) bytes: &'a [u8],
    /// 48-bit SRTP index.
    pub(crate) index: u64,
    /// Whether it leaves padded: see [`crate::Worker::set_padding`].
    pub(crate) pads: bool,
}

impl Producer {
    /// A producer that has received nothing. `options` have passed [`ProducerOptions::check`]; `silence_dbov` and `rates`: see
    /// [`crate::Options`].
    pub(crate) fn new(
        shared: Arc<ProducerShared>,
        options: Box<ProducerOptions>,
        silence_dbov: Option<i8>,
        rates: Rates,
        speaker: Speaker,
    ) -> Self {
        let ssrc = options.ssrc;
        Self {
            shared,
            options,
            ssrc,
            source: 0,
            run: 0,
            paused: false,
            pool: Pool::default(),
            handed_on: None,
            observer: Observer::default(),
            gate: Gate::new(silence_dbov),
            speaker,
            numbering: Numbering::default(),
            since: None,
            received: Traffic::default(),
            withheld: 0,
            crowded_out: 0,
            rates,
            cap: Cap::default(),
            goodbyes: Allowance::default(),
            reception: Reception::new(CLOCK_RATE),
            missing: Generator::new(),
            asked: 0,
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
        self.reception = Reception::new(CLOCK_RATE);
        self.missing.reset();
        self.numbering = Numbering::default();
        self.since = None;
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
            pads,
        } = incoming;
        let payload = header.payload(bytes);
        let since_previous = self
            .reception
            .ticks_since_previous(*index, header.timestamp);
        let frames = Frames::of(since_previous);
        self.reception.receive(*index, header.timestamp, now);
        self.received.add(payload.len());
        if self.paused {
            return Err(Drop::ProducerPaused);
        }
        if !self.cap.take(payload.len(), self.rates, now) {
            return Err(Drop::RtpFlood);
        }
        let level = self
            .options
            .audio_level_extension
            .and_then(|id| header.extension(bytes, id))
            .and_then(Level::from_bytes);
        let number = self.number(*index, level, frames, now);
        if self.reception.highest() == Some(*index) {
            self.note_stretch(number.is_ok(), header.timestamp);
        }
        let (codec, opus) = self.read_payload(header.payload_type, payload)?;
        self.observe(level, frames, now, queues);
        let number = number.map_err(|reason| self.keep_back(reason))?;
        let (codec, opus, payload) = match codec {
            Codec::Red(blocks) if self.was_withheld(blocks, header.timestamp) => {
                let opus = payload.get(opus).unwrap_or_default();
                (Codec::Opus, 0..opus.len(), opus)
            }
            _ => (codec, opus, payload),
        };
        let (source, run) = (self.source, self.run);
        self.handed_on = Some(now);
        Ok(self.pool.take(self.shared.id(), now, |packet| {
            packet.sequence = number.value;
            packet.source = source;
            packet.run = run;
            packet.late = number.late;
            packet.timestamp = header.timestamp;
            packet.received = now;
            packet.marker = header.marker || number.begins.is_some();
            packet.codec = codec;
            packet.level = level.map(Level::to_byte);
            packet.opus = opus;
            packet.set_payload(payload, *pads);
        }))
    }
}

impl Producer {
    /// A pause lets nothing through and ends speaking at once; packets are still counted.
    pub(crate) fn set_paused(&mut self, paused: bool, queues: &mut Queues) {
        self.paused = paused;
        if paused {
            self.run = self.run.wrapping_add(1);
            self.missing.reset(); // nobody misses what nobody is to hear
            self.gate.shut();
            self.since = None;
            self.stop(queues);
        }
    }

    /// Whether it has been sending too much for so long that its transport is to end.
    pub(crate) fn floods(&self) -> bool {
        self.cap.is_exhausted()
    }

    /// It is over, or paused: nobody hears it speak, and others may be heard in its place.
    pub(crate) fn stop(&mut self, queues: &mut Queues) {
        self.speaker.leave();
        let change = self.observer.stop();
        self.announce(change, queues);
    }

    /// Does what is due: silence is noticed, and missing packets are asked for.
    pub(crate) fn handle_timeout(
        &mut self,
        reporter: u32,
        link: &mut Link,
        queues: &mut Queues,
        now: Instant,
    ) {
        let change = self.observer.handle_timeout(now);
        self.announce(change, queues);
        let due = self
            .missing
            .next_timeout(RTT_UNKNOWN)
            .is_some_and(|due| due <= now);
        if due {
            self.ask(reporter, link, queues, now);
        }
    }

    /// Gives back the memory of its packets when it has handed none on for a while; tells whether it did, and whoever holds some of them is to
    /// let go.
    pub(crate) fn rest(&mut self, now: Instant) -> bool {
        let idle = |since: &mut Instant| now.saturating_duration_since(*since) >= REST;
        self.handed_on.take_if(idle).is_some() && self.pool.empty()
    }

    /// When [`Producer::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        [
            self.observer.next_timeout(),
            self.missing.next_timeout(RTT_UNKNOWN),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The sender says what its clock shows.
    pub(crate) fn handle_sender_report(&mut self, sent: Ntp, now: Instant) {
        self.reception.receive_sender_report(sent, now);
    }

    /// The sender says that its stream has ended: it speaks no longer, and what was lost of it is history. It may go on all the same, or begin
    /// anew under this SSRC; its packets are taken as before, and counted from there on.
    pub(crate) fn handle_bye(&mut self, now: Instant, queues: &mut Queues) {
        if self.goodbyes.take(now) {
            self.reception = Reception::new(CLOCK_RATE);
            self.missing.reset();
            self.stop(queues);
        }
    }

    /// What is to be told to the sender about its stream; `None` before the first packet.
    pub(crate) fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        self.reception.report(self.ssrc?, now)
    }

    /// Asks the sender for missing packets (RFC 4585 §6.2.1), in a compound with an empty report, because reduced size was not negotiated.
    fn ask(&mut self, reporter: u32, link: &mut Link, queues: &mut Queues, now: Instant) {
        let mut sequences = Vec::new();
        self.missing.poll(now, RTT_UNKNOWN, &mut sequences);
        let Some(ssrc) = self.ssrc.filter(|_| !sequences.is_empty()) else {
            return;
        };
        self.asked += sequences.len() as u64;
        let mut packet = Vec::new();
        write::receiver_report(reporter, &[], &mut packet);
        write::nack(reporter, ssrc, sequences.into_iter(), &mut packet);
        link.send_rtcp(&mut packet, &mut queues.outbox);
    }

    /// What has been counted.
    pub(crate) fn stats(&self) -> ProducerStats {
        ProducerStats {
            received: self.received,
            withheld: self.withheld,
            crowded_out: self.crowded_out,
            lost: self.reception.lost(),
            jitter_ms: self.reception.jitter().as_secs_f32() * 1_000.0,
            nacks_sent: self.asked,
            level: self.observer.level(),
            speaking: self.observer.is_speaking(),
            paused: self.paused,
        }
    }

    /// The number under which a packet is handed on, or why it is not. Notes what is to be asked for again: nothing of what nobody hears.
    fn number(
        &mut self,
        index: u64,
        level: Option<Level>,
        frames: Frames,
        now: Instant,
    ) -> Result<Number, Drop> {
        let (gate, speaker) = (&mut self.gate, &mut self.speaker);
        let number = self.numbering.place(index, || {
            let admitted = gate.admits(level, frames, now);
            if !admitted {
                speaker.leave();
            }
            admitted && speaker.is_heard(level, frames, now)
        });
        if self.options.nack {
            self.expect(index, number, now);
        }
        number.ok_or(if self.speaker.waits() {
            Drop::CrowdedOut
        } else {
            Drop::Silence
        })
    }

    /// Notes what is missing now that this packet came.
    fn expect(&mut self, index: u64, number: Option<Number>, now: Instant) {
        match number {
            Some(number) => {
                self.missing.skip_to(number.begins.unwrap_or_default());
                self.missing.receive(index, now);
            }
            None => self.missing.skip_to(index.saturating_add(1)),
        }
    }

    /// Counts a packet that is not handed on.
    fn keep_back(&mut self, reason: Drop) -> Drop {
        let count = if reason == Drop::CrowdedOut {
            &mut self.crowded_out
        } else {
            &mut self.withheld
        };
        *count = count.wrapping_add(1);
        reason
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
        let primary = red::primary(payload).map_err(|_| Drop::RtpMalformed)?;
        // Whatever else is inside, a listener was told that it is Opus.
        let blocks =
            Blocks::of(&primary, self.options.opus_payload_type).ok_or(Drop::RtpPayloadType)?;
        Ok((
            Codec::Red(blocks),
            payload.len() - primary.data.len()..payload.len(),
        ))
    }

    /// Notes where what is handed on begins and ends, by packets that are newer than all before.
    fn note_stretch(&mut self, handed_on: bool, timestamp: u32) {
        self.since = if handed_on {
            self.since.or(Some(timestamp))
        } else {
            None
        };
    }

    /// Whether a RED packet carries along what was said in a pause or in silence: it is handed on without, as nobody is to hear that.
    fn was_withheld(&self, blocks: Blocks, timestamp: u32) -> bool {
        self.since
            .is_none_or(|since| blocks.reach_before(since, timestamp))
    }

    fn observe(&mut self, level: Option<Level>, frames: Frames, now: Instant, queues: &mut Queues) {
        let Some(level) = level else { return };
        let due = self.observer.handle_timeout(now);
        self.announce(due, queues);
        let change = self.observer.handle_level(level.dbov, frames, now);
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
