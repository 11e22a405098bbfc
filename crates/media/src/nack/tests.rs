//! When a packet is asked for, how often, and that no order of packets makes it more.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const RTT: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_millis(60);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[expect(
    clippy::disallowed_methods,
    reason = "an Instant cannot be made otherwise; only differences matter"
)]
fn start() -> Instant {
    Instant::now()
}

fn received(indices: impl IntoIterator<Item = u64>, now: Instant) -> Generator {
    let mut generator = Generator::new();
    for index in indices {
        generator.receive(index, now);
    }
    generator
}

fn polled(generator: &mut Generator, now: Instant) -> Vec<u16> {
    let mut out = Vec::new();
    generator.poll(now, RTT, &mut out);
    out
}

/// Polls exactly when it is told to, until nothing is left, and gives the times since `from` with what was asked.
fn run(generator: &mut Generator, from: Instant, rtt: Duration) -> Vec<(Duration, Vec<u16>)> {
    let mut asked = Vec::new();
    while let Some(due) = generator.next_timeout(rtt) {
        let mut out = Vec::new();
        generator.poll(due, rtt, &mut out);
        if !out.is_empty() {
            asked.push((due - from, out));
        }
        assert!(
            generator.next_timeout(rtt).is_none_or(|next| next > due),
            "the driver would spin"
        );
    }
    asked
}

#[test]
fn a_stream_without_loss_asks_for_nothing_and_takes_no_memory() {
    let now = start();
    let mut generator = received(1000..2000, now);
    assert_eq!(generator.next_timeout(RTT), None);
    assert!(polled(&mut generator, now + ms(5000)).is_empty());
    assert_eq!(generator.missing.capacity(), 0);
}

#[test]
fn the_first_packet_is_the_beginning_wherever_it_counts_from() {
    let generator = received([40_000], start());
    assert_eq!(generator.missing(), 0);
}

#[test]
fn a_gap_is_asked_for_once_packets_had_time_to_overtake_each_other() {
    let now = start();
    let mut generator = received([10, 13], now);
    assert_eq!(generator.next_timeout(RTT), Some(now + REORDERING));
    assert!(polled(&mut generator, now + ms(9)).is_empty());
    assert_eq!(polled(&mut generator, now + ms(10)), [11, 12]);
    assert!(polled(&mut generator, now + ms(10)).is_empty());
}

#[test]
fn a_packet_that_comes_late_is_not_asked_for() {
    let now = start();
    let mut generator = received([10, 13, 12], now);
    assert_eq!(polled(&mut generator, now + REORDERING), [11]);
    generator.receive(11, now + REORDERING);
    assert_eq!(generator.missing(), 0);
    assert_eq!(generator.next_timeout(RTT), None);
}

#[test]
fn a_packet_is_asked_for_again_when_the_answer_should_have_come() {
    let now = start();
    let mut generator = received([10, 12], now);
    assert_eq!(polled(&mut generator, now + REORDERING), [11]);
    assert_eq!(generator.next_timeout(RTT), Some(now + REORDERING + RETRY));
    assert!(polled(&mut generator, now + REORDERING + RETRY - ms(1)).is_empty());
    assert_eq!(polled(&mut generator, now + REORDERING + RETRY), [11]);
}

#[test]
fn a_packet_is_given_up_after_eight_requests() {
    let now = start();
    let asked = run(&mut received([10, 12], now), now, ms(20));
    let times: Vec<u128> = asked.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [10, 40, 70, 100, 130, 160, 190, 220]);
}

#[test]
fn a_packet_is_given_up_after_a_second() {
    let now = start();
    for (rtt, times) in [
        (ms(0), &[10, 120, 230, 340, 450, 560, 670, 780][..]),
        (ms(200), &[10, 220, 430, 640, 850]),
        (ms(500), &[10, 520]),
        (Duration::from_secs(60), &[10, 520]),
        (Duration::MAX, &[10, 520]),
    ] {
        let asked = run(&mut received([10, 12], now), now, rtt);
        let at: Vec<u128> = asked.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(at, times, "round trip {rtt:?}");
    }
}

#[test]
fn a_driver_that_comes_too_late_asks_for_nothing() {
    let now = start();
    let mut generator = received([10, 12], now);
    assert!(polled(&mut generator, now + GIVE_UP).is_empty());
    assert_eq!(generator.missing(), 0);
}

#[test]
fn requests_leave_at_most_fifty_times_a_second() {
    let begin = start();
    let mut generator = Generator::new();
    let mut times = Vec::new();
    // Every other packet is lost, one a millisecond.
    for step in 0..1000 {
        let now = begin + ms(step);
        generator.receive(step * 2, now);
        if !polled(&mut generator, now).is_empty() {
            times.push(step);
        }
    }
    assert!(times.len() <= 50, "{} requests", times.len());
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20));
    assert!(times.len() > 40);
}

#[test]
fn sequence_numbers_go_on_over_the_rollover() {
    let now = start();
    let mut generator = received([0x1_FFFD, 0x2_0002], now);
    assert_eq!(
        polled(&mut generator, now + REORDERING),
        [0xFFFE, 0xFFFF, 0, 1]
    );
    generator.receive(0x1_FFFF, now + REORDERING);
    assert_eq!(generator.missing(), 3);
}

