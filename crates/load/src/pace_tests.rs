//! When whom the schedule lets speak.

use super::*;

const FRAME: Duration = TURN;

/// Everybody who is due by `now`, each with when; they go on with the packet time that `next` gives them, if any.
fn round(
    pace: &mut Pace,
    now: Instant,
    mut next: impl FnMut(usize) -> Option<Ptime>,
) -> Vec<(Instant, usize)> {
    let mut spoken = Vec::new();
    while let Some(turn) = pace.pop_due(now) {
        spoken.push((turn.due, turn.speaker));
        if let Some(ptime) = next(turn.speaker) {
            pace.again(turn, ptime);
        }
    }
    spoken
}

/// Ten milliseconds at a time from `start`, as a driver with enough of a core would.
fn run(
    pace: &mut Pace,
    start: Instant,
    steps: u32,
    mut next: impl FnMut(usize) -> Option<Ptime>,
) -> Vec<(Instant, usize)> {
    let times = (1..=steps).map(|step| start + FRAME / 2 * step);
    times.flat_map(|now| round(pace, now, &mut next)).collect()
}

fn dues(spoken: &[(Instant, usize)], speaker: usize) -> Vec<Instant> {
    let theirs = spoken.iter().filter(|(_, other)| *other == speaker);
    theirs.map(|(due, _)| *due).collect()
}

/// The most turns within any 10 ms, and the longest time without one.
fn extremes(mut times: Vec<Instant>) -> (usize, Duration) {
    times.sort_unstable();
    let within = |from: &Instant| {
        times
            .iter()
            .filter(|at| **at >= *from && **at < *from + FRAME / 2)
            .count()
    };
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    (times.iter().map(within).max().unwrap(), gaps.max().unwrap())
}

#[test]
fn everyone_speaks_each_20_ms_in_the_same_order() {
    let start = Instant::now();
    let mut pace = Pace::default();
    (0..10).for_each(|speaker| pace.add(speaker, Ptime::Ms20, start));
    let spoken = run(&mut pace, start, 4, |_| Some(Ptime::Ms20));
    let (first, second) = spoken.split_at(10);
    assert_eq!(pace.paused(), Duration::ZERO);
    for (one, two) in first.iter().zip(second) {
        assert_eq!((one.0 + FRAME, one.1), *two);
    }
    let (_, gap) = extremes(first.iter().map(|(due, _)| *due).collect());
    assert!(gap < Duration::from_millis(5), "spread evenly");
}

#[test]
fn of_three_packet_times_everyone_keeps_its_own_and_all_come_in_order() {
    let start = Instant::now();
    let mut pace = Pace::default();
    let ptime = |speaker: usize| Ptime::ALL[speaker % 3];
    (1..=300).for_each(|speaker| pace.add(speaker, ptime(speaker), start));
    let spoken = run(&mut pace, start, 24, |speaker| Some(ptime(speaker)));
    assert!(
        spoken.windows(2).all(|pair| pair[0].0 <= pair[1].0),
        "the earliest first"
    );
    for speaker in 1..=300 {
        let (times, period) = (dues(&spoken, speaker), ptime(speaker).duration());
        assert!(times[0] >= start && times[0] < start + period);
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] == period),
            "{speaker}"
        );
        assert_eq!(times.len() as u128, 240 / period.as_millis());
    }
    // In 10 ms 50 of the first, 25 of the second and 17 of the third.
    let (most, gap) = extremes(spoken.iter().map(|(due, _)| *due).collect());
    assert!(most <= 100, "{most} in 10 ms: not spread evenly");
    assert!(gap < Duration::from_millis(1), "{gap:?}: not spread evenly");
    assert_eq!(pace.paused(), Duration::ZERO);
}

#[test]
fn with_longer_packets_the_next_turn_is_so_much_later_and_no_sooner() {
    let start = Instant::now();
    let mut pace = Pace::default();
    pace.add(0, Ptime::Ms20, start);
    let mut lengths = [
        Ptime::Ms20,
        Ptime::Ms60,
        Ptime::Ms60,
        Ptime::Ms40,
        Ptime::Ms20,
    ]
    .into_iter();
    let spoken = run(&mut pace, start, 30, |_| lengths.next());
    let after: Vec<_> = spoken
        .iter()
        .map(|(due, _)| (*due - start).as_millis())
        .collect();
    assert_eq!(after, [0, 20, 80, 140, 180, 200]);
}

#[test]
fn after_a_pause_everyone_speaks_once_and_then_as_before() {
    for ptime in Ptime::ALL {
        let start = Instant::now();
        let mut pace = Pace::default();
        (0..10).for_each(|speaker| pace.add(speaker, ptime, start));
        let late = start + FRAME * 9;
        let spoken = round(&mut pace, late, |_| Some(ptime));
        let once =
            (0..10).all(|speaker| dues(&spoken, speaker).len() <= 1 + usize::from(speaker == 0));
        assert!(once && spoken.len() <= 11, "{ptime:?}: {}", spoken.len());
        assert_eq!(pace.paused(), FRAME * 8);
        let later = run(&mut pace, late, ptime.ms() / 10, |_| Some(ptime));
        assert_eq!(later.len(), 10, "{ptime:?}");
        assert_eq!(pace.paused(), FRAME * 8);
    }
}

#[test]
fn a_pause_moves_all_packet_times() {
    let start = Instant::now();
    let mut pace = Pace::default();
    (0..3).for_each(|speaker| pace.add(speaker, Ptime::ALL[speaker], start));
    let turn = pace.pop_due(start + FRAME * 5).unwrap();
    assert_eq!(
        (turn.speaker, turn.due, turn.late),
        (0, start + FRAME * 4, FRAME * 5)
    );
    let rest = round(&mut pace, start + FRAME * 20, |_| None);
    let phases: Vec<_> = rest
        .iter()
        .map(|(due, speaker)| *due - phase(*speaker, Ptime::ALL[*speaker]))
        .collect();
    assert_eq!(phases[0], phases[1], "moved by the same");
}

#[test]
fn whoever_has_said_all_is_not_asked_again() {
    let start = Instant::now();
    let mut pace = Pace::default();
    pace.add(0, Ptime::Ms20, start);
    pace.add(1, Ptime::Ms40, start);
    pace.remove(1);
    assert_eq!(round(&mut pace, start, |_| None), [(start, 0)]);
    assert_eq!(pace.next(), None);
}
