//! What a speaker's packets are like, whatever their length.

use super::*;
use hocket_media::rtp::Header;

/// Somebody who talks.
pub(crate) const OPTIONS: SpeakOptions = SpeakOptions {
    ssrc: 7,
    payload_type: 111,
    payload: 80,
    vary: 0,
    ptime: Ptime::Ms20,
    level_extension: Some(3),
    level: -30,
};

fn level(dbov: i8) -> Level {
    let mut speaker = Speaker::new(SpeakOptions {
        level: dbov,
        ..OPTIONS
    });
    speaker.write_header();
    let packet = [&speaker.header[..], &speaker.payload[..]].concat();
    let header = Header::parse(&packet).unwrap();
    Level::from_bytes(header.extension(&packet, 3).unwrap()).unwrap()
}

#[test]
fn lengths_vary_evenly_within_what_was_asked_for_and_are_the_same_each_time() {
    let lengths = |ssrc, vary| -> Vec<usize> {
        let mut speaker = Speaker::new(SpeakOptions {
            ssrc,
            vary,
            ..OPTIONS
        });
        let next = |frame| {
            speaker.frames = frame;
            speaker.length()
        };
        (0..8_100).map(next).collect()
    };
    let varied = lengths(7, 40);
    for length in 40..=120 {
        let times = varied.iter().filter(|one| **one == length).count();
        assert!(
            (50..=150).contains(&times),
            "{length}: {times} times of 100"
        );
    }
    assert_eq!(varied, lengths(7, 40));
    assert_ne!(varied, lengths(8, 40));
    assert!(lengths(7, 0).iter().all(|length| *length == 80));
}

#[test]
fn a_payload_that_may_become_too_short_or_too_long_is_refused() {
    for (payload, vary, fits) in [
        (80, 68, true),
        (80, 69, false),
        (1_190, 10, true),
        (1_190, 11, false),
    ] {
        let options = SpeakOptions {
            payload,
            vary,
            ..OPTIONS
        };
        assert_eq!(options.check().is_ok(), fits, "{payload} ± {vary}");
    }
}

#[test]
fn a_quiet_microphone_is_marked_as_no_voice() {
    for (dbov, voice) in [(-30, true), (-60, true), (-61, false), (-80, false)] {
        assert_eq!(level(dbov), Level { voice, dbov });
    }
}

fn header_of(speaker: &mut Speaker) -> Header {
    speaker.write_header();
    let packet = [&speaker.header[..], &speaker.payload[..]].concat();
    Header::parse(&packet).unwrap()
}

/// The packet time, sequence number and timestamp of the next packets.
fn said(speaker: &mut Speaker, packets: usize) -> Vec<(u32, u16, u32)> {
    let mut next = |_| {
        let header = header_of(speaker);
        let ptime = speaker.ptime().ms();
        speaker.pass(true);
        (ptime, header.sequence, header.timestamp)
    };
    (0..packets).map(&mut next).collect()
}

#[test]
fn a_wish_is_fulfilled_after_the_packet_in_the_making_and_as_many_as_it_waits() {
    let mut speaker = Speaker::new(OPTIONS);
    speaker.wish(Ptime::Ms60, 0);
    assert_eq!(said(&mut speaker, 2), [(20, 0, 0), (60, 1, 960)]);
    speaker.wish(Ptime::Ms40, 1);
    let expected = [
        (60, 2, 3_840),
        (60, 3, 6_720),
        (40, 4, 9_600),
        (40, 5, 11_520),
    ];
    assert_eq!(said(&mut speaker, 4), expected);
    speaker.wish(Ptime::Ms20, 2);
    speaker.wish(Ptime::Ms40, 0);
    let lengths: Vec<_> = said(&mut speaker, 4).iter().map(|one| one.0).collect();
    assert_eq!(lengths, [40; 4], "the last wish counts");
}

#[test]
fn a_packet_of_more_frames_has_the_bytes_of_all_of_them() {
    let lengths = |ptime, vary, packets: usize| -> Vec<usize> {
        let mut speaker = Speaker::new(SpeakOptions {
            ptime,
            vary,
            ..OPTIONS
        });
        let mut next = |_| {
            let length = speaker.length();
            speaker.pass(true);
            length
        };
        (0..packets).map(&mut next).collect()
    };
    let frames = lengths(Ptime::Ms20, 40, 60);
    for ptime in [Ptime::Ms40, Ptime::Ms60] {
        let sums: Vec<usize> = frames
            .chunks(ptime.frames())
            .map(|one| one.iter().sum())
            .collect();
        assert_eq!(lengths(ptime, 40, sums.len()), sums, "{ptime:?}");
        assert_eq!(lengths(ptime, 0, 2), [80 * ptime.frames(); 2]);
    }
}

#[test]
fn packets_of_more_than_1_200_bytes_are_sent_neither_at_first_nor_later() {
    for (payload, vary, longest) in [(400, 0, 60), (390, 10, 60), (390, 11, 40), (601, 0, 20)] {
        for ptime in Ptime::ALL {
            let options = SpeakOptions {
                payload,
                vary,
                ptime,
                ..OPTIONS
            };
            let fits = ptime.ms() <= longest;
            let at_first = Speaker::new(options).ptime();
            let expected = if fits { ptime } else { Ptime::Ms20 };
            assert_eq!(at_first, expected, "{payload} ± {vary}, {ptime:?}");
            let mut speaker = Speaker::new(SpeakOptions {
                ptime: Ptime::Ms20,
                ..options
            });
            speaker.wish(ptime, 0);
            speaker.pass(true);
            assert_eq!(speaker.ptime() == ptime, fits || ptime == Ptime::Ms20);
            assert!(
                speaker.length() <= speaker.payload.len(),
                "there is room for it"
            );
        }
    }
}

#[test]
fn a_talk_of_so_much_sound_is_whole_packets_of_whatever_length() {
    for (ptime, packets) in [(Ptime::Ms20, 6), (Ptime::Ms40, 3), (Ptime::Ms60, 2)] {
        let mut speaker = Speaker::new(SpeakOptions { ptime, ..OPTIONS });
        speaker.begin(Duration::from_millis(110));
        assert_eq!(speaker.asked(), packets);
        while speaker.goes_on() {
            speaker.pass(true);
        }
        assert_eq!(speaker.sent().iter().sum::<u64>(), packets, "{ptime:?}");
        assert_eq!(speaker.asked(), packets);
    }
}

#[test]
fn a_talk_whose_packets_become_longer_holds_no_more_sound() {
    let mut speaker = Speaker::new(OPTIONS);
    speaker.begin(Duration::from_millis(200));
    speaker.wish(Ptime::Ms60, 3);
    while speaker.goes_on() {
        speaker.pass(true);
    }
    assert_eq!(*speaker.sent(), [4, 0, 2]);
}

#[test]
fn what_its_transport_cannot_send_was_asked_of_it_all_the_same() {
    let mut speaker = Speaker::new(OPTIONS);
    speaker.begin(Duration::from_millis(100));
    speaker.pass(true);
    speaker.pass(false);
    assert_eq!((speaker.sent()[0], speaker.asked()), (1, 5));
}

#[test]
fn a_wish_between_two_talks_is_fulfilled_at_once() {
    let mut speaker = Speaker::new(OPTIONS);
    speaker.wish(Ptime::Ms60, 2);
    speaker.begin(Duration::from_millis(120));
    assert_eq!((speaker.ptime(), speaker.asked()), (Ptime::Ms60, 2));
}
