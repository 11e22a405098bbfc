//! A listener's line: continuous over pause, resume and change of source; no number ever stands for two packets.

use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use proptest::prelude::*;

use crate::rtp::{Line, Mapped};

const RATE: u32 = 48_000;
const FRAME: Duration = Duration::from_millis(20);
const TICKS: u32 = 960;

fn line() -> (Line, Instant) {
    (Line::new(1_000, 5_000, RATE), Instant::now())
}

fn mapped(index: u64, timestamp: u32, begins: bool) -> Option<Mapped> {
    Some(Mapped {
        index,
        timestamp,
        begins,
    })
}

#[test]
fn the_line_starts_at_its_own_numbers_and_counts_in_step_with_the_source() {
    let (mut line, now) = line();
    assert_eq!(line.map(70_000, 9_000_000, now), mapped(1_000, 5_000, true));
    assert_eq!(
        line.map(70_001, 9_000_960, now + FRAME),
        mapped(1_001, 5_960, false)
    );
    // Lost on the way to us: the listener sees the gap as well.
    assert_eq!(
        line.map(70_005, 9_004_800, now + FRAME * 5),
        mapped(1_005, 9_800, false)
    );
    // And what comes late leaves late, under its own number.
    assert_eq!(
        line.map(70_003, 9_002_880, now + FRAME * 6),
        mapped(1_003, 7_880, false)
    );
    assert_eq!(
        line.map(70_000, 9_000_000, now + FRAME * 7),
        mapped(1_000, 5_000, true)
    );
}

#[test]
fn what_comes_from_before_the_first_forwarded_packet_is_not_forwarded() {
    let (mut line, now) = line();
    line.map(100, 0, now).unwrap();
    assert_eq!(line.map(99, 0, now), None);
    assert_eq!(line.map(101, 960, now), mapped(1_001, 5_960, false));
}

#[test]
fn after_a_pause_the_numbers_go_on_without_a_gap_and_the_clock_with_one() {
    let (mut line, now) = line();
    line.map(10, 0, now).unwrap();
    line.map(11, TICKS, now + FRAME).unwrap();
    line.pause();
    assert_eq!(
        line.map(511, 501 * TICKS, now + FRAME * 501),
        mapped(1_002, 5_000 + 501 * TICKS, true)
    );
    assert_eq!(
        line.map(512, 502 * TICKS, now + FRAME * 502),
        mapped(1_003, 5_000 + 502 * TICKS, false)
    );
}

#[test]
fn a_packet_from_before_the_pause_does_not_end_it() {
    let (mut line, now) = line();
    line.map(10, 0, now).unwrap();
    line.map(12, 2 * TICKS, now).unwrap();
    line.pause();
    assert_eq!(line.map(11, TICKS, now), None);
    assert_eq!(line.map(12, 2 * TICKS, now), None);
    assert_eq!(
        line.map(20, 10 * TICKS, now + FRAME * 8),
        mapped(1_003, 5_000 + 10 * TICKS, true)
    );
}

#[test]
fn a_source_whose_clock_began_anew_during_the_pause_does_not_break_the_line() {
    for timestamp in [0, 0x8000_0000, 9_000_000] {
        let (mut line, now) = line();
        line.map(10, 9_000_000, now).unwrap();
        line.pause();
        assert_eq!(
            line.map(20, timestamp, now + FRAME * 10),
            mapped(1_001, 5_000 + 10 * TICKS, true),
            "{timestamp}"
        );
    }
}

#[test]
fn another_source_goes_on_where_the_old_one_ended_as_late_as_it_is() {
    let (mut line, now) = line();
    line.map(10, 77, now).unwrap();
    line.change_source();
    assert_eq!(
        line.map(3, 1_234_567, now + Duration::from_secs(1)),
        mapped(1_001, 5_000 + RATE, true)
    );
    assert_eq!(
        line.map(4, 1_234_567 + TICKS, now + Duration::from_secs(1) + FRAME),
        mapped(1_002, 5_000 + RATE + TICKS, false)
    );
}

#[test]
fn another_source_at_once_is_still_one_frame_later() {
    let (mut line, now) = line();
    line.map(10, 77, now).unwrap();
    line.change_source();
    assert_eq!(line.map(3, 0, now), mapped(1_001, 5_000 + TICKS, true));
}

#[test]
fn a_change_of_source_during_a_pause_is_a_change_of_source() {
    let (mut line, now) = line();
    line.map(10, 0, now).unwrap();
    line.pause();
    line.change_source();
    line.pause();
    assert_eq!(
        line.map(5, 123, now + FRAME),
        mapped(1_001, 5_000 + TICKS, true)
    );
}

#[test]
fn a_pause_before_the_first_packet_changes_nothing() {
    let (mut line, now) = line();
    line.pause();
    assert_eq!(line.map(10, 0, now), mapped(1_000, 5_000, true));
}

