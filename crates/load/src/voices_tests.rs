//! Speakers whose packets become longer and shorter while they speak, on a transport that never connects: time passes all the same.

use super::*;
use crate::places;
use crate::speaker::tests::OPTIONS;
use hocket_media::client::{Identity, Remote, TransportOptions};
use hocket_media::{Certificate, Fingerprints};

const PEOPLE: usize = 300;
const PATIENCE: Duration = Duration::from_secs(15);
const STEP: Duration = Duration::from_millis(1);

struct Talk {
    voices: Voices,
    transport: Transport,
    outbox: Outbox,
    start: Instant,
    now: Instant,
    /// When somebody spoke, in milliseconds from the start, and how many milliseconds the packet held.
    spoken: Vec<Vec<(f64, u32)>>,
}

impl Talk {
    fn new() -> Self {
        let certificate = Certificate::generate().unwrap();
        let identity = Arc::new(Identity::new(&certificate, PATIENCE, Some(1)));
        let print = identity.fingerprints()[0].value();
        let remote = Remote {
            fragment: "f".to_owned(),
            password: "p".to_owned(),
            addresses: vec!["127.0.0.1:9".parse().unwrap()],
            fingerprints: Fingerprints::parse([("sha-256", &*print)]).unwrap(),
        };
        let options = TransportOptions {
            local: places::address(0),
            fragment: "load".to_owned(),
            patience: PATIENCE,
            seed: 1,
        };
        let start = Instant::now();
        let mut voices = Voices::new(Arc::default());
        (0..PEOPLE).for_each(|place| voices.add(place, OPTIONS, start));
        Self {
            voices,
            transport: Transport::new(identity, remote, &options, start),
            outbox: Outbox::default(),
            start,
            now: start,
            spoken: vec![Vec::new(); PEOPLE],
        }
    }

    fn run(&mut self, ms: u32) {
        for _ in 0..ms {
            self.now += STEP;
            while let Some(turn) = self.voices.next_turn(self.now) {
                let speaker = self.voices.speakers[turn.speaker].as_ref().unwrap();
                let at = (turn.due - self.start).as_secs_f64() * 1e3;
                self.spoken[turn.speaker].push((at, speaker.ptime().ms()));
                let (transport, outbox) = (&mut self.transport, &mut self.outbox);
                self.voices
                    .speak(turn, transport, self.start, self.now, outbox);
            }
        }
    }

    fn all_wish(&mut self, ptime: Ptime) {
        (0..PEOPLE).for_each(|place| self.voices.wish(place, ptime));
    }

    /// How many spoke in each 10 ms of the last so many.
    fn lately(&self, ms: u32) -> Vec<usize> {
        let from = (self.now - self.start).as_secs_f64() * 1e3 - f64::from(ms);
        let within = |step: u32| {
            let begin = from + f64::from(step) * 10.0;
            let all = self.spoken.iter().flatten();
            all.filter(|(at, _)| (begin..begin + 10.0).contains(at))
                .count()
        };
        (0..ms / 10).map(within).collect()
    }
}

#[test]
fn a_change_in_mid_talk_leaves_no_burst_and_no_gap_longer_than_the_packet_after_it() {
    for first in Ptime::ALL {
        for second in Ptime::ALL {
            let mut talk = Talk::new();
            talk.all_wish(first);
            talk.run(600);
            talk.all_wish(second);
            talk.run(600);
            for person in &talk.spoken {
                for pair in person.windows(2) {
                    let gap = pair[1].0 - pair[0].0;
                    assert!(
                        (gap - f64::from(pair[1].1)).abs() < 0.01,
                        "{gap} ms before a packet of {}",
                        pair[1].1
                    );
                }
                let changed = person.iter().rev().find(|one| one.1 != second.ms());
                assert!(changed.is_none_or(|(at, _)| *at < 780.0), "three packets");
            }
            let each = PEOPLE * 10 / second.ms() as usize;
            let lately = talk.lately(240);
            assert!(
                lately.iter().all(|count| count.abs_diff(each) <= each / 5),
                "{first:?}, {second:?}: {lately:?} in each 10 ms and not {each}"
            );
        }
    }
}

#[test]
fn a_wish_of_somebody_who_does_not_speak_is_harmless() {
    let mut talk = Talk::new();
    talk.voices.wish(PEOPLE + 7, Ptime::Ms60);
    talk.voices.remove(3);
    talk.voices.wish(3, Ptime::Ms60);
    talk.run(40);
    assert!(talk.spoken[3].is_empty());
}

#[test]
fn whoever_was_asked_for_longer_packets_before_the_measurement_sends_those_in_it() {
    let mut talk = Talk::new();
    talk.run(100);
    talk.all_wish(Ptime::Ms60);
    talk.voices.silence();
    talk.spoken = vec![Vec::new(); PEOPLE];
    let sound = Duration::from_millis(600);
    talk.voices.measure(sound, talk.now, |place| place > 0);
    talk.run(700);
    assert!(talk.spoken[0].is_empty(), "not connected");
    for person in &talk.spoken[1..] {
        let lengths: Vec<_> = person.iter().map(|(_, ms)| *ms).collect();
        assert_eq!(lengths, [60; 10]);
    }
    assert_eq!(talk.voices.counters.read().speaking, 0);
}
