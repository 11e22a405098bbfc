//! A person in the channel: one transport to speak on, one to listen on, and an exact memory of what came.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hocket_media::rtp::{Fields, Header};
use hocket_media::{ConsumerId, ProducerId, TransportId};

use super::client::{Client, Opened};

/// One Opus packet.
pub const FRAME: Duration = Duration::from_millis(20);
/// Its RTP ticks.
pub const FRAME_TICKS: u32 = 960;

/// Numbers by which a client describes its own stream; a consumer's differ, so that a mix-up shows.
pub const OPUS: u8 = 111;
pub const RED: u8 = 63;
pub const MID_EXTENSION: u8 = 4;
pub const LEVEL_EXTENSION: u8 = 1;
pub const TIME_EXTENSION: u8 = 2;
/// A consumer's numbers.
pub const CONSUMER_OPUS: u8 = 100;
pub const CONSUMER_RED: u8 = 101;
pub const CONSUMER_MID_EXTENSION: u8 = 9;
pub const CONSUMER_LEVEL_EXTENSION: u8 = 10;
pub const CONSUMER_TIME_EXTENSION: u8 = 11;

/// One of a person's two transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Send,
    Receive,
}

/// A packet that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who spoke, by the payload.
    pub speaker: u8,
    /// The speaker's count.
    pub count: u32,
    pub ssrc: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    /// Header-extension elements.
    pub elements: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
    /// Of a packet that came as RED: each block's payload type, the primary's last.
    pub block_types: Vec<u8>,
    /// The speaker's counts of the older blocks, oldest first.
    pub carried: Vec<u32>,
    pub at: Instant,
}

/// See the module's documentation.
pub struct Person {
    pub name: &'static str,
    pub number: u8,
    pub send: Client,
    pub receive: Client,
    pub send_transport: TransportId,
    pub receive_transport: TransportId,
    pub producer: Option<ProducerId>,
    /// By the speaker's name.
    pub consumers: BTreeMap<&'static str, ConsumerId>,
    pub heard: Vec<Heard>,
    /// Lengths of all RTP payloads that came in.
    pub receive_lengths: Vec<usize>,
    /// RTCP compounds that came in on the receiving transport, and on the sending one.
    pub rtcp: Vec<(Side, Vec<u8>, Instant)>,
    /// Whether a packet is sent each 20 ms.
    pub speaks: bool,
    /// −dBov that is written into the packets.
    pub level: Option<u8>,
    /// Whether packets carry their mid.
    pub writes_mid: bool,
    /// The payload type of its Opus; signalled with the producer.
    pub opus: u8,
    pub wraps_in_red: bool,
    /// How many earlier frames a RED packet carries along.
    pub carries: usize,
    /// A payload type that is written for them instead of Opus's.
    pub carried_type: Option<u8>,
    pub ssrc: u32,
    pub payload_length: usize,
    /// The next packet's 48-bit index and RTP time.
    pub index: u64,
    pub timestamp: u32,
    pub count: u32,
    /// Packets that were sent, by count: (index, timestamp).
    pub sent: BTreeMap<u32, (u64, u32)>,
    next_frame: Instant,
}

impl Person {
    pub fn new(
        name: &'static str,
        number: u8,
        send: Client,
        receive: Client,
        transports: (TransportId, TransportId),
        now: Instant,
    ) -> Self {
        Self {
            name,
            number,
            send,
            receive,
            send_transport: transports.0,
            receive_transport: transports.1,
            producer: None,
            consumers: BTreeMap::new(),
            heard: Vec::new(),
            receive_lengths: Vec::new(),
            rtcp: Vec::new(),
            speaks: false,
            level: Some(30),
            writes_mid: false,
            opus: OPUS,
            wraps_in_red: false,
            carries: 1,
            carried_type: None,
            ssrc: 7_000 + u32::from(number),
            payload_length: 80,
            index: 60_000 + u64::from(number),
            timestamp: 1_000_000 * u32::from(number),
            count: 0,
            sent: BTreeMap::new(),
            next_frame: now,
        }
    }

    pub fn client(&mut self, side: Side) -> &mut Client {
        match side {
            Side::Send => &mut self.send,
            Side::Receive => &mut self.receive,
        }
    }

    pub fn mid(&self) -> String {
        format!("m{}", self.number)
    }

    /// Which of its transports sends from this address.
    pub fn side_of(&self, address: SocketAddr) -> Option<Side> {
        [
            (Side::Send, self.send.address),
            (Side::Receive, self.receive.address),
        ]
        .into_iter()
        .find(|(_, own)| *own == address)
        .map(|(side, _)| side)
    }

