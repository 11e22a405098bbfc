//! What leaves a producer, whatever comes in.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts its clock somewhere"
)]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::active_speakers::ActiveSpeakers;
use crate::rtp::Fields;

const OPUS: u8 = 111;
const LEVEL: u8 = 1;

/// A packet as it leaves the client: its level, whether it gets lost, by how many places it is late.
#[derive(Clone, Debug)]
struct Packet {
    level: Option<u8>,
    lost: bool,
    late: usize,
}

fn producer() -> Producer {
    let options = ProducerOptions {
        ssrc: Some(1),
        opus_payload_type: Some(OPUS),
        audio_level_extension: Some(LEVEL),
        nack: true,
        ..ProducerOptions::default()
    };
    let shared = Arc::new(ProducerShared::new(ProducerId(1), "alice"));
    let speaker = Speaker::new(Arc::new(ActiveSpeakers::new(Instant::now())), -60);
    Producer::new(
        shared,
        Box::new(options),
        Some(-60),
        Rates::default(),
        speaker,
    )
}

/// Sends the packets 20 ms apart, beginning with index `first`. What left, by the index it came with: (number, timestamp).
fn send(first: u64, packets: &[Packet]) -> BTreeMap<u64, (u64, u32)> {
    let (mut producer, mut queues, start) = (producer(), Queues::default(), Instant::now());
    let mut arrivals: Vec<(usize, usize)> = (0..packets.len())
        .filter(|place| !packets[*place].lost)
        .map(|place| (place + packets[place].late, place))
        .collect();
    arrivals.sort_unstable();
    let mut left = BTreeMap::new();
    for (time, place) in arrivals {
        let now = start + Duration::from_millis(20) * u32::try_from(time).unwrap();
        let index = first + place as u64;
        let mut bytes = Vec::new();
        let fields = Fields {
            marker: false,
            payload_type: OPUS,
            sequence: index as u16,
            timestamp: (index * 960) as u32,
            ssrc: 1,
        };
        let level = packets[place].level.map(|level| [level]);
        let elements: Vec<(u8, &[u8])> = level.iter().map(|level| (LEVEL, &level[..])).collect();
        fields.write(&elements, &mut bytes).unwrap();
        bytes.extend_from_slice(b"opus");
        let incoming = Incoming {
            header: Header::parse(&bytes).unwrap(),
            bytes: &bytes,
            index,
            pads: false,
        };
        match producer.handle_packet(&incoming, now, &mut queues) {
            Ok(packet) => assert!(
                left.insert(index, (packet.sequence, packet.timestamp))
                    .is_none()
            ),
            Err(reason) => assert_eq!(reason, Drop::Silence),
        }
    }
    left
}

/// Levels in spells of speech, noise, silence, and no level at all.
fn packets() -> impl Strategy<Value = Vec<Packet>> {
    let spell = (0..4u8, 1..60usize, any::<u8>());
    let fate = (0..20u8, 0..30usize);
    prop::collection::vec((spell, fate), 1..20).prop_map(|spells| {
        let spell = |((kind, length, dice), (loss, late)): ((u8, usize, u8), (u8, usize))| {
            (0..length).map(move |place| {
                let swing = (usize::from(dice) + place * 7) % 12;
                Packet {
                    level: match kind {
                        0 => Some(20 + swing as u8),
                        1 => Some(54 + swing as u8),
                        2 => Some(127),
                        _ => None,
                    },
                    lost: (place * 13 + usize::from(dice)) % 40 < usize::from(loss) / 2,
                    late: if place % 9 == 0 { late % 7 } else { 0 },
                }
            })
        };
        spells.into_iter().flat_map(spell).collect()
    })
}

proptest! {
    #[test]
    fn numbers_never_repeat_and_keep_the_order_of_what_came((first, packets) in (0..1u64 << 47, packets())) {
        let left = send(first, &packets);
        let numbers: Vec<u64> = left.values().map(|(number, _)| *number).collect();
        prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(left.iter().all(|(index, (_, timestamp))| *timestamp == (index * 960) as u32));
    }

    #[test]
    fn numbers_have_no_gap_when_nothing_was_lost_and_nothing_loud_is_withheld((first, packets) in (0..1u64 << 47, packets())) {
        let whole: Vec<Packet> = packets.into_iter().map(|packet| Packet { lost: false, late: 0, ..packet }).collect();
        let left = send(first, &whole);
        let numbers: Vec<u64> = left.values().map(|(number, _)| *number).collect();
        prop_assert_eq!(numbers, (0..left.len() as u64).collect::<Vec<_>>());
        for (place, packet) in whole.iter().enumerate() {
            if packet.level.is_none_or(|level| level <= 50) {
                prop_assert!(left.contains_key(&(first + place as u64)), "packet {} of {:?}", place, packet.level);
            }
        }
    }
}
