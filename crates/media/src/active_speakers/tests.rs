//! Who is heard, without a packet: speakers ask, 20 ms after 20 ms, each at its own moment within these.
#![allow(
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts its clock somewhere"
)]
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::frames::Frames;
use crate::rtp::Level;

/// Packets of 20 ms in a second.
const SECOND: usize = 50;
const PACKET_MS: u64 = 20;
const SILENCE: i8 = -60;

/// What a speaker says in one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    At(i8),
    WithoutLevel,
    /// Its gate is shut, it is muted, or gone.
    Leaves,
    /// Nothing comes.
    Nothing,
}

/// A channel, and for each speaker and packet whether it was heard.
struct Room {
    channel: Arc<ActiveSpeakers>,
    start: Instant,
    speakers: Vec<Speaker>,
    /// By how much each worker's clock is behind, ms.
    skew: Vec<u64>,
    /// How many frames of 20 ms each one's packets hold, and how many they claim to hold. What came last counts for all of them.
    length: Vec<usize>,
    claimed: Vec<u32>,
    heard: Vec<Vec<bool>>,
    /// The place that each had with it.
    held: Vec<Vec<Option<Held>>>,
}

impl Room {
    fn new(limit: usize, speakers: usize) -> Self {
        let start = Instant::now();
        let channel = Arc::new(ActiveSpeakers::new(start));
        channel.set_limit(limit);
        let speaker = |_| Speaker::new(Arc::clone(&channel), SILENCE);
        Self {
            speakers: (0..speakers).map(speaker).collect(),
            skew: vec![0; speakers],
            length: vec![1; speakers],
            claimed: vec![1; speakers],
            heard: vec![Vec::new(); speakers],
            held: vec![Vec::new(); speakers],
            channel,
            start,
        }
    }

    fn packets(&self) -> usize {
        self.heard[0].len()
    }

    /// Lets everybody say something for so many packets: `says` is given the speaker and the packet since the beginning.
    fn run(&mut self, packets: usize, says: impl Fn(usize, usize) -> Says) {
        for packet in self.packets()..self.packets() + packets {
            for speaker in 0..self.speakers.len() {
                let heard = self.send(speaker, packet, says(speaker, packet));
                self.heard[speaker].push(heard);
                self.held[speaker].push(self.speakers[speaker].held);
            }
        }
    }

    fn send(&mut self, speaker: usize, packet: usize, says: Says) -> bool {
        if !packet.is_multiple_of(self.length[speaker]) {
            return self.heard[speaker].last() == Some(&true);
        }
        let frames = Frames::of(Some(self.claimed[speaker] * 960));
        let phase = speaker as u64 * PACKET_MS / self.speakers.len() as u64;
        let ms = 1_000 + packet as u64 * PACKET_MS + phase - self.skew[speaker];
        let (now, voice) = (self.start + Duration::from_millis(ms), true);
        match says {
            Says::At(dbov) => {
                self.speakers[speaker].is_heard(Some(Level { voice, dbov }), frames, now)
            }
            Says::WithoutLevel => self.speakers[speaker].is_heard(None, frames, now),
            Says::Leaves => {
                self.speakers[speaker].leave();
                false
            }
            Says::Nothing => false,
        }
    }

    /// The stretches of packets in which a speaker was heard.
    fn turns(&self, speaker: usize) -> Vec<Range<usize>> {
        let heard = &self.heard[speaker];
        let mut turns: Vec<Range<usize>> = Vec::new();
        for packet in (0..heard.len()).filter(|packet| heard[*packet]) {
            match turns.last_mut() {
                Some(turn) if turn.end == packet => turn.end += 1,
                _ => turns.push(packet..packet + 1),
            }
        }
        turns
    }

    /// The longest that a speaker was not heard, in packets.
    fn longest_wait(&self, speaker: usize) -> usize {
        let turns = self.turns(speaker);
        let begins = turns.iter().map(|turn| turn.start).chain([self.packets()]);
        let ends = [0].into_iter().chain(turns.iter().map(|turn| turn.end));
        begins
            .zip(ends)
            .map(|(begin, end)| begin - end)
            .max()
            .unwrap_or_default()
    }