#[test]
fn the_largest_gap_that_is_asked_for_is_what_the_list_holds() {
    let now = start();
    let bound = MAX_MISSING as u64;
    let mut generator = received([0, bound + 1], now);
    assert_eq!(polled(&mut generator, now + REORDERING).len(), MAX_MISSING);
    let mut generator = received([0, 2, bound + 4], now);
    assert_eq!(generator.missing(), 0, "a jump too far forgets all");
    assert!(polled(&mut generator, now + ms(100)).is_empty());
    for far in [bound + 2, 0x8000, 0xFFFF_FFFF_FFFF, u64::MAX] {
        assert_eq!(received([0, far], now).missing(), 0, "jump by {far}");
    }
}

#[test]
fn the_oldest_gaps_make_room() {
    let now = start();
    let mut generator = received((0..).step_by(2).take(MAX_MISSING + 11), now);
    let asked = polled(&mut generator, now + REORDERING);
    assert_eq!(asked.len(), MAX_MISSING);
    assert_eq!((asked[0], asked[MAX_MISSING - 1]), (21, 275));
}

#[test]
fn duplicates_and_old_packets_open_no_gap() {
    let now = start();
    let generator = received([100, 101, 101, 3, 100, 0], now);
    assert_eq!((generator.missing(), generator.highest), (0, Some(101)));
}

#[test]
fn a_reset_forgets_the_gaps_but_not_the_last_request() {
    let now = start();
    let mut generator = received([10, 12], now);
    assert_eq!(polled(&mut generator, now + REORDERING), [11]);
    generator.reset();
    assert_eq!(generator.next_timeout(RTT), None);
    generator.receive(50_000, now + REORDERING);
    generator.receive(50_002, now + REORDERING);
    assert_eq!(
        generator.next_timeout(RTT),
        Some(now + REORDERING + MIN_INTERVAL)
    );
}

#[test]
fn polling_appends() {
    let now = start();
    let mut generator = received([10, 12], now);
    let mut out = vec![7];
    generator.poll(now + REORDERING, RTT, &mut out);
    assert_eq!(out, [7, 11]);
}

#[test]
fn a_clock_that_stands_still_or_goes_back_harms_nothing() {
    let now = start() + ms(10_000);
    let mut generator = received([10, 12], now);
    generator.receive(14, now - ms(5000));
    assert_eq!(polled(&mut generator, now - ms(4900)), [13]);
    assert!(polled(&mut generator, now - ms(9000)).is_empty());
    assert_eq!(polled(&mut generator, now + REORDERING), [11]);
}

/// A storm: (advance of the index, advance of the clock in ms).
fn storm() -> impl Strategy<Value = Vec<(i64, u64)>> {
    let step = prop_oneof![
        4 => 1_i64..4,
        2 => -200_i64..200,
        1 => 100_i64..140,
        1 => -40_000_i64..40_000,
    ];
    proptest::collection::vec((step, 0_u64..30), 0..300)
}

proptest! {
    #[test]
    fn no_storm_of_losses_breaks_a_bound(steps in storm(), rtt in 0_u64..2000) {
        let mut now = start();
        let mut index = 1_u64 << 32;
        let mut highest = 0;
        let mut generator = Generator::new();
        let mut received = HashSet::new();
        let mut tries = HashMap::new();
        let mut last: Option<Instant> = None;
        for (advance, time) in steps {
            index = index.saturating_add_signed(advance);
            highest = index.max(highest);
            now += ms(time);
            generator.receive(index, now);
            received.insert(index);
            prop_assert!(generator.missing() <= MAX_MISSING);
            prop_assert!(generator.missing.iter().is_sorted_by(|a, b| a.index < b.index));
            let mut out = Vec::new();
            generator.poll(now, ms(rtt), &mut out);
            prop_assert!(out.len() <= MAX_MISSING);
            prop_assert!(generator.next_timeout(ms(rtt)).is_none_or(|next| next > now));
            if !out.is_empty() {
                prop_assert!(last.is_none_or(|last| now - last >= MIN_INTERVAL));
                last = Some(now);
            }
            for sequence in out {
                let asked = highest - u64::from((highest as u16).wrapping_sub(sequence));
                prop_assert!(!received.contains(&asked));
                let count = tries.entry(asked).or_insert(0_u8);
                *count += 1;
                prop_assert!(*count <= MAX_TRIES);
            }
        }
    }

    #[test]
    fn what_is_lost_is_asked_for_and_what_is_received_is_not(lost in proptest::collection::btree_set(1_u64..120, 0..60)) {
        let now = start();
        let mut generator = received((0..=120).filter(|index| !lost.contains(index)), now);
        let asked: Vec<u64> = polled(&mut generator, now + REORDERING).into_iter().map(u64::from).collect();
        prop_assert!(asked.iter().eq(&lost));
        for index in &lost {
            generator.receive(*index, now);
        }
        prop_assert_eq!((generator.missing(), generator.next_timeout(RTT)), (0, None));
    }
}
