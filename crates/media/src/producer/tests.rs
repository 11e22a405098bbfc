//! What leaves a producer, whatever comes in.
#![allow(
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
    producer_in(Arc::new(ActiveSpeakers::new(Instant::now())))
}

fn producer_in(channel: Arc<ActiveSpeakers>) -> Producer {
    let options = ProducerOptions {
        ssrc: Some(1),
        opus_payload_type: Some(OPUS),
        audio_level_extension: Some(LEVEL),
        nack: true,
        ..ProducerOptions::default()
    };
    let shared = Arc::new(ProducerShared::new(ProducerId(1), "alice"));
    let speaker = Speaker::new(channel, -60);
    Producer::new(
        shared,
        Box::new(options),
        Some(-60),
        Rates::default(),
        speaker,
    )
}

/// Gives a producer a packet.
fn receive(
    producer: &mut Producer,
    queues: &mut Queues,
    (index, timestamp): (u64, u32),
    level: Option<u8>,
    now: Instant,
) -> Result<Arc<MediaPacket>, Drop> {
    let mut bytes = Vec::new();
    let fields = Fields {
        marker: false,
        payload_type: OPUS,
        sequence: index as u16,
        timestamp,
        ssrc: 1,
    };
    let level = level.map(|level| [level]);
    let elements: Vec<(u8, &[u8])> = level.iter().map(|level| (LEVEL, &level[..])).collect();
    fields.write(&elements, &mut bytes).unwrap();
    bytes.extend_from_slice(b"opus");
    let incoming = Incoming {
        header: Header::parse(&bytes).unwrap(),
        bytes: &bytes,
        index,
        pads: false,
    };
    producer.handle_packet(&incoming, now, queues)
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
        let (at, level) = ((index, (index * 960) as u32), packets[place].level);
        match receive(&mut producer, &mut queues, at, level, now) {
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

/// RTP ticks of 20 ms.
const FRAME: u32 = 960;

/// How many frames the last of some packets of an index and a timestamp counts as: told by how far a level of 0 dBov lifts the smoothed one when
/// all before were silent.
fn frames_of_the_last(packets: &[(u64, u32)]) -> usize {
    let (mut producer, mut queues, now) = (producer(), Queues::default(), Instant::now());
    let (last, before) = packets.split_last().unwrap();
    for packet in before {
        let _ = receive(&mut producer, &mut queues, *packet, Some(127), now);
    }
    let _ = receive(&mut producer, &mut queues, *last, Some(0), now);
    let lifted = |frames| Frames::of(Some(frames * FRAME)).approach(-127.0, 0.0, 0.4);
    let change = queues.events.iter().find_map(|event| match event {
        Event::ProducerSpeaking { level, .. } => Some(*level),
        _ => None,
    });
    let levels = (1..=6).map(|frames| lifted(frames) as i8);
    // One frame is not enough to speak.
    change.map_or(1, |change| {
        levels
            .into_iter()
            .position(|level| level == change)
            .unwrap()
            + 1
    })
}

#[test]
fn how_much_sound_a_packet_holds_is_told_by_the_timestamps() {
    for (frames, ticks) in [(1, 480), (1, 960), (2, 1_920), (3, 2_880), (6, 5_760)] {
        let first = 0_u32.wrapping_sub(ticks + 7); // they wrap in between
        let packets =
            [0, 1, 2].map(|place| (70 + u64::from(place), first.wrapping_add(place * ticks)));
        assert_eq!(frames_of_the_last(&packets), frames, "{ticks} ticks");
    }
}

#[test]
fn a_packet_counts_as_one_frame_when_it_is_not_known_how_much_sound_it_holds() {
    const LONG: u32 = 3 * FRAME;
    let cases: [(&str, &[(u64, u32)]); 7] = [
        ("the first", &[(70, 9 * LONG)]),
        ("after a loss", &[(70, 0), (71, LONG), (73, 3 * LONG)]),
        ("late", &[(70, 0), (72, 2 * LONG), (71, LONG)]),
        ("after a pause", &[(70, 0), (71, LONG), (72, 20_000)]),
        ("just above 120 ms", &[(70, 0), (71, 6 * FRAME + 1)]),
        ("the same time", &[(70, LONG), (71, LONG)]),
        ("backwards", &[(70, 2 * LONG), (71, LONG)]),
    ];
    for (case, packets) in cases {
        assert_eq!(frames_of_the_last(packets), 1, "{case}");
    }
    let after = [(70, 0), (72, 2 * LONG), (71, LONG), (73, 3 * LONG)];
    assert_eq!(frames_of_the_last(&after), 3, "what follows is known again");
}

#[test]
fn how_much_sound_a_packet_holds_is_forgotten_with_a_goodbye() {
    let (mut producer, mut queues, now) = (producer(), Queues::default(), Instant::now());
    let mut send = |producer: &mut Producer, index: u32| {
        let at = (index.into(), index * 3 * FRAME);
        receive(producer, &mut queues, at, Some(0), now).unwrap();
        core::mem::take(&mut queues.events).len()
    };
    assert_eq!(send(&mut producer, 0), 0);
    producer.handle_bye(now, &mut Queues::default());
    assert_eq!(send(&mut producer, 1), 0);
    assert_eq!(send(&mut producer, 2), 1, "and is known again");
}

#[test]
fn a_fan_is_shut_out_after_the_same_time_whatever_its_packets_length() {
    let heard = [1, 2, 3].map(|length| {
        let (mut producer, mut queues, start) = (producer(), Queues::default(), Instant::now());
        let heard = (0..300 / length).filter(|place| {
            let now = start + Duration::from_millis(20) * (place * length);
            let at = ((*place).into(), place * length * FRAME);
            let level = if *place == 0 { 127 } else { 55 };
            receive(&mut producer, &mut queues, at, Some(level), now).is_ok()
        });
        heard.count() as u32 * length
    });
    assert!((190..=200).contains(&heard[0]), "{heard:?}");
    assert!(
        heard.iter().all(|frames| frames.abs_diff(heard[0]) <= 3),
        "{heard:?}"
    );
}

#[test]
fn who_is_louder_takes_a_place_with_60_ms_of_sound_that_come_in_one_packet() {
    let (mut queues, start) = (Queues::default(), Instant::now());
    let channel = Arc::new(ActiveSpeakers::new(start));
    channel.set_limit(1);
    let (mut holder, mut louder) = (producer_in(Arc::clone(&channel)), producer_in(channel));
    for place in 0..110 {
        let now = start + Duration::from_millis(20) * place;
        let at = (place.into(), place * FRAME);
        assert!(receive(&mut holder, &mut queues, at, Some(45), now).is_ok());
    }
    let heard = [0, 1].map(|place| {
        let now = start + Duration::from_millis(2_200) + Duration::from_millis(60) * place;
        let at = (place.into(), place * 3 * FRAME);
        receive(&mut louder, &mut queues, at, Some(20), now).is_ok()
    });
    assert_eq!(heard, [false, true]);
}