    fn share(&self, speaker: usize) -> f64 {
        let heard = self.heard[speaker].iter().filter(|heard| **heard).count();
        heard as f64 / self.packets() as f64
    }
}

/// Speech around a level: syllables of 100 ms, 12 dB up and down, and pauses of 100 ms a second.
fn speech(level: i8, speaker: usize, packet: usize) -> Says {
    let place = packet + speaker * 17;
    Says::At(match place % SECOND {
        45.. => -75,
        _ if (place / 5).is_multiple_of(2) => level,
        _ => level - 12,
    })
}

#[test]
fn without_a_limit_everybody_is_heard() {
    let mut room = Room::new(0, 100);
    room.run(SECOND, |_, _| Says::At(-30));
    assert!(room.heard.iter().flatten().all(|heard| *heard));
}

#[test]
fn whoever_finds_a_free_place_is_heard_from_the_first_packet_on() {
    let mut room = Room::new(3, 3);
    room.run(60 * SECOND, |speaker, packet| speech(-30, speaker, packet));
    for speaker in 0..3 {
        assert!(
            room.heard[speaker].iter().skip(5).all(|heard| *heard),
            "{speaker}"
        );
    }
}

#[test]
fn the_loudest_are_heard() {
    let mut room = Room::new(3, 6);
    let level = |speaker| if speaker % 2 == 0 { -24 } else { -41 };
    room.run(4 * SECOND, |speaker, packet| {
        speech(level(speaker), speaker, packet)
    });
    let late = 2 * SECOND + 10..4 * SECOND;
    for speaker in 0..6 {
        let heard = room.heard[speaker][late.clone()]
            .iter()
            .filter(|heard| **heard)
            .count();
        let all = late.len();
        assert_eq!(heard, if speaker % 2 == 0 { all } else { 0 }, "{speaker}");
    }
}

#[test]
fn equals_take_turns_that_last_and_do_not_flap() {
    let mut room = Room::new(1, 2);
    room.run(60 * SECOND, |speaker, packet| speech(-30, speaker, packet));
    for speaker in 0..2 {
        let turns = room.turns(speaker);
        assert!(
            (9..=13).contains(&turns.len()),
            "{} turns of 60 s",
            turns.len()
        );
        let whole = &turns[..turns.len() - 1];
        assert!(
            whole.iter().all(|turn| turn.len() >= 2 * SECOND),
            "{turns:?}"
        );
    }
}

#[test]
fn a_newcomer_who_is_much_louder_takes_over_and_one_who_is_a_little_louder_waits() {
    for (level, within) in [(-22, 10), (-30, 2 * SECOND)] {
        let mut room = Room::new(1, 2);
        let says = |speaker, packet| match speaker {
            0 => speech(-35, speaker, packet),
            _ if packet < 10 * SECOND => Says::Leaves,
            _ => Says::At(level),
        };
        room.run(15 * SECOND, says);
        let first = room.turns(1)[0].start - 10 * SECOND;
        assert!(
            (within / 2..=within).contains(&first),
            "{level} dBov: {first}"
        );
    }
}

#[test]
fn nobody_is_cut_off_within_two_seconds() {
    let mut room = Room::new(2, 7);
    let level = |speaker: usize| [-20, -25, -28, -31, -36, -40, -45][speaker];
    room.run(120 * SECOND, |speaker, _| Says::At(level(speaker)));
    for speaker in 0..7 {
        let turns = room.turns(speaker);
        let whole = turns.iter().filter(|turn| turn.end < room.packets());
        let shortest = whole.map(ExactSizeIterator::len).min();
        assert!(shortest >= Some(2 * SECOND), "{speaker}: {shortest:?}");
    }
}