#[test]
fn the_sequence_number_rolls_over_into_the_index() {
    let (mut line, now) = (Line::new(0xFFFF, 0xFFFF_FFFF, RATE), Instant::now());
    assert_eq!(line.map(0, 0, now), mapped(0xFFFF, 0xFFFF_FFFF, true));
    assert_eq!(line.map(1, TICKS, now), mapped(0x1_0000, TICKS - 1, false));
}

#[test]
fn the_line_ends_with_the_last_index() {
    let (mut line, now) = line();
    let last = (1 << 48) - 1;
    line.map(0, 0, now).unwrap();
    assert!(line.map(last - 1_000, 0, now).is_some());
    assert_eq!(line.map(last - 999, 0, now), None);
    assert_eq!(line.map(u64::MAX, 0, now), None);
}

#[test]
fn a_nack_is_traced_back_to_the_source_as_it_was_sent() {
    let (mut line, now) = line();
    for step in 0..5 {
        line.map(0xFFFE + step, step as u32 * TICKS, now).unwrap();
    }
    for step in 0..5_u16 {
        let sent = line.find(1_000 + step).unwrap();
        assert_eq!(
            (sent.source_index, sent.index, sent.begins),
            (0xFFFE + u64::from(step), 1_000 + u64::from(step), step == 0)
        );
    }
    assert_eq!(line.timestamp(2 * TICKS), Some(5_000 + 2 * TICKS));
}

#[test]
fn a_nack_for_what_was_never_sent_or_is_from_before_a_pause_finds_nothing() {
    let (mut line, now) = line();
    assert_eq!(line.find(1_000), None);
    line.map(10, 0, now).unwrap();
    assert_eq!(line.find(1_001), None);
    assert_eq!(line.find(999), None);
    line.pause();
    assert!(line.find(1_000).is_some());
    line.map(20, 0, now).unwrap();
    assert_eq!(line.find(1_000), None);
    assert_eq!(line.find(1_001).unwrap().source_index, 20);
}

#[test]
fn sender_reports_are_translated_while_the_source_is_known() {
    let (mut line, now) = line();
    assert_eq!((line.timestamp(7), line.timestamp_at(now)), (None, None));
    line.map(10, 1_000, now).unwrap();
    assert_eq!(line.timestamp(1_960), Some(5_960));
    line.pause();
    assert_eq!(line.timestamp(1_960), Some(5_960));
    line.change_source();
    assert_eq!(line.timestamp(1_960), None);
    assert_eq!(line.timestamp_at(now + FRAME), Some(5_000 + TICKS));
}

#[derive(Debug, Clone)]
enum Step {
    Packet { ahead: i64, frames: u32 },
    Pause,
    ChangeSource { index: u64, timestamp: u32 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (-4_i64..6, 0_u32..4).prop_map(|(ahead, frames)| Step::Packet { ahead, frames }),
        1 => Just(Step::Pause),
        1 => (0_u64..1 << 40, any::<u32>()).prop_map(|(index, timestamp)| Step::ChangeSource { index, timestamp }),
    ]
}

proptest! {
    /// One nonce, one packet: the rule that AES-GCM rests on. And a listener never sees more of a gap than its source had.
    #[test]
    fn no_number_stands_for_two_packets(first in any::<(u16, u32)>(), steps in proptest::collection::vec(any_step(), 1..200)) {
        let mut line = Line::new(first.0, first.1, RATE);
        let (mut now, mut source, mut at, mut base) = (Instant::now(), 0, 1_000_u64, 0_u32);
        let mut sent: HashMap<u64, (u64, u64, u32, bool)> = HashMap::new();
        let mut newest = None;
        for step in steps {
            match step {
                Step::Pause => line.pause(),
                Step::ChangeSource { index, timestamp } => {
                    line.change_source();
                    (source, at, base) = (source + 1, index, timestamp);
                }
                Step::Packet { ahead, frames } => {
                    now += FRAME * frames;
                    let index = at.saturating_add_signed(ahead);
                    at = at.max(index);
                    let timestamp = base.wrapping_add((index as u32).wrapping_mul(TICKS));
                    let Some(put) = line.map(index, timestamp, now) else { continue };
                    let this = (source, index, put.timestamp, put.begins);
                    prop_assert_eq!(*sent.entry(put.index).or_insert(this), this, "index {}", put.index);
                    if let Some((newest_index, newest_timestamp)) = newest {
                        prop_assert!(!put.begins || put.index <= newest_index + 1);
                        if put.index > newest_index {
                            let ahead = put.timestamp.wrapping_sub(newest_timestamp);
                            prop_assert!(ahead > 0 && ahead < 1 << 31, "the clock went back");
                        }
                    }
                    if newest.is_none_or(|(newest_index, _)| put.index > newest_index) {
                        newest = Some((put.index, put.timestamp));
                    }
                    let found = line.find(put.index as u16).unwrap();
                    prop_assert_eq!((found.source_index, found.index, found.begins), (index, put.index, put.begins));
                    prop_assert_eq!(line.timestamp(timestamp), Some(put.timestamp));
                }
            }
        }
    }
}
