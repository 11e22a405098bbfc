//! The list of what is missing, under any order of packets and polls.
#![no_main]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use hocket_media::nack::{Generator, MAX_MISSING};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Packet { index: u64 },
    Next { skipped: u8 },
    Poll { after_ms: u16, rtt_ms: u16 },
    Reset,
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut generator, mut now, mut at) = (Generator::new(), Instant::now(), 0_u64);
    let mut received: HashSet<u64> = HashSet::new();
    let mut asked = Vec::new();
    for step in steps {
        match step {
            Step::Packet { index } => at = index & 0xFFFF_FFFF_FFFF,
            Step::Next { skipped } => at = (at + 1 + u64::from(skipped)) & 0xFFFF_FFFF_FFFF,
            Step::Reset => {
                generator.reset();
                received.clear();
                continue;
            }
            Step::Poll { after_ms, rtt_ms } => {
                now += Duration::from_millis(u64::from(after_ms));
                asked.clear();
                generator.poll(now, Duration::from_millis(u64::from(rtt_ms)), &mut asked);
                assert!(asked.len() <= MAX_MISSING);
                continue;
            }
        }
        generator.receive(at, now);
        received.insert(at);
        assert!(generator.missing() <= MAX_MISSING);
    }
    // What is asked for at the end ends in the number of something that has not come.
    asked.clear();
    generator.poll(now + Duration::from_millis(600), Duration::ZERO, &mut asked);
    if let Some(highest) = received.iter().max() {
        for sequence in &asked {
            let behind = u64::from((*highest as u16).wrapping_sub(*sequence));
            assert!(
                behind > 0 && !received.contains(&(highest - behind)),
                "asked for {sequence}, which has come"
            );
        }
    }
});