#[test]
fn who_leaves_makes_room_for_the_next_at_once_and_who_stops_after_400_ms() {
    for (ends, within) in [(Says::Leaves, 0), (Says::Nothing, 20), (Says::At(-90), 20)] {
        let mut room = Room::new(1, 2);
        let says = |speaker, packet| match speaker {
            0 if packet >= SECOND => ends,
            _ => Says::At(-30),
        };
        room.run(3 * SECOND, says);
        let first = room.turns(1)[0].start - SECOND;
        assert!(
            (within.max(1) - 1..=within).contains(&first),
            "{ends:?}: {first}"
        );
    }
}

#[test]
fn who_waits_longest_gets_the_free_place_before_a_louder_newcomer() {
    let mut room = Room::new(1, 3);
    let says = |speaker, packet| match speaker {
        0 if packet < 6 * SECOND => Says::At(-10),
        1 if packet >= 6 * SECOND => Says::At(-10),
        2 => Says::At(-45),
        _ => Says::Leaves,
    };
    room.run(6 * SECOND + 10, says);
    assert_eq!(
        room.turns(2).first().map(|turn| turn.start),
        Some(6 * SECOND)
    );
    assert!(room.turns(1).is_empty());
}

/// What the module's documentation promises: 7.5 s + 2 s × ⌈W / K⌉, in packets, and one packet of everybody.
fn bound(limit: usize, others: usize) -> usize {
    7 * SECOND + SECOND / 2 + 2 * SECOND * others.div_ceil(limit) + others
}

/// A quiet person among people who claim to be as loud as can be.
fn among_liars(limit: usize, liars: usize, says: impl Fn(usize, usize) -> Says) -> Room {
    let mut room = Room::new(limit, liars + 1);
    room.run(300 * SECOND, |speaker, packet| match speaker {
        0 => Says::At(-45),
        _ => says(speaker, packet),
    });
    room
}

#[test]
fn who_claims_to_be_loudest_does_not_silence_the_others() {
    for limit in 1..=3 {
        for liars in limit..=limit * 5 {
            let room = among_liars(limit, liars, |_, _| Says::At(0));
            let waited = room.longest_wait(0);
            assert!(
                waited <= bound(limit, liars),
                "{limit} places, {liars} liars: {waited}"
            );
            let turns = room.turns(0);
            let whole = turns.iter().filter(|turn| turn.end < room.packets());
            assert!(whole.clone().count() > 5);
            assert!(
                whole.clone().all(|turn| turn.len() >= 2 * SECOND),
                "{turns:?}"
            );
        }
    }
}

#[test]
fn t18_who_lies_about_how_much_sound_packets_hold_gains_nothing_on_packets_of_60_ms() {
    for (limit, claimed) in [(1, 6), (2, 6), (3, 6), (2, 1)] {
        let liars = limit * 3;
        let mut room = Room::new(limit, liars + 1);
        room.claimed = vec![claimed; liars + 1];
        (room.length[0], room.claimed[0]) = (3, 3);
        room.run(300 * SECOND, |speaker, _| {
            Says::At(if speaker == 0 { -45 } else { 0 })
        });
        let waited = room.longest_wait(0);
        assert!(
            waited <= bound(limit, liars) + 3,
            "{limit} places, {claimed} frames: {waited}"
        );
    }
}

#[test]
fn who_drops_a_place_to_take_it_anew_gains_nothing_by_it() {
    for limit in 1..=3 {
        for every in [3, 49, 99] {
            let says = |speaker: usize, packet: usize| match (packet + speaker) % every {
                0 => Says::Leaves,
                _ => Says::At(0),
            };
            let room = among_liars(limit, limit * 2, says);
            let waited = room.longest_wait(0);
            assert!(
                waited <= bound(limit, limit * 2),
                "{limit} places, {every}: {waited}"
            );
        }
    }
}

#[test]
fn who_writes_no_level_is_heard_sometimes_and_not_always() {
    for level in [-20, -30, -45] {
        let mut room = Room::new(1, 2);
        room.run(120 * SECOND, |speaker, _| match speaker {
            0 => Says::WithoutLevel,
            _ => Says::At(level),
        });
        let share = room.share(0);
        assert!(
            (0.2..=0.8).contains(&share),
            "against {level} dBov: {share}"
        );
    }
}