    /// Begins to speak now.
    pub fn speak(&mut self, now: Instant) {
        self.speaks = true;
        self.next_frame = now;
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        let frame = self.speaks.then_some(self.next_frame);
        [frame, self.send.next_timeout(), self.receive.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.send.handle_timeout(now);
        self.receive.handle_timeout(now);
        while self.speaks && self.next_frame <= now {
            self.next_frame += FRAME;
            self.send_frame();
        }
    }

    /// The bytes that this person says next: who, and the how manieth.
    pub fn frame(&self) -> Vec<u8> {
        let mut payload = vec![self.number];
        payload.extend_from_slice(&self.count.to_be_bytes());
        payload.resize(self.payload_length.max(5), 0xA5);
        payload
    }

    /// Sends one packet, and moves on by one.
    pub fn send_frame(&mut self) {
        if self.wraps_in_red {
            self.send_payload(RED, &self.wrapped());
        } else {
            self.send_payload(self.opus, &self.frame());
        }
        self.count += 1;
        self.index += 1;
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
    }

    /// The next frame as RED (RFC 2198), behind those before it, shortened to seven bytes.
    pub fn wrapped(&self) -> Vec<u8> {
        let earlier = self.sent.iter().rev().take(self.carries).rev();
        let (mut payload, mut blocks) = (Vec::new(), Vec::new());
        for (count, (_, timestamp)) in earlier {
            let offset = self.timestamp.wrapping_sub(*timestamp);
            if offset >= 1 << 14 {
                continue; // it has no place in the header
            }
            let mut block = vec![self.number];
            block.extend_from_slice(&count.to_be_bytes());
            block.extend_from_slice(&[0xEE; 2]);
            let [high, low] = ((offset as u16) << 2).to_be_bytes();
            let kind = self.carried_type.unwrap_or(self.opus);
            payload.extend_from_slice(&[0x80 | kind, high, low, block.len() as u8]);
            blocks.extend_from_slice(&block);
        }
        payload.push(self.opus);
        payload.extend_from_slice(&blocks);
        payload.extend_from_slice(&self.frame());
        payload
    }

    /// Sends any payload under the present index.
    pub fn send_payload(&mut self, payload_type: u8, payload: &[u8]) {
        let header = self.header(payload_type);
        self.sent.insert(self.count, (self.index, self.timestamp));
        self.send.send_rtp(&header, payload, self.index);
    }

    pub fn header(&self, payload_type: u8) -> Vec<u8> {
        let mid = self.mid();
        let level = self.level.map(|level| [level]);
        let mut elements: Vec<(u8, &[u8])> = vec![(TIME_EXTENSION, &[1, 2, 3])];
        if let Some(level) = &level {
            elements.push((LEVEL_EXTENSION, level));
        }
        if self.writes_mid {
            elements.push((MID_EXTENSION, mid.as_bytes()));
        }
        let fields = Fields {
            marker: self.count == 0,
            payload_type,
            sequence: self.index as u16,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        let mut header = Vec::new();
        fields.write(&elements, &mut header).unwrap();
        header
    }

    /// Reads what has come in.
    pub fn listen(&mut self) {
        for side in [Side::Send, Side::Receive] {
            while let Some(opened) = self.client(side).opened.pop_front() {
                match opened {
                    Opened::Rtp(bytes, at) => {
                        self.receive_lengths
                            .push(Header::parse(&bytes).unwrap().payload(&bytes).len());
                        self.heard.extend(Heard::read(&bytes, at));
                    }
                    Opened::Rtcp(bytes, at) => self.rtcp.push((side, bytes, at)),
                }
            }
        }
    }

    /// Numbers of those who were heard.
    pub fn speakers(&self) -> BTreeSet<u8> {
        self.heard.iter().map(|heard| heard.speaker).collect()
    }

    /// Counts that were heard of a speaker, in the order of their arrival.
    pub fn counts_of(&self, speaker: u8) -> Vec<u32> {
        self.heard
            .iter()
            .filter(|heard| heard.speaker == speaker)
            .map(|heard| heard.count)
            .collect()
    }
}

impl Heard {
    /// `None` when the payload is none of [`Person::frame`].
    fn read(bytes: &[u8], at: Instant) -> Option<Self> {
        let header = Header::parse(bytes).unwrap();
        let payload = header.payload(bytes);
        let (block_types, blocks) = if header.payload_type == CONSUMER_RED {
            read_red(payload)
        } else {
            (Vec::new(), vec![payload])
        };
        let (frame, older) = blocks.split_last()?;
        Some(Self {
            speaker: *frame.first()?,
            count: count(frame)?,
            block_types,
            carried: older.iter().filter_map(|block| count(block)).collect(),
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            marker: header.marker,
            sequence: header.sequence,
            timestamp: header.timestamp,
            elements: header
                .extensions(bytes)
                .map(|(id, value)| (id, value.to_vec()))
                .collect(),
            payload: payload.to_vec(),
            at,
        })
    }
}

/// The count in one of [`Person::frame`].
fn count(frame: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*frame.get(1..)?.first_chunk()?))
}

/// Each block's payload type and bytes, as a receiver finds them (RFC 2198 §3).
fn read_red(payload: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let (mut types, mut lengths, mut rest) = (Vec::new(), Vec::new(), payload);
    while rest[0] & 0x80 != 0 {
        types.push(rest[0] & 0x7F);
        lengths.push(usize::from(rest[2] & 3) << 8 | usize::from(rest[3]));
        rest = &rest[4..];
    }
    types.push(rest[0]);
    rest = &rest[1..];
    let mut blocks = Vec::new();
    for length in lengths {
        let (block, behind) = rest.split_at(length);
        blocks.push(block);
        rest = behind;
    }
    blocks.push(rest);
    (types, blocks)
}

/// Sequence numbers rise by one each; timestamps as much as time has passed.
pub fn assert_one_line(heard: &[Heard]) {
    assert!(heard.len() > 1);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let ticks = f64::from(pair[1].timestamp.wrapping_sub(pair[0].timestamp));
        let passed = (pair[1].at - pair[0].at).as_secs_f64() * 48_000.0;
        assert!((ticks - passed).abs() <= 48.0, "{ticks} ticks in {passed}");
    }
}
