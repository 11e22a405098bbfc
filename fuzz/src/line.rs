//! A listener's line under any order of packets, pauses and changes of source.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hocket_media::rtp::Line;

use crate::reader::Reader;

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

impl Step {
    fn read(input: &mut Reader<'_>) -> Self {
        match input.byte() % 4 {
            0 => Self::Packet {
                index: input.u64(),
                timestamp: input.u32(),
                after_ms: input.u16(),
            },
            1 => Self::Next {
                skipped: input.byte(),
                after_ms: input.byte(),
            },
            2 => Self::Pause,
            _ => Self::ChangeSource,
        }
    }
}

/// Where the line starts, then the steps.
pub fn run(bytes: &[u8]) {
    let mut input = Reader::new(bytes);
    let mut line = Line::new(input.u16(), input.u32(), 48_000);
    let (mut now, mut source, mut at) = (Instant::now(), 0_u32, 0_u64);
    // What stands at each index: which packet of which source.
    let mut sent: HashMap<u64, (u32, u64)> = HashMap::new();
    while !input.is_empty() {
        let (index, timestamp, after) = match Step::read(&mut input) {
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
}