#[test]
fn a_limit_changes_in_mid_call() {
    let mut room = Room::new(3, 5);
    let active = |room: &Room| {
        room.heard
            .iter()
            .filter(|heard| heard.last() == Some(&true))
            .count()
    };
    for (limit, heard) in [
        (3, 3),
        (1, 1),
        (4, 4),
        (0, 5),
        (2, 2),
        (ActiveSpeakers::MAX + 1, 5),
    ] {
        room.channel.set_limit(limit);
        room.run(3 * SECOND, |_, _| Says::At(-30));
        assert_eq!(active(&room), heard, "limit {limit}");
    }
    assert_eq!(room.channel.limit(), ActiveSpeakers::MAX);
}

#[test]
fn what_waits_is_written_and_read_back() {
    let front = Front {
        ticket: TICKETS - 1,
        rank: u16::MAX,
        seen: 0x1_2345_6789,
    };
    let read = Front::unpack(front.pack());
    assert_eq!(
        (read.ticket, read.rank, read.seen),
        (TICKETS - 1, u16::MAX, 0x45_6789)
    );
    assert_eq!(
        (upper(pack(TICKETS - 1, 77)), time(pack(1, 77))),
        (TICKETS - 1, 77)
    );
}

/// A speaker's life: spells of up to two seconds.
fn lives() -> impl Strategy<Value = Vec<Vec<Says>>> {
    let says = prop_oneof![
        4 => (-50..=0i8).prop_map(Says::At),
        1 => Just(Says::At(-90)),
        1 => Just(Says::WithoutLevel),
        1 => Just(Says::Leaves),
        1 => Just(Says::Nothing),
    ];
    let spells = prop::collection::vec((says, 1..100usize), 1..30);
    let life = spells.prop_map(|spells| {
        let spell = |(says, length)| core::iter::repeat_n(says, length);
        spells.into_iter().flat_map(spell).collect()
    });
    prop::collection::vec(life, 1..12)
}

proptest! {
    #[test]
    fn never_more_are_heard_than_may_be_but_for_one_packet_as_a_place_changes_hands(
        limit in 1..6usize, lives in lives(), skew in prop::collection::vec(0..15u64, 12),
    ) {
        let mut room = Room::new(limit, lives.len());
        room.skew = skew;
        let packets = lives.iter().map(Vec::len).max().unwrap_or_default();
        room.run(packets, |speaker, packet| lives[speaker].get(packet).copied().unwrap_or(Says::Leaves));
        for packet in 1..packets {
            let heard = (0..lives.len()).filter(|speaker| room.heard[*speaker][packet]);
            // Whoever lost a place hears of it with the next packet.
            let (keep, take): (Vec<usize>, Vec<usize>) =
                heard.partition(|speaker| room.held[*speaker][packet] == room.held[*speaker][packet - 1]);
            prop_assert!(keep.len() <= limit && take.len() <= limit, "{keep:?} keep a place, {take:?} take one");
        }
    }

    #[test]
    fn a_place_is_left_empty_by_nobody_who_speaks(limit in 1..6usize, speakers in 1..10usize, level in -50..=0i8) {
        let mut room = Room::new(limit, speakers);
        room.run(20 * SECOND, |_, _| Says::At(level));
        for packet in 0..room.packets() {
            let heard = room.heard.iter().filter(|heard| heard[packet]).count();
            prop_assert!(heard >= limit.min(speakers), "{heard} at {packet}");
        }
    }

    #[test]
    fn whatever_others_do_who_speaks_has_a_turn_in_time(limit in 1..4usize, others in lives()) {
        let mut room = Room::new(limit, others.len() + 1);
        let packets = others.iter().map(Vec::len).max().unwrap_or_default();
        room.run(packets, |speaker, packet| match speaker.checked_sub(1) {
            None => Says::At(-45),
            Some(other) => others[other].get(packet).copied().unwrap_or(Says::At(0)),
        });
        let waited = room.longest_wait(0);
        prop_assert!(waited <= bound(limit, others.len()), "{waited}");
    }
}
