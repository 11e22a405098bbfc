//! The list of what is missing, under any order of packets and polls.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hocket_media::nack::{Generator, MAX_MISSING};

use crate::reader::Reader;

/// Packet indices have 48 bits (RFC 3711 §3.3.1).
const INDEX: u64 = (1 << 48) - 1;

enum Step {
    Packet { index: u64 },
    Next { skipped: u8 },
    Poll { after_ms: u16, rtt_ms: u16 },
    Reset,
}

impl Step {
    fn read(input: &mut Reader<'_>) -> Self {
        match input.byte() % 4 {
            0 => Self::Packet { index: input.u64() },
            1 => Self::Next {
                skipped: input.byte(),
            },
            2 => Self::Poll {
                after_ms: input.u16(),
                rtt_ms: input.u16(),
            },
            _ => Self::Reset,
        }
    }
}

/// The steps.
pub fn run(bytes: &[u8]) {
    let mut input = Reader::new(bytes);
    let (mut generator, mut now, mut at) = (Generator::new(), Instant::now(), 0_u64);
    let mut received: HashSet<u64> = HashSet::new();
    let mut asked = Vec::new();
    while !input.is_empty() {
        match Step::read(&mut input) {
            Step::Packet { index } => at = index & INDEX,
            Step::Next { skipped } => at = (at + 1 + u64::from(skipped)) & INDEX,
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
}
