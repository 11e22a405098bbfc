//! A listener's line under any order of packets, pauses and changes of source.
#![no_main]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use hocket_media::rtp::Line;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Packet {
        index: u64,
        timestamp: u32,
        after_ms: u16,
    },
    Next {
        skipped: u8,
        after_ms: u8,
    },
    Pause,
    ChangeSource,
}

fuzz_target!(|input: (u16, u32, Vec<Step>)| {
    let (first_sequence, first_timestamp, steps) = input;
    let mut line = Line::new(first_sequence, first_timestamp, 48_000);
    let (mut now, mut source, mut at) = (Instant::now(), 0_u32, 0_u64);
    // What stands at each index: which packet of which source, and how often the stretch had begun by then.
    let mut sent: HashMap<u64, (u32, u64)> = HashMap::new();
    for step in steps {
        let (index, timestamp, after) = match step {
            Step::Pause => {
                line.pause();
                continue;
            }
            Step::ChangeSource => {
                line.change_source();
                source += 1;
                continue;
            }
            Step::Packet {
                index,
                timestamp,
                after_ms,
            } => (index, timestamp, u64::from(after_ms)),
            Step::Next { skipped, after_ms } => {
                let index = at.saturating_add(1 + u64::from(skipped));
                (index, (index as u32).wrapping_mul(960), u64::from(after_ms))
            }
        };
        (at, now) = (index, now + Duration::from_millis(after));
        let Some(mapped) = line.map(index, timestamp, now) else {
            continue;
        };
        assert!(mapped.index < 1 << 48);
        assert_eq!(
            *sent.entry(mapped.index).or_insert((source, index)),
            (source, index),
            "one index, two packets"
        );
        assert_eq!(line.timestamp(timestamp), Some(mapped.timestamp));
        if let Some(found) = line
            .find(mapped.index as u16)
            .filter(|found| found.index == mapped.index)
        {
            assert_eq!((found.source_index, found.begins), (index, mapped.begins));
        }
    }
});
