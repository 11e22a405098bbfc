//! What is received is counted as RFC 3550 A.1, A.3 and A.8 count it.

use core::time::Duration;
use std::time::Instant;

use proptest::prelude::*;

use crate::rtcp::Ntp;
use crate::rtp::Reception;

const RATE: u32 = 48_000;
const FRAME: Duration = Duration::from_millis(20);
const TICKS: u32 = 960;

/// Packet `index` of a stream of 20-ms frames, `late` after its time.
fn receive(reception: &mut Reception, start: Instant, index: u64, late: Duration) {
    let timestamp = TICKS.wrapping_mul(index as u32);
    reception.receive(index, timestamp, start + FRAME * index as u32 + late);
}

fn received(indices: impl IntoIterator<Item = u64>) -> (Reception, Instant) {
    let (mut reception, start) = (Reception::new(RATE), Instant::now());
    for index in indices {
        receive(&mut reception, start, index, Duration::ZERO);
    }
    (reception, start)
}

#[test]
fn nothing_is_reported_before_the_first_packet() {
    let (mut reception, start) = received([]);
    assert_eq!(
        (
            reception.report(1, start),
            reception.highest(),
            reception.lost()
        ),
        (None, None, 0)
    );
}

#[test]
fn a_stream_without_loss_has_none() {
    let (mut reception, start) = received(100..200);
    let block = reception.report(7, start).unwrap();
    assert_eq!(
        (block.ssrc, block.fraction_lost, block.lost, block.highest),
        (7, 0, 0, 199)
    );
    assert_eq!((block.jitter, reception.received()), (0, 100));
}

#[test]
fn ticks_are_told_since_the_packet_directly_before_and_no_other() {
    let (none, _) = received([]);
    assert_eq!(none.ticks_since_previous(0, 0), None);
    let (reception, _) = received([10, 12, 11]);
    let ticks = |index, timestamp| reception.ticks_since_previous(index, timestamp);
    assert_eq!(ticks(13, 15 * TICKS), Some(3 * TICKS));
    assert_eq!(ticks(13, 12 * TICKS - 1), Some(u32::MAX));
    assert_eq!(
        [0, 11, 12, 14].map(|index| ticks(index, 15 * TICKS)),
        [None; 4]
    );
}

#[test]
fn the_fraction_covers_the_time_since_the_last_report_and_the_count_all_time() {
    let (mut reception, start) = received((0..100).filter(|index| index % 4 != 1));
    let block = reception.report(7, start).unwrap();
    assert_eq!((block.fraction_lost, block.lost), (64, 25));
    for index in 100..150 {
        receive(&mut reception, start, index, Duration::ZERO);
    }
    let block = reception.report(7, start).unwrap();
    assert_eq!((block.fraction_lost, block.lost), (0, 25));
    assert_eq!(reception.report(7, start).unwrap().fraction_lost, 0);
}

#[test]
fn late_packets_are_not_lost_and_repeated_ones_count_against_losses() {
    let (mut reception, start) = received([10, 12, 11, 9, 14]);
    assert_eq!(reception.report(7, start).unwrap().lost, 1);
    for _ in 0..3 {
        receive(&mut reception, start, 14, Duration::ZERO);
    }
    let block = reception.report(7, start).unwrap();
    assert_eq!((block.lost, block.fraction_lost), (-2, 0));
}

#[test]
fn the_highest_number_carries_its_cycles() {
    let (mut reception, start) = received([0x2_FFFF, 0x3_0000]);
    assert_eq!(reception.report(7, start).unwrap().highest, 0x3_0000);
    assert_eq!(reception.highest(), Some(0x3_0000));
}

#[test]
fn an_even_alternation_of_delays_becomes_the_jitter() {
    let (mut reception, start) = received([]);
    for index in 0..500 {
        let late = if index % 2 == 0 {
            Duration::ZERO
        } else {
            Duration::from_millis(5)
        };
        receive(&mut reception, start, index, late);
    }
    // 5 ms are 240 ticks; integer arithmetic comes near.
    let block = reception.report(7, start).unwrap();
    assert!((235..=240).contains(&block.jitter), "{}", block.jitter);
    let jitter = reception.jitter();
    assert!(
        (Duration::from_micros(4_890)..=Duration::from_millis(5)).contains(&jitter),
        "{jitter:?}"
    );
}

#[test]
fn late_packets_and_jumps_of_the_clock_are_no_jitter() {
    let (mut reception, start) = received([0, 1, 2]);
    receive(&mut reception, start, 1, Duration::from_millis(300));
    reception.receive(3, 4_000_000_000, start + FRAME * 3);
    assert_eq!(reception.jitter(), Duration::ZERO);
}

#[test]
fn the_newest_sender_report_is_named_with_its_age() {
    let (mut reception, start) = received([1]);
    let block = reception.report(7, start).unwrap();
    assert_eq!((block.last_sender_report, block.delay), (0, 0));
    reception.receive_sender_report(Ntp(0x1111_2222_3333_4444), start);
    let block = reception
        .report(7, start + Duration::from_millis(1_500))
        .unwrap();
    assert_eq!(
        (block.last_sender_report, block.delay),
        (0x2222_3333, 0x1_8000)
    );
}

proptest! {
    #[test]
    fn no_order_of_packets_makes_it_panic_or_lose_count(
        packets in proptest::collection::vec((0_u64..1 << 48, any::<u32>(), 0_u64..10_000_000), 1..60), rate in any::<u32>(),
    ) {
        let (mut reception, mut now) = (Reception::new(rate), Instant::now());
        for (index, timestamp, step) in &packets {
            now += Duration::from_millis(*step);
            reception.receive(*index, *timestamp, now);
            if index % 3 == 0 {
                reception.report(1, now);
            }
        }
        let (low, high) = (packets.iter().map(|packet| packet.0).min().unwrap(), packets.iter().map(|packet| packet.0).max().unwrap());
        prop_assert_eq!(reception.lost(), (high - low + 1) as i64 - packets.len() as i64);
        let _ = reception.jitter();
    }
}
